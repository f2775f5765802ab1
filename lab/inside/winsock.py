"""Calls as Winsock makes them: steps become lines for caller.exe, and its answers answers.

caller.exe (images/windows/src/caller.c) makes one call a line and keeps nothing; the names
of sockets are kept here, as `Sockets` keeps a Linux caller's. A call that needs several
lines (a socket is opened first, its options are set) asks them one after the other: each
function here is a generator that yields lines and is sent the replies to them.

What Winsock numbers otherwise than Linux is translated: families, options, events. Errors
are not: an answer's errno is what WSAGetLastError gave.
Source: winsock2.h, ws2ipdef.h; Microsoft's documentation of each function.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from lab.inside.octets import as_octets, as_text

Answer = dict[str, Any]
INVALID_SOCKET = 2**64 - 1
LINUX_FAMILIES = {0: 0, 2: 2, 10: 23}  # AF_UNSPEC, AF_INET, AF_INET6
FLAGS = {"MSG_OOB": 0x1, "MSG_PEEK": 0x2, "MSG_DONTROUTE": 0x4, "MSG_WAITALL": 0x8}
HOW = {"SHUT_RD": 0, "SHUT_WR": 1, "SHUT_RDWR": 2}
# Winsock has two kinds of reading, and POLLIN is both.
EVENTS = {"POLLIN": 0x300, "POLLPRI": 0x400, "POLLOUT": 0x10, "POLLERR": 0x1, "POLLHUP": 0x2,
          "POLLNVAL": 0x4}  # fmt: skip


def _dword(value: int) -> bytes:
    return struct.pack("<i", value)


def _milliseconds(value: float) -> bytes:
    return struct.pack("<I", round(value * 1e3))


def _linger(value: int) -> bytes:
    """Return a struct linger that is on, for so many seconds."""
    return struct.pack("<HH", 1, value)


SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_IPV6 = 0xFFFF, 0, 6, 41
# name: (level, number, how a value is written)
OPTIONS: dict[str, tuple[int, int, Callable[[Any], bytes]]] = {
    "SO_ACCEPTCONN": (SOL_SOCKET, 0x2, _dword),
    "SO_REUSEADDR": (SOL_SOCKET, 0x4, _dword),
    "SO_KEEPALIVE": (SOL_SOCKET, 0x8, _dword),
    "SO_BROADCAST": (SOL_SOCKET, 0x20, _dword),
    "SO_LINGER": (SOL_SOCKET, 0x80, _linger),
    "SO_OOBINLINE": (SOL_SOCKET, 0x100, _dword),
    "SO_SNDBUF": (SOL_SOCKET, 0x1001, _dword),
    "SO_RCVBUF": (SOL_SOCKET, 0x1002, _dword),
    "SO_SNDTIMEO": (SOL_SOCKET, 0x1005, _milliseconds),
    "SO_RCVTIMEO": (SOL_SOCKET, 0x1006, _milliseconds),
    "SO_ERROR": (SOL_SOCKET, 0x1007, _dword),
    "SO_TYPE": (SOL_SOCKET, 0x1008, _dword),
    "TCP_NODELAY": (IPPROTO_TCP, 0x1, _dword),
    "IP_TTL": (IPPROTO_IP, 4, _dword),
    "IPV6_UNICAST_HOPS": (IPPROTO_IPV6, 4, _dword),
    "IPV6_V6ONLY": (IPPROTO_IPV6, 27, _dword),
}


class CannotMakeError(Exception):
    """Winsock has no such call, or not with these arguments."""


@dataclass(frozen=True)
class Reply:
    """What caller.exe answers a line with; `data` is text, as `octets` has it."""

    value: int
    error: int
    elapsed_ms: float
    at_ns: int
    data: str | None = None
    detail: str = ""

    @classmethod
    def of(cls, line: str) -> Reply:
        """Read a line of key=value. Raises: ValueError, KeyError if it is none."""
        said = dict(word.split("=", 1) for word in line.split())
        return cls(int(said["value"]), int(said["error"]), int(said["elapsed_ns"]) / 1e6,
                   int(said["at_ns"]), said.get("data"), said["detail"])  # fmt: skip

    def answer(self, **more: Any) -> Answer:
        """Return it as `calls.make` does."""
        told = {"data": self.data} if self.data is not None else {}
        if self.detail:
            told["detail"] = self.detail
        return {"value": self.value, "errno": self.error, "elapsed_ms": self.elapsed_ms,
                "at_ns": self.at_ns, **told, **more}  # fmt: skip


@dataclass
class Sockets:
    """A caller's sockets by name: their handles, which of them do not block, what is unsent."""

    handles: dict[str, int] = field(default_factory=dict)
    nonblocking: set[str] = field(default_factory=set)
    rests: dict[str, bytes] = field(default_factory=dict)

    def handle(self, name: str) -> int:
        """Return the handle; INVALID_SOCKET if there is none, for its number may be another's."""
        return self.handles.get(name, INVALID_SOCKET)

    def add(self, name: str, handle: int, nonblocking: bool = False) -> None:
        """Give a new socket a name."""
        self.handles[name] = handle
        self.note_blocking(name, not nonblocking)

    def note_blocking(self, name: str, blocking: bool) -> None:
        """Note how a socket is from now on."""
        (self.nonblocking.discard if blocking else self.nonblocking.add)(name)


