"""The C library's calls, made as a C program makes them: their own values, errno and EINTR.

Python's socket module hides some of what the lab shows: it restarts interrupted
calls, checks addresses before the kernel sees them, and ignores SIGPIPE.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

# A number may have two names; these are the ones that the man pages use.
ERRNO_NAMES = {**errno.errorcode, errno.EOPNOTSUPP: "EOPNOTSUPP", errno.EAGAIN: "EAGAIN"}

_LIBC = ctypes.CDLL(None, use_errno=True)
for _name in ("send", "sendto", "sendmsg", "write", "writev",
              "recv", "recvfrom", "recvmsg", "read", "readv"):  # fmt: skip
    getattr(_LIBC, _name).restype = ctypes.c_ssize_t


def call(name: str, *arguments: Any) -> int:
    """Make a call and return its value. Raises: OSError with its errno if that is -1."""
    ctypes.set_errno(0)
    value = getattr(_LIBC, name)(*arguments)
    if value == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(value)


def unsigned(name: str, *arguments: Any) -> int:
    """Make a call that returns an unsigned number and does not fail."""
    function = getattr(_LIBC, name)
    function.restype = ctypes.c_uint32
    return int(function(*arguments))


def call_for_pointer(name: str, *arguments: Any) -> int:
    """Make a call that returns a pointer. Raises: OSError with its errno if that is null."""
    ctypes.set_errno(0)
    function = getattr(_LIBC, name)
    function.restype = ctypes.c_void_p
    pointer = function(*arguments)
    if not pointer:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(pointer)


class Iovec(ctypes.Structure):
    """struct iovec: one piece of memory."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class Message(ctypes.Structure):
    """struct msghdr, and the memory that it points at."""

    _fields_ = (
        ("name", ctypes.c_void_p), ("name_size", ctypes.c_uint32), ("vector", ctypes.c_void_p),
        ("pieces", ctypes.c_size_t), ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t), ("flags", ctypes.c_int),
    )  # fmt: skip
    kept: list[Any]

    def keep(self, raw: bytes) -> int:
        """Return the address of a copy of some bytes, which lives as long as the message."""
        self.kept.append(ctypes.create_string_buffer(raw, max(len(raw), 1)))
        return ctypes.addressof(self.kept[-1])


def iovec(pieces: Sequence[Any], sizes: Sequence[int] | None = None) -> Any:
    """Return an array of struct iovec for bytes, or for buffers of given sizes."""
    kept = [ctypes.create_string_buffer(p, max(len(p), 1)) if isinstance(p, bytes) else p
            for p in pieces]  # fmt: skip
    sizes = [len(piece) for piece in pieces] if sizes is None else sizes
    pairs = [Iovec(ctypes.addressof(piece), size) for piece, size in zip(kept, sizes)]
    vector: Any = (Iovec * len(pairs))(*pairs)
    vector.kept = kept
    return vector


def message(vector: Any) -> Message:
    """Return a struct msghdr for an array of struct iovec."""
    made = Message(vector=ctypes.addressof(vector), pieces=len(vector))
    made.kept = [vector]
    return made


def sockaddr(address: str, port: int) -> bytes:
    """Return struct sockaddr_in or sockaddr_in6 for a numeric address, or sockaddr_un for a path.

    Source: ip(7), ipv6(7), unix(7); an IPv6 scope is written "fe80::1%eth0".
    """
    if address.startswith(("/", "@", "./")):
        path = address.encode()
        return struct.pack("=H", socket.AF_UNIX) + (
            b"\0" + path[1:] if address.startswith("@") else path + b"\0"
        )
    if ":" not in address:
        packed = socket.inet_pton(socket.AF_INET, address)
        return struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, packed)
    text, _, device = address.partition("%")
    scope = socket.if_nametoindex(device) if device else 0
    packed = socket.inet_pton(socket.AF_INET6, text)
    return (
        struct.pack("=H", socket.AF_INET6)
        + struct.pack("!HI16s", port, 0, packed)
        + struct.pack("=I", scope)
    )


def address_of(raw: bytes) -> str:
    """Return a struct sockaddr as text, "198.18.2.10:16555"; "" if it is of no family we know.

    A path is returned as it is, and an abstract name (unix(7)) with "@" for its zero.
    """
    if len(raw) < 2:
        return ""
    family = struct.unpack("=H", raw[:2])[0]
    if family == socket.AF_INET:
        port, packed = struct.unpack("!H4s", raw[2:8])
        return f"{socket.inet_ntop(socket.AF_INET, packed)}:{port}"
    if family == socket.AF_INET6:
        port, _flow, packed = struct.unpack("!HI16s", raw[2:24])
        return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]:{port}"
    if family == socket.AF_UNIX and raw[2:].strip(b"\0"):
        text = raw[2:].decode("utf-8", "backslashreplace")
        return f"@{text[1:]}" if text[0] == "\0" else text.partition("\0")[0]
    return ""
