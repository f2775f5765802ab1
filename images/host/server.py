#!/usr/bin/python3 -S
"""errnolab-server: an echo server over TCP and UDP on plain sockets.

A request of exactly "hi" is answered "abc"; anything else comes back unchanged.

TCP carries one request and one reply per connection. A byte stream has no
message ends, so a request ends where the client shuts down its sending side
(recv returns 0 bytes), or, for clients that never do, where nothing has come for a
while since the last byte. While the request may still turn out to be "hi" its
client waits for us, so that while is short (--quiet-s); once bytes go back as they
come nobody waits, and it is longer than a retransmission takes on a path that loses
packets (--pause-s). An empty request gets an empty reply: the close alone.

With --framing a connection carries many: a rule cuts its stream into frames, and each
is answered with a frame. With --naive each recv is taken for a request. What is
answered is in echoes.py and framed.py.

UDP has message ends: each datagram is a request, and its answer is one datagram,
sent from the very address the request was sent to.

One thread serves everybody. No call on a socket ever waits; the only wait is the
one in `Loop.run`, for all sockets and deadlines at once.

Standard library only, Python 3.9 or newer. It imports little, to be listening
soon after it is started.
"""

from __future__ import annotations

import argparse
import errno
import os
import selectors
import signal
import socket
import sys
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from math import inf
from time import monotonic

from echoes import CHUNK, Echo, NaiveEcho, answer
from meanings import ArgumentParser, explain, port, seconds

BACKLOG = 128
BURST = 64  # connections or datagrams taken before the others have their turn
PENDING_LIMIT = 16 * 1024 * 1024  # unsent bytes of one connection above which it is not read
MAX_DATAGRAM = 65535
ACCEPT_PAUSE_S = 0.1

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

IP_PKTINFO = 8  # <linux/in.h>; in Python's socket module only from 3.12 on
PKTINFO_ROOM = socket.CMSG_SPACE(20)  # bytes of struct in6_pktinfo, the larger of the two

Address = tuple[int, tuple[object, ...]]  # a family and a socket address that go together

PROTOCOL = {socket.SOCK_STREAM: "TCP", socket.SOCK_DGRAM: "UDP"}
NO_SUCH_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class StartError(Exception):
    """The server cannot start; the message is complete."""


# --- When it is answered --------------------------------------------------------------


class Deadlines:
    """Actions that are each due the same number of seconds after they were started.

    As all wait equally long, the order of starting is the order of falling due.
    """

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self.due: OrderedDict[Callable[[], None], float] = OrderedDict()

    def start(self, action: Callable[[], None]) -> None:
        """Let the action fall due in `wait_s` seconds from now, whatever was set before."""
        self.due[action] = monotonic() + self.wait_s
        self.due.move_to_end(action)

    def stop(self, action: Callable[[], None]) -> None:
        """Forget the action."""
        self.due.pop(action, None)

    def soonest(self) -> float:
        """Return the monotonic time at which the next action is due, or infinity."""
        return next(iter(self.due.values()), inf)

    def run(self) -> None:
        """Carry out what is due."""
        now = monotonic()
        while self.soonest() <= now:
            action, _ = self.due.popitem(last=False)
            action()


class Loop:
    """Waits for all sockets and deadlines, and calls whoever asked for what happened.

    A context manager: leaving it closes every socket it was given.
    """

    def __init__(self, quiet_s: float, pause_s: float, idle_s: float) -> None:
        self.quiet = Deadlines(quiet_s)
        self.pause = Deadlines(pause_s)
        self.idle = Deadlines(idle_s)
        self.accept_pause = Deadlines(ACCEPT_PAUSE_S)
        self.selector = selectors.DefaultSelector()
        self.sockets: set[socket.socket] = set()
        self.running = True

    def __enter__(self) -> Loop:
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        self.selector.close()
        for sock in self.sockets:
            sock.close()

    def add(self, sock: socket.socket, on_ready: Callable[[int], None]) -> None:
        """Own the socket from now on, and call on_ready(events) when it can be read."""
        sock.setblocking(False)
        self.selector.register(sock, READ, on_ready)
        self.sockets.add(sock)

    def drop(self, sock: socket.socket) -> None:
        """Close the socket and forget it."""
        self.selector.unregister(sock)
        self.sockets.remove(sock)
        sock.close()

    def run(self) -> None:
        """Serve until `stop` is called."""
        while self.running:
            for key, events in self.selector.select(self.patience()):
                key.data(events)
            for deadlines in self.deadlines():
                deadlines.run()

    def stop_on(self, *signals: signal.Signals) -> None:
        """Let these signals stop the loop.

        A signal can come at any moment, also just before the loop starts to wait. Python
        writes a byte into a socket when it does, and the loop waits for that as for any.
        """
        wakened, waker = socket.socketpair()
        self.add(wakened, self.stop)
        self.add(waker, self.stop)
        signal.set_wakeup_fd(waker.fileno())
        for number in signals:
            signal.signal(number, lambda *_: None)

    def stop(self, _events: int) -> None:
        """Leave `run` at the end of this turn."""
        self.running = False

    def patience(self) -> float:
        """Return the seconds until the next deadline, an hour at most."""
        soonest = min(deadlines.soonest() for deadlines in self.deadlines())
        return min(max(0.0, soonest - monotonic()), 3600.0)

    def deadlines(self) -> tuple[Deadlines, ...]:
        """Return every set of deadlines."""
        return self.quiet, self.pause, self.idle, self.accept_pause