# A call under way: it yields lines, is sent the reply to each, and returns the answer.
Lines = Generator[str, Reply, Answer]
_Function = Callable[..., Lines]
CALLS: dict[str, _Function] = {}


def makes(step: dict[str, Any]) -> bool:
    """Tell whether a step is for Winsock; what is on no socket, a program say, is Python's."""
    return step["call"] in CALLS or bool(step["socket_name"]) or step["call"] in _OPEN_OTHERWISE


# Calls on no socket that make descriptors, which Winsock's calls could not use.
_OPEN_OTHERWISE = ("socketpair", "pipe", "open_path")


def lines(
    held: Sockets, call: str, socket_name: str, opening: dict[str, Any] | None = None,
    **arguments: Any,
) -> Lines:  # fmt: skip
    """Make the call of a step, as `calls.make` has it; the answer is what the generator returns.

    Raises: CannotMakeError, when the first line is asked for or later.
    """
    if call not in CALLS:
        raise CannotMakeError(f"Winsock has no {call}()")
    if opening:
        failed = yield from _open(held, socket_name, **opening)
        if failed:
            return {"lost": f"it was not made, for it has no socket: {failed}"}
    try:
        made = CALLS[call](held, socket_name, **arguments)
    except TypeError as unknown:
        raise CannotMakeError(f"Winsock's {call} is not made so: {unknown}") from unknown
    return (yield from made)


def _made(function: _Function) -> _Function:
    """Put a function into the table, under its name without the underscore."""
    CALLS[function.__name__.strip("_")] = function
    return function


def _opened(
    domain: int, type: int, protocol: int, options: dict[str, Any], blocking: bool = True
) -> Generator[str, Reply, tuple[Reply, str]]:
    """Make a socket and set its options; return the reply, and the call that failed, "" if none."""
    if domain not in LINUX_FAMILIES:
        raise CannotMakeError(f"Winsock has no family {domain} of Linux's")
    reply = made = yield f"socket 0 {LINUX_FAMILIES[domain]} {type} {protocol}"
    if made.error:
        return made, f"socket: {made.error}"
    for name, value in options.items():
        reply = yield _setting(made.value, name, value)
        if reply.error:
            yield f"closesocket {made.value}"
            return reply, f"setsockopt {name}: {reply.error}"
    if not blocking:
        yield f"ioctlsocket {made.value} 1"
    return made, ""


def _open(held: Sockets, name: str, blocking: bool, **how: Any) -> Generator[str, Reply, str]:
    """Open a socket unless the name has one; return what failed, "" if nothing."""
    if name not in held.handles:
        reply, failed = yield from _opened(**how)
        if failed:
            return failed
        held.add(name, reply.value)
    if blocking == (name in held.nonblocking):
        yield f"ioctlsocket {held.handle(name)} {int(not blocking)}"
        held.note_blocking(name, blocking)
    return ""


def _setting(handle: int, option: str, value: Any) -> str:
    level, number, write = _option(option)
    return f"setsockopt {handle} {level} {number} :{write(value).hex()}"


def _option(name: str) -> tuple[int, int, Callable[[Any], bytes]]:
    if name not in OPTIONS:
        raise CannotMakeError(f"Winsock has no option {name}")
    return OPTIONS[name]


def _bits(flags: str) -> int:
    names = [name for name in flags.split("|") if name]
    unknown = [name for name in names if name not in FLAGS]
    if unknown:
        raise CannotMakeError(f"Winsock has no {'|'.join(unknown)}")
    return sum(FLAGS[name] for name in names)


def _port(number: int, forgotten: bool) -> int:
    """Return a port; where htons() was forgotten, the one that its bytes then are."""
    port: int = struct.unpack("=H", struct.pack("!H" if forgotten else "=H", number))[0]
    return port


# --- The calls -------------------------------------------------------------------------


@_made
def _socket(held: Sockets, name: str, how: dict[str, Any]) -> Lines:
    reply, _failed = yield from _opened(**how)
    if not reply.error:
        held.add(name, reply.value, not how.get("blocking", True))
    return reply.answer()


@_made
def _connect(
    held: Sockets, name: str, address: str, port: int, port_in_host_order: bool = False
) -> Lines:
    reply = yield f"connect {held.handle(name)} {address} {_port(port, port_in_host_order)}"
    return reply.answer()


@_made
def _connects(
    held: Sockets, _name: str, address: str, port: int, count: int, how: dict[str, Any]
) -> Lines:
    """Begin many connections without blocking; the value is how many, the time that of all."""
    replies = []
    for number in range(count):
        made, failed = yield from _opened(**{**how, "blocking": False})
        if failed:
            return made.answer()
        held.add(f"connects {len(held.handles)} {number}", made.value, nonblocking=True)
        replies.append((yield f"connect {made.value} {address} {port}"))
    elapsed_ms = sum(reply.elapsed_ms for reply in replies)
    return {"value": count, "errno": 0, "elapsed_ms": elapsed_ms,
            "at_ns": replies[0].at_ns if replies else 0}  # fmt: skip


