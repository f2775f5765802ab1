"""Words: bytes go in and come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.calls.call import Call, opening, said
from lab.calls.sockets import scope_of, where_to
from lab.topology import ECHO_PORT


def send(*, on: str, data: Any, socket: str = "s", sigpipe: bool = False, flags: str = "") -> Call:
    """send(2), without SIGPIPE unless said; the value is the number of bytes taken.

    Args: `flags` are names, "MSG_DONTWAIT|MSG_MORE"; much data of one pattern
    (`bytes(5_000_000)`) costs nothing to send to the host.
    """
    return Call(on, "send", {"data": data, **said(sigpipe=sigpipe, flags=flags)}, socket=socket)


def write(*, on: str, data: Any, socket: str = "s") -> Call:
    """write(2); where the peer is gone, SIGPIPE comes with EPIPE."""
    return Call(on, "write", {"data": data}, socket=socket)


def send_rest(*, on: str, socket: str = "s") -> Call:
    """send(2) what the socket's last send, or write, was given and did not take."""
    return Call(on, "send_rest", socket=socket, does="send")


def writev(*, on: str, data: Sequence[Any], socket: str = "s") -> Call:
    """writev(2) of several pieces; the value is the number of bytes taken."""
    return Call(on, "writev", {"data": list(data)}, socket=socket)


def sendto(
    *, on: str, to: str = "", data: Any, port: int = ECHO_PORT, options: Any = None,
    socket: str = "s", flags: str = "", sigpipe: bool = False, address: Any = "", path: Any = "",
    domain: Any = "", type: Any = "", proto: str = "udp", scope: str = "",
) -> Call:  # fmt: skip
    """sendto(2); the socket is of UDP, and made, if the name has none; the rest as `connect`."""
    to, where, domain = where_to(to, port, address, path, domain)
    more = said(flags=flags, sigpipe=sigpipe, scope_to=scope_of(scope))
    how = opening(proto, options=options, domain=domain, type=type)
    return Call(on, "sendto", {**where, "data": data, **more}, to, socket, how)


def sendto_nowhere(*, on: str, data: Any, socket: str = "s") -> Call:
    """sendto(2) without an address."""
    return Call(on, "sendto_nowhere", {"data": data}, socket=socket, does="sendto")


def sendmsg(
    *, on: str, data: Sequence[Any], socket: str = "s", flags: str = "", sigpipe: bool = False,
    rights: str = "", to: str = "", port: int = ECHO_PORT, address: Any = "", path: Any = "",
) -> Call:  # fmt: skip
    """sendmsg(2) of several pieces, and beside them the descriptor `rights` (SCM_RIGHTS).

    It goes to the peer, unless `to`, an `address` or a `path` says where.
    """
    to, where, _domain = where_to(to, port, address, path, "")
    arguments = {"data": list(data), **said(flags=flags, sigpipe=sigpipe, rights=rights)}
    return Call(on, "sendmsg", arguments | (where if to or address or path else {}), to, socket)


def recv(*, on: str, size: int = 2048, socket: str = "s", flags: str = "") -> Call:
    """recv(2); the value is the number of bytes, 0 at the end of the stream.

    Args: `flags` are names, "MSG_PEEK|MSG_DONTWAIT". With MSG_TRUNC the value of a
    datagram is its own length.
    """
    return Call(on, "recv", {"size": size, **said(flags=flags)}, socket=socket)


def read(*, on: str, size: int = 2048, socket: str = "s") -> Call:
    """read(2); the value is the number of bytes, 0 at the end."""
    return Call(on, "read", {"size": size}, socket=socket)


def readv(*, on: str, sizes: Sequence[int], socket: str = "s") -> Call:
    """readv(2) into buffers of some sizes; it tells what came into each, "abc|de|"."""
    return Call(on, "readv", {"sizes": list(sizes)}, socket=socket)


def recvfrom(*, on: str, size: int = 2048, socket: str = "s", flags: str = "") -> Call:
    """recvfrom(2); it tells who sent it, "198.18.0.10:40000"; "" on a TCP connection."""
    return Call(on, "recvfrom", {"size": size, **said(flags=flags)}, socket=socket)


def recvmsg(
    *, on: str, size: int = 2048, control: int = 512, socket: str = "s", flags: str = "",
    new: str = "passed",
) -> Call:  # fmt: skip
    """recvmsg(2); it tells the message's flags and what came beside the data.

    "MSG_TRUNC", "IP_TTL 63, IP_PKTINFO 198.18.2.10", "SCM_RIGHTS 1" (the descriptor gets
    the name `new`), "SO_TIMESTAMP". `control` is the room for that, 512 at most.
    """
    arguments = {"size": size, "control": control, "new": new, **said(flags=flags)}
    return Call(on, "recvmsg", arguments, socket=socket, new=(new,))


def recv_error(*, on: str, socket: str = "s") -> Call:
    """recvmsg(2) with MSG_ERRQUEUE; it tells "ECONNREFUSED from ICMP 3/3" (ip(7) IP_RECVERR)."""
    return Call(on, "recv_error", socket=socket, does="recvmsg MSG_ERRQUEUE")


def exchange(*, on: str, data: Any, socket: str = "s") -> Call:
    """Send all, half-close and read to the end; the value is the number of bytes read."""
    return Call(on, "exchange", {"data": data}, socket=socket, does="send and recv")


def fill(*, on: str, socket: str = "s") -> Call:
    """send(2) until the socket takes no more, without blocking; the value is all it took."""
    return Call(on, "fill", socket=socket, does="send")