# --- TCP ------------------------------------------------------------------------------


def receive(sock: socket.socket, flags: int = 0, room: int = CHUNK) -> bytes | None:
    """Take what has come: b"" is the end of the stream, None that nothing has come.

    Raises: OSError if the connection failed.
    """
    try:
        return sock.recv(room, flags)
    except BlockingIOError:
        return None


def send(sock: socket.socket, unsent: bytearray) -> bool:
    """Send what the kernel takes, remove it from `unsent`, and say whether it took any.

    Raises: OSError if the connection failed.
    """
    try:
        sent = sock.send(unsent)
    except BlockingIOError:
        return False
    del unsent[:sent]
    return True


class Lingering(ABC):
    """A connection that ends without a reset: what its client still sends is let come."""

    sock: socket.socket
    loop: Loop

    def linger(self) -> None:
        """Shut down sending, and let late bytes of the client come for the loop's `quiet`.

        A close() with bytes unread sends a reset instead of the usual end, and a reset
        can destroy the reply while it is on its way.
        """
        self.sock.shutdown(socket.SHUT_WR)
        self.loop.selector.modify(self.sock, READ, self.on_late)
        self.loop.quiet.start(self.close)

    def on_late(self, _events: int) -> None:
        """Throw away bytes that came after the request; close when the client has."""
        try:
            over = receive(self.sock) == b""
        except OSError:
            over = True
        if over:
            self.close()

    @abstractmethod
    def close(self) -> None:
        """End the connection, whatever state it is in."""


class Connection(Lingering):
    """One TCP client, from accept to close.

    It reads the request and sends the reply at the same time (on_ready); when all is
    sent it shuts down its own sending side and waits a little for the client's
    (on_late). Any OSError is this one client's trouble, and ends only this connection.
    """

    def __init__(
        self,
        echo: Callable[[], Echo],
        sock: socket.socket,
        address: tuple[object, ...],
        loop: Loop,
    ) -> None:
        self.echo = echo()
        self.sock = sock
        self.address = address
        self.loop = loop
        self.unsent = bytearray()
        self.ended = False
        loop.add(sock, self.on_ready)
        loop.idle.start(self.close)

    def on_ready(self, events: int) -> None:
        """Read, write, or both, once: the other clients want their turn."""
        try:
            if events & READ:
                self.read_request()
            self.send_reply()
        except OSError:
            self.close()

    def on_quiet(self) -> None:
        """End the request, unless bytes are waiting that have not been read yet.

        That is so when the loop is late, or does not read because too much is unsent.
        """
        try:
            if receive(self.sock, socket.MSG_PEEK):
                self.await_more()
            else:
                self.end_request()
                self.send_reply()
        except OSError:
            self.close()

    def read_request(self) -> None:
        """Take the next piece of the request, or its end."""
        piece = receive(self.sock, room=self.echo.room)
        if piece:
            self.unsent += self.echo.feed(piece)
            self.await_more()
            self.loop.idle.start(self.close)
        if piece == b"" or self.echo.trouble:
            self.end_request()

    def await_more(self) -> None:
        """Let the request end by silence, counted from now."""
        self.await_no_more()
        if self.echo.ends_in_silence:
            (self.loop.pause if self.echo.passing else self.loop.quiet).start(self.on_quiet)

    def await_no_more(self) -> None:
        """Forget that silence would end the request."""
        self.loop.quiet.stop(self.on_quiet)
        self.loop.pause.stop(self.on_quiet)

    def end_request(self) -> None:
        """Add what the whole request is answered with."""
        self.ended = True
        self.unsent += self.echo.finish()
        self.await_no_more()
        if self.echo.trouble:
            complain(f"{show(self.address)}: {self.echo.trouble}; closing")

    def send_reply(self) -> None:
        """Send what the client's side has room for, and finish when that was all."""
        if self.unsent and send(self.sock, self.unsent):
            self.loop.idle.start(self.close)
        if self.ended and not self.unsent:
            self.linger()
        else:
            self.loop.selector.modify(self.sock, self.awaited(), self.on_ready)

    def awaited(self) -> int:
        """Return the events to wait for; there always is one."""
        reading = not self.ended and len(self.unsent) < PENDING_LIMIT
        return (READ if reading else 0) | (WRITE if self.unsent else 0)

    def close(self) -> None:
        """End the connection, whatever state it is in."""
        self.await_no_more()
        self.loop.quiet.stop(self.close)
        self.loop.idle.stop(self.close)
        self.loop.drop(self.sock)


