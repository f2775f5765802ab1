"""The engine is found, refused with a reason, or started; nothing here needs one."""

from __future__ import annotations

import gc
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest
from docker.errors import DockerException
from requests.exceptions import ReadTimeout

from lab import apt, console, engine, shell
from lab.errors import CommandFailed, EngineError

DOCKER = {
    "Version": "20.10.24+dfsg1",
    "ApiVersion": "1.41",
    "Components": [{"Name": "Engine"}],
}
PODMAN = {"Version": "4.3.1", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}]}


def client(about: dict[str, Any]) -> Any:
    """Answer as the SDK's client does, to who asks without a version and then hangs up."""
    closed: list[bool] = []

    def version(*, api_version: bool) -> dict[str, Any]:
        assert not api_version
        assert not closed
        return about

    api = SimpleNamespace(
        timeout=5, base_url="tcp://198.18.0.1", get_adapter=lambda _url: None, version=version
    )
    return SimpleNamespace(api=api, closed=closed, close=lambda: closed.append(True))


def answers(about: dict[str, Any]) -> Callable[..., Any]:
    return lambda **_kwargs: client(about)


def fails(number: int) -> Callable[..., Any]:
    """Raise as the SDK does: its own error, with the system's underneath."""

    def from_env(**_kwargs: Any) -> Any:
        try:
            raise OSError(number, "the system's word")
        except OSError as why:
            raise DockerException("Error while fetching server API version") from why

    return from_env


def is_silent(**_kwargs: Any) -> Any:
    """Take the connection and say nothing."""
    slow = client(DOCKER)

    def version(**_kwargs: Any) -> Any:
        raise ReadTimeout

    slow.api.version = version
    return slow


def refusal(ask: Callable[[], object]) -> str:
    """Return what `ask` is refused with, after all it held has gone.

    A socket that it left open is a warning then, and warnings are errors.
    """
    with pytest.raises(EngineError) as raised:
        ask()
    said = str(raised.value)
    del raised
    gc.collect()
    return said


class Machine:
    """This machine as the engine sees it: commands, what they do, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: list[list[str]] = []
        self.steps: list[str] = []
        self.commands = {"docker"}
        self.now = 0.0
        self.old_one_ends_at = 0.0
        for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
            # Set first, as only then what a test leaves there is taken out after it.
            monkeypatch.setenv(name, "")
            monkeypatch.delenv(name)
        monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
        monkeypatch.setattr(shell, "run", self.run)
        monkeypatch.setattr(console, "step", self.step)
        monkeypatch.setattr("lab.engine.shutil.which", self.which)
        monkeypatch.setattr("lab.engine.time.monotonic", lambda: self.now)
        monkeypatch.setattr("lab.engine.time.sleep", self.sleep)
        monkeypatch.setattr(engine, "_daemon_runs", lambda: self.now < self.old_one_ends_at)
        self.monkeypatch = monkeypatch

    def run(self, argv: list[str], **_kwargs: Any) -> str:
        self.ran.append(argv)
        return ""

    @contextmanager
    def step(self, text: str) -> Iterator[Callable[[str], None]]:
        self.steps.append(text)
        yield lambda _detail: None

    def which(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name in self.commands else None

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def engine(self, from_env: Callable[..., Any]) -> None:
        self.monkeypatch.setattr(docker, "from_env", from_env)

    def listens(self, listener: socket.socket, answer_s: float) -> str:
        """Have this one place, and short waits; return the place."""
        place = f"unix://{listener.getsockname()}"
        self.monkeypatch.setattr(engine, "_places", lambda: iter([{"DOCKER_HOST": place}]))
        self.monkeypatch.setattr(engine, "QUIET_S", 0.1)
        self.monkeypatch.setattr(engine, "ANSWER_S", answer_s)
        return place

    def ours(self, yes: bool) -> None:
        self.monkeypatch.setattr(apt, "usable", lambda: yes)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_an_engine_that_answers_is_described(machine: Machine) -> None:
    machine.engine(answers(DOCKER))
    found = engine.connect()
    assert (found.name, found.version, found.cli) == ("Docker", "20.10.24+dfsg1", "/usr/bin/docker")
    assert "DOCKER_HOST" not in os.environ


def test_the_client_handed_out_speaks_the_engines_api_and_the_one_that_asked_is_closed(
    machine: Machine,
) -> None:
    made: list[tuple[str, Any]] = []

    def from_env(*, version: str, **_kwargs: Any) -> Any:
        made.append((version, client({**DOCKER, "ApiVersion": "1.52"})))
        return made[-1][1]

    machine.engine(from_env)
    found = engine.connect()
    (_, asking), (spoken, handed_out) = made
    assert asking.closed
    assert (spoken, handed_out.closed) == ("1.52", [])
    assert found.client is handed_out


@pytest.mark.parametrize("place", ["tcp://a..b:80", "tcp://localhost:99999"])
def test_a_place_that_is_misspelt_is_named(machine: Machine, place: str) -> None:
    """The SDK is the real one here; nothing is asked."""
    machine.monkeypatch.setenv("DOCKER_HOST", place)
    assert f"no container engine answers at {place}: " in refusal(engine.connect)


def test_something_else_that_answers_is_not_taken_for_an_engine(machine: Machine) -> None:
    machine.monkeypatch.setenv("DOCKER_HOST", "tcp://198.18.0.1:80")
    machine.engine(answers({"hello": "world"}))
    assert "198.18.0.1:80: what answers is no container engine" in refusal(engine.connect)


def test_podman_is_used_with_its_own_command(machine: Machine) -> None:
    machine.commands = {"docker", "podman"}
    machine.engine(answers(PODMAN))
    found = engine.connect()
    assert (found.name, found.cli) == ("Podman", "/usr/bin/podman")


@pytest.mark.parametrize(
    ("about", "wanted"),
    [
        ({**DOCKER, "Version": "20.9.9"}, "20.10"),
        ({**DOCKER, "Version": "19.03.1-ce"}, "20.10"),
        ({**PODMAN, "Version": "3.4.4"}, "4.0"),
    ],
)
def test_an_engine_too_old_is_named_with_what_was_wanted(
    machine: Machine, about: dict[str, Any], wanted: str
) -> None:
    machine.engine(answers(about))
    with pytest.raises(EngineError) as raised:
        engine.connect()
    assert about["Version"] in str(raised.value)
    assert f"wanted {wanted} or newer" in str(raised.value)


def test_an_engine_without_its_command_is_refused(machine: Machine) -> None:
    machine.commands = set()
    machine.engine(answers(DOCKER))
    with pytest.raises(EngineError, match="`docker` is not on the PATH"):
        engine.connect()


def test_no_permission_names_the_group(machine: Machine) -> None:
    machine.engine(fails(13))
    with pytest.raises(EngineError, match=r"permission denied(.|\n)*usermod -aG docker"):
        engine.connect()


def test_no_engine_and_no_command_says_how_to_get_one(machine: Machine) -> None:
    machine.commands = set()
    machine.engine(fails(2))
    with pytest.raises(EngineError, match=r"no container engine found(.|\n)*apt-get install"):
        engine.connect()


@pytest.fixture
def dead_socket(tmp_path: Path) -> Iterator[Path]:
    """A socket's file that nobody listens on."""
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        yield path


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket that takes connections, and says nothing by itself."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "docker.sock"))
        listening.listen()
        listening.settimeout(5)
        yield listening


