"""errnolab-server, started as a real process on the loopback interface."""

from __future__ import annotations

import importlib
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import IO

import pytest

HOST_IMAGE = Path(__file__).parents[2] / "images" / "host"
# Warnings are errors in the server too: a socket it forgets to close shows on its stderr.
COMMAND = [sys.executable, "-S", "-W", "error", str(HOST_IMAGE / "server.py")]
IPV4, IPV6 = "127.0.0.1", "::1"
MIB = 1024 * 1024
PATIENCE_S = 5.0
NOTHING_COMES_S = 0.05
NO_SUCH_FAMILY = 99
QUIET_S = 0.2  # the default of --quiet-s


class Server:
    """A running server: its process and its port."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.line = process.stdout.readline()
        self.port = int(self.line.rsplit(":", 1)[1])

    def connect(self, host: str = IPV4) -> socket.socket:
        """Return a TCP connection on which each call waits PATIENCE_S at most."""
        return socket.create_connection((host, self.port), timeout=PATIENCE_S)

    def ask(self, request: bytes, host: str = IPV4) -> bytes:
        """Return the reply to one whole request over TCP."""
        with self.connect(host) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            return read_all(client)

    def processor_s(self) -> float:
        """Return the processor time that the server has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def started(*arguments: str, pass_fds: Collection[int] = ()) -> Iterator[Server]:
    """Run a server; on leaving, it must end with status 0 and nothing more to say."""
    pipe = subprocess.PIPE
    command = [*COMMAND, "--port", "0", *arguments]
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, pass_fds=pass_fds
    ) as process:
        try:
            yield Server(process)
            process.terminate()
            assert process.communicate(timeout=PATIENCE_S) == ("", "")
            assert process.returncode == 0
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all tests that leave it as it was."""
    with started() as running:
        yield running


@pytest.fixture(scope="module")
def patient() -> Iterator[Server]:
    """A server to which no pause, not even of a busy machine, ends a request."""
    with started("--quiet-s", "60", "--pause-s", "60") as running:
        yield running


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The server's code, for what no process can show."""
    monkeypatch.syspath_prepend(str(HOST_IMAGE))
    return importlib.import_module("server")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a server that ends by itself."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def read_all(connection: socket.socket) -> bytes:
    """Return all that comes until the other side closes."""
    return b"".join(iter(lambda: connection.recv(MIB), b""))


def comes(source: socket.socket | IO[str] | int, within_s: float) -> bool:
    """Return whether there is something to read, be it the end, within the time."""
    return bool(select.select([source], [], [], within_s)[0])


@contextmanager
def udp(host: str) -> Iterator[socket.socket]:
    """Yield a UDP socket of the host's family."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE_S)
        yield client


def reset(connection: socket.socket) -> None:
    """Close the connection with a reset instead of the usual end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# --- TCP ------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [IPV4, IPV6])
@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"hi", b"abc"),
        (b"", b""),
        (b"h", b"h"),
        (b"x", b"x"),
        (b"Hi", b"Hi"),
        (b"hi\n", b"hi\n"),
        (b"hello, world\n", b"hello, world\n"),
        (b"hi\0", b"hi\0"),
        (b"ab\0cd", b"ab\0cd"),
        (bytes(range(256)) * 256, bytes(range(256)) * 256),
    ],
    ids=lambda value: f"{len(value)}-{value[:8]!r}",
)
def test_a_request_gets_its_reply_in_both_families(
    server: Server, host: str, request_: bytes, reply: bytes
) -> None:
    assert server.ask(request_, host) == reply


def test_five_mebibytes_come_back_unchanged(server: Server) -> None:
    request = os.urandom(5 * MIB)
    assert server.ask(request) == request


def test_the_greeting_is_known_although_it_comes_in_pieces(patient: Server) -> None:
    with patient.connect() as client:
        client.sendall(b"h")
        assert not comes(client, NOTHING_COMES_S)
        client.sendall(b"i")
        assert not comes(client, NOTHING_COMES_S)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"abc"


def test_what_only_begins_as_the_greeting_is_echoed_as_soon_as_that_is_clear(
    patient: Server,
) -> None:
    with patient.connect() as client:
        client.sendall(b"hi")
        assert not comes(client, NOTHING_COMES_S)
        client.sendall(b"!")
        assert client.recv(10) == b"hi!"
        client.sendall(b"hi")
        assert client.recv(10) == b"hi"


