"""Waiting until something can be done, as a C program waits: a signal ends it."""

from __future__ import annotations

import ctypes
import os
import select as python_select
import struct

from lab.inside import libc
from lab.inside.calls.table import Told, made

BITS_OF_A_SET = 1024  # FD_SETSIZE


def _milliseconds(timeout_s: float | None) -> int:
    return -1 if timeout_s is None else round(timeout_s * 1e3)


@made()
def _poll(fd: int, events: str, timeout_s: float | None = None) -> Told:
    # struct pollfd: descriptor, events, revents.
    raw = ctypes.create_string_buffer(struct.pack("=ihh", fd, _bits(events), 0), 8)
    value = libc.call("poll", raw, ctypes.c_ulong(1), _milliseconds(timeout_s))
    return value, {"detail": _names_of(struct.unpack("=ihh", raw.raw)[2], "POLL")}


@made()
def _epoll(fd: int, events: str, timeout_s: float | None = None) -> Told:
    with python_select.epoll() as wait:
        wait.register(fd, _bits(events))
        raw = ctypes.create_string_buffer(16)
        value = libc.call("epoll_wait", wait.fileno(), raw, 1, _milliseconds(timeout_s))
    return value, {"detail": _names_of(struct.unpack("=I", raw.raw[:4])[0], "EPOLL")}


@made()
def _select(fd: int, timeout_s: float | None = None) -> Told:
    """Wait until the socket can be read or written; the value is in how many sets it is."""
    if fd < 0:
        raise OSError(9, os.strerror(9))
    asked = 1 << fd
    sets = [
        ctypes.create_string_buffer(asked.to_bytes(BITS_OF_A_SET // 8, "little")) for _ in range(3)
    ]
    limit = None
    if timeout_s is not None:
        limit = struct.pack("@ll", int(timeout_s), round(timeout_s % 1 * 1e6))
    value = libc.call("select", fd + 1, *sets, limit)
    there = [bool(int.from_bytes(found.raw, "little") & asked) for found in sets]
    names = [n for n, found in zip(("readable", "writable", "exceptional"), there) if found]
    return value, {"detail": "|".join(names)}


def _bits(events: str) -> int:
    """Return "POLLIN|POLLPRI" as a number."""
    return sum(int(getattr(python_select, name)) for name in events.split("|"))


def _names_of(bits: int, prefix: str) -> str:
    names = [prefix + name for name in ("IN", "PRI", "OUT", "ERR", "HUP", "RDHUP", "NVAL")]
    return "|".join(name for name in names if bits & getattr(python_select, name, 0))
