"""errnolab-client, started as a real process against servers on the loopback interface."""

from __future__ import annotations

import errno
import importlib
import os
import pty
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest

HOST_IMAGE = Path(__file__).parents[2] / "images" / "host"
# Warnings are errors in the programs too: a socket they forget to close shows on stderr.
PYTHON = [sys.executable, "-S", "-W", "error"]
CLIENT = [*PYTHON, str(HOST_IMAGE / "client.py")]
SERVER = [*PYTHON, str(HOST_IMAGE / "server.py")]
IPV4, IPV6 = "127.0.0.1", "::1"
MIB = 1024 * 1024
PATIENCE_S = 5.0
EVERY_BYTE = bytes(range(256))

Result = subprocess.CompletedProcess[bytes]


def run(*arguments: str | bytes | int, stdin: bytes = b"") -> Result:
    """Run the client until it ends."""
    words = [str(word) if isinstance(word, int) else word for word in arguments]
    return subprocess.run(
        [*CLIENT, *words], input=stdin, capture_output=True, timeout=PATIENCE_S, check=False
    )


def outcome(result: Result) -> tuple[int, bytes, bytes]:
    """Return (exit status, stdout, stderr)."""
    return result.returncode, result.stdout, result.stderr


def assert_failed(result: Result, status: int, said: str, stdout: bytes = b"") -> None:
    """Check that the client ended with the status and one line that contains `said`."""
    stderr = result.stderr.decode()
    assert (result.returncode, result.stdout) == (status, stdout), stderr
    assert stderr.startswith("errnolab-client: ")
    assert said in stderr
    assert stderr.count("\n") == 1