def test_an_echo_streams_before_the_request_has_ended(patient: Server) -> None:
    with patient.connect() as client:
        for piece in (b"one", b"two", b"three"):
            client.sendall(piece)
            assert client.recv(10) == piece


def test_a_request_without_half_close_ends_with_silence(server: Server) -> None:
    with server.connect() as client:
        began = time.monotonic()
        client.sendall(b"hi")
        assert read_all(client) == b"abc"
        assert QUIET_S <= time.monotonic() - began < QUIET_S + 1


def test_a_request_that_comes_back_already_ends_with_a_longer_silence() -> None:
    with started("--quiet-s", "0.01", "--pause-s", "0.3") as server, server.connect() as client:
        began = time.monotonic()
        client.sendall(b"other")
        assert read_all(client) == b"other"
        assert 0.3 <= time.monotonic() - began < 2  # by default it is 2 s


def test_silence_before_the_first_byte_does_not_end_the_request() -> None:
    with started("--quiet-s", "0.02") as server, server.connect() as client:
        assert not comes(client, 0.1)
        client.sendall(b"hi")
        assert read_all(client) == b"abc"


def test_a_client_that_sends_nothing_is_closed_after_the_idle_time() -> None:
    with started("--idle-s", "0.1") as server:
        began = time.monotonic()  # The server's clock starts when it accepts, which is later.
        with server.connect() as client:
            assert read_all(client) == b""
            assert 0.1 <= time.monotonic() - began < 10  # a busy machine; by default it is 30 s


def test_bytes_after_the_request_do_not_turn_the_close_into_a_reset(server: Server) -> None:
    with server.connect() as client:
        client.sendall(b"hi")
        assert read_all(client) == b"abc"
        client.sendall(b"late")
        time.sleep(0.02)  # A reset would be here by now; a close brings nothing to wait for.
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_a_hundred_slow_clients_do_not_hold_up_a_fast_one(patient: Server) -> None:
    with ExitStack() as slow:
        clients = [slow.enter_context(patient.connect()) for _ in range(100)]
        for client in clients:
            client.sendall(b"h")
        began = time.monotonic()
        assert patient.ask(b"hi") == b"abc"
        assert time.monotonic() - began < 1
        for client in clients:
            client.sendall(b"i")
            client.shutdown(socket.SHUT_WR)
        assert [read_all(client) for client in clients] == [b"abc"] * 100


def test_a_client_that_does_not_read_is_not_read_without_bound() -> None:
    piece = b"x" * MIB
    with started("--pause-s", "0.2") as server, server.connect() as client:
        client.settimeout(0.25)  # Longer than the pause, which must not end this request.
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 100 * MIB:
                sent += client.send(piece)
        assert 16 * MIB <= sent < 64 * MIB
        assert server.ask(b"hi") == b"abc"
        client.shutdown(socket.SHUT_WR)
        assert len(read_all(client)) == sent


def test_a_reset_ends_only_its_own_connection(patient: Server) -> None:
    with patient.connect() as other:
        other.sendall(b"x")
        assert other.recv(10) == b"x"
        victim = patient.connect()
        victim.sendall(b"x" * 5 * MIB)
        reset(victim)
        other.sendall(b"still here")
        assert other.recv(20) == b"still here"
    assert patient.ask(b"hi") == b"abc"


def test_without_file_descriptors_clients_wait_and_the_server_neither_ends_nor_spins() -> None:
    with started() as server, ExitStack() as holders:
        pid, stderr = server.process.pid, server.process.stderr
        assert stderr is not None
        used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 2, used + 2))
        first, _second = (holders.enter_context(server.connect()) for _ in range(2))
        with server.connect() as waiting:
            waiting.sendall(b"hi")
            waiting.shutdown(socket.SHUT_WR)
            assert comes(stderr, PATIENCE_S)
            assert "EMFILE (24)" in stderr.readline()
            before_s = server.processor_s()
            assert not comes(waiting, 0.3)
            assert server.processor_s() - before_s < 0.15
            first.close()
            assert read_all(waiting) == b"abc"
        # That there is no second line is checked where the server is stopped.


# --- Frames ---------------------------------------------------------------------------


def said(server: Server) -> str:
    """Return the next line on the server's stderr, without its name and the peer."""
    stderr = server.process.stderr
    assert stderr is not None
    assert comes(stderr, PATIENCE_S)
    name, _port, rest = stderr.readline().split(": ", 2)
    assert name == "errnolab-server"
    return rest