def answer_the_second(listener: socket.socket) -> None:
    """Let the first request go unanswered; a connection without one does not count."""
    body = json.dumps(DOCKER)
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    requests = 0
    while requests < 2:
        with listener.accept()[0] as connection:
            requests += bool(connection.recv(65536))
            if requests == 2:
                connection.sendall(answer.encode())
            # Until the other end is closed.
            connection.recv(65536)


def test_an_engine_that_is_down_is_named_with_the_place_asked(
    machine: Machine, dead_socket: Path
) -> None:
    """The SDK is the real one here: its chain of errors is what we take apart."""
    machine.monkeypatch.setenv("DOCKER_HOST", f"unix://{dead_socket}")
    said = refusal(engine.connect)
    assert str(dead_socket) in said
    assert "Connection refused" in said
    assert machine.steps == []


def test_an_engine_that_says_nothing_is_named_and_no_other_is_started(
    machine: Machine, listener: socket.socket
) -> None:
    """The SDK is the real one here."""
    machine.commands = {"docker", "dockerd"}
    machine.ours(True)
    place = machine.listens(listener, answer_s=0.5)
    said = refusal(engine.ensure)
    assert f"{place} accepted the connection and did not answer within 0.5 s" in said
    assert "restart it: " in said
    assert machine.ran == []


def test_an_engine_that_is_slow_to_answer_is_waited_for_and_used(
    machine: Machine, listener: socket.socket
) -> None:
    """The SDK is the real one here; it gives the first request up and makes another."""
    machine.ours(True)
    machine.listens(listener, answer_s=5)
    slow = threading.Thread(target=answer_the_second, args=(listener,), daemon=True)
    slow.start()
    found = engine.ensure()
    found.client.close()
    slow.join(5)
    assert (found.version, found.client.api.api_version) == ("20.10.24+dfsg1", "1.41")
    assert machine.steps == ["Waiting for the engine to answer"]
    assert machine.ran == []
    gc.collect()