@contextmanager
def echo_server(*arguments: str) -> Iterator[int]:
    """Run errnolab-server and yield its port."""
    command = [*SERVER, "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline().rsplit(":", 1)[1])
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()


@pytest.fixture(scope="module")
def echo_port() -> Iterator[int]:
    """The port of one echo server for all tests."""
    with echo_server() as number:
        yield number


@contextmanager
def serving(behave: Callable[[socket.socket], object]) -> Iterator[int]:
    """Accept one connection, let `behave` have it, and yield the port."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(PATIENCE_S)
            behave(connection)

    with socket.create_server((IPV4, 0)) as listener:
        listener.settimeout(PATIENCE_S)
        thread = Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join()


@contextmanager
def bound(kind: socket.SocketKind = socket.SOCK_STREAM) -> Iterator[socket.socket]:
    """Hold a port on which, over TCP, nothing listens."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind((IPV4, 0))
        yield sock


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The client's code, for what no process can show."""
    monkeypatch.syspath_prepend(str(HOST_IMAGE))
    return importlib.import_module("client")


def read_request(connection: socket.socket) -> bytes:
    """Return all that comes until the client shuts down sending."""
    return b"".join(iter(lambda: connection.recv(MIB), b""))


def reset(connection: socket.socket) -> None:
    """Close the connection with a reset instead of the usual end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# --- A reply --------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [[], ["--udp"]], ids=["tcp", "udp"])
@pytest.mark.parametrize("host", [IPV4, IPV6, "localhost"])
@pytest.mark.parametrize(("line", "reply"), [("hi", b"abc"), ("hello", b"hello")])
def test_the_reply_is_printed_as_it_is(
    echo_port: int, host: str, protocol: list[str], line: str, reply: bytes
) -> None:
    assert outcome(run(*protocol, "--port", echo_port, host, line)) == (0, reply, b"")


def test_a_line_may_hold_bytes_that_are_no_text(echo_port: int) -> None:
    line = b"\xff\xfe\n\x80"
    assert outcome(run("--port", echo_port, IPV4, line)) == (0, line, b"")


@pytest.mark.parametrize("protocol", [[], ["--udp"]], ids=["tcp", "udp"])
def test_without_a_line_all_of_stdin_is_sent(echo_port: int, protocol: list[str]) -> None:
    result = run(*protocol, "--port", echo_port, IPV4, stdin=EVERY_BYTE)
    assert outcome(result) == (0, EVERY_BYTE, b"")


def test_a_terminal_gives_one_line_and_gets_one(echo_port: int) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "r+b", buffering=0) as terminal, os.fdopen(theirs, "r+b", 0) as tty:
        terminal.write(b"hi\n")
        subprocess.run(
            [*CLIENT, "--port", str(echo_port), IPV4],
            stdin=tty,
            stdout=tty,
            timeout=PATIENCE_S,
            check=True,
        )
        # The terminal shows what was typed, then what was printed; it ends lines with \r\n.
        assert terminal.read(100) == b"hi\r\nabc\r\n"


def test_a_large_request_does_not_block_against_a_server_that_echoes_piece_by_piece() -> None:
    def echo(connection: socket.socket) -> None:
        for piece in iter(lambda: connection.recv(1024 * 64), b""):
            connection.sendall(piece)

    request = os.urandom(16 * MIB)
    with serving(echo) as number:
        result = run("--port", number, IPV4, stdin=request)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout == request


def test_the_end_of_the_request_can_be_seen_before_the_reply() -> None:
    requests = []

    def reply_at_the_end(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(b"seen")

    with serving(reply_at_the_end) as number:
        assert outcome(run("--port", number, IPV4, "all of it")) == (0, b"seen", b"")
    assert requests == [b"all of it"]


def test_an_empty_datagram_is_a_reply(echo_port: int) -> None:
    assert outcome(run("--udp", "--port", echo_port, IPV4, "")) == (0, b"", b"")


# --- No reply -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "call"), [([], "connect to"), (["--udp"], "receive from")], ids=["tcp", "udp"]
)
def test_a_port_without_a_listener_is_refused(protocol: list[str], call: str) -> None:
    with bound(socket.SOCK_DGRAM if not protocol else socket.SOCK_STREAM) as held:
        number = held.getsockname()[1]
        result = run(*protocol, "--port", number, IPV4, "hi")
    port = f"UDP port {number}" if protocol else f"port {number}"
    said = f"{call} {IPV4} {port}: ECONNREFUSED (111) Connection refused: nothing listens on"
    assert_failed(result, 1, said)


def test_a_close_without_a_reply_has_a_status_of_its_own() -> None:
    with serving(read_request) as number:
        result = run("--port", number, IPV4, "hi")
    assert_failed(result, 4, f"{IPV4} port {number} closed the connection without a reply")


def test_a_reset_is_named() -> None:
    def reset_at_the_end(connection: socket.socket) -> None:
        read_request(connection)
        reset(connection)

    with serving(reset_at_the_end) as number:
        result = run("--port", number, IPV4, "hi")
    assert_failed(result, 1, f"receive from {IPV4} port {number}: ECONNRESET (104)")


def test_the_part_of_a_reply_that_came_before_a_reset_is_printed() -> None:
    def reset_in_the_middle(connection: socket.socket) -> None:
        connection.sendall(b"part")
        read_request(connection)
        reset(connection)

    with serving(reset_in_the_middle) as number:
        result = run("--port", number, IPV4, "hi")
    assert_failed(result, 1, "receive from", stdout=b"part")


def test_a_reset_that_comes_before_the_request_has_ended_is_named_too() -> None:
    with serving(reset) as number:
        result = run("--port", number, IPV4, "hi")
    assert_failed(result, 1, "ECONNRESET (104)")


@pytest.mark.parametrize("protocol", [[], ["--udp"]], ids=["tcp", "udp"])
def test_a_timeout_is_the_clients_own_and_has_no_errno(protocol: list[str]) -> None:
    with bound(socket.SOCK_DGRAM if protocol else socket.SOCK_STREAM) as silent:
        if not protocol:
            silent.listen()
        began = time.monotonic()
        result = run(*protocol, "--timeout", "0.1", "--port", silent.getsockname()[1], IPV4, "hi")
        assert 0.1 <= time.monotonic() - began < 1
    assert_failed(result, 1, "(--timeout); the kernel reported no error")


def test_a_datagram_that_is_too_large_is_named(echo_port: int) -> None:
    result = run("--udp", "--port", echo_port, IPV4, stdin=b"x" * 65508)
    assert_failed(result, 1, f"send to {IPV4} UDP port {echo_port}: EMSGSIZE (90)")


@pytest.mark.parametrize("host", ["127..1", "a" * 64 + ".example", b"\xff..", ""])
def test_a_host_that_is_no_name_is_not_resolved(host: str | bytes) -> None:
    """None of these can be asked of a name server, so that no network is needed."""
    assert_failed(run(host, "hi"), 3, ": EAI_")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--port", "65536", IPV4],
        ["--port", "-1", IPV4],
        ["--timeout", "0", IPV4],
        ["--timeout", "soon", IPV4],
        ["--unknown", IPV4],
        [IPV4, "two", "lines"],
    ],
    ids=str,
)
def test_a_bad_argument_is_told_in_one_line(arguments: list[str]) -> None:
    assert_failed(run(*arguments), 2, "EINVAL (22) Invalid argument: ")


def test_a_full_disk_is_not_mistaken_for_an_error_of_the_connection(echo_port: int) -> None:
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [*CLIENT, "--port", str(echo_port), IPV4, "hi"],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=PATIENCE_S,
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr.startswith(b"errnolab-client: write to stdout: ENOSPC (28)")
    assert result.stderr.count(b"\n") == 1


def test_ending_a_request_on_a_connection_that_is_gone_leaves_the_error_to_recv(
    module: ModuleType,
) -> None:
    with socket.socket() as gone:
        module.end_request(gone)
        with pytest.raises(OSError, match="not connected"):
            gone.recv(1)


# --- Frames ---------------------------------------------------------------------------

LINES = ("--framing", "delimiter:\\n")


@pytest.mark.parametrize("host", [IPV4, IPV6])
@pytest.mark.parametrize(
    ("rule", "lines", "replies"),
    [
        ("delimiter:\\n", ["hi", "hello", "", "hi"], b"abc\nhello\n\nabc\n"),
        ("length:4", ["hi", "one\ntwo"], b"abc\none\ntwo\n"),
        ("fixed:5", ["hello", "world"], b"hello\nworld\n"),
    ],
)
def test_each_reply_in_a_frame_is_printed(
    host: str, rule: str, lines: list[str], replies: bytes
) -> None:
    with echo_server("--tcp", "--framing", rule) as number:
        result = run("--framing", rule, "--port", number, host, *lines)
    assert outcome(result) == (0, replies, b"")


def test_all_of_stdin_is_one_message_of_a_framed_client() -> None:
    with echo_server("--tcp", "--framing", "length:4") as number:
        result = run("--framing", "length:4", "--port", number, IPV4, stdin=EVERY_BYTE)
    assert outcome(result) == (0, EVERY_BYTE + b"\n", b"")


@pytest.mark.parametrize(
    ("reply", "status", "printed", "said"),
    [
        (b"", 4, b"", "closed the connection without a reply"),
        (b"abc\n", 5, b"abc\n", "closed the connection after 1 of 2 replies"),
        (b"abc\nhel", 5, b"abc\n",
         r": wanted the delimiter b'\n' within 2097152 bytes, got the end of the stream after 3"),
        (b"1\n2\n3\n4\n", 5, b"1\n2\n", "sent one reply more than the 2 wanted: b'3'"),
    ],
)  # fmt: skip
def test_replies_that_are_not_as_many_whole_frames_as_messages_are_told(
    reply: bytes, status: int, printed: bytes, said: str
) -> None:
    def answer(connection: socket.socket) -> None:
        assert read_request(connection) == b"hi\nhello\n"
        connection.sendall(reply)

    with serving(answer) as number:
        result = run(*LINES, "--port", number, IPV4, "hi", "hello")
    assert_failed(result, status, said, stdout=printed)


def test_the_messages_are_sent_before_the_first_reply_is_waited_for() -> None:
    def answer_late(connection: socket.socket) -> None:
        request = read_request(connection)
        connection.sendall(request)

    with serving(answer_late) as number:
        result = run(*LINES, "--port", number, IPV4, "one", "two")
    assert outcome(result) == (0, b"one\ntwo\n", b"")


def test_a_message_that_the_rule_cannot_carry_is_a_bad_argument() -> None:
    with bound() as held:
        result = run(*LINES, "--port", held.getsockname()[1], IPV4, "a\nb")
    assert_failed(result, 2, "cannot send b'a\\nb' as delimiter:\\n,max=2097152: wanted a message")


def test_a_reset_after_a_reply_in_a_frame_is_named() -> None:
    def reset_in_the_middle(connection: socket.socket) -> None:
        connection.sendall(b"part\nof")
        read_request(connection)
        reset(connection)

    with serving(reset_in_the_middle) as number:
        result = run(*LINES, "--port", number, IPV4, "one", "two")
    assert_failed(result, 1, "ECONNRESET (104)", stdout=b"part\n")


@pytest.mark.parametrize("other", [["--udp"], ["--check"]], ids=str)
def test_frames_are_for_one_host_over_tcp(other: list[str]) -> None:
    assert_failed(run(*LINES, *other, IPV4), 2, "--framing is for one host over TCP")


# --- Several addresses ----------------------------------------------------------------


def peer_at(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *hosts: str, port: int) -> object:
    """Return a peer whose name has these IPv4 addresses."""
    addresses = [(socket.AF_INET, (host, port)) for host in hosts]
    monkeypatch.setattr(module, "resolve", lambda _peer: addresses)
    return module.Peer(socket.SOCK_STREAM, "many", port, PATIENCE_S)


def test_the_next_address_is_tried_when_one_fails(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with bound() as listening:
        listening.listen()
        port = listening.getsockname()[1]
        peer = peer_at(module, monkeypatch, "127.0.0.2", IPV4, "127.0.0.3", port=port)
        with module.connect_first(peer) as sock:
            assert sock.getpeername() == (IPV4, port)
    assert [line.partition(" (")[0] for line in capsys.readouterr().err.splitlines()] == [
        f"errnolab-client: tried 127.0.0.2: connect to many port {port}: ECONNREFUSED"
    ]


def test_when_all_addresses_fail_each_is_told_and_the_last_error_is_the_result(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with bound() as held:
        port = held.getsockname()[1]
        # No stream goes to a broadcast address: the kernel says ENETUNREACH at once.
        peer = peer_at(module, monkeypatch, IPV4, "255.255.255.255", port=port)
        with pytest.raises(module.Failure, match="ENETUNREACH") as failure:
            module.connect_first(peer)
    assert failure.value.status == 1
    lines = capsys.readouterr().err.splitlines()
    assert ["ECONNREFUSED" in line for line in lines] == [True, False]
    assert ["ENETUNREACH" in line for line in lines] == [False, True]


def test_a_failed_connect_leaves_no_socket_open(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[socket.socket] = []

    def open_socket(family: int, kind: int) -> socket.socket:
        opened.append(create(family, kind))
        return opened[-1]

    create = socket.socket
    with bound() as held:
        monkeypatch.setattr(module.socket, "socket", open_socket)
        peer = peer_at(module, monkeypatch, IPV4, "127.0.0.2", port=held.getsockname()[1])
        with pytest.raises(module.Failure):
            module.connect_first(peer)
    assert [sock.fileno() for sock in opened] == [-1, -1]


# --- Check ----------------------------------------------------------------------------


def test_a_check_of_healthy_hosts_is_silent(echo_port: int) -> None:
    assert outcome(run("--check", "--port", echo_port, IPV4, IPV6)) == (0, b"", b"")


@pytest.mark.parametrize(("only", "missing"), [("--tcp", "UDP port"), ("--udp", "1 port")])
def test_a_check_wants_both_protocols(only: str, missing: str) -> None:
    with echo_server(only) as number:
        result = run("--check", "--port", number, IPV4)
    assert_failed(result, 1, f"{missing} {number}: ECONNREFUSED")


def test_a_check_wants_every_host() -> None:
    with echo_server("--bind", IPV4) as number:
        result = run("--check", "--port", number, IPV4, IPV6)
    assert_failed(result, 1, f"connect to {IPV6} port {number}: ECONNREFUSED")


def test_a_check_wants_its_own_text_back() -> None:
    def answer(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"something else")

    with serving(answer) as number:
        result = run("--check", "--port", number, IPV4)
    assert_failed(result, 1, f"{IPV4} port {number} answered b'errnolab check' with b'something")


# --- Meanings -------------------------------------------------------------------------


@pytest.fixture
def meanings(module: ModuleType) -> ModuleType:
    """The table of meanings and its functions."""
    return importlib.import_module("meanings")


def test_every_name_in_the_table_is_an_error_of_this_system(meanings: ModuleType) -> None:
    assert set(meanings.MEANING) - {*dir(errno), *dir(socket)} == set()


# connect(2), send(2), recv(2), socket(2), accept(2), bind(2), ip(7), tcp(7), udp(7), and what
# Linux makes of ICMP errors (icmp_err_convert[], icmpv6_err_convert()).
MANUAL = """
EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNABORTED ECONNREFUSED
ECONNRESET EDESTADDRREQ EFAULT EHOSTDOWN EHOSTUNREACH EINPROGRESS EINTR EINVAL EISCONN EMFILE
EMSGSIZE ENETDOWN ENETRESET ENETUNREACH ENFILE ENOBUFS ENODEV ENOMEM ENONET ENOPROTOOPT ENOTCONN
ENOTSOCK EOPNOTSUPP EPERM EPIPE EPROTO EPROTONOSUPPORT EPROTOTYPE ESOCKTNOSUPPORT ETIMEDOUT
"""


@pytest.mark.parametrize("name", MANUAL.split())
def test_every_error_of_the_manual_is_explained(meanings: ModuleType, name: str) -> None:
    number = getattr(errno, name)
    line = meanings.explain(OSError(number, os.strerror(number)))
    assert line == f"{name} ({number}) {os.strerror(number)}: {meanings.MEANING[name]}"


def test_an_error_without_a_meaning_is_still_named(meanings: ModuleType) -> None:
    assert meanings.explain(OSError(errno.ELOOP, "Loop")) == f"ELOOP ({errno.ELOOP}) Loop"
    assert meanings.explain(OSError(9999, "Odd")) == "unknown error (9999) Odd"
