"""errnolab-misbehave, started as a real process on the loopback interface."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.faults.misbehaving import HOW
from tests.unit.host_image import HOST_IMAGE, load

PATIENCE_S = 5.0
WAIT_S = 1.0  # how long the program waits for the first data
NOTHING_COMES_S = 0.1
IPV4, IPV6 = "127.0.0.1", "::1"
BOTH = pytest.mark.parametrize("address", [IPV4, IPV6])

misbehave = load("misbehave")

# The program, but for where it keeps its state.
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import misbehave
misbehave.detached.RUN = sys.argv[2]
sys.exit(misbehave.main(sys.argv[3:]))
"""


def free_port() -> int:
    with socket.create_server((IPV4, 0)) as server:
        return int(server.getsockname()[1])


class Program:
    """The program, its folder and its port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-S", "-W", "error", "-c", PROGRAM, str(HOST_IMAGE),
                   str(self.folder), *arguments]  # fmt: skip
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    def does(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    def start(self, how: str) -> None:
        self.does("start", "x", json.dumps({"port": self.port, "how": how}))

    def connect(self, address: str = IPV4) -> socket.socket:
        return socket.create_connection((address, self.port), timeout=PATIENCE_S)

    def hits(self) -> int:
        return int(self.does("hits", "x"))

    def log(self) -> str:
        return (self.folder / "x.log").read_text()

    def pid(self) -> int:
        return int((self.folder / "x.pid").read_text())

    def processor_s(self) -> float:
        fields = Path(f"/proc/{self.pid()}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    yield program
    program.does("stop", "x")
    assert program.log() == ""


def ends(client: socket.socket) -> str:
    """Return how a connection ends, behind what still comes: "FIN" or "RST"."""
    try:
        while client.recv(1 << 16):
            pass
    except ConnectionResetError:
        return "RST"
    return "FIN"


@BOTH
def test_silent_one_reads_all_and_answers_nothing(program: Program, address: str) -> None:
    program.start("silent")
    with program.connect(address) as client:
        client.sendall(bytes(3_000_000))  # More than the buffers of both ends hold.
        client.settimeout(NOTHING_COMES_S)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.shutdown(socket.SHUT_WR)
        with pytest.raises(TimeoutError):
            client.recv(1)
    assert program.hits() == 1


def test_silent_one_does_not_turn_round_and_round_over_those_who_left(program: Program) -> None:
    program.start("silent")
    said_all, gone = program.connect(), program.connect()
    said_all.shutdown(socket.SHUT_WR)
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, misbehave.NO_LINGER)
    gone.close()
    left_twice = program.connect()
    left_twice.shutdown(socket.SHUT_WR)
    time.sleep(NOTHING_COMES_S)
    left_twice.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, misbehave.NO_LINGER)
    left_twice.close()
    time.sleep(NOTHING_COMES_S)
    before = program.processor_s()
    time.sleep(0.3)
    assert program.processor_s() - before < 0.1
    with said_all:
        assert program.hits() == 3


@BOTH
@pytest.mark.parametrize(("how", "end"), [("close", "FIN"), ("reset", "RST"), ("half", "FIN")])
def test_request_is_read_before_it_is_treated_badly(
    program: Program, address: str, how: str, end: str
) -> None:
    program.start(how)
    with program.connect(address) as client:
        assert program.hits() == 0
        client.sendall(b"request")
        assert ends(client) == end
    assert program.hits() == 1


@pytest.mark.parametrize(("how", "end"), [("close", "FIN"), ("reset", "RST"), ("half", "FIN")])
def test_client_that_waits_for_us_to_speak_waits_a_second(
    program: Program, how: str, end: str
) -> None:
    program.start(how)
    with program.connect() as client:
        begun = time.monotonic()
        assert ends(client) == end
        assert 0.9 * WAIT_S < time.monotonic() - begun < PATIENCE_S
    assert program.hits() == 1


@pytest.mark.parametrize(("how", "end"), [("close", "FIN"), ("reset", "RST"), ("half", "FIN")])
def test_client_that_has_nothing_to_say_is_treated_at_once(
    program: Program, how: str, end: str
) -> None:
    program.start(how)
    with program.connect() as client:
        begun = time.monotonic()
        client.shutdown(socket.SHUT_WR)
        assert ends(client) == end
        assert time.monotonic() - begun < 0.9 * WAIT_S
    assert program.hits() == 1


@BOTH
@pytest.mark.parametrize(("how", "end"), [("close_at_once", "FIN"), ("reset_at_once", "RST")])
def test_nothing_is_waited_for_where_it_is_to_be_at_once(
    program: Program, address: str, how: str, end: str
) -> None:
    program.start(how)
    begun = time.monotonic()
    try:
        with program.connect(address) as client:
            assert ends(client) == end
    except ConnectionResetError:
        # The RST may be quicker than whoever waits in connect().
        assert end == "RST"
    assert time.monotonic() - begun < 0.9 * WAIT_S
    assert program.hits() == 1


def test_what_comes_behind_our_end_makes_no_reset_of_it(program: Program) -> None:
    program.start("close_at_once")
    with program.connect() as client:
        assert client.recv(1) == b""
        client.sendall(b"request")
        time.sleep(NOTHING_COMES_S)
        assert client.recv(1) == b""


def test_connection_that_we_ended_is_closed_a_second_later(program: Program) -> None:
    program.start("close_at_once")
    with program.connect() as client:
        assert client.recv(1) == b""
        time.sleep(WAIT_S + 0.3)
        client.sendall(b"request")
        time.sleep(NOTHING_COMES_S)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            client.sendall(b"more")


def test_late_request_is_given_the_whole_second_behind_our_end(program: Program) -> None:
    program.start("close")
    with program.connect() as client:
        time.sleep(0.7 * WAIT_S)
        client.sendall(b"request")
        assert client.recv(1) == b""
        time.sleep(0.5 * WAIT_S)
        client.sendall(b"more")
        time.sleep(NOTHING_COMES_S)
        client.sendall(b"more")


def test_half_of_a_page_is_less_than_was_promised(program: Program) -> None:
    program.start("half")
    with program.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: server\r\n\r\n")
        with client.makefile("rb") as stream:
            head, body = stream.read().split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 1000" in head
    assert 0 < len(body) < 1000


def test_half_of_a_line_has_no_end(program: Program) -> None:
    program.start("half")
    with program.connect() as client:
        client.sendall(b"request")
        with client.makefile("rb") as stream:
            answer = stream.read()
    assert answer
    assert b"\n" not in answer


def test_many_clients_are_treated_side_by_side(program: Program) -> None:
    program.start("close")
    clients = [program.connect() for _ in range(150)]
    for client in clients[::2]:
        client.sendall(b"request")
    assert [ends(client) for client in clients] == ["FIN"] * 150
    for client in clients:
        client.close()
    assert program.hits() == 150


def test_client_that_resets_is_no_trouble_to_the_others(program: Program) -> None:
    program.start("close")
    gone = program.connect()
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, misbehave.NO_LINGER)
    gone.close()
    with program.connect() as client:
        client.sendall(b"request")
        assert ends(client) == "FIN"


def test_where_no_more_can_be_taken_it_waits_and_goes_on(program: Program) -> None:
    program.start("close")
    resource.prlimit(program.pid(), resource.RLIMIT_NOFILE, (20, 20))
    clients = [program.connect() for _ in range(40)]
    before = program.processor_s()
    assert [ends(client) for client in clients] == ["FIN"] * 40
    assert program.processor_s() - before < 1.0
    for client in clients:
        client.close()
    assert program.hits() == 40


def test_stopped_it_is_gone_and_its_connections_end(program: Program) -> None:
    program.start("silent")
    with program.connect() as client:
        program.does("stop", "x")
        assert ends(client) == "FIN"
    with pytest.raises(ConnectionRefusedError):
        program.connect()
    assert program.hits() == 1


def test_port_that_it_has_ended_connections_on_can_be_used_again(program: Program) -> None:
    """They are in TIME-WAIT, for a minute."""
    for _ in range(2):
        program.start("close_at_once")
        with program.connect() as client:
            assert ends(client) == "FIN"
        time.sleep(NOTHING_COMES_S)
        program.does("stop", "x")


def test_port_that_is_taken_is_explained(program: Program) -> None:
    program.start("silent")
    with socket.create_server((IPV6, 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        spec = json.dumps({"port": port, "how": "silent"})
        failed = program.run("start", "y", spec)
    assert failed.returncode == 1
    assert f"errnolab-misbehave: cannot listen on port {port}: EADDRINUSE" in failed.stderr


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("{}", "port: is missing"),
        ('{"port": 0, "how": "close"}', "port: must be a whole number, 1 to 65535"),
        ('{"port": 20555, "how": "rudely"}', "how: must be one of 'silent', 'close'"),
        ('{"port": 20555, "how": "close", "x": 1}', "x: no such key"),
    ],
)
def test_wrong_specification_is_named(spec: str, said: str) -> None:
    with pytest.raises(misbehave.ProgramError, match=said):
        misbehave.read_spec(spec)


def test_fault_knows_the_same_ways_as_the_program() -> None:
    assert set(HOW) == set(misbehave.HOW)


# --- what conntrack(8) forgets -----------------------------------------------------------

FAKE = """#!/bin/sh
echo "$@" >{folder}/asked
echo '{said}' >&2
exit {status}
"""


@pytest.mark.parametrize(
    ("said", "status", "wanted"),
    [
        ("conntrack v1.4.7: 3 flow entries have been deleted.", 0, 0),
        ("conntrack v1.4.7 (conntrack-tools): 0 flow entries have been deleted.", 1, 0),
        ("conntrack v1.4.7: Operation failed: Operation not permitted", 1, 1),
    ],
)
def test_nothing_to_forget_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    said: str, status: int, wanted: int,
) -> None:  # fmt: skip
    fake = tmp_path / "conntrack"
    fake.write_text(FAKE.format(folder=tmp_path, said=said, status=status))
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert misbehave.main(["forget", "-p", "tcp"]) == wanted
    assert (tmp_path / "asked").read_text() == "-D -p tcp\n"
    assert (said in capsys.readouterr().err) is bool(wanted)


def test_help_shows_what_can_be_written() -> None:
    command = [sys.executable, "-S", str(HOST_IMAGE / "misbehave.py"), "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [word for word in (*misbehave.SPEC, *misbehave.HOW) if f'"{word}"' not in said] == []


def test_the_image_has_it_on_its_path() -> None:
    assert os.access(HOST_IMAGE / "misbehave.py", os.X_OK)
    link = "ln -s /opt/errnolab/misbehave.py /usr/local/bin/errnolab-misbehave "
    assert link in (HOST_IMAGE / "Dockerfile").read_text()
