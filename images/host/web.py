#!/usr/bin/python3 -S
"""errnolab-web: the tutorial's HTTP server, grown until browsers and curl accept it.

GET / is answered "Hello". What the tutorial's own server lacks is what makes this
one longer: it reads a request to its end, however it was cut (http1.py), it answers
what it does not like with a status, it serves many clients at once and waits for none
of them for ever, and it closes so that the answer arrives. `--as-written` is the
tutorial's way, and `--fail` what a server can do to the gateway in front of it.

One thread serves everybody; the loop is errnolab-server's.

Standard library only, Python 3.9 or newer. It imports little, to be listening
soon after it is started.
"""

from __future__ import annotations

import argparse
import signal
import socket
import struct
import sys
from functools import partial
from time import gmtime, strftime

import http1
from http1 import Refused, Request
from meanings import ArgumentParser, port, seconds
from server import (
    READ,
    WRITE,
    Lingering,
    Listener,
    Loop,
    StartError,
    announce,
    open_all,
    receive,
    send,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = Callable[["Connection", Request], None]

PENDING_LIMIT = 256 * 1024  # unsent bytes of one client above which it gets no more answers
PLAIN, HTML = "text/plain; charset=utf-8", "text/html; charset=utf-8"
PAGES = {  # what there is: path, content type and content
    "/": (PLAIN, b"Hello\n"),
    "/page": (HTML, b"<!doctype html><title>errnolab</title><h1>Hello</h1>\n"),
    "/large": (PLAIN, b"Hello\n" * 200_000),
}
ALLOWED = ("GET", "HEAD")
AS_WRITTEN = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nHello\n"
AS_WRITTEN_ROOM = 2047  # bytes of the request that the tutorial's server reads
PROMISED_MORE = 1000  # bytes that --fail truncate promises and never sends
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, for 0 s (socket(7))


# --- What is answered -----------------------------------------------------------------


def choose(request: Request) -> tuple[int, dict[str, str], bytes]:
    """Return status, fields and content for one whole request."""
    if request.method not in http1.KNOWN_METHODS:
        return problem(501, "no such method")
    if request.method not in ALLOWED:
        status, fields, content = problem(405, "there are GET and HEAD")
        return status, {**fields, "Allow": ", ".join(ALLOWED)}, content
    if request.path() not in PAGES:
        return problem(404, "there is nothing here")
    kind, content = PAGES[request.path()]
    return 200, {"Content-Type": kind}, content


def problem(status: int, why: str) -> tuple[int, dict[str, str], bytes]:
    """Return status, fields and content of an answer that says no."""
    content = f"{status} {http1.REASONS[status]}: {why}\n".encode()
    return status, {"Content-Type": PLAIN}, content


def write_head(status: int, fields: dict[str, str], length: int, connection: str) -> bytes:
    """Write status line and fields, with the empty line that ends them."""
    lines = [f"HTTP/1.1 {status} {http1.REASONS[status]}"]
    common = {
        "Date": strftime("%a, %d %b %Y %H:%M:%S GMT", gmtime()),
        "Content-Length": str(length),
        "Connection": connection,
    }
    lines += [f"{name}: {value}" for name, value in {**fields, **common}.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


# --- One client -----------------------------------------------------------------------


class Connection(Lingering):
    """One client, from accept to close.

    It answers the requests in the order they came (on_ready). After the last one it
    shuts down its sending side and throws away what the client still sends (on_late):
    a close() with bytes unread sends a reset, and a reset can destroy the answer while
    it is on its way. Any OSError is this one client's trouble, and ends only this
    connection.
    """

    def __init__(self, answer: Answer, sock: socket.socket, loop: Loop) -> None:
        self.answer = answer
        self.sock = sock
        self.loop = loop
        self.parser = http1.Parser()
        self.unsent = bytearray()
        self.ended = False  # the client has sent all it will
        self.closing = False  # the last answer is written
        self.full = False  # requests wait in the parser until answers are sent
        loop.add(sock, self.on_ready)
        loop.idle.start(self.close)

    def on_ready(self, events: int) -> None:
        """Read, answer and send once: the other clients want their turn."""
        try:
            if events & READ:
                self.read()
            self.answer_requests()
            self.send_answers()
        except OSError:
            self.close()

    def on_slow(self) -> None:
        """Refuse a request of which some has come but not all, and it has had its time."""
        if self.unsent:
            # It is the client's reading that is slow; the idle limit is there for that.
            self.loop.pause.start(self.on_slow)
            return
        self.refuse(Refused(408, "the request did not come to its end in time"))
        try:
            self.send_answers()
        except OSError:
            self.close()

    def read(self) -> None:
        """Take the next bytes, or the end of them."""
        piece = receive(self.sock)
        if piece:
            self.parser.feed(piece)
            self.loop.idle.start(self.close)
        elif piece is not None:
            self.ended = True

    def answer_requests(self) -> None:
        """Answer the requests that are here, as long as the client takes the answers."""
        while not self.closing and not self.is_full():
            try:
                request = self.parser.next()
            except Refused as why:
                self.refuse(why)
                return
            if request is None:
                self.await_more()
                return
            self.take(request)

    def is_full(self) -> bool:
        """Say, and note, whether so much is unsent that requests must wait."""
        self.full = len(self.unsent) >= PENDING_LIMIT
        return self.full

    def take(self, request: Request) -> None:
        """Answer a request, or ask for its body if the client waits for that."""
        if request.whole:
            self.loop.pause.stop(self.on_slow)
            self.answer(self, request)
        else:
            self.unsent += b"HTTP/1.1 100 Continue\r\n\r\n"

    def await_more(self) -> None:
        """Let a request that has begun have its time from now, and no more at each byte."""
        if self.ended:
            self.closing = True
            if self.parser.started():
                self.refuse(Refused(400, "the request ends in the middle"))
        elif self.parser.started() and self.on_slow not in self.loop.pause.due:
            self.loop.pause.start(self.on_slow)

    def refuse(self, why: Refused) -> None:
        """Write an answer that says no, which is the last one."""
        status, fields, content = problem(why.status, why.why)
        self.closing = True
        self.write(status, fields, content, self.parser.request)

    def write(
        self, status: int, fields: dict[str, str], content: bytes, request: Request | None
    ) -> None:
        """Write one answer; to HEAD it is the head that GET would get."""
        connection = "close" if self.closing else "keep-alive"
        self.unsent += write_head(status, fields, len(content), connection)
        if request is None or request.method != "HEAD":
            self.unsent += content

    def send_answers(self) -> None:
        """Send what the client's side has room for, and finish when that was the last."""
        if self.unsent and send(self.sock, self.unsent):
            self.loop.idle.start(self.close)
        if self.closing and not self.unsent:
            self.loop.pause.stop(self.on_slow)
            self.loop.idle.stop(self.close)
            self.linger()
        else:
            self.loop.selector.modify(self.sock, self.awaited(), self.on_ready)

    def awaited(self) -> int:
        """Return the events to wait for; there always is one."""
        reading = not (self.ended or self.closing or self.full)
        return (READ if reading else 0) | (WRITE if self.unsent or self.full else 0)

    def close(self) -> None:
        """End the connection, whatever state it is in."""
        self.loop.pause.stop(self.on_slow)
        self.loop.quiet.stop(self.close)
        self.loop.idle.stop(self.close)
        self.loop.drop(self.sock)


# --- Ways to answer -------------------------------------------------------------------


def honestly(connection: Connection, request: Request) -> None:
    """Answer the request, and keep the connection if the client wants that."""
    connection.closing = not request.keeps_open()
    connection.write(*choose(request), request)


def silent(_connection: Connection, _request: Request) -> None:
    """Never answer."""


def reset(connection: Connection, _request: Request) -> None:
    """Reset the connection in place of an answer."""
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    raise ConnectionAbortedError("the client gets a reset")


def truncate(connection: Connection, _request: Request) -> None:
    """Promise more than is sent, and close."""
    connection.closing = True
    kind, content = PAGES["/"]
    fields = {"Content-Type": kind}
    connection.unsent += write_head(200, fields, len(content) + PROMISED_MORE, "close") + content


def close(connection: Connection, _request: Request) -> None:
    """Close in the usual way in place of an answer."""
    connection.closing = True


FAIL = {"silent": silent, "reset": reset, "truncate": truncate, "close": close}


class AsWritten:
    """One client of the tutorial's own server: one recv, one send, and close at once."""

    def __init__(self, sock: socket.socket, loop: Loop) -> None:
        self.sock = sock
        self.loop = loop
        loop.add(sock, self.on_ready)

    def on_ready(self, _events: int) -> None:
        """Answer whatever came first. What is unread at the close makes it a reset."""
        try:
            self.sock.recv(AS_WRITTEN_ROOM)
            self.sock.send(AS_WRITTEN)
        except OSError:
            pass
        finally:
            self.loop.drop(self.sock)


# --- Start and end --------------------------------------------------------------------


def serve(options: argparse.Namespace) -> None:
    """Serve until a signal comes.

    Raises: StartError if that cannot begin.
    """
    connect = (
        AsWritten if options.as_written else partial(Connection, FAIL.get(options.fail, honestly))
    )
    # What the loop calls quiet, pause and idle is here what comes after the last answer,
    # what a request takes, and what lies between two requests.
    with Loop(options.linger_s, options.request_s, options.idle_s) as loop:
        loop.stop_on(signal.SIGINT, signal.SIGTERM)
        sockets = open_all([socket.SOCK_STREAM], options.bind, options.port)
        for sock in sockets:
            Listener(sock, loop, lambda client, _address, loop: connect(client, loop))
        announce(sockets, options.ready_fd)
        loop.run()


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; a bad argument ends the program with status 2."""
    parser = ArgumentParser(
        prog="errnolab-web",
        description='Answer GET / with "Hello" over HTTP/1.1.',
        epilog="Exit status: 0 after SIGINT or SIGTERM, 1 no start, 2 bad argument.",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--as-written", action="store_true", help="the tutorial's way: one recv")
    mode.add_argument("--fail", choices=FAIL, default="", help="what to do in place of an answer")
    parser.add_argument("--bind", metavar="ADDR", help="one address to serve on (default: all)")
    parser.add_argument("--port", type=port, default=8080, help="default 8080; 0: any free one")
    for name, default, text in (
        ("--request-s", 10.0, "seconds that a whole request may take, then 408 (default 10)"),
        ("--idle-s", 15.0, "close a connection after so many seconds of nothing (default 15)"),
        ("--linger-s", 2.0, "seconds for a client to close after the last answer (default 2)"),
    ):
        parser.add_argument(name, type=seconds, metavar="S", default=default, help=text)
    parser.add_argument(
        "--ready-fd", type=int, metavar="FD", help="file descriptor that gets a newline when ready"
    )
    return parser.parse_args(arguments)


def main() -> int:
    """Run the program and return its exit status."""
    try:
        serve(parse())
    except StartError as error:
        print(f"errnolab-web: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