def test_a_rootless_socket_is_found_and_handed_on_in_the_environment(
    machine: Machine, tmp_path: Path
) -> None:
    place = f"unix://{tmp_path}/docker.sock"
    machine.monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    def only_there(*, environment: dict[str, str], **_kwargs: Any) -> Any:
        return (answers(DOCKER) if environment.get("DOCKER_HOST") == place else fails(2))()

    machine.engine(only_there)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "docker.sock"))
        engine.connect()
    # The command for `exec`, and Compose, find this same engine.
    assert os.environ["DOCKER_HOST"] == place


def test_an_engine_that_answers_is_left_as_it_is(machine: Machine) -> None:
    machine.ours(True)
    machine.engine(answers(DOCKER))
    engine.ensure()
    assert machine.ran == []


def test_nothing_is_installed_or_started_on_a_machine_that_is_not_ours(machine: Machine) -> None:
    machine.commands = set()
    machine.ours(False)
    machine.engine(fails(2))
    with pytest.raises(EngineError):
        engine.ensure()
    assert machine.ran == []


def test_nothing_is_started_for_who_pointed_us_elsewhere(machine: Machine) -> None:
    machine.commands = {"docker", "dockerd"}
    machine.ours(True)
    machine.monkeypatch.setenv("DOCKER_HOST", "tcp://198.18.0.1:2375")
    machine.engine(fails(111))
    with pytest.raises(EngineError, match=r"tcp://198\.18\.0\.1:2375"):
        engine.ensure()
    assert machine.ran == []


def test_a_missing_engine_is_installed(machine: Machine) -> None:
    machine.commands = set()
    machine.ours(True)
    machine.engine(answers(DOCKER))

    def install(argv: list[str], **_kwargs: Any) -> str:
        machine.ran.append(argv)
        machine.commands = {"docker", "dockerd"}
        return ""

    machine.monkeypatch.setattr(shell, "run", install)
    engine.ensure()
    assert machine.ran[-1][-1] == "docker.io"


def test_an_engine_that_is_going_down_is_waited_for_before_another_is_started(
    machine: Machine,
) -> None:
    """A second one would find the old one's pid file and give up."""
    machine.commands, machine.old_one_ends_at = {"docker", "dockerd"}, 4.0
    machine.ours(True)
    started_at: list[float] = []

    def late(**_kwargs: Any) -> Any:
        if machine.ran and not started_at:
            started_at.append(machine.now)
        return (answers(DOCKER) if machine.ran else fails(111))()

    machine.engine(late)
    engine.ensure()
    assert 4 <= started_at[0] < 5


def test_no_other_way_is_tried_when_the_engine_that_was_started_says_nothing(
    machine: Machine,
) -> None:
    machine.commands = {"docker", "dockerd"}
    machine.ours(True)
    machine.monkeypatch.setattr(engine, "_ways", lambda: iter([["one"], ["another"]]))
    machine.engine(lambda **_kwargs: (is_silent if machine.ran else fails(111))())
    assert "the usual socket accepted the connection" in refusal(engine.ensure)
    assert machine.ran == [["one"]]


def test_an_engine_that_is_down_is_started_and_waited_for(machine: Machine) -> None:
    """It answers 3 s after the command that started it came back."""
    machine.commands = {"docker", "dockerd"}
    machine.ours(True)

    def late(**_kwargs: Any) -> Any:
        return (answers(DOCKER) if machine.ran and machine.now >= 3 else fails(111))()

    machine.engine(late)
    assert engine.ensure().name == "Docker"
    assert 3 <= machine.now < engine.START_S


def test_the_next_way_is_tried_when_one_to_start_the_engine_fails(machine: Machine) -> None:
    machine.commands = {"docker", "dockerd"}
    machine.ours(True)
    machine.monkeypatch.setattr(engine, "_ways", lambda: iter([["broken"], ["good"]]))

    def run(argv: list[str], **_kwargs: Any) -> str:
        machine.ran.append(argv)
        if argv == ["broken"]:
            raise CommandFailed("here", argv, 1)
        return ""

    machine.monkeypatch.setattr(shell, "run", run)
    machine.engine(lambda **_kw: (answers(DOCKER) if ["good"] in machine.ran else fails(111))())
    engine.ensure()
    assert machine.ran == [["broken"], ["good"]]


def test_an_engine_that_never_comes_up_ends_the_wait_with_where_to_look(machine: Machine) -> None:
    machine.commands = {"docker", "dockerd"}
    machine.ours(True)
    machine.engine(fails(111))
    with pytest.raises(EngineError, match="did not answer within 30 s"):
        engine.ensure()


def test_patience_is_given_back(machine: Machine) -> None:
    asked = client(DOCKER)
    with pytest.raises(ValueError, match="x"), engine.patience(asked, 2):
        assert asked.api.timeout == 2
        raise ValueError("x")
    assert asked.api.timeout == 5
