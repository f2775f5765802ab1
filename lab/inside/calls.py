"""The socket calls that a caller can make, by name.

Each takes the descriptor and the call's arguments, and returns its value, or
(value, more to tell). It raises OSError as the call does.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import itertools
import os
import resource
import select
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lab.inside import libc
from lab.inside.options import OPTIONS, written
from lab.inside.programs import run

Answer = dict[str, Any]
Told = tuple[int, Answer]

# net/tcp_states.h, as `ss` writes them.
TCP_STATES = (
    "", "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN",
    "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECV",
)  # fmt: skip
# linux/errqueue.h
ORIGINS = {1: "this host", 2: "ICMP", 3: "ICMPv6"}
MSG_ERRQUEUE, MSG_NOSIGNAL = 0x2000, 0x4000


class Sockets:
    """The sockets of a caller by name; one that was closed is EBADF."""

    def __init__(self) -> None:
        """Begin with none."""
        self.numbers: dict[str, int] = {}
        self.closed: set[str] = set()

    def number(self, name: str) -> int:
        """Return the descriptor, -1 if there is none; its number may be another's by now."""
        return self.numbers[name] if self.is_open(name) else -1

    def is_open(self, name: str) -> bool:
        """Tell whether a name stands for an open socket."""
        return name in self.numbers and name not in self.closed

    def add(self, name: str, number: int) -> None:
        """Give a new descriptor a name."""
        self.numbers[name] = number
        self.closed.discard(name)


def make(
    sockets: Sockets, call: str, socket_name: str, opening: dict[str, Any] | None = None,
    interrupted_after_s: float | None = None, restart: bool = False, **arguments: Any,
) -> Answer:  # fmt: skip
    """Make one call and return {value, errno, elapsed_ms, at_ns} and what more it tells.

    `elapsed_ms` is of the call alone; `at_ns` is when it began (CLOCK_REALTIME).
    Args: `opening` (domain, type, protocol, options, blocking) is how a socket is
    made, before and outside of that time, if the name has none; a signal comes
    `interrupted_after_s`, and with `restart` its handler has SA_RESTART.
    """
    try:
        if opening:
            _open(sockets, socket_name, **opening)
    except OSError as error:
        return {"lost": f"it was not made, for it has no socket: {error}"}
    number = sockets.number(socket_name)
    with _signals(interrupted_after_s, restart) as signals:
        at_ns, begun = time.time_ns(), time.perf_counter()
        try:
            told = CALLS[call](number, **arguments)
        except OSError as error:
            told = -1, {"errno": error.errno or 0, "detail": os.strerror(error.errno or 0)}
        elapsed_ms = (time.perf_counter() - begun) * 1e3
    value, more = told if isinstance(told, tuple) else (told, {})
    if call in MAKES and value >= 0:
        sockets.add(arguments.get("new", socket_name), value)
    if call == "close":
        sockets.closed.add(socket_name)
    if signals:
        more["signals"] = signals
    return {"value": value, "errno": 0, "elapsed_ms": elapsed_ms, "at_ns": at_ns, **more}


def _open(sockets: Sockets, name: str, blocking: bool, **how: Any) -> None:
    """Make a socket unless the name has one; a later call may change how it blocks."""
    if not sockets.is_open(name):
        sockets.add(name, _socket(**how))
    os.set_blocking(sockets.number(name), blocking)


@contextlib.contextmanager
def _signals(after_s: float | None, restart: bool) -> Iterator[list[str]]:
    """Note the signals that come meanwhile; let a SIGALRM come after a while, if wanted."""
    came: list[str] = []

    def note(number: int, _frame: Any) -> None:
        came.append(signal.Signals(number).name)

    for number in (signal.SIGPIPE, signal.SIGALRM):
        signal.signal(number, note)
        signal.siginterrupt(number, not restart)
    if after_s:
        signal.setitimer(signal.ITIMER_REAL, after_s)
    try:
        yield came
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


# --- open, name, close ----------------------------------------------------------


def _socket(domain: int, type: int, protocol: int, options: dict[str, Any]) -> int:
    number = libc.call("socket", domain, type, protocol)
    try:
        for option, value in options.items():
            _setsockopt(number, option, value)
    except OSError:
        os.close(number)
        raise
    return number


def _new_socket(_fd: int, how: dict[str, Any]) -> int:
    return _socket(**how)


def _pipe(_fd: int) -> int:
    """Open a pipe and return the end to read from: a descriptor that is no socket."""
    return os.pipe()[0]


def _address(address: str, port: int, length: int | None, sockaddr_family: int | None) -> Any:
    raw = libc.sockaddr(address, port)
    if sockaddr_family is not None:
        raw = struct.pack("=H", sockaddr_family) + raw[2:]
    return raw, len(raw) if length is None else length


def _connect(
    fd: int, address: str, port: int, length: int | None = None,
    sockaddr_family: int | None = None, pointer: int | None = None,
) -> int:  # fmt: skip
    raw, size = _address(address, port, length, sockaddr_family)
    return libc.call("connect", fd, raw if pointer is None else ctypes.c_void_p(pointer), size)


