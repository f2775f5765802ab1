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
from typing import Any

# A number may have two names; these are the ones that the man pages use.
ERRNO_NAMES = {**errno.errorcode, errno.EOPNOTSUPP: "EOPNOTSUPP", errno.EAGAIN: "EAGAIN"}

_LIBC = ctypes.CDLL(None, use_errno=True)
for _name in ("send", "sendto", "recv", "recvfrom", "recvmsg"):
    getattr(_LIBC, _name).restype = ctypes.c_ssize_t


def call(name: str, *arguments: Any) -> int:
    """Make a call and return its value. Raises: OSError with its errno if that is -1."""
    ctypes.set_errno(0)
    value = getattr(_LIBC, name)(*arguments)
    if value == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(value)


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
    """Return a struct sockaddr as text, "198.18.2.10:16555"; "" if it is of no family we know."""
    if len(raw) < 2:
        return ""
    family = struct.unpack("=H", raw[:2])[0]
    if family == socket.AF_INET:
        port, packed = struct.unpack("!H4s", raw[2:8])
        return f"{socket.inet_ntop(socket.AF_INET, packed)}:{port}"
    if family == socket.AF_INET6:
        port, _flow, packed = struct.unpack("!HI16s", raw[2:24])
        return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]:{port}"
    return ""
