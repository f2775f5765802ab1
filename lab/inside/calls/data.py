"""Bytes go in and come out."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
from typing import Any

from lab.inside import libc
from lab.inside.calls.sockets import named
from lab.inside.calls.table import Answer, Sockets, Told, made

# bits/socket.h, linux/socket.h; Python lacks none of them, but its numbers are the interpreter's.
FLAGS = {
    "MSG_OOB": 0x1, "MSG_PEEK": 0x2, "MSG_DONTROUTE": 0x4, "MSG_CTRUNC": 0x8, "MSG_TRUNC": 0x20,
    "MSG_DONTWAIT": 0x40, "MSG_EOR": 0x80, "MSG_WAITALL": 0x100, "MSG_ERRQUEUE": 0x2000,
    "MSG_NOSIGNAL": 0x4000, "MSG_MORE": 0x8000,
}  # fmt: skip


def bits(flags: str, sigpipe: bool = True) -> int:
    """Return "MSG_PEEK|MSG_DONTWAIT" as a number, with MSG_NOSIGNAL unless SIGPIPE may come."""
    number = sum(FLAGS[name] for name in flags.split("|") if name)
    return number if sigpipe else number | FLAGS["MSG_NOSIGNAL"]


def received(octets: bytes, value: int | None = None, **more: str) -> Told:
    """Return what was received; the value is its length unless said (MSG_TRUNC)."""
    answer: Answer = {"data": octets, **more}
    return len(octets) if value is None else value, answer


@made()
def _send(fd: int, data: bytes, sigpipe: bool = False, flags: str = "") -> int:
    return libc.call("send", fd, data, ctypes.c_size_t(len(data)), bits(flags, sigpipe))


@made()
def _write(fd: int, data: bytes) -> int:
    return libc.call("write", fd, data, ctypes.c_size_t(len(data)))


@made(held=True)
def _send_rest(held: Sockets, socket_name: str) -> int:
    """Send what the socket's last send, or write, did not take; `make` keeps that."""
    data = held.rests.get(socket_name, b"")
    return libc.call(
        "send", held.number(socket_name), data, ctypes.c_size_t(len(data)), bits("", False)
    )


@made()
def _writev(fd: int, data: list[bytes]) -> int:
    vector = libc.iovec(data)
    return libc.call("writev", fd, vector, len(vector))


@made()
def _sendto(
    fd: int, address: str, data: bytes, flags: str = "", sigpipe: bool = False, **how: Any
) -> int:
    raw, size = named(address, **how)
    length = ctypes.c_size_t(len(data))
    return libc.call("sendto", fd, data, length, bits(flags, sigpipe), raw, size)


@made()
def _sendto_nowhere(fd: int, data: bytes) -> int:
    return libc.call("sendto", fd, data, ctypes.c_size_t(len(data)), bits("", False), None, 0)


@made()
def _recv(fd: int, size: int, flags: str = "") -> Told:
    buffer = ctypes.create_string_buffer(max(size, 1))
    value = libc.call("recv", fd, buffer, ctypes.c_size_t(size), bits(flags))
    return received(buffer.raw[: min(value, size)], value)


@made()
def _read(fd: int, size: int) -> Told:
    buffer = ctypes.create_string_buffer(max(size, 1))
    value = libc.call("read", fd, buffer, ctypes.c_size_t(size))
    return received(buffer.raw[:value])


@made()
def _readv(fd: int, sizes: list[int]) -> Told:
    """Read into several buffers; tell how much came into each."""
    buffers = [ctypes.create_string_buffer(max(size, 1)) for size in sizes]
    vector = libc.iovec(buffers, sizes)
    left = value = libc.call("readv", fd, vector, len(vector))
    pieces = []
    for buffer, size in zip(buffers, sizes):
        pieces.append(buffer.raw[: min(size, left)])
        left -= len(pieces[-1])
    told = "|".join(piece.decode("ascii", "backslashreplace") for piece in pieces)
    return received(b"".join(pieces), value, detail=told)


@made()
def _recvfrom(fd: int, size: int, flags: str = "") -> Told:
    buffer = ctypes.create_string_buffer(max(size, 1))
    raw, room = ctypes.create_string_buffer(128), ctypes.c_int(128)
    value = libc.call(
        "recvfrom", fd, buffer, ctypes.c_size_t(size), bits(flags), raw, ctypes.byref(room)
    )
    where = libc.address_of(raw.raw[: room.value])
    return received(buffer.raw[: min(value, size)], value, detail=where)


@made()
def _exchange(fd: int, data: bytes) -> Told:
    """Send everything, half-close, and read until the end, both at once.

    A peer that sends back while we still send would otherwise fill both ways and
    neither side would go on.
    """
    left, got = memoryview(data), bytearray()
    if not left:
        libc.call("shutdown", fd, 1)
    os.set_blocking(fd, False)
    while True:
        readable, writable, _ = select.select([fd], [fd] if left else [], [])
        if writable:
            left = left[libc.call("send", fd, bytes(left), len(left), bits("", False)) :]
            if not left:
                libc.call("shutdown", fd, 1)
        if readable:
            piece = os.read(fd, 1 << 16)
            if not piece:
                return received(bytes(got))
            got += piece


@made()
def _fill(fd: int) -> int:
    """Send until the socket takes no more, without blocking; return how many bytes it took."""
    blocks = os.get_blocking(fd)
    os.set_blocking(fd, False)
    taken, piece = 0, b"x" * 65536
    try:
        with contextlib.suppress(BlockingIOError):
            while True:
                taken += libc.call("send", fd, piece, len(piece), bits("", False))
    finally:
        os.set_blocking(fd, blocks)
    return taken