@pytest.fixture(scope="module")
def lines() -> Iterator[Server]:
    """A server of lines of 1000 bytes at most, for all tests that give it nothing to say."""
    with started("--tcp", "--framing", "delimiter:\\n,max=1000") as running:
        yield running


@pytest.mark.parametrize("host", [IPV4, IPV6])
@pytest.mark.parametrize(
    ("rule", "request_", "reply"),
    [
        ("fixed:8", b"12345678ABCDEFGH", b"12345678ABCDEFGH"),
        ("delimiter:\\n", b"hi\nhello\n\nhi\n", b"abc\nhello\n\nabc\n"),
        ("length:4", b"\0\0\0\2hi\0\0\0\0\0\0\0\3hi!", b"\0\0\0\3abc\0\0\0\0\0\0\0\3hi!"),
        ("length:varint,offset=1", b"\7\2hi", b"\0\3abc"),
    ],
)
def test_each_frame_is_answered_in_order_however_the_stream_is_split(
    host: str, rule: str, request_: bytes, reply: bytes
) -> None:
    with started("--tcp", "--framing", rule) as server:
        assert server.ask(request_, host) == reply
        with server.connect(host) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in request_:
                client.send(bytes([byte]))
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == reply


def test_a_connection_of_frames_stays_open_and_no_silence_ends_a_frame() -> None:
    quick = ("--quiet-s", "0.01", "--pause-s", "0.01")
    rule = ("--framing", "delimiter:;")
    with started("--tcp", *quick, *rule) as server, server.connect() as client:
        for request, reply in ((b"hi;", b"abc;"), (b"one;", b"one;")):
            client.sendall(request[:1])
            assert not comes(client, NOTHING_COMES_S)
            client.sendall(request[1:])
            assert client.recv(10) == reply


def test_a_frame_that_does_not_end_lets_the_others_be_served(lines: Server) -> None:
    with lines.connect() as slow:
        slow.sendall(b"h")
        assert lines.ask(b"hi\n") == b"abc\n"
        slow.sendall(b"i\n")
        assert slow.recv(10) == b"abc\n"


def test_many_frames_at_once_are_all_answered(lines: Server) -> None:
    request = b"hi\n" * 100_000
    with lines.connect() as client, ThreadPoolExecutor() as aside:
        reply = aside.submit(read_all, client)
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        assert reply.result(PATIENCE_S) == b"abc\n" * 100_000


@pytest.mark.parametrize(
    ("rule", "request_", "reply", "why"),
    [
        ("delimiter:\\n,max=8", b"hi\n12345678", b"abc\n",
         r"wanted the delimiter b'\n' within 8 bytes, got 8 bytes without it; closing"),
        ("length:4", b"\0\0\0\2hi\xff\0\0\0", b"\0\0\0\3abc",
         "wanted a package of at most 2097152 bytes, got the announcement of 4278190084; closing"),
        ("length:2,adjust=-2", b"\0\4hi\0\0", b"\0\5abc",
         "wanted a length of 0 or more, got -2 (0 in the field, -2); closing"),
    ],
)  # fmt: skip
def test_what_cannot_be_cut_is_told_and_ends_the_connection_after_the_answers(
    rule: str, request_: bytes, reply: bytes, why: str
) -> None:
    with started("--tcp", "--framing", rule) as server, server.connect() as client:
        client.sendall(request_)
        assert read_all(client) == reply
        assert said(server) == f"{why}\n"
        with server.connect() as other:
            other.sendall(request_[: len(reply) - 1])
            assert other.recv(10) == reply


def test_a_stream_that_ends_inside_a_frame_is_told() -> None:
    with started("--tcp", "--framing", "fixed:4") as server:
        assert server.ask(b"goodba") == b"good"
        assert said(server) == (
            "wanted a package of at least 4 bytes, got the end of the stream after 2 bytes;"
            " closing\n"
        )


def test_a_framed_client_that_resets_hurts_nobody(lines: Server) -> None:
    client = lines.connect()
    client.sendall(b"half a li")
    reset(client)
    assert lines.ask(b"hi\n") == b"abc\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--framing", "lines"], "argument --framing: wanted fixed:N, delimiter:TEXT"),
        (["--framing", "fixed:2"], '"hi" could be asked, but "abc" not be answered'),
        (["--framing", "fixed:8", "--naive"], "not allowed with argument"),
        (["--udp", "--framing", "fixed:8"], "are for TCP"),
        (["--udp", "--naive"], "are for TCP"),
    ],
)
def test_a_rule_that_cannot_serve_is_a_bad_argument(arguments: list[str], why: str) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert why in result.stderr


