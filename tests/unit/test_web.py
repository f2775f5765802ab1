"""errnolab-web, started as a real process on the loopback interface, and its parser."""

from __future__ import annotations

import importlib
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

HOST_IMAGE = Path(__file__).parents[2] / "images" / "host"
# Warnings are errors in the server too: a socket it forgets to close shows on its stderr.
COMMAND = [sys.executable, "-S", "-W", "error", str(HOST_IMAGE / "web.py"), "--port", "0"]
PATIENCE_S = 5.0
SHORT_S = 0.3
LARGE = 1_200_000  # bytes of /large
GET = b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: lab\r\nTransfer-Encoding: chunked\r\n\r\n"


class Answer(NamedTuple):
    """One answer: status, fields by lower-case name, content."""

    status: int
    fields: dict[str, str]
    content: bytes


class Server(NamedTuple):
    """A running server."""

    port: int

    def connect(self) -> socket.socket:
        """Return a connection on which each call waits PATIENCE_S at most."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def ask(self, *pieces: bytes) -> bytes:
        """Send the pieces, one segment each, shut down sending, and return all that comes back."""
        with self.connect() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
            return read_all(client)

    def status(self, request: bytes) -> int:
        """Return the status of the only answer."""
        (answer,) = answers(self.ask(request))
        return answer.status


@contextmanager
def started(*arguments: str) -> Iterator[Server]:
    """Run a server; on leaving, it must end with status 0 and nothing more to say."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *arguments], stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            yield Server(int(process.stdout.readline().rsplit(":", 1)[1]))
            process.terminate()
            assert process.communicate(timeout=PATIENCE_S) == ("", "")
            assert process.returncode == 0
        finally:
            process.kill()


@pytest.fixture(scope="module")
def web() -> Iterator[Server]:
    """One server for all tests that leave it as it was."""
    with started() as server:
        yield server


@pytest.fixture(scope="module")
def http1() -> Iterator[ModuleType]:
    """The parser, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HOST_IMAGE))
        yield importlib.import_module("http1")


def read_all(client: socket.socket) -> bytes:
    """Return everything up to the end of the stream."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def answers(stream: bytes, *, to_head: bool = False) -> list[Answer]:
    """Cut a stream into its answers."""
    found = []
    while stream:
        head, end, stream = stream.partition(b"\r\n\r\n")
        assert end, head
        first, *lines = head.decode("ascii").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines)
        length = 0 if to_head else int(fields.get("content-length", "0"))
        assert len(stream) >= length
        found.append(Answer(int(first.split(" ")[1]), fields, stream[:length]))
        stream = stream[length:]
    return found


def statuses(stream: bytes) -> list[int]:
    """Return the statuses of all answers."""
    return [answer.status for answer in answers(stream)]


def with_fields(*lines: bytes) -> bytes:
    """Return a GET with Host and these field lines."""
    return b"\r\n".join([b"GET / HTTP/1.1", b"Host: lab", *lines, b"", b""])


# --- Answers --------------------------------------------------------------------------


def test_the_tutorials_answer_has_all_that_a_browser_wants(web: Server) -> None:
    (answer,) = answers(web.ask(GET))
    assert answer.content == b"Hello\n"
    assert answer.fields.keys() == {"content-type", "content-length", "date", "connection"}
    assert time.strptime(answer.fields["date"], "%a, %d %b %Y %H:%M:%S gmt")


def test_head_gets_the_head_of_get_and_no_content(web: Server) -> None:
    (get,) = answers(web.ask(GET))
    (head,) = answers(web.ask(GET.replace(b"GET", b"HEAD")), to_head=True)
    assert head.status == 200
    assert head.fields["content-length"] == get.fields["content-length"] == "6"


def test_a_refused_head_gets_no_content_either(web: Server) -> None:
    stream = web.ask(b"HEAD / HTTP/1.1\r\n\r\n")
    assert stream.startswith(b"HTTP/1.1 400 ")
    assert stream.endswith(b"\r\n\r\n")


def test_405_says_what_is_allowed(web: Server) -> None:
    (answer,) = answers(web.ask(b"DELETE / HTTP/1.1\r\nHost: lab\r\n\r\n"))
    assert (answer.status, answer.fields["allow"]) == (405, "get, head")


