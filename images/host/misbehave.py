#!/usr/bin/python3 -S
"""errnolab-misbehave: accepts TCP connections, and then treats them badly, from user space.

    errnolab-misbehave start NAME JSON    returns when it listens
    errnolab-misbehave stop NAME          returns when it is gone; so too if it was not there
    errnolab-misbehave hits NAME          prints how many connections it has treated so
    errnolab-misbehave forget ...         lets the kernel forget tracked connections, those of
                                          conntrack(8)'s options; none is no failure

A rule beside it (iptables nat REDIRECT) sends a caller's connections here in the place of
the service that they are for. Connections of both families are accepted.

JSON (both must be given):

    {"port": 20555, "how": HOW}

    HOW is one of
    "silent"            reads all, never answers, and keeps the connection
    "close"             reads the first data, or waits 1 s for some, as a client may wait
                        for the server to speak first; then closes in order (FIN)
    "reset"             the same, and resets (RST)
    "half"              the same, and closes behind half of an answer: of a page of HTTP
                        that was promised whole, or of a line
    "close_at_once"     closes in order when the connection is there
    "reset_at_once"     resets it

In /run/errnolab, NAME.pid is there while it runs; NAME.hits and NAME.log stay. Exit
status: 0 done, 1 it could not be done, 2 bad argument.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
import sys
from time import monotonic

import detached
from spec import Key, ProgramError, one_of, read_json, read_keys, whole

TYPE_CHECKING = False  # type checkers take it for true; typing itself costs 6 ms of the start
if TYPE_CHECKING:
    from collections.abc import Callable

    from spec import Values

BACKLOG = 128
CHUNK = 1 << 16
WAIT_S = 1.0  # for the first data; and behind our FIN, for what the client still says
BURST = 64  # connections that are taken before the others have their turn
NO_MORE = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
PAUSE_S = 0.05
NO_LINGER = struct.pack("ii", 1, 0)  # struct linger: close() sends a RST
NONE_FORGOTTEN = " 0 flow entries have been deleted"  # said by conntrack(8), which then fails

WAITING = ("close", "reset", "half")  # for the first data
RESETS = ("reset", "reset_at_once")
HOW = ("silent", *WAITING, "close_at_once", "reset_at_once")
SPEC = {"port": Key(whole(1, 65535)), "how": Key(one_of(*HOW))}
HTTP = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ")
HALF_A_PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n"
    + b"half of what was promised, " * 18
)
HALF_A_LINE = b"half of a li"


def read_spec(source: str) -> Values:
    """Read a specification; return its values.

    Raises: BadArgument, which names the first key that is wrong.
    """
    return read_keys("", read_json(source), SPEC)


def open_socket(spec: Values) -> socket.socket:
    """Return a socket that listens on the port, for both families.

    Raises: ProgramError.
    """
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # What we closed first is remembered for a minute, and would hold the port.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("::", spec["port"]))
        sock.listen(BACKLOG)
    except OSError as error:
        from meanings import explain  # noqa: PLC0415 - 10 ms that only this case must pay

        sock.close()
        raise ProgramError(f"cannot listen on port {spec['port']}: {explain(error)}") from error
    sock.setblocking(False)
    return sock


class Misbehaviour:
    """Accepts connections and treats them as a specification says.

    `count` is told how many connections have been treated so, this one included, before
    the client can see anything of it.
    """

    def __init__(
        self, spec: Values, listener: socket.socket, count: Callable[[int], object]
    ) -> None:
        self.how: str = spec["how"]
        self.listener = listener
        self.count = count
        self.treated = 0
        self.clients: dict[int, socket.socket] = {}
        # What is due, and when: the first data is waited for no longer, or a connection
        # that we ended is closed. Each wait is equally long, so the order of starting
        # is that of falling due.
        self.due: dict[socket.socket, float] = {}
        self.ended: set[socket.socket] = set()  # our FIN is sent, or theirs came
        self.paused_until = 0.0
        self.poll = select.epoll()
        self.poll.register(listener, select.EPOLLIN)

    def turn(self) -> None:
        """Wait for something to happen, and treat whoever it happened to."""
        for number, _events in self.poll.poll(self.wait_s(monotonic()), BURST):
            if number == self.listener.fileno():
                self.accept()
            elif number in self.clients:
                self.hear(self.clients[number])
        self.run_due(monotonic())

    def wait_s(self, now: float) -> float | None:
        """Return how long nothing is due; None if nothing is."""
        times = [*list(self.due.values())[:1], *([self.paused_until] if self.paused_until else [])]
        return max(0.0, min(times) - now) if times else None

    def run_due(self, now: float) -> None:
        """Do what it is time for."""
        if self.paused_until and self.paused_until <= now:
            self.paused_until = 0.0
            self.poll.modify(self.listener, select.EPOLLIN)
        for client in [client for client, when in self.due.items() if when <= now]:
            if client in self.ended:
                self.drop(client)
            else:
                self.treat(client, b"")

    def accept(self) -> None:
        """Take the connections that wait, and treat those that need not be heard first."""
        for _ in range(BURST):
            try:
                client, _address = self.listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in NO_MORE:
                    # It would wake us again at once, until somebody leaves.
                    self.poll.modify(self.listener, 0)
                    self.paused_until = monotonic() + PAUSE_S
                    return
                continue  # The client is gone already.
            client.setblocking(False)
            self.clients[client.fileno()] = client
            self.poll.register(client, select.EPOLLIN)
            if self.how in WAITING:
                self.due[client] = monotonic() + WAIT_S
            elif self.how == "silent":
                self.hit()
            else:
                self.treat(client, b"")

    def hear(self, client: socket.socket) -> None:
        """Read what a client sent: nothing is said to it but what it is treated with."""
        gone = False
        try:
            data = client.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data, gone = b"", True
        if self.how in WAITING and client not in self.ended:
            self.treat(client, data)
        elif gone or (not data and client in self.ended):
            self.drop(client)
        elif not data:
            # It has said all. Who is silent does not hang up for that: only a RST is heard.
            self.ended.add(client)
            self.poll.modify(client, 0)

    def treat(self, client: socket.socket, data: bytes) -> None:
        """Treat a client as it is to be, and count it."""
        self.hit()
        if self.how in RESETS:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            self.drop(client)
            return
        try:
            if self.how == "half":
                client.send(HALF_A_PAGE if data.startswith(HTTP) else HALF_A_LINE)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            self.drop(client)
            return
        # What a socket has not read when it is closed makes a RST of its end: so what
        # comes is read for a while, and thrown away.
        self.ended.add(client)
        self.due.pop(client, None)
        self.due[client] = monotonic() + WAIT_S

    def hit(self) -> None:
        """Count one more."""
        self.treated += 1
        self.count(self.treated)

    def drop(self, client: socket.socket) -> None:
        """Close a connection and forget it."""
        self.clients.pop(client.fileno(), None)
        self.due.pop(client, None)
        self.ended.discard(client)
        client.close()


def loop(_listener: socket.socket, worker: Misbehaviour, _asked: int) -> None:
    """Treat clients for ever; what goes wrong with one is logged and does not end it."""
    errors = 0
    while True:
        try:
            worker.turn()
        except Exception:
            errors += 1
            if errors <= detached.ERRORS_LOGGED:
                sys.excepthook(*sys.exc_info())


def forget(options: list[str]) -> int:
    """Let the kernel forget connections; conntrack(8) takes it for a failure if there are none."""
    import subprocess  # noqa: PLC0415 - 10 ms that only this must pay

    done = subprocess.run(
        ["conntrack", "-D", *options], capture_output=True, text=True, check=False
    )
    if done.returncode == 0 or NONE_FORGOTTEN in done.stderr:
        return 0
    print(f"errnolab-misbehave: conntrack: {done.stderr.strip()}", file=sys.stderr)
    return ProgramError.status


def main(arguments: list[str]) -> int:
    """Run the program and return its exit status."""
    if arguments[:1] == ["forget"]:
        return forget(arguments[1:])
    program = detached.Program(
        "errnolab-misbehave", __doc__, read_spec, open_socket, Misbehaviour, loop=loop
    )
    return detached.main(arguments, program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
