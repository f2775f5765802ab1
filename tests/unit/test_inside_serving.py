"""A kept service: started, looked at, ended with all that it left; and what listens."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.inside import serving
from lab.inside.octets import as_octets

PATIENCE_S = 10.0


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    serving.server_stop()


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def printed() -> bytes:
    return as_octets(serving.server_look()["printed"])


def is_there(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_service_has_its_environment_and_what_it_prints_is_kept() -> None:
    assert (
        serving.server_start(["sh", "-c", "echo $A; echo oh >&2; exec sleep 100"], {"A": "b"}) == ""
    )
    wait_for(lambda: printed() == b"b\noh\n")
    seen = serving.server_look()
    assert (seen["alive"], seen["value"]) == (True, None)


@pytest.mark.parametrize(("end", "value"), [("exit 3", 3), ("kill -KILL $$", -9)])
def test_the_end_of_a_service_is_seen(end: str, value: int) -> None:
    serving.server_start(["sh", "-c", end], {})
    wait_for(lambda: not serving.server_look()["alive"])
    assert serving.server_look()["value"] == value


def test_one_that_is_not_there_is_said() -> None:
    assert serving.server_start(["/nope"], {}) == "/nope: No such file or directory"


def test_a_flood_is_not_kept_as_a_whole() -> None:
    serving.server_start(["sh", "-c", "head -c 5000000 /dev/zero; echo last; exec sleep 100"], {})
    wait_for(lambda: printed().endswith(b"last\n"))
    assert len(printed()) < 40_000


def numbers_of(script: str, count: int) -> list[int]:
    """Start a script that prints numbers of processes; return them."""
    assert serving.server_start(["sh", "-c", script], {}) == ""
    wait_for(lambda: printed().count(b"\n") == count)
    return [int(number) for number in printed().split()]


LEAVING = (
    "trap '' TERM; echo $$; setsid sleep 100 & echo $!;"
    " (setsid sh -c 'trap \"\" TERM; echo $$; sleep 100; :' &); sleep 100; sleep 100"
)


def test_with_a_service_end_processes_that_ignore_it_and_left_its_session() -> None:
    numbers = numbers_of(LEAVING, 3)
    assert all(map(is_there, numbers))
    serving.server_stop()
    assert not any(map(is_there, numbers))


def test_a_service_that_left_processes_and_ended_is_alive() -> None:
    (left,) = numbers_of("setsid sleep 100 & echo $!; exit 0", 1)
    wait_for(lambda: serving.server_look()["value"] == 0)
    assert serving.server_look()["alive"]
    serving.server_stop()
    assert not is_there(left)


def test_a_service_ends_when_its_agent_is_killed() -> None:
    """Nobody tells the keeper then: its pipe closes."""
    reading, writing = os.pipe()
    agent = os.fork()
    if agent == 0:
        serving.server_start(
            ["sh", "-c", f"echo $$ >/proc/{os.getppid()}/fd/{writing}; sleep 100"], {}
        )
        time.sleep(PATIENCE_S)
        os._exit(1)
    number = int(os.read(reading, 64))
    os.kill(agent, 9)
    os.waitpid(agent, 0)
    os.close(reading)
    os.close(writing)
    wait_for(lambda: not is_there(number))


def test_a_service_ends_when_its_keeper_is_killed() -> None:
    (number,) = numbers_of("echo $$; exec sleep 100", 1)
    os.kill(serving._keepers[-1].pid, 9)
    wait_for(lambda: not is_there(number))


@pytest.mark.parametrize("proto", ["tcp", "udp"])
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_what_listens_is_told_by_its_address_and_port(proto: str, address: str) -> None:
    kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as one:
        one.bind((address, 0))
        port = one.getsockname()[1]
        if proto == "tcp":
            assert (proto, address, port) not in serving.listening()
            one.listen()
        assert (proto, address, port) in serving.listening()
    assert (proto, address, port) not in serving.listening()
