"""sendmsg(2) and recvmsg(2): several pieces, flags, and what comes beside the data."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Callable, Iterator

from lab.inside import libc
from lab.inside.calls.data import FLAGS, bits, received
from lab.inside.calls.sockets import named
from lab.inside.calls.table import Sockets, Told, made

# linux/errqueue.h
ORIGINS = {1: "this host", 2: "ICMP", 3: "ICMPv6"}
TOLD_FLAGS = ("MSG_OOB", "MSG_CTRUNC", "MSG_TRUNC", "MSG_EOR", "MSG_ERRQUEUE")
IP, IPV6, SOCKET = 0, 41, 1
HEADER = struct.Struct("@Nii")  # struct cmsghdr: length, level, type


@made(held=True)
def _sendmsg(
    held: Sockets, socket_name: str, data: list[bytes], flags: str = "", sigpipe: bool = False,
    rights: str = "", address: str = "", port: int = 0,
) -> int:  # fmt: skip
    """Send pieces as one message, and beside them a descriptor (SCM_RIGHTS) if one is named."""
    message = libc.message(libc.iovec(data))
    if rights:
        number = struct.pack("=i", held.number(rights))
        raw = HEADER.pack(HEADER.size + 4, SOCKET, socket.SCM_RIGHTS) + number + bytes(4)
        message.control, message.control_size = message.keep(raw), len(raw)
    if address:
        raw_name, size = named(address, port)
        message.name, message.name_size = message.keep(raw_name), size
    fd = held.number(socket_name)
    return libc.call("sendmsg", fd, ctypes.byref(message), bits(flags, sigpipe))


@made(held=True)
def _recvmsg(
    held: Sockets, socket_name: str, size: int, control: int = 512, flags: str = "", new: str = ""
) -> Told:
    """Receive a message; tell its flags and what came beside it; a descriptor gets the name `new`.

    Source: recvmsg(2), cmsg(3), ip(7), unix(7).
    """
    room, beside = ctypes.create_string_buffer(max(size, 1)), ctypes.create_string_buffer(512)
    message = libc.message(libc.iovec([room], [size]))
    message.control, message.control_size = ctypes.addressof(beside), min(control, 512)
    value = libc.call("recvmsg", held.number(socket_name), ctypes.byref(message), bits(flags))
    told = [name for name in TOLD_FLAGS if message.flags & FLAGS[name]]
    opened = {}
    for level, kind, raw in _ancillary(beside.raw[: message.control_size]):
        told.append(_beside(level, kind, raw))
        if (level, kind) == (SOCKET, socket.SCM_RIGHTS):
            opened[new or "passed"] = struct.unpack("=i", raw[:4])[0]
    answer = received(room.raw[: min(value, size)], value, detail=", ".join(told))
    answer[1]["opened"] = opened
    return answer


def _ancillary(raw: bytes) -> Iterator[tuple[int, int, bytes]]:
    while len(raw) >= HEADER.size:
        length, level, kind = HEADER.unpack_from(raw)
        if length < HEADER.size:
            return
        yield level, kind, raw[HEADER.size : length]
        raw = raw[(length + 7) // 8 * 8 :]


def _beside(level: int, kind: int, raw: bytes) -> str:
    """Return ancillary data in words; what differs from run to run is left out."""
    name, value = BESIDE.get((level, kind), (f"{level}/{kind}", _number))
    return f"{name} {value(raw)}".rstrip()


def _number(raw: bytes) -> str:
    return str(struct.unpack("=i", raw[:4])[0]) if len(raw) >= 4 else raw.hex()


# By level and type: how it is called, and what is told of it.
BESIDE: dict[tuple[int, int], tuple[str, Callable[[bytes], str]]] = {
    (SOCKET, 1): ("SCM_RIGHTS", lambda raw: str(len(raw) // 4)),
    (SOCKET, 2): ("SCM_CREDENTIALS", lambda _raw: ""),
    (SOCKET, 29): ("SO_TIMESTAMP", lambda _raw: ""),
    (SOCKET, 35): ("SO_TIMESTAMPNS", lambda _raw: ""),
    (SOCKET, 40): ("SO_RXQ_OVFL", _number),
    (IP, 1): ("IP_TOS", lambda raw: str(raw[0])),
    (IP, 2): ("IP_TTL", _number),
    # struct in_pktinfo: interface, local address, destination; in6_pktinfo: destination.
    (IP, 8): ("IP_PKTINFO", lambda raw: socket.inet_ntop(socket.AF_INET, raw[8:12])),
    (IPV6, 50): ("IPV6_PKTINFO", lambda raw: socket.inet_ntop(socket.AF_INET6, raw[:16])),
    (IPV6, 52): ("IPV6_HOPLIMIT", _number),
    (IPV6, 67): ("IPV6_TCLASS", _number),
}


@made()
def _recv_error(fd: int) -> Told:
    """Read the socket's error queue; tell the errno and where the error came from.

    Source: recv(2) MSG_ERRQUEUE, ip(7) IP_RECVERR, struct sock_extended_err.
    """
    room, beside = ctypes.create_string_buffer(2048), ctypes.create_string_buffer(512)
    message = libc.message(libc.iovec([room], [2048]))
    message.control, message.control_size = ctypes.addressof(beside), 512
    value = libc.call("recvmsg", fd, ctypes.byref(message), FLAGS["MSG_ERRQUEUE"])
    for _level, _kind, raw in _ancillary(beside.raw[: message.control_size]):
        if len(raw) >= 16:
            number, origin, kind, code = struct.unpack("=IBBB", raw[:7])
            name = libc.ERRNO_NAMES.get(number, str(number))
            by = ORIGINS.get(origin, f"origin {origin}")
            return value, {"detail": f"{name} from {by} {kind}/{code}" if origin > 1
                           else f"{name} from {by}"}  # fmt: skip
    return value, {"detail": "nothing told"}