# --- The naive server -----------------------------------------------------------------


@pytest.fixture(scope="module")
def naive() -> Iterator[Server]:
    """A server that takes each recv for a message."""
    with started("--tcp", "--naive") as running:
        yield running


@pytest.mark.parametrize("host", [IPV4, IPV6])
def test_the_naive_server_answers_each_message_of_a_client_that_waits(
    naive: Server, host: str
) -> None:
    with naive.connect(host) as client:
        for request, reply in ((b"hi", b"abc"), (b"hello", b"hello"), (b"hi", b"abc")):
            client.sendall(request)
            assert client.recv(10) == reply


def test_the_naive_server_takes_split_and_joined_messages_for_what_they_are_not(
    naive: Server,
) -> None:
    assert naive.ask(b"hihi") == b"hihi"
    with naive.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in (b"h", b"i"):
            client.sendall(byte)
            assert client.recv(10) == byte


def test_the_naive_server_sees_2047_bytes_at_most_as_one_message(naive: Server) -> None:
    assert naive.ask(b"x" * 2047 + b"hi") == b"x" * 2047 + b"abc"


# --- UDP ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "request_", "reply"),
    [
        (host, request, b"abc" if request == b"hi" else request)
        for host, largest in ((IPV4, 65507), (IPV6, 65527))
        for request in (b"hi", b"", b"h", b"ab\0cd", b"hi\n", os.urandom(largest))
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)}-bytes",
)
def test_a_datagram_gets_its_answer_in_both_families(
    server: Server, host: str, request_: bytes, reply: bytes
) -> None:
    with udp(host) as client:
        client.sendto(request_, (host, server.port))
        assert client.recvfrom(MIB)[0] == reply


@pytest.mark.parametrize("arguments", [[], ["--bind", "0.0.0.0"]])
def test_an_answer_comes_from_the_address_the_datagram_was_sent_to(arguments: list[str]) -> None:
    with started(*arguments) as server, udp(IPV4) as client:
        client.bind((IPV4, 0))
        for address in ("127.0.0.9", "127.1.2.3"):
            client.sendto(b"hi", (address, server.port))
            assert client.recvfrom(10) == (b"abc", (address, server.port))


def test_answers_that_nobody_takes_do_not_end_the_udp_service(server: Server) -> None:
    """The kernel answers them with ICMP port unreachable."""
    for _ in range(20):
        with udp(IPV4) as gone:
            gone.sendto(b"x", (IPV4, server.port))
    with udp(IPV4) as client:
        client.sendto(b"hi", (IPV4, server.port))
        assert client.recv(10) == b"abc"


# --- Start and end --------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_with_status_0(number: signal.Signals) -> None:
    with started() as server, server.connect() as client:
        client.sendall(b"x")
        assert client.recv(10) == b"x"
        began = time.monotonic()
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE_S) == 0
        assert time.monotonic() - began < 1


def test_it_can_be_started_again_at_once_on_the_same_port() -> None:
    with started() as server:
        with server.connect() as client:
            client.sendall(b"hi")
            assert read_all(client) == b"abc"  # The server closes first: TIME-WAIT is on its side.
        port = str(server.port)
    with started("--port", port) as server:
        assert server.ask(b"hi") == b"abc"


def test_it_says_where_it_listens_and_writes_a_newline_when_it_does() -> None:
    reader, writer = os.pipe()
    with started("--ready-fd", str(writer), pass_fds=[writer]) as server, os.fdopen(reader):
        os.close(writer)
        assert server.line == f"listening on TCP [::]:{server.port} and UDP [::]:{server.port}\n"
        for said in (b"\n", b""):
            assert comes(reader, PATIENCE_S)
            assert os.read(reader, 10) == said


@pytest.mark.parametrize(("only", "tcp", "udp_"), [("--tcp", True, False), ("--udp", False, True)])
def test_one_protocol_can_be_left_out(only: str, tcp: bool, udp_: bool) -> None:
    with started(only) as server, socket.socket() as stream, udp(IPV4) as datagram:
        assert (stream.connect_ex((IPV4, server.port)) == 0) == tcp
        datagram.connect((IPV4, server.port))
        datagram.send(b"hi")
        with nullcontext() if udp_ else pytest.raises(ConnectionRefusedError):
            assert datagram.recv(10) == b"abc"


