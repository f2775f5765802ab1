"""Sockets are opened, named, connected and closed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket as python_socket
import struct
from collections.abc import Callable
from typing import Any

from lab.inside import libc
from lab.inside.calls.table import Told, made
from lab.inside.options import written

FILLING = b"\xa5"
ACCEPT_FLAGS = {"SOCK_NONBLOCK": os.O_NONBLOCK, "SOCK_CLOEXEC": os.O_CLOEXEC}


def opened(domain: int, type: int, protocol: int, options: dict[str, Any]) -> int:
    """Return a new socket with its options set."""
    number = libc.call("socket", domain, type, protocol)
    try:
        for option, value in options.items():
            level, name, raw = written(option, value)
            libc.call("setsockopt", number, level, name, raw, len(raw))
    except OSError:
        os.close(number)
        raise
    return number


@made(new=True)
def _socket(_fd: int, how: dict[str, Any]) -> int:
    return opened(**how)


@made()
def _socketpair(_fd: int, type: str, new: str, other: str) -> Told:
    ends, kind = (ctypes.c_int * 2)(), int(getattr(python_socket, type))
    value = libc.call("socketpair", python_socket.AF_UNIX, kind, 0, ends)
    return value, {"opened": {new: ends[0], other: ends[1]}}


@made(new=True)
def _pipe(_fd: int, other: str = "") -> Told:
    """Open a pipe and return the end to read from; the other gets a name if one is given."""
    read, write = os.pipe()
    return read, {"opened": {other: write} if other else {}}


def named(
    address: str, port: int = 0, length: int | None = None, sockaddr_family: int | None = None,
    port_in_host_order: bool = False, scope_to: str = "",
) -> tuple[bytes, int]:  # fmt: skip
    """Return a struct sockaddr and the length that the kernel is told."""
    if port_in_host_order:
        port = struct.unpack("=H", struct.pack("!H", port))[0]
    if scope_to:
        address = f"{address}%{device_to(scope_to)}"
    raw = libc.sockaddr(address, port)
    if sockaddr_family is not None:
        raw = struct.pack("=H", sockaddr_family) + raw[2:]
    return raw, len(raw) if length is None else length


def device_to(address: str) -> str:
    """Return the interface by which an IPv6 address is reached; its own address's if it is ours."""
    with python_socket.socket(python_socket.AF_INET6, python_socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        ours = python_socket.inet_pton(python_socket.AF_INET6, probe.getsockname()[0]).hex()
    with open("/proc/net/if_inet6") as table:  # noqa: PTH123  # a file of the kernel's
        rows = [line.split() for line in table]
    return next(row[5] for row in rows if row[0] == ours)


@made()
def _connect(fd: int, address: str, pointer: int | None = None, **how: Any) -> int:
    raw, size = named(address, **how)
    return libc.call("connect", fd, raw if pointer is None else ctypes.c_void_p(pointer), size)


@made()
def _connects(_fd: int, address: str, port: int, count: int, how: dict[str, Any]) -> int:
    """Begin many connections without blocking; return how many."""
    raw = libc.sockaddr(address, port)
    for _ in range(count):
        number = opened(**how)
        os.set_blocking(number, False)
        with contextlib.suppress(BlockingIOError):
            libc.call("connect", number, raw, len(raw))
    return count


@made()
def _bind(fd: int, address: str, **how: Any) -> int:
    raw, size = named(address, **how)
    return libc.call("bind", fd, raw, size)


@made()
def _listen(fd: int, backlog: int) -> int:
    return libc.call("listen", fd, backlog)


def _asked_name(call: Callable[..., int], length: int | None) -> Told:
    """Make a call that fills in an address; tell the address, or the length if one was given.

    The length is value-result: it says how much room there is, and comes back as the
    address's own, even if that had no room (accept(2)).
    """
    raw, size = ctypes.create_string_buffer(128), ctypes.c_int(128 if length is None else length)
    value = call(raw, ctypes.byref(size))
    if length is not None:
        return value, {"detail": f"length {size.value}"}
    return value, {"detail": libc.address_of(raw.raw[: size.value])}


@made(new=True)
def _accept(fd: int, new: str = "", length: int | None = None, flags: str = "") -> Told:
    bits = sum(ACCEPT_FLAGS[name] for name in flags.split("|") if name)
    if length is None:
        return _asked_name(lambda raw, size: libc.call("accept4", fd, raw, size, bits), None)
    raw, size = ctypes.create_string_buffer(FILLING * 128, 128), ctypes.c_int(length)
    value = libc.call("accept4", fd, raw, ctypes.byref(size), bits)
    return value, {"detail": f"length {size.value}, {_written(raw.raw, value)} written"}


def _written(raw: bytes, fd: int) -> int:
    """Return how many bytes of the peer's address stand in a buffer that was all FILLING."""
    peer, size = ctypes.create_string_buffer(128), ctypes.c_int(128)
    libc.call("getpeername", fd, peer, ctypes.byref(size))
    whole = peer.raw[: size.value]
    # The longest: a byte of the address may look like the filling.
    return next(n for n in range(len(whole), -1, -1) if raw == (whole[:n] + FILLING * 128)[:128])


@made()
def _getpeername(fd: int, length: int | None = None) -> Told:
    return _asked_name(lambda raw, size: libc.call("getpeername", fd, raw, size), length)


@made()
def _getsockname(fd: int, length: int | None = None) -> Told:
    return _asked_name(lambda raw, size: libc.call("getsockname", fd, raw, size), length)


@made()
def _shutdown(fd: int, how: str) -> int:
    return libc.call("shutdown", fd, {"SHUT_RD": 0, "SHUT_WR": 1, "SHUT_RDWR": 2}[how])


@made()
def _close(fd: int) -> int:
    return libc.call("close", fd)
