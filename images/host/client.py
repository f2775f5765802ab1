#!/usr/bin/python3 -S
"""errnolab-client: send one request, print the reply, or say which call failed and why.

The request is LINE, byte for byte and without a newline; without LINE it is one line
typed at a terminal, or all of standard input. The reply goes to stdout as it comes.

Over TCP the request is sent while the reply is received, and the end of the request
is marked by shutting down the sending side. Sending all first and receiving then would
come to a halt on a large request: the server cannot go on sending a reply that nobody
reads, stops reading in its turn, and each waits for the other.

With --framing each LINE is a message of its own: all are sent in frames, one after the
other, and each reply is a frame, printed with a newline after it (docs/framing.md).

connect blocks, so that the kernel itself gives up in its own time and with its own
errno. With --timeout this program may give up first, and then there is no errno.

Exit status: 0 a reply came, 1 a call failed, 2 bad argument, 3 the name was not
resolved, 4 the connection was closed without a reply, 5 the replies in frames were too
few or too many, or could not be cut.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import argparse
import os
import selectors
import socket
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from meanings import ArgumentParser, explain, port, seconds

if TYPE_CHECKING:
    from framing import Rule

FAILED, INVALID, UNRESOLVED, NO_REPLY, MISFRAMED, INTERRUPTED = 1, 2, 3, 4, 5, 130

CHUNK = 64 * 1024
MAX_DATAGRAM = 65535
UDP_TIMEOUT_S = 5.0  # Nothing else ends the wait for a datagram that was lost.
CHECK_TIMEOUT_S = 2.0
CHECK_TEXT = b"errnolab check"

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

TCP = socket.SOCK_STREAM
UDP = socket.SOCK_DGRAM

Address = tuple[int, tuple[object, ...]]  # a family and a socket address that go together


class Failure(Exception):
    """No reply: the message is complete, and `status` is the exit status."""

    def __init__(self, text: str, status: int = FAILED) -> None:
        super().__init__(text)
        self.status = status


class Calling:
    """Name the call that a block makes, so that an OSError there becomes a full Failure."""

    def __init__(self, call: str, status: int = FAILED) -> None:
        self.call = call
        self.status = status

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, OSError):
            raise Failure(f"{self.call}: {reason(error)}", self.status) from error


def reason(error: OSError) -> str:
    """Explain an error of the kernel, or the lack of one where this program gave up."""
    if error.errno is None:
        return "nothing came in the time allowed (--timeout); the kernel reported no error"
    return explain(error)


# --- The calls ------------------------------------------------------------------------


class Peer:
    """Where requests go: a host and a port, over TCP or UDP.

    `timeout_s` limits each wait; None leaves it to the kernel.
    """

    def __init__(
        self, kind: socket.SocketKind, host: str, number: int, timeout_s: float | None
    ) -> None:
        self.kind = kind
        self.host = host
        self.number = number
        self.timeout_s = timeout_s

    def __str__(self) -> str:
        return f"{self.host} {'UDP ' if self.kind == UDP else ''}port {self.number}"


def resolve(peer: Peer) -> list[Address]:
    """Return the addresses of the host, in the order to try them.

    Raises: Failure with status UNRESOLVED if there is none.
    """
    with Calling(f"resolve {peer.host}", UNRESOLVED):
        # As bytes: Python would load its codec for international names otherwise.
        found = socket.getaddrinfo(os.fsencode(peer.host), peer.number, type=peer.kind)
    return [(family, address) for family, _, _, _, address in found]


def connect(peer: Peer, address: Address) -> socket.socket:
    """Connect to one address of the peer.

    Over UDP nothing is sent, but the kernel then reports ICMP errors on this socket.
    Raises: Failure. The socket is closed then: POSIX leaves the state of a socket
    after a failed connect unspecified, and its descriptor would be lost.
    """
    family, where = address
    with Calling(f"socket for {peer}"):
        sock = socket.socket(family, peer.kind)
    try:
        sock.settimeout(peer.timeout_s)
        with Calling(f"connect to {peer}"):
            sock.connect(where)
    except BaseException:
        sock.close()
        raise
    return sock


def connect_first(peer: Peer) -> socket.socket:
    """Connect to the first address of the peer that answers.

    Raises: Failure of the last address; with several, each failure is told on stderr.
    """
    addresses = resolve(peer)
    for address in addresses:
        try:
            return connect(peer, address)
        except Failure as failure:
            last = failure
            if len(addresses) > 1:
                complain(f"tried {address[1][0]}: {failure}")
    raise last


def stream_reply(peer: Peer, sock: socket.socket, request: bytes) -> Iterator[bytes]:
    """Send the request over TCP and yield the reply in pieces as they come.

    Raises: Failure. Pieces that came before it have been yielded.
    """
    unsent = memoryview(request)
    sock.setblocking(False)
    with selectors.DefaultSelector() as selector:
        selector.register(sock, READ | WRITE)
        while True:
            events = wait(peer, selector)
            if events & READ:
                with Calling(f"receive from {peer}"):
                    piece = sock.recv(CHUNK)
                if not piece:
                    return
                yield piece
            if events & WRITE:
                with Calling(f"send to {peer}"):
                    unsent = unsent[sock.send(unsent) :]
                if not unsent:
                    end_request(sock)
                    selector.modify(sock, READ)


def wait(peer: Peer, selector: selectors.BaseSelector) -> int:
    """Return the events of the one socket in the selector.

    Raises: Failure if there are none in the time allowed.
    """
    with Calling(f"wait for {peer}"):
        ready = selector.select(peer.timeout_s)
        if not ready:
            raise TimeoutError
    return ready[0][1]


def end_request(sock: socket.socket) -> None:
    """Shut down sending: the server sees the end of the request and can still reply."""
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        return  # The connection is gone already; the next recv tells what became of it.


def datagram_reply(peer: Peer, sock: socket.socket, request: bytes) -> Iterator[bytes]:
    """Send the request in one datagram and yield the one that answers it.

    Raises: Failure.
    """
    with Calling(f"send to {peer}"):
        sock.send(request)
    with Calling(f"receive from {peer}"):
        reply = sock.recv(MAX_DATAGRAM)
    yield reply


REPLY = {TCP: stream_reply, UDP: datagram_reply}


# --- The program ----------------------------------------------------------------------


def talk(peer: Peer, line: str | None) -> None:
    """Send one request and print its reply.

    Raises: Failure.
    """
    request = read_request() if line is None else os.fsencode(line)
    piece = None
    with connect_first(peer) as sock:
        for piece in REPLY[peer.kind](peer, sock, request):
            write(piece)
    if piece is None:
        raise Failure(f"{peer} closed the connection without a reply", NO_REPLY)
    if os.isatty(1) and not piece.endswith(b"\n"):
        write(b"\n")


def talk_framed(peer: Peer, rule: Rule, lines: list[str]) -> None:
    """Send each line in a frame, and print the frames that come back, each with a newline.

    All lines are on their way before the first reply is waited for.
    Raises: Failure.
    """
    messages = [os.fsencode(line) for line in lines] or [read_request()]
    request = b"".join(pack(rule, message) for message in messages)
    replies = 0
    with connect_first(peer) as sock:
        for reply in framed_replies(peer, sock, rule, request):
            if replies == len(messages):
                raise Failure(f"{peer} sent one reply more than the {replies} wanted:"
                              f" {reply[:80]!r}", MISFRAMED)  # fmt: skip
            write(reply + b"\n")
            replies += 1
    if not replies:
        raise Failure(f"{peer} closed the connection without a reply", NO_REPLY)
    if replies < len(messages):
        raise Failure(
            f"{peer} closed the connection after {replies} of {len(messages)} replies", MISFRAMED
        )


def pack(rule: Rule, message: bytes) -> bytes:
    """Make a frame of the message.

    Raises: Failure with status INVALID if the rule cannot carry it.
    """
    from framing import CannotCarry  # noqa: PLC0415 - a client without it starts sooner

    try:
        return rule.pack(message)
    except CannotCarry as error:
        raise Failure(f"cannot send {message[:80]!r} as {rule}: {error}", INVALID) from error


def framed_replies(peer: Peer, sock: socket.socket, rule: Rule, request: bytes) -> Iterator[bytes]:
    """Send the request over TCP and yield the frames that come back.

    Raises: Failure, with status MISFRAMED if the stream cannot be cut or ends in a frame.
    """
    from framing import FramingError  # noqa: PLC0415 - as above

    unpacker = rule.unpacker()
    try:
        for piece in stream_reply(peer, sock, request):
            yield from unpacker.feed(piece)
        unpacker.end()
    except FramingError as error:
        raise Failure(f"replies of {peer}: {error}", MISFRAMED) from error


def read_request() -> bytes:
    """Read one line (without its end) from a terminal, or all that another stdin holds."""
    with Calling("read from stdin"), open(0, "rb", closefd=False) as stdin:
        return stdin.readline().rstrip(b"\n") if stdin.isatty() else stdin.read()


def write(data: bytes) -> None:
    """Write bytes to stdout, unchanged and at once."""
    with Calling("write to stdout"):
        while data:
            data = data[os.write(1, data) :]


def check(peer: Peer) -> None:
    """Send a short text to every address of the peer and want it back.

    Raises: Failure at the first address that does not do so.
    """
    for address in resolve(peer):
        with connect(peer, address) as sock:
            reply = b"".join(REPLY[peer.kind](peer, sock, CHECK_TEXT))
        if reply != CHECK_TEXT:
            raise Failure(f"{peer} answered {CHECK_TEXT!r} with {reply[:80]!r}")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; a bad argument ends the program with status 2."""
    parser = ArgumentParser(
        prog="errnolab-client",
        usage="%(prog)s [--udp] [--port PORT] [--timeout S] HOST [LINE]\n"
        "       %(prog)s --framing RULE [--port PORT] [--timeout S] HOST [LINE ...]\n"
        "       %(prog)s --check [--port PORT] [--timeout S] HOST ...",
        description="Send one request to an echo server and print the reply.",
        epilog="Exit status: 0 a reply came, 1 a call failed, 2 bad argument, 3 the name was not"
        " resolved, 4 closed without a reply, 5 replies in frames too few, too many or cut.",
    )
    parser.set_defaults(kind=TCP)
    parser.add_argument("--udp", dest="kind", action="store_const", const=UDP, help="not over TCP")
    parser.add_argument("--port", type=port, default=16555, help="default 16555")
    parser.add_argument(
        "--timeout",
        type=seconds,
        metavar="S",
        help="give up after S seconds without an answer"
        f" (default: the kernel decides; over UDP {UDP_TIMEOUT_S:g}, for --check"
        f" {CHECK_TIMEOUT_S:g})",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="send a short text to every address of each HOST, over TCP and over UDP, and want"
        " it back; silent if all is well",
    )
    parser.add_argument(
        "--framing",
        type=rule_of,
        metavar="RULE",
        help="send each LINE in a frame, and print each frame that comes back, with a newline;"
        " fixed:N, delimiter:TEXT, length:SIZE (docs/framing.md)",
    )
    parser.add_argument("host", metavar="HOST", help="a name or an address")
    parser.add_argument("rest", metavar="LINE", nargs="*", help="the request (default: stdin)")
    options = parser.parse_args(arguments)
    if options.framing and (options.check or options.kind == UDP):
        parser.error("--framing is for one host over TCP; a datagram has its ends already")
    if len(options.rest) > 1 and not (options.check or options.framing):
        parser.error("more than one LINE; put it in quotes")
    return options


def rule_of(text: str) -> Rule:
    """Read --framing.

    Raises: argparse.ArgumentTypeError, which argparse turns into a bad argument.
    """
    from framing import parse  # noqa: PLC0415 - as above

    return parse(text)


def run(options: argparse.Namespace) -> None:
    """Do what the command line says.

    Raises: Failure.
    """
    if options.check:
        timeout_s = options.timeout or CHECK_TIMEOUT_S
        for host in [options.host, *options.rest]:
            for kind in (TCP, UDP):
                check(Peer(kind, host, options.port, timeout_s))
    elif options.framing:
        talk_framed(Peer(TCP, options.host, options.port, options.timeout),
                    options.framing, options.rest)  # fmt: skip
    else:
        timeout_s = options.timeout or (UDP_TIMEOUT_S if options.kind == UDP else None)
        talk(Peer(options.kind, options.host, options.port, timeout_s), *options.rest or [None])


def complain(text: str) -> None:
    """Print one line on stderr."""
    print(f"errnolab-client: {text}", file=sys.stderr)


def main() -> int:
    """Run the program and return its exit status."""
    try:
        run(parse())
    except Failure as failure:
        complain(str(failure))
        return failure.status
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
