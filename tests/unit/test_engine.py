"""The engine is found, refused with a reason, or started; nothing here needs one."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest
from docker.errors import DockerException

from lab import apt, engine, shell
from lab.errors import CommandFailed, EngineError

DOCKER = {"Version": "20.10.24+dfsg1", "Components": [{"Name": "Engine"}]}
PODMAN = {"Version": "4.3.1", "Components": [{"Name": "Podman Engine"}]}


def client(about: dict[str, Any]) -> Any:
    return SimpleNamespace(version=lambda: about, api=SimpleNamespace(timeout=5))


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


class Machine:
    """This machine as the engine sees it: commands, what they do, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: list[list[str]] = []
        self.commands = {"docker"}
        self.now = 0.0
        self.old_one_ends_at = 0.0
        monkeypatch.delenv("DOCKER_HOST", raising=False)
        monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
        monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
        monkeypatch.setattr(shell, "run", self.run)
        monkeypatch.setattr("lab.engine.shutil.which", self.which)
        monkeypatch.setattr("lab.engine.time.monotonic", lambda: self.now)
        monkeypatch.setattr("lab.engine.time.sleep", self.sleep)
        monkeypatch.setattr(engine, "_daemon_runs", lambda: self.now < self.old_one_ends_at)
        self.monkeypatch = monkeypatch

    def run(self, argv: list[str], **_kwargs: Any) -> str:
        self.ran.append(argv)
        return ""

    def which(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name in self.commands else None

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def engine(self, from_env: Callable[..., Any]) -> None:
        self.monkeypatch.setattr(docker, "from_env", from_env)

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


def test_an_engine_found_gets_more_time_for_an_answer_than_the_search_had(machine: Machine) -> None:
    machine.engine(answers(DOCKER))
    assert engine.connect().client.api.timeout > engine.ANSWER_S


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
    gc.collect()  # The SDK does not close its end; no other test should be told so.


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_an_engine_that_is_down_is_named_with_the_place_asked(
    machine: Machine, dead_socket: Path
) -> None:
    """The SDK is the real one here: its chain of errors is what we take apart."""
    machine.monkeypatch.setenv("DOCKER_HOST", f"unix://{dead_socket}")
    with pytest.raises(EngineError) as raised:
        engine.connect()
    assert str(dead_socket) in str(raised.value)
    assert "Connection refused" in str(raised.value)


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