@_made
def _bind(
    held: Sockets, name: str, address: str, port: int = 0, port_in_host_order: bool = False
) -> Lines:
    reply = yield f"bind {held.handle(name)} {address} {_port(port, port_in_host_order)}"
    return reply.answer()


@_made
def _listen(held: Sockets, name: str, backlog: int) -> Lines:
    reply = yield f"listen {held.handle(name)} {backlog}"
    return reply.answer()


@_made
def _accept(held: Sockets, name: str, new: str = "") -> Lines:
    """On Windows the new socket blocks or not as the one that listens does."""
    reply = yield f"accept {held.handle(name)}"
    if not reply.error:
        held.add(new or name, reply.value, name in held.nonblocking)
    return reply.answer()


@_made
def _send(held: Sockets, name: str, data: str, flags: str = "") -> Lines:
    reply = yield f"send {held.handle(name)} {_bits(flags)} :{data}"
    held.rests[name] = as_octets(data)[max(reply.value, 0) :]
    return reply.answer()


@_made
def _send_rest(held: Sockets, name: str) -> Lines:
    """Send what the socket's last send did not take."""
    return (yield from _send(held, name, as_text(held.rests.get(name, b""))))


@_made
def _sendto(
    held: Sockets, name: str, address: str, data: str, port: int = 0, flags: str = ""
) -> Lines:
    reply = yield f"sendto {held.handle(name)} {_bits(flags)} {address} {port} :{data}"
    return reply.answer()


@_made
def _recv(held: Sockets, name: str, size: int, flags: str = "") -> Lines:
    reply = yield f"recv {held.handle(name)} {_bits(flags)} {size}"
    return reply.answer()


@_made
def _recvfrom(held: Sockets, name: str, size: int, flags: str = "") -> Lines:
    reply = yield f"recvfrom {held.handle(name)} {_bits(flags)} {size}"
    return reply.answer()


@_made
def _exchange(held: Sockets, name: str, data: str) -> Lines:
    reply = yield f"exchange {held.handle(name)} :{data}"
    held.note_blocking(name, blocking=False)
    return reply.answer()


@_made
def _fill(held: Sockets, name: str) -> Lines:
    reply = yield f"fill {held.handle(name)} {int(name in held.nonblocking)}"
    return reply.answer()


@_made
def _shutdown(held: Sockets, name: str, how: str) -> Lines:
    reply = yield f"shutdown {held.handle(name)} {HOW[how]}"
    return reply.answer()


@_made
def _close(held: Sockets, name: str) -> Lines:
    reply = yield f"closesocket {held.handle(name)}"
    held.handles.pop(name, None)
    held.nonblocking.discard(name)
    return reply.answer()


@_made
def _setsockopt(held: Sockets, name: str, option: str, value: Any) -> Lines:
    reply = yield _setting(held.handle(name), option, value)
    return reply.answer()


@_made
def _getsockopt(held: Sockets, name: str, option: str) -> Lines:
    """Return the option as a number; that of SO_ERROR is a WSA code."""
    level, number, _write = _option(option)
    reply = yield f"getsockopt {held.handle(name)} {level} {number}"
    answer = reply.answer()
    octets = answer.pop("data", "")
    if not reply.error:
        # Of a struct linger the first half says whether it is on.
        size = 2 if option == "SO_LINGER" else 4
        answer["value"] = int.from_bytes(as_octets(octets)[:size], "little")
    return answer


@_made
def _fcntl(held: Sockets, name: str, blocking: bool) -> Lines:
    reply = yield f"ioctlsocket {held.handle(name)} {int(not blocking)}"
    if not reply.error:
        held.note_blocking(name, blocking)
    return reply.answer()


@_made
def _poll(held: Sockets, name: str, events: str, timeout_s: float | None = None) -> Lines:
    asked = sum(EVENTS[event] for event in events.split("|") if event)
    reply = yield f"WSAPoll {held.handle(name)} {asked} {_limit_ms(timeout_s)}"
    came = int(reply.detail)
    return reply.answer(detail="|".join(event for event in EVENTS if came & EVENTS[event]))


@_made
def _select(held: Sockets, name: str, timeout_s: float | None = None) -> Lines:
    reply = yield f"select {held.handle(name)} {_limit_ms(timeout_s)}"
    return reply.answer(detail=reply.detail)


def _limit_ms(timeout_s: float | None) -> int:
    return -1 if timeout_s is None else round(timeout_s * 1e3)


@_made
def _getsockname(held: Sockets, name: str) -> Lines:
    reply = yield f"getsockname {held.handle(name)}"
    return reply.answer()


@_made
def _getpeername(held: Sockets, name: str) -> Lines:
    reply = yield f"getpeername {held.handle(name)}"
    return reply.answer()