def _bind(
    fd: int, address: str, port: int, length: int | None = None,
    sockaddr_family: int | None = None,
) -> int:  # fmt: skip
    raw, size = _address(address, port, length, sockaddr_family)
    return libc.call("bind", fd, raw, size)


def _listen(fd: int, backlog: int) -> int:
    return libc.call("listen", fd, backlog)


def _accept(fd: int, new: str = "") -> Told:
    raw, size = ctypes.create_string_buffer(128), ctypes.c_int(128)
    number = libc.call("accept4", fd, raw, ctypes.byref(size), 0)
    return number, {"detail": libc.address_of(raw.raw[: size.value])}


def _name_of(call: str) -> Callable[..., Told]:
    def name(fd: int) -> Told:
        raw, size = ctypes.create_string_buffer(128), ctypes.c_int(128)
        value = libc.call(call, fd, raw, ctypes.byref(size))
        return value, {"detail": libc.address_of(raw.raw[: size.value])}

    return name


def _shutdown(fd: int, how: str) -> int:
    return libc.call("shutdown", fd, {"SHUT_RD": 0, "SHUT_WR": 1, "SHUT_RDWR": 2}[how])


def _close(fd: int) -> int:
    return libc.call("close", fd)


# --- data -----------------------------------------------------------------------


def _send(fd: int, data: str, sigpipe: bool = False) -> int:
    octets = bytes.fromhex(data)
    return libc.call(
        "send", fd, octets, ctypes.c_size_t(len(octets)), 0 if sigpipe else MSG_NOSIGNAL
    )


def _sendto(fd: int, address: str, port: int, data: str) -> int:
    octets, raw = bytes.fromhex(data), libc.sockaddr(address, port)
    size = ctypes.c_size_t(len(octets))
    return libc.call("sendto", fd, octets, size, MSG_NOSIGNAL, raw, len(raw))


def _sendto_nowhere(fd: int, data: str) -> int:
    octets = bytes.fromhex(data)
    return libc.call(
        "sendto", fd, octets, ctypes.c_size_t(len(octets)), MSG_NOSIGNAL, None, 0
    )  # fmt: skip


def _recv(fd: int, size: int) -> Told:
    buffer = ctypes.create_string_buffer(max(size, 1))
    value = libc.call("recv", fd, buffer, ctypes.c_size_t(size), 0)
    return _received(buffer.raw[:value])


def _received(data: bytes) -> Told:
    return len(data), {"data": data.hex()}


def _recv_error(fd: int) -> Told:
    """Read the socket's error queue; tell the errno and where the error came from.

    Source: recv(2) MSG_ERRQUEUE, ip(7) IP_RECVERR, struct sock_extended_err.
    """
    with socket.socket(fileno=os.dup(fd)) as sock:
        data, ancillary, _flags, _address = sock.recvmsg(2048, 512, MSG_ERRQUEUE)
    for _level, _type, raw in ancillary:
        if len(raw) >= 16:
            number, origin, kind, code = struct.unpack("=IBBB", raw[:7])
            name = libc.ERRNO_NAMES.get(number, str(number))
            by = ORIGINS.get(origin, f"origin {origin}")
            where = f"{by} {kind}/{code}" if origin > 1 else by
            return len(data), {"detail": f"{name} from {where}"}
    return len(data), {"detail": "nothing told"}


def _exchange(fd: int, data: str) -> Told:
    """Send everything, half-close, and read until the end, both at once.

    A peer that sends back while we still send would otherwise fill both ways and
    neither side would go on.
    """
    left, got = memoryview(bytes.fromhex(data)), bytearray()
    if not left:
        libc.call("shutdown", fd, 1)
    os.set_blocking(fd, False)
    while True:
        readable, writable, _ = select.select([fd], [fd] if left else [], [])
        if writable:
            left = left[libc.call("send", fd, bytes(left), len(left), MSG_NOSIGNAL) :]
            if not left:
                libc.call("shutdown", fd, 1)
        if readable:
            piece = os.read(fd, 1 << 16)
            if not piece:
                return _received(bytes(got))
            got += piece


def _fill(fd: int) -> int:
    """Send until the socket takes no more, without blocking; return how many bytes it took."""
    blocks = os.get_blocking(fd)
    os.set_blocking(fd, False)
    taken, piece = 0, b"x" * 65536
    try:
        while True:
            taken += libc.call("send", fd, piece, len(piece), MSG_NOSIGNAL)
    except BlockingIOError:
        return taken
    finally:
        os.set_blocking(fd, blocks)


# --- waiting --------------------------------------------------------------------


def _poll(fd: int, events: str, timeout_s: float | None = None) -> Told:
    wait = select.poll()
    wait.register(fd, getattr(select, events))
    ready = wait.poll(None if timeout_s is None else timeout_s * 1e3)
    return len(ready), {"detail": _names_of(ready[0][1] if ready else 0, "POLL")}


