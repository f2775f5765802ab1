"""A user's own service in the server's place: it is reached, and it is gone after."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab import engine, runner, scenario, servers
from lab import lab as labs
from lab.errors import LabError
from lab.lab import Lab
from lab.topology import ECHO_PORT, FAMILIES
from tests.lab.conftest import beside

BUSYBOX = "/bin/busybox"
HTTP = ["python3", "-u", "-m", "http.server", "--bind", "::"]
KILLED = "test-servers"


@pytest.fixture(autouse=True)
def _server_is_as_it_was(lab: Lab) -> Iterator[None]:
    processes = processes_of(lab)
    yield
    assert processes_of(lab) == processes
    assert beside(lab) == []
    assert lab.changes() == []
    assert lab.hosts["server"].do("faults") == {}
    assert lab.replaced == set()
    assert not any(labs.health(lab).values())


def processes_of(lab: Lab) -> list[str]:
    """Return the commands of the server, but for its health check, which comes and goes."""
    lines = lab.hosts["server"].run("ps", "-eo", "args").splitlines()
    return sorted(line for line in lines if not re.search("flock|runc|exec", line))


def fetched(lab: Lab, port: int, family: str = "ipv4") -> str:
    """Return the status of an answer to a request over HTTP."""
    address = lab.block.address("server", "ipv4" if family == "ipv4" else "ipv6")
    url = f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/"
    argv = ["curl", "-gs", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "5", url]
    return lab.hosts["client"].run(*argv, check=False)


@pytest.mark.parametrize("port", [None, 8000])
def test_a_command_in_the_server_answers_in_both_families(lab: Lab, port: int | None) -> None:
    with servers.serving(lab, command=[*HTTP, "8000"], port=port) as service:
        assert (service.proto, service.port, service.addresses) == ("tcp", 8000, ("::",))
        assert [fetched(lab, 8000, family) for family in FAMILIES] == ["200", "200"]
        assert service.alive()
        assert "GET / HTTP/1.1" in service.output()
    assert fetched(lab, 8000) == "000"


@pytest.mark.parametrize("port", [None, 9000])
def test_an_image_in_the_servers_place_answers(lab: Lab, foreign: str, port: int | None) -> None:
    argv = [BUSYBOX, "httpd", "-f", "-vv", "-p", "9000"]
    with servers.serving(lab, image=foreign, command=argv, port=port) as service:
        assert service.port == 9000
        assert fetched(lab, 9000) == "404"
        assert service.alive()
        assert "404" in service.output()
    assert fetched(lab, 9000) == "000"


@pytest.mark.parametrize("in_image", [True, False])
def test_a_service_of_udp_answers(lab: Lab, in_image: bool) -> None:
    python = ("import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 5353));\n"
              "while True: s.sendto(*s.recvfrom(99))")  # fmt: skip
    image = lab.containers["server"]["Image"] if in_image else ""
    address = lab.block.address("server", "ipv4")
    command = ["python3", "-c", python]
    with servers.serving(lab, image=image, command=command, proto="udp") as service:
        assert (service.proto, service.port) == ("udp", 5353)
        echo = lab.hosts["client"].do("echo", proto="udp", address=address, port=5353)
        assert echo == ""


@pytest.mark.parametrize("in_image", [True, False])
def test_a_service_that_ends_at_once_shows_its_last_words(
    lab: Lab, foreign: str, in_image: bool
) -> None:
    if in_image:
        where = {"image": foreign, "command": [BUSYBOX, "sh", "-c", "echo no config; exit 3"]}
    else:
        where = {"command": ["sh", "-c", "echo no config; exit 3"]}
    with (
        pytest.raises(LabError, match=r"(?s)status 3, before it listened.*  no config"),
        servers.serving(lab, **where),  # type: ignore[arg-type]
    ):
        pass


@pytest.mark.parametrize(
    ("script", "port", "words"),
    [
        ("echo waiting; exec sleep 100", None, r"(?s)any tcp port after 5 s\n.*waiting"),
        ("exec python3 -m http.server 8000", 8001, "tcp port 8001 after 5 s, but on 8000"),
        ("exec python3 -m http.server -b 127.0.0.1 8000", None, "for its own host alone"),
    ],
)
def test_a_service_that_never_listens_is_ended(
    lab: Lab, script: str, port: int | None, words: str
) -> None:
    with (
        pytest.raises(LabError, match=words),
        servers.serving(lab, command=["sh", "-c", script], port=port, within_s=5),
    ):
        pass


def test_an_image_that_never_listens_is_ended(lab: Lab, foreign: str) -> None:
    argv = [BUSYBOX, "sh", "-c", "trap '' TERM; echo deaf; while :; do /bin/busybox sleep 1; done"]
    with (
        pytest.raises(LabError, match=r"(?s)any tcp port after 1 s.*deaf"),
        servers.serving(lab, image=foreign, command=argv, within_s=1),
    ):
        pass


def test_of_several_ports_one_must_be_named(lab: Lab) -> None:
    python = ("import socket, time; one = socket.create_server(('', 8000)); time.sleep(0.15);"
              "other = socket.create_server(('', 8001)); time.sleep(100)")  # fmt: skip
    two = ["python3", "-c", python]
    with (
        pytest.raises(LabError, match="8000, 8001; say which"),
        servers.serving(lab, command=two),
    ):
        pass
    with servers.serving(lab, command=two, port=8001) as service:
        assert service.port == 8001


def test_a_command_that_is_not_there_is_an_error(lab: Lab) -> None:
    with (
        pytest.raises(LabError, match="nope: No such file"),
        servers.serving(lab, command=["nope"]),
    ):
        pass


def test_a_port_that_is_taken_is_an_error(lab: Lab) -> None:
    with (
        servers.serving(lab, command=[*HTTP, "8000"]),
        pytest.raises(LabError, match="8000 of the server is taken"),
        servers.serving(lab, command=[*HTTP, "8000"], port=8000),
    ):
        pass


def test_processes_that_a_command_leaves_in_sessions_of_their_own_end_with_it(lab: Lab) -> None:
    script = "trap '' TERM; (setsid sleep 1000 &); setsid sleep 1001 & python3 -m http.server 8000"
    with servers.serving(lab, command=["sh", "-c", script]) as service:
        assert "sleep 1001" in processes_of(lab)
        assert service.alive()


def test_a_service_that_goes_into_the_background_is_alive(lab: Lab) -> None:
    script = "setsid python3 -m http.server 8000 & exit 0"
    with servers.serving(lab, command=["sh", "-c", script]) as service:
        assert service.alive()
        assert fetched(lab, 8000) == "200"


def test_a_service_that_ends_meanwhile_is_not_alive(lab: Lab, foreign: str) -> None:
    argv = [BUSYBOX, "nc", "-l", "-p", "9000"]
    with servers.serving(lab, image=foreign, command=argv) as service:
        address = lab.block.address("server", "ipv4")
        lab.hosts["client"].do("echo", proto="tcp", address=address, port=9000)
        lab.hosts["client"].run("sleep", "1")
        assert not service.alive()


@pytest.mark.parametrize("proto", ["tcp", "udp"])
def test_in_the_echos_place_the_bystander_takes_the_other_protocol(lab: Lab, proto: str) -> None:
    """A scenario runs as ever, but for the service that answers it."""
    name = "host_unreachable" if proto == "tcp" else "icmp_udp"
    command = (
        [*HTTP, str(ECHO_PORT)]
        if proto == "tcp"
        else ["errnolab-server", "--udp", "--port", str(ECHO_PORT)]
    )
    with servers.serving(lab, command=command, port=ECHO_PORT, proto=proto):
        assert lab.replaced == {proto}
        assert lab.changes() == []
        assert list(lab.hosts["server"].do("faults")) == [servers.MADE_WAY]
        loaded = scenario.load(name)
        result, _ = runner.run(lab, replace(loaded, cases=loaded.cases[:1]), "ipv4")
    assert result.verdict == "pass", result.cases[0].reason
    assert result.cases[0].controls.bystander == "ok"


HOLDING = """
import sys, time
from lab import lab as labs, servers
with labs.hold(sys.argv[1]) as lab:
    image = {"image": sys.argv[2]} if sys.argv[2] else {}
    with servers.serving(lab, command=sys.argv[3:], port=16555, **image):
        print("serving", flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("in_image", [True, False])
def test_after_kill_9_the_next_command_finds_the_echo_and_no_service(
    here: engine.Engine, foreign: str, in_image: bool
) -> None:
    where = [foreign, BUSYBOX, "httpd", "-f", "-p", "16555"] if in_image else ["", *HTTP, "16555"]
    argv = [sys.executable, "-c", HOLDING, KILLED, *where]
    root = Path(__file__).parents[2]
    try:
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, text=True, cwd=root, start_new_session=True
        ) as holding:
            assert holding.stdout is not None
            assert holding.stdout.readline() == "serving\n"
            os.killpg(holding.pid, signal.SIGKILL)
        before = labs.find(here, KILLED).containers["server"]["Id"]
        with labs.hold(KILLED) as lab:
            # It was restored, not built anew.
            assert lab.containers["server"]["Id"] == before
            assert lab.healed == [servers.MADE_WAY]
            assert beside(lab) == []
            assert not any(labs.health(lab).values())
            assert lab.changes() == []
    finally:
        labs.remove(here, KILLED)
