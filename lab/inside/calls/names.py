"""Addresses and bytes, as the C library turns them over; nothing is sent."""

from __future__ import annotations

import ctypes
import socket

from lab.inside import libc
from lab.inside.calls.table import Told, made

DOMAINS = {"AF_UNSPEC": 0, "AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
SIZES = {2: 4, 10: 16}
LOOKUP_FLAGS = ("AI_PASSIVE", "AI_CANONNAME", "AI_NUMERICHOST", "AI_NUMERICSERV", "AI_V4MAPPED",
                "AI_ALL", "AI_ADDRCONFIG")  # fmt: skip


def _fields(**types: type) -> type[ctypes.Structure]:
    return type("Struct", (ctypes.Structure,), {"_fields_": tuple(types.items())})


# netinet/in.h, sys/un.h, sys/socket.h; sockaddr_storage is as long as any, and aligned.
STRUCTS = {
    "sockaddr": _fields(family=ctypes.c_uint16, data=ctypes.c_char * 14),
    "in_addr": _fields(address=ctypes.c_uint32),
    "in6_addr": _fields(address=ctypes.c_uint8 * 16),
    "sockaddr_in": _fields(
        family=ctypes.c_uint16, port=ctypes.c_uint16, address=ctypes.c_uint32,
        zero=ctypes.c_char * 8,
    ),
    "sockaddr_in6": _fields(
        family=ctypes.c_uint16, port=ctypes.c_uint16, flow=ctypes.c_uint32,
        address=ctypes.c_uint8 * 16, scope=ctypes.c_uint32,
    ),
    "sockaddr_un": _fields(family=ctypes.c_uint16, path=ctypes.c_char * 108),
    "sockaddr_storage": _fields(
        family=ctypes.c_uint16, padding=ctypes.c_char * 118, align=ctypes.c_ulong
    ),
}  # fmt: skip


def _number_of(domain: str | int) -> int:
    """Return the number of a domain; one that is a number already need be no family's."""
    return domain if isinstance(domain, int) else DOMAINS[domain]


@made()
def _inet_pton(_fd: int, text: str, domain: str | int) -> Told:
    """Turn text into an address: 1, or 0 if it is none; tell the bytes as they go on the wire."""
    room = ctypes.create_string_buffer(16)
    number = _number_of(domain)
    value = libc.call("inet_pton", number, text.encode(), room)
    return value, {"detail": room.raw[: SIZES[number]].hex(" ") if value == 1 else ""}


@made()
def _inet_ntop(_fd: int, octets: str, domain: str | int, size: int) -> Told:
    """Turn an address into text, in a buffer of so many bytes."""
    room, raw = ctypes.create_string_buffer(max(size, 1)), bytes.fromhex(octets)
    number = libc.call_for_pointer("inet_ntop", _number_of(domain), raw, room, size)
    return int(number != 0), {"detail": room.value.decode()}


@made()
def _inet_addr(_fd: int, text: str) -> Told:
    """Turn text into an address; the value is that of in_addr_t, INADDR_NONE for no address."""
    value = libc.unsigned("inet_addr", text.encode())
    return value, {"detail": value.to_bytes(4, "little").hex(" ")}


@made()
def _inet_aton(_fd: int, text: str) -> Told:
    room = ctypes.create_string_buffer(4)
    value = libc.call("inet_aton", text.encode(), room)
    return value, {"detail": room.raw.hex(" ") if value else ""}


def _turned(name: str, number: int, size: int) -> Told:
    """Turn a number over; tell its bytes as they lie in memory."""
    value = libc.unsigned(name, ctypes.c_uint32(number)) & (256**size - 1)
    return value, {"detail": value.to_bytes(size, "little").hex(" ")}


@made()
def _htons(_fd: int, number: int) -> Told:
    return _turned("htons", number, 2)


@made()
def _ntohs(_fd: int, number: int) -> Told:
    return _turned("ntohs", number, 2)


@made()
def _htonl(_fd: int, number: int) -> Told:
    return _turned("htonl", number, 4)


@made()
def _ntohl(_fd: int, number: int) -> Told:
    return _turned("ntohl", number, 4)


@made()
def _sizeof(_fd: int, struct: str) -> int:
    return ctypes.sizeof(STRUCTS[struct])


@made()
def _getaddrinfo(
    _fd: int, node: str | None = None, service: str | None = None, domain: str | int = "AF_UNSPEC",
    type: str = "SOCK_STREAM", flags: str = "", in_order: bool = False,
) -> Told:  # fmt: skip
    """Look a name up; tell the addresses, sorted or in the order in which a caller tries them.

    What fails is an EAI, which is negative.
    """
    bits = sum(getattr(socket, name) for name in flags.split("|") if name)
    try:
        found = socket.getaddrinfo(
            node, service, _number_of(domain), getattr(socket, type), 0, bits
        )
    except socket.gaierror as error:
        return -1, {"errno": error.errno, "detail": str(error.strerror)}
    told = dict.fromkeys(
        f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        for address, port in ((str(where[0]), int(where[1])) for *_rest, where in found)
    )
    return 0, {"detail": ", ".join(told if in_order else sorted(told))}