GARBAGE = {
    "two empty lines": b"\r\n\r\n" + GET,
    "not a request line": b"hi\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\n",
    "a space at the end": b"GET / HTTP/1.1 \r\n",
    "a lone LF": b"GET / HTTP/1.1\nHost: lab\r\n",
    "a lone CR": b"GET / HTTP/1.1\rHost: lab\r\n",
    "a NUL": b"GET /\0 HTTP/1.1\r\n",
    "a version without minor": b"GET / HTTP/1\r\n",
    "a version in lower case": b"GET / http/1.1\r\n",
    "a target that is no path": b"GET hello HTTP/1.1\r\nHost: lab\r\n\r\n",
    "a fragment": b"GET /#a HTTP/1.1\r\nHost: lab\r\n\r\n",
    "an asterisk for GET": b"GET * HTTP/1.1\r\nHost: lab\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": with_fields(b"Host: lab"),
    "a bad Host": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a field without colon": with_fields(b"Accept"),
    "a space before the colon": with_fields(b"Accept : a"),
    "an empty name": with_fields(b": a"),
    "a folded field": with_fields(b"Accept: a,", b" b"),
    "a NUL in a value": with_fields(b"Accept: a\0"),
    "a CR in a value": with_fields(b"Accept: a\rb"),
    "a lone LF after a field": b"GET / HTTP/1.1\r\nHost: lab\nAccept: a\r\n\r\n",
    "two lengths": with_fields(b"Content-Length: 0", b"Content-Length: 0"),
    "a list of lengths": with_fields(b"Content-Length: 0, 0"),
    "a negative length": with_fields(b"Content-Length: -1"),
    "a length with a sign": with_fields(b"Content-Length: +1"),
    "an empty length": with_fields(b"Content-Length:"),
    "a length and chunks": CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "chunks that are not last": with_fields(b"Transfer-Encoding: chunked, gzip"),
    "chunks twice": with_fields(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    "an empty coding": with_fields(b"Transfer-Encoding:"),
    "chunks in HTTP/1.0": CHUNKED.replace(b"1.1", b"1.0"),
    "a size that is no number": CHUNKED + b"x\r\n",
    "a size with 0x": CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
    "a negative size": CHUNKED + b"-1\r\n",
    "no size": CHUNKED + b"\r\n",
    "a size line that is too long": CHUNKED + b"1;" + b"a" * 256,
    "a lone LF after a size": CHUNKED + b"1\na\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"1\r\nab\r\n0\r\n\r\n",
    "a chunk without its end": CHUNKED + b"1\r\naXX0\r\n\r\n",
    "a bad trailer": CHUNKED + b"0\r\nbad\r\n\r\n",
    "an end in the middle of the head": GET[:-2],
    "an end in the middle of the body": with_fields(b"Content-Length: 1"),
}
REFUSED = {
    "all methods of RFC 9110": (b"TRACE / HTTP/1.1\r\nHost: lab\r\n\r\n", 405),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\nHost: lab\r\n\r\n", 405),
    "CONNECT": (b"CONNECT lab:80 HTTP/1.1\r\nHost: lab\r\n\r\n", 405),
    "a method of no RFC": (b"BREW / HTTP/1.1\r\nHost: lab\r\n\r\n", 501),
    "a method in lower case": (b"get / HTTP/1.1\r\nHost: lab\r\n\r\n", 501),
    "a coding it lacks": (with_fields(b"Transfer-Encoding: gzip, chunked"), 501),
    "nothing there": (b"GET /nothing HTTP/1.1\r\nHost: lab\r\n\r\n", 404),
    "a body that is too long": (with_fields(b"Content-Length: 65537"), 413),
    "a length of 5000 digits": (with_fields(b"Content-Length: " + b"9" * 5000), 413),
    "chunks that are too long": (CHUNKED + b"FFFF\r\n" + b"a" * 65535 + b"\r\n2\r\n", 413),
    "a chunk of nearly 2^64": (CHUNKED + b"F" * 16 + b"\r\n", 413),
    "a long request line": (b"GET /" + b"a" * 8000, 414),
    "a long field": (with_fields(b"A: " + b"a" * 16384), 431),
    "many long fields": (with_fields(*[b"A: " + b"a" * 400] * 50), 431),
    "101 fields": (with_fields(*[b"A: a"] * 100), 431),
    "101 trailers": (CHUNKED + b"0\r\n" + b"A: a\r\n" * 101, 431),
    "another expectation": (with_fields(b"Expect: a-miracle"), 417),
    "HTTP/2 by prior knowledge": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "HTTP/0.9 with a version": (b"GET / HTTP/0.9\r\n\r\n", 505),
}
ACCEPTED = {
    "a path with a query": b"GET /?a=b HTTP/1.1\r\nHost: lab\r\n\r\n",
    "a whole URL": b"GET http://lab:8080/ HTTP/1.1\r\nHost: lab\r\n\r\n",
    "a URL without path": b"GET http://lab?a HTTP/1.1\r\nHost: lab\r\n\r\n",
    "an IPv6 Host": b"GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n",
    "an empty Host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "HTTP/1.0 without Host": b"GET / HTTP/1.0\r\n\r\n",
    "a later minor version": b"GET / HTTP/1.9\r\nHost: lab\r\n\r\n",
    "an empty line before": b"\r\n" + GET,
    "a body of the limit": with_fields(b"Content-Length: 65536") + b"a" * 65536,
    "99 more fields": with_fields(*[b"A: a"] * 99),
    "3000 bytes in a field": with_fields(b"A: " + b"a" * 3000),
    "chunks": CHUNKED.replace(b"POST", b"GET") + b"2\r\nab\r\n1;a=b\r\nc\r\n0\r\nA: b\r\n\r\n",
}


@pytest.mark.parametrize("request_", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_answered_400_and_the_connection_ends(web: Server, request_: bytes) -> None:
    (answer,) = answers(web.ask(request_))
    assert (answer.status, answer.fields["connection"]) == (400, "close")


@pytest.mark.parametrize(("request_", "status"), REFUSED.values(), ids=REFUSED)
def test_what_it_does_not_do_has_a_status(web: Server, request_: bytes, status: int) -> None:
    assert web.status(request_) == status


@pytest.mark.parametrize("request_", ACCEPTED.values(), ids=ACCEPTED)
def test_what_the_rfc_has_servers_accept_is_accepted(web: Server, request_: bytes) -> None:
    assert web.status(request_) == 200


def test_a_folded_field_is_named_as_what_is_wrong(web: Server) -> None:
    (answer,) = answers(web.ask(GARBAGE["a folded field"]))
    assert b"folded" in answer.content


def test_what_cannot_become_a_request_is_refused_at_once(web: Server) -> None:
    """TLS sent to this port would otherwise wait, without a line end, for its time to be up."""
    with web.connect() as client:
        client.sendall(b"\x16\x03\x01")
        assert statuses(read_all(client)) == [400]


def test_what_follows_a_refused_request_is_never_read_as_one(web: Server) -> None:
    smuggled = GARBAGE["a length and chunks"] + GET
    assert statuses(web.ask(smuggled)) == [400]


def test_a_client_that_waits_to_send_its_body_is_asked_for_it(web: Server) -> None:
    with web.connect() as client:
        client.sendall(with_fields(b"Content-Length: 3", b"Expect: 100-continue"))
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        client.shutdown(socket.SHUT_WR)
        assert statuses(read_all(client)) == [200]


# --- Many requests, cut anywhere --------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "wish", "stays"),
    [(b"1.1", b"", True), (b"1.1", b"close", False), (b"1.1", b"TE, Close", False),
     (b"1.0", b"", False), (b"1.0", b"keep-alive", True)],
)  # fmt: skip
def test_the_connection_stays_open_as_version_and_wish_say(
    web: Server, version: bytes, wish: bytes, stays: bool
) -> None:
    request = with_fields(b"Connection: " + wish).replace(b"1.1", version)
    found = answers(web.ask(request, request))
    assert len(found) == (2 if stays else 1)
    assert found[0].fields["connection"] == ("keep-alive" if stays else "close")


def test_pipelined_requests_are_answered_in_order(web: Server) -> None:
    paths = [b"/", b"/nothing", b"/page", b"/"]
    requests = [b"GET " + path + b" HTTP/1.1\r\nHost: lab\r\n\r\n" for path in paths]
    assert statuses(web.ask(b"".join(requests), LAST, GET)) == [200, 404, 200, 200, 200]


def test_answers_larger_than_any_buffer_arrive_whole_and_in_order(web: Server) -> None:
    """Sends are partial, and the requests wait in the parser meanwhile."""
    large = GET.replace(b"/ ", b"/large ")
    found = answers(web.ask(large * 10 + GET))
    assert [len(answer.content) for answer in found] == [LARGE] * 10 + [6]


# 200, 405, 200, 200, 404 and 400
SOME = b"".join(
    [
        GET,
        GET.replace(b"GET", b"POST"),
        ACCEPTED["chunks"],
        with_fields(b"Content-Length: 3") + b"abc",
        GET.replace(b"/ ", b"/nothing "),
        b"bad\r\n",
    ]
)


def test_a_stream_cut_in_two_anywhere_gets_the_same_answers(web: Server) -> None:
    for cut in range(len(SOME)):
        assert statuses(web.ask(SOME[:cut], SOME[cut:])) == [200, 405, 200, 200, 404, 400], cut


def test_a_stream_that_comes_byte_by_byte_gets_the_same_answers(web: Server) -> None:
    pieces = [SOME[i : i + 1] for i in range(len(SOME))]
    assert statuses(web.ask(*pieces)) == [200, 405, 200, 200, 404, 400]


def outcome(http1: ModuleType, pieces: list[bytes]) -> list[tuple[str, str, bytes] | int]:
    """Return what the parser makes of a stream in these pieces: requests, then a status."""
    parser = http1.Parser()
    found: list[tuple[str, str, bytes] | int] = []
    for piece in pieces:
        parser.feed(piece)
        try:
            while request := parser.next():
                found.append((request.method, request.target, bytes(request.body)))
        except http1.Refused as why:
            return [*found, why.status]
    return found


# Bytes that look enough like requests to come far, and some that do not.
WORDS = [*GARBAGE.values(), *ACCEPTED.values(), *(request for request, _ in REFUSED.values()),
         b"\r\n", b"\n", b"GET ", b"Host: lab\r\n", b"1\r\na\r\n", b"a" * 9000]  # fmt: skip
STREAMS = st.lists(st.sampled_from(WORDS) | st.binary(max_size=40), max_size=6).map(b"".join)


@given(stream=STREAMS, data=st.data())
@settings(deadline=None, max_examples=200)
def test_how_a_stream_is_cut_never_changes_what_is_read(
    http1: ModuleType, stream: bytes, data: st.DataObject
) -> None:
    places = st.lists(st.integers(0, len(stream)), max_size=20)
    cuts = [0, *sorted(data.draw(places)), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(cuts)]
    assert outcome(http1, pieces) == outcome(http1, [stream])


@given(stream=STREAMS)
@example(stream=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # TLS
@settings(deadline=None, max_examples=100)
def test_no_bytes_end_the_server_or_go_unanswered(web: Server, stream: bytes) -> None:
    """Answers, and a refusal or the client's own end; never a reset and never silence."""
    found = answers(web.ask(stream))
    known = {100, 200, 400, 404, 405, 413, 414, 417, 431, 501, 505}
    assert {answer.status for answer in found} <= known
    assert found or stream in (b"", b"\r\n")
    assert web.status(GET) == 200


# --- Slow, many, and gone -------------------------------------------------------------


@pytest.mark.parametrize("begun", [b"G", GET[:-2], with_fields(b"Content-Length: 2") + b"a"])
def test_a_request_that_does_not_end_in_time_gets_408(begun: bytes) -> None:
    with started("--request-s", str(SHORT_S)) as web, web.connect() as client:
        since = time.monotonic()
        client.sendall(begun)
        assert statuses(read_all(client)) == [408]
        assert time.monotonic() - since >= SHORT_S


def test_bytes_that_keep_coming_do_not_give_a_request_more_time() -> None:
    with started("--request-s", str(SHORT_S)) as web, web.connect() as client:
        client.sendall(b"GET /")
        until = time.monotonic() + PATIENCE_S
        while not select.select([client], [], [], SHORT_S / 10)[0] and time.monotonic() < until:
            client.sendall(b"a")
        assert time.monotonic() < until
        assert statuses(read_all(client)) == [408]


@pytest.mark.parametrize("sent", [b"", GET, b"\r\n"])
def test_a_connection_without_a_request_is_closed_in_silence(sent: bytes) -> None:
    with started("--idle-s", str(SHORT_S)) as web, web.connect() as client:
        client.sendall(sent)
        assert statuses(read_all(client)) == [200] * (sent == GET)


def test_the_time_of_a_request_begins_with_its_first_byte() -> None:
    with started("--request-s", str(SHORT_S * 2)) as web, web.connect() as client:
        client.sendall(GET[:5])
        time.sleep(SHORT_S / 10)  # A request that is there at once starts no clock.
        client.sendall(GET[5:])
        time.sleep(SHORT_S * 2.5)
        client.sendall(LAST)
        assert statuses(read_all(client)) == [200, 200]


def test_a_hundred_slow_clients_do_not_hold_up_a_fast_one(web: Server) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(web.connect()) for _ in range(100)]
        for client in clients:
            client.sendall(LAST[:-1])
        assert web.status(GET) == 200
        for client in clients:
            client.sendall(LAST[-1:])
        assert [statuses(read_all(client)) for client in clients] == [[200]] * 100


def test_a_client_that_does_not_read_is_not_read_without_bound(web: Server) -> None:
    """Neither its requests nor the answers to them fill the server's memory."""
    with web.connect() as client:
        client.setblocking(False)
        sent = 0
        while select.select([], [client], [], SHORT_S)[1]:
            sent += client.send(GET.replace(b"/ ", b"/large ") * 1000)
            assert sent < 100 * 2**20
        assert web.status(GET) == 200


def test_a_client_that_resets_ends_only_its_own_connection(web: Server) -> None:
    for sent in (b"", GET[:5], GET, GET.replace(b"/ ", b"/large ")):
        with closing(web.connect()) as client:
            client.sendall(sent)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert web.status(GET) == 200


# --- How it closes --------------------------------------------------------------------

LONG = with_fields(b"A: " + b"a" * 3000)


def send_and_wait(server: Server, *pieces: bytes) -> bytes:
    """Send, without shutting down, and return all that comes, as curl does."""
    with server.connect() as client:
        for piece in pieces:
            client.sendall(piece)
        return read_all(client)


def test_the_answer_survives_bytes_that_come_after_the_last_request(web: Server) -> None:
    with web.connect() as client:
        client.sendall(LAST)
        assert select.select([client], [], [], PATIENCE_S)[0]
        client.sendall(b"a" * 100_000)
        assert statuses(read_all(client)) == [200]


def test_a_refusal_survives_a_body_that_goes_on(web: Server) -> None:
    body = b"a" * 2**20
    assert statuses(send_and_wait(web, with_fields(b"Content-Length: 1048576"), body)) == [413]


def test_a_client_that_never_closes_is_left_after_the_last_answer() -> None:
    with started("--linger-s", str(SHORT_S)) as web, web.connect() as client:
        client.sendall(LAST)
        assert statuses(read_all(client)) == [200]
        time.sleep(SHORT_S * 1.5)
        client.sendall(b"a")
        time.sleep(SHORT_S / 10)
        with pytest.raises(ConnectionError):
            client.sendall(b"a")


def test_as_the_tutorial_wrote_it_a_long_head_gets_a_reset(web: Server) -> None:
    with started("--as-written") as as_written:
        assert send_and_wait(as_written, GET).endswith(b"close\r\n\r\nHello\n")
        assert send_and_wait(as_written, b"not HTTP").startswith(b"HTTP/1.1 200 OK\r\n")
        with pytest.raises(ConnectionResetError):
            send_and_wait(as_written, LONG)
    assert statuses(web.ask(LONG)) == [200]


def test_as_the_tutorial_wrote_it_a_request_in_two_pieces_gets_its_answer_after_one() -> None:
    with started("--as-written") as web, web.connect() as client:
        client.sendall(b"G")
        assert read_all(client).startswith(b"HTTP/1.1 200 OK")


# --- Failing on purpose ---------------------------------------------------------------


def test_close_ends_the_connection_without_an_answer() -> None:
    with started("--fail", "close") as web:
        assert send_and_wait(web, GET) == b""


def test_reset_resets_it_once_the_request_is_there() -> None:
    with started("--fail", "reset") as web, web.connect() as client:
        client.sendall(GET[:-1])
        assert not select.select([client], [], [], SHORT_S / 3)[0]
        client.sendall(GET[-1:])
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_truncate_promises_more_than_it_sends() -> None:
    with started("--fail", "truncate") as web:
        head, _, content = send_and_wait(web, GET).partition(b"\r\n\r\n")
        assert b"Content-Length: 1006" in head
        assert content == b"Hello\n"


def test_silent_takes_every_request_and_never_answers() -> None:
    with started("--fail", "silent") as web, web.connect() as client:
        client.sendall(GET * 3)
        assert not select.select([client], [], [], SHORT_S)[0]


# --- Start ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["--fail", "x"], 2, "EINVAL"),
        (["--fail", "close", "--as-written"], 2, "EINVAL"),
        (["--bind", "192.0.2.1"], 1, "EADDRNOTAVAIL"),
    ],
)
def test_what_cannot_be_started_is_told_in_one_line(
    arguments: list[str], status: int, text: str
) -> None:
    command = [*COMMAND, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert done.stderr.startswith("errnolab-web: ")
    assert text in done.stderr