Serve = Callable[[socket.socket, "tuple[object, ...]", Loop], object]


class Listener:
    """Accepts TCP clients, and has `serve` serve each of them."""

    def __init__(self, sock: socket.socket, loop: Loop, serve: Serve) -> None:
        self.sock = sock
        self.loop = loop
        self.serve = serve
        self.complained = False
        loop.add(sock, self.on_ready)

    def on_ready(self, _events: int) -> None:
        """Accept the clients that are waiting."""
        try:
            for _ in range(BURST):
                client, address = self.sock.accept()
                self.serve(client, address, self.loop)
        except OSError as error:
            # EAGAIN: nobody else is waiting. Linux also reports here the error of a
            # connection that failed while it waited (accept(2)); only that one is lost.
            if error.errno in EXHAUSTED:
                self.pause(error)

    def pause(self, error: OSError) -> None:
        """Leave the clients in the kernel's queue for a while.

        The listening socket stays readable when accept fails for want of a file
        descriptor, so that asking again at once would only burn the processor.
        """
        if not self.complained:
            complain(f"cannot accept for now: {explain(error)}")
        self.complained = True
        self.loop.selector.unregister(self.sock)
        self.loop.accept_pause.start(self.resume)

    def resume(self) -> None:
        """Accept again."""
        self.loop.selector.register(self.sock, READ, self.on_ready)


# --- UDP ------------------------------------------------------------------------------


class Datagrams:
    """Answers UDP datagrams."""

    def __init__(self, sock: socket.socket, loop: Loop) -> None:
        self.sock = sock
        loop.add(sock, self.on_ready)

    def on_ready(self, _events: int) -> None:
        """Answer the datagrams that are waiting.

        EAGAIN says that there are no more. Any other error belongs to one datagram that
        has gone, and UDP promises nobody that a datagram, or an answer, arrives.
        """
        try:
            for _ in range(BURST):
                self.answer_one()
        except OSError:
            return

    def answer_one(self) -> None:
        """Answer one datagram from the address it was sent to.

        A server with several addresses would otherwise answer from the one its routes
        prefer, which the client does not know. The control message that says where the
        datagram was sent to (ip(7), ipv6(7)) says, when sent, where the answer is from.
        """
        request, pktinfo, _flags, client = self.sock.recvmsg(MAX_DATAGRAM, PKTINFO_ROOM)
        self.sock.sendmsg([answer(request)], pktinfo, 0, client)


# --- Start and end --------------------------------------------------------------------