def _epoll(fd: int, events: str, timeout_s: float | None = None) -> Told:
    with select.epoll() as wait:
        wait.register(fd, getattr(select, events))
        ready = wait.poll(timeout_s)
    return len(ready), {"detail": _names_of(ready[0][1] if ready else 0, "EPOLL")}


def _select(fd: int, timeout_s: float | None = None) -> Told:
    """Wait until the socket can be read or written; the value is in how many sets it is."""
    sets = select.select([fd], [fd], [fd], timeout_s)
    names = [name for name, found in zip(("readable", "writable", "exceptional"), sets) if found]
    return len(names), {"detail": "|".join(names)}


def _names_of(bits: int, prefix: str) -> str:
    names = [prefix + name for name in ("IN", "PRI", "OUT", "ERR", "HUP", "RDHUP")]
    return "|".join(name for name in names if bits & getattr(select, name))


# --- options and state ----------------------------------------------------------


def _setsockopt(fd: int, option: str, value: Any) -> int:
    level, number, raw = written(option, value)
    return libc.call("setsockopt", fd, level, number, raw, len(raw))


def _getsockopt(fd: int, option: str) -> int:
    level, number, _write = OPTIONS[option]
    value, size = ctypes.c_int(0), ctypes.c_int(4)
    libc.call("getsockopt", fd, level, number, ctypes.byref(value), ctypes.byref(size))
    return value.value


def _state(fd: int) -> Told:
    """Tell the TCP state of a socket, as `ss` has it (TCP_INFO, tcpi_state)."""
    number = _getsockopt(fd, "TCP_INFO") & 0xFF
    return number, {"detail": TCP_STATES[number] if number < len(TCP_STATES) else str(number)}


def _fcntl_nonblock(fd: int, blocking: bool) -> int:
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    flags = flags & ~os.O_NONBLOCK if blocking else flags | os.O_NONBLOCK
    return fcntl.fcntl(fd, fcntl.F_SETFL, flags)


def _ss(_fd: int, port: int, state: str = "") -> Told:
    """Run ss(8) for a TCP port; the value is the number of sockets, told as "STATE recv/send"."""
    status, stdout, stderr = run(
        ["ss", "-Htan", "(", "sport", "=", f":{port}", "or", "dport", "=", f":{port}", ")"]
    )
    if status != 0:
        raise RuntimeError(f"ss ended with status {status}: {stderr}")
    rows = [line.split() for line in stdout.splitlines()]
    rows = [row for row in rows if not state or row[0] == state]
    return len(rows), {"detail": ", ".join(f"{row[0]} {row[1]}/{row[2]}" for row in rows)}


def _forget_peers(_fd: int) -> int:
    """Flush what the kernel learned of its peers (ip-tcp_metrics(8))."""
    status, _stdout, stderr = run(["ip", "tcp_metrics", "flush"])
    if status != 0:
        raise RuntimeError(f"ip tcp_metrics flush ended with status {status}: {stderr}")
    return 0


# --- many -----------------------------------------------------------------------


def _connects(_fd: int, address: str, port: int, count: int, how: dict[str, Any]) -> int:
    """Begin many connections without blocking; return how many."""
    raw = libc.sockaddr(address, port)
    for _ in range(count):
        number = _socket(**how)
        os.set_blocking(number, False)
        with contextlib.suppress(BlockingIOError):
            libc.call("connect", number, raw, len(raw))
    return count


def _limit_descriptors(_fd: int, spare: int) -> int:
    """Let this process open so many descriptors more (RLIMIT_NOFILE): the lowest free ones."""
    # The listing has a descriptor of its own, which is closed once it is done.
    listed = list(Path("/proc/self/fd").iterdir())
    used = {int(path.name) for path in listed if path.is_symlink()}
    free = (number for number in itertools.count() if number not in used)
    limit = next(itertools.islice(free, spare, None))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    return 0


CALLS: dict[str, Callable[..., int | Told]] = {
    "socket": _new_socket,
    "pipe": _pipe,
    "connect": _connect,
    "connects": _connects,
    "bind": _bind,
    "listen": _listen,
    "accept": _accept,
    "send": _send,
    "sendto": _sendto,
    "sendto_nowhere": _sendto_nowhere,
    "recv": _recv,
    "recv_error": _recv_error,
    "exchange": _exchange,
    "fill": _fill,
    "poll": _poll,
    "epoll": _epoll,
    "select": _select,
    "setsockopt": _setsockopt,
    "getsockopt": _getsockopt,
    "getpeername": _name_of("getpeername"),
    "getsockname": _name_of("getsockname"),
    "shutdown": _shutdown,
    "state": _state,
    "ss": _ss,
    "forget_peers": _forget_peers,
    "fcntl": _fcntl_nonblock,
    "limit_descriptors": _limit_descriptors,
    "close": _close,
}
# The value of these is a new descriptor.
MAKES = ("socket", "accept", "pipe")
