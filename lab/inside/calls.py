"""The socket calls that a caller can make, by name.

Each takes the socket and the call's arguments, and returns its value, or (value,
more to tell). It raises OSError as the call does.
"""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Callable
from typing import Any

TCP_SYNCNT = 7  # linux/tcp.h

Answer = dict[str, Any]
Told = tuple[int, Answer]


def make(
    sockets: dict[str, socket.socket], call: str, socket_name: str, **arguments: Any
) -> Answer:
    """Make one call and return {value, errno, elapsed_ms, at_ns} and what more it tells.

    `elapsed_ms` is of the call alone; `at_ns` is when it began (CLOCK_REALTIME). A
    call that opens (connect) makes its socket first, outside of that time.
    """
    try:
        if call in OPENS:
            sockets[socket_name] = _open(arguments)
        sock = sockets[socket_name]
    except KeyError:
        return {"value": -1, "errno": errno.EBADF, "elapsed_ms": 0.0, "at_ns": time.time_ns()}
    except OSError as error:
        return {"value": -1, "errno": error.errno, "elapsed_ms": 0.0, "at_ns": time.time_ns(),
                "detail": f"socket: {error}"}  # fmt: skip
    at_ns, begun = time.time_ns(), time.perf_counter()
    try:
        told = CALLS[call](sock, **arguments)
    except OSError as error:
        told = -1, {"errno": error.errno or 0, "detail": str(error)}
    elapsed_ms = (time.perf_counter() - begun) * 1e3
    value, more = told if isinstance(told, tuple) else (told, {})
    return {"value": value, "errno": 0, "elapsed_ms": elapsed_ms, "at_ns": at_ns, **more}


def _open(arguments: dict[str, Any]) -> socket.socket:
    kind = socket.SOCK_DGRAM if arguments.pop("proto") == "udp" else socket.SOCK_STREAM
    family = socket.AF_INET6 if ":" in arguments["address"] else socket.AF_INET
    sock = socket.socket(family, kind)
    retries = arguments.pop("syn_retries", None)
    if retries is not None:
        sock.setsockopt(socket.IPPROTO_TCP, TCP_SYNCNT, retries)
    sock.setblocking(arguments.pop("blocking", True))
    return sock


def _connect(sock: socket.socket, address: str, port: int) -> int:
    sock.connect((address, port))
    return 0


def _send(sock: socket.socket, data: str) -> int:
    return sock.send(bytes.fromhex(data), socket.MSG_NOSIGNAL)


def _recv(sock: socket.socket, size: int) -> Told:
    return _received(sock.recv(size))


def _received(data: bytes) -> Told:
    return len(data), {"data": data.hex()}


def _exchange(sock: socket.socket, data: str) -> Told:
    """Send everything, half-close, and read until the end, both at once.

    A peer that sends back while we still send would otherwise fill both ways and
    neither side would go on.
    """
    left, got = memoryview(bytes.fromhex(data)), bytearray()
    if not left:
        sock.shutdown(socket.SHUT_WR)
    sock.setblocking(False)
    while True:
        readable, writable, _ = select.select([sock], [sock] if left else [], [])
        if writable:
            left = left[sock.send(left, socket.MSG_NOSIGNAL) :]
            if not left:
                sock.shutdown(socket.SHUT_WR)
        if readable:
            piece = sock.recv(1 << 16)
            if not piece:
                return _received(bytes(got))
            got += piece


def _poll(sock: socket.socket, events: str) -> Told:
    wait = select.poll()
    wait.register(sock, getattr(select, events))
    ready = wait.poll()
    return len(ready), {"detail": _names_of(ready[0][1])}


def _names_of(bits: int) -> str:
    names = ("POLLIN", "POLLPRI", "POLLOUT", "POLLERR", "POLLHUP", "POLLRDHUP")
    return "|".join(name for name in names if bits & getattr(select, name))


def _so_error(sock: socket.socket) -> int:
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _close(sock: socket.socket) -> int:
    sock.close()
    return 0


CALLS: dict[str, Callable[..., int | Told]] = {
    "connect": _connect,
    "send": _send,
    "recv": _recv,
    "exchange": _exchange,
    "poll": _poll,
    "so_error": _so_error,
    "close": _close,
}
OPENS = ("connect",)