def candidates(bind: str | None, number: int) -> list[Address]:
    """Return the addresses to bind, in order of preference.

    Without `bind` that is one socket for both families or, where this kernel has no
    IPv6, one for IPv4.
    Raises: StartError if `bind` is not an address.
    """
    if bind is None:
        return [(socket.AF_INET6, ("::", number)), (socket.AF_INET, ("0.0.0.0", number))]
    try:
        found = socket.getaddrinfo(
            os.fsencode(bind), number, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except OSError as error:
        raise StartError(f"cannot bind {bind}: {explain(error)}") from error
    return [(family, address) for family, _, _, _, address in found]


def open_socket(kind: socket.SocketKind, family: int, address: tuple[object, ...]) -> socket.socket:
    """Open one socket, bound to the address and, for TCP, listening.

    Raises: OSError; the socket is closed then.
    """
    sock = socket.socket(family, kind)
    try:
        if family == socket.AF_INET6:
            # IPv4 clients arrive here too, with addresses such as ::ffff:198.18.0.10.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if kind == socket.SOCK_STREAM:
            # Connections of an earlier run, in TIME-WAIT, must not keep the port taken.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
        else:
            # No SO_REUSEADDR: over UDP it would let two servers share the port.
            ask_for_pktinfo(sock)
            sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def ask_for_pktinfo(sock: socket.socket) -> None:
    """Let recvmsg tell to which address of this host each datagram was sent."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)


def open_first(kind: socket.SocketKind, addresses: list[Address]) -> socket.socket:
    """Open a socket at the first of the addresses that this host has.

    Raises: StartError if there is none, or if the address cannot be had.
    """
    for family, address in addresses:
        try:
            return open_socket(kind, family, address)
        except OSError as error:
            failure = StartError(f"cannot bind {PROTOCOL[kind]} {show(address)}: {explain(error)}")
            failure.__cause__ = error
            if error.errno not in NO_SUCH_FAMILY:
                break
    raise failure


def open_all(kinds: list[socket.SocketKind], bind: str | None, number: int) -> list[socket.socket]:
    """Open one socket of each kind, all on one port; 0 takes the port the first is given.

    Raises: StartError; all are closed then.
    """
    sockets: list[socket.socket] = []
    try:
        for kind in kinds:
            sockets.append(open_first(kind, candidates(bind, number)))
            number = sockets[0].getsockname()[1]
    except StartError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def show(address: tuple[object, ...]) -> str:
    """Write a socket address as 198.18.0.10:16555 or [2001:db8::10]:16555."""
    host, number = address[:2]
    return f"[{host}]:{number}" if ":" in str(host) else f"{host}:{number}"


def announce(sockets: list[socket.socket], ready_fd: int | None) -> None:
    """Say on stdout, and on `ready_fd` by a newline, that the server can be reached.

    Raises: StartError if that cannot be written.
    """
    try:
        if ready_fd is not None:
            os.write(ready_fd, b"\n")
            os.close(ready_fd)
        names = [f"{PROTOCOL[sock.type]} {show(sock.getsockname())}" for sock in sockets]
        print("listening on", " and ".join(names), flush=True)
    except OSError as error:
        raise StartError(f"cannot write that it is ready: {explain(error)}") from error


def serve(options: argparse.Namespace) -> None:
    """Serve until a signal comes.

    Raises: StartError if that cannot begin.
    """
    with Loop(options.quiet_s, options.pause_s, options.idle_s) as loop:
        loop.stop_on(signal.SIGINT, signal.SIGTERM)
        sockets = open_all(options.kinds, options.bind, options.port)
        for sock in sockets:
            if sock.type == socket.SOCK_STREAM:
                Listener(sock, loop, partial(Connection, options.echo))
            else:
                Datagrams(sock, loop)
        announce(sockets, options.ready_fd)
        loop.run()


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; a bad argument ends the program with status 2."""
    parser = ArgumentParser(
        prog="errnolab-server",
        description='Answer "hi" with "abc" and anything else with itself, over TCP and UDP.',
        epilog="Exit status: 0 after SIGINT or SIGTERM, 1 no start, 2 bad argument.",
    )
    tcp, udp = [socket.SOCK_STREAM], [socket.SOCK_DGRAM]
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--tcp", dest="kinds", action="store_const", const=tcp, help="TCP only")
    only.add_argument("--udp", dest="kinds", action="store_const", const=udp, help="UDP only")
    parser.set_defaults(kinds=tcp + udp)
    manner = parser.add_mutually_exclusive_group()
    manner.add_argument(
        "--framing",
        dest="echo",
        type=framed,
        metavar="RULE",
        help="answer each frame of a TCP stream with a frame; fixed:N, delimiter:TEXT, length:SIZE"
        " (docs/framing.md)",
    )
    manner.add_argument(
        "--naive",
        dest="echo",
        action="store_const",
        const=NaiveEcho,
        help="take what one recv returns (2047 bytes at most) for a message, which is wrong",
    )
    parser.set_defaults(echo=Echo)
    parser.add_argument("--bind", metavar="ADDR", help="one address to serve on (default: all)")
    parser.add_argument("--port", type=port, default=16555, help="default 16555; 0: any free one")
    parser.add_argument(
        "--quiet-s",
        type=seconds,
        metavar="S",
        default=0.2,
        help='silence that ends a TCP request of "h" or "hi", in seconds (default 0.2)',
    )
    parser.add_argument(
        "--pause-s",
        type=seconds,
        metavar="S",
        default=2.0,
        help="silence that ends a TCP request that comes back already (default 2)",
    )
    parser.add_argument(
        "--idle-s",
        type=seconds,
        metavar="S",
        default=60.0,
        help="close a TCP connection on which nothing moves for so long (default 60)",
    )
    parser.add_argument(
        "--ready-fd", type=int, metavar="FD", help="file descriptor that gets a newline when ready"
    )
    options = parser.parse_args(arguments)
    if options.kinds == udp and options.echo is not Echo:
        parser.error("--framing and --naive are for TCP; a datagram has its ends already")
    return options


def framed(text: str) -> Callable[[], Echo]:
    """Read --framing; the result makes the echo of one connection.

    Raises: argparse.ArgumentTypeError, which argparse turns into a bad argument.
    """
    import framed as module  # noqa: PLC0415 - a server without it starts sooner

    return module.framed(text)


def complain(text: str) -> None:
    """Print one line on stderr, if anybody reads it."""
    try:
        print(f"errnolab-server: {text}", file=sys.stderr, flush=True)
    except OSError:
        return


def main() -> int:
    """Run the program and return its exit status."""
    try:
        serve(parse())
    except StartError as error:
        complain(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