@pytest.mark.parametrize(("host", "elsewhere"), [(IPV4, "127.0.0.2"), (IPV6, IPV4)])
def test_it_can_be_bound_to_one_address(host: str, elsewhere: str) -> None:
    with started("--bind", host) as server:
        assert server.ask(b"hi", host) == b"abc"
        with pytest.raises(ConnectionRefusedError):
            server.ask(b"hi", elsewhere)


def test_without_ipv6_it_serves_ipv4(module: ModuleType) -> None:
    addresses = [(NO_SUCH_FAMILY, ("::", 0)), (socket.AF_INET, (IPV4, 0))]
    with module.open_first(socket.SOCK_STREAM, addresses) as listening:
        assert listening.family == socket.AF_INET
        with socket.create_connection(listening.getsockname()) as client:
            assert client.getpeername() == listening.getsockname()


@pytest.mark.parametrize(
    ("kind", "name"), [(socket.SOCK_STREAM, "TCP"), (socket.SOCK_DGRAM, "UDP")]
)
def test_a_taken_port_is_named(kind: socket.SocketKind, name: str) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind((IPV4, 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        result = run("--port", str(port), "--bind", IPV4)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"errnolab-server: cannot bind {name} {IPV4}:{port}: EADDRINUSE (98) Address already in "
        "use: another socket has that address and port; see `ss -ltunp`\n"
    )


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--port", "0", "--bind", "240.0.0.1"], 1, "TCP 240.0.0.1:0: EADDRNOTAVAIL (99)"),
        (["--port", "0", "--bind", "100::1"], 1, "TCP [100::1]:0: EADDRNOTAVAIL (99)"),
        (["--bind", "300.1.1.1"], 1, "bind 300.1.1.1: EAI_NONAME (-2)"),
        (["--bind", "localhost"], 1, "bind localhost: EAI_NONAME (-2)"),
        (["--bind", "127..1"], 1, "bind 127..1: EAI_NONAME (-2)"),
        (["--bind", "\udcff"], 1, "EAI_NONAME (-2)"),
        (["--port", "0", "--ready-fd", "99"], 1, "EBADF (9)"),
        (["--port", "65536"], 2, "EINVAL (22) Invalid argument: argument --port"),
        (["--port", "-1"], 2, "argument --port"),
        (["--port", "http"], 2, "argument --port"),
        (["--quiet-s", "0"], 2, "argument --quiet-s"),
        (["--quiet-s", "nan"], 2, "argument --quiet-s"),
        (["--idle-s", "inf"], 2, "argument --idle-s"),
        (["--tcp", "--udp"], 2, "not allowed with"),
        (["surplus"], 2, "surplus"),
    ],
    ids=lambda value: ascii(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_started_is_told_in_one_line(
    arguments: list[str], status: int, said: str
) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (status, "")
    assert result.stderr.startswith("errnolab-server: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


# --- The parts ------------------------------------------------------------------------


def test_the_reply_does_not_depend_on_how_the_request_was_cut(module: ModuleType) -> None:
    for size in range(5):
        for letters in product(b"hi!", repeat=size):
            request = bytes(letters)
            for cuts in product([False, True], repeat=max(0, size - 1)):
                assert reply_in_pieces(module, request, cuts) == module.answer(request)


def reply_in_pieces(module: ModuleType, request: bytes, cuts: tuple[bool, ...]) -> bytes:
    """Return what Echo makes of the request, cut after byte n where cuts[n] is true."""
    ends = [n + 1 for n, cut in enumerate(cuts) if cut]
    echo = module.Echo()
    pieces = (request[a:b] for a, b in zip([0, *ends], [*ends, len(request)], strict=True))
    reply = b"".join(echo.feed(piece) for piece in pieces if piece)
    return bytes(reply + echo.finish())


def test_a_deadline_started_again_falls_due_later(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, done = [0.0], []
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    deadlines = module.Deadlines(10.0)

    def first() -> None:
        done.append("first")

    def second() -> None:
        done.append("second")

    deadlines.start(first)
    deadlines.start(second)
    now[0] = 5.0
    deadlines.start(first)
    assert deadlines.soonest() == 10.0
    now[0] = 10.0
    deadlines.run()
    assert done == ["second"]
    now[0] = 15.0
    deadlines.run()
    assert done == ["second", "first"]
