"""Words: sockets are opened, named, connected and closed."""

from __future__ import annotations

from typing import Any

from lab.calls.call import Call, opening, said
from lab.calls.places import placed
from lab.topology import ECHO_PORT, FAMILIES, Block

HOW = ("domain", "type", "protocol", "options")


def socket(
    *, on: str, domain: Any = "", type: Any = "SOCK_STREAM", protocol: int = 0,
    options: Any = None, socket: str = "s",
) -> Call:  # fmt: skip
    """socket(2); the value is the new descriptor.

    Args: `domain` and `type` are names ("AF_UNIX", "SOCK_RAW") or numbers; the
    domain is the run's family unless said. `options` are set on it.
    """
    how = opening(domain=domain, type=type, protocol=protocol, options=options)
    return Call(on, "socket", {}, "", socket, {k: how[k] for k in HOW}, opens=True)


def socketpair(
    *, on: str, type: str = "SOCK_STREAM", socket: str = "s", other: str = "other"
) -> Call:
    """socketpair(2): two AF_UNIX sockets, connected to each other, "SOCK_SEQPACKET" for example."""
    arguments = {"type": type, "new": socket, "other": other}
    return Call(on, "socketpair", arguments, socket="", new=(socket, other))


def pipe(*, on: str, socket: str = "s", other: str = "") -> Call:
    """pipe(2): a descriptor that is no socket, to read from; `other` names the end to write to."""
    return Call(on, "pipe", said(other=other), socket=socket, new=(socket, other))


def where_to(
    to: str, port: int, address: Any, path: Any, domain: Any
) -> tuple[str, dict[str, Any], Any]:
    """Return destination, arguments and domain: one of a destination, an address and a path."""
    if path:
        return "", {"path": path}, domain or "AF_UNIX"
    if address:
        return "", {"address": address, "port": port}, domain or _domain_of(address)
    return to, {"port": port}, domain


def _domain_of(address: Any) -> str:
    """Return the domain of a literal address, "" if it is of the run's family."""
    if not isinstance(address, str):
        return ""
    domains = {
        "AF_INET6" if ":" in placed(address, family, Block(0)) else "AF_INET" for family in FAMILIES
    }
    return domains.pop() if len(domains) == 1 else ""


def connect(
    *, on: str, to: str = "", port: int = ECHO_PORT, proto: str = "tcp", options: Any = None,
    blocking: bool = True, socket: str = "s", domain: Any = "", interrupted_after_s: Any = None,
    restart: bool = False, length: Any = None, sockaddr_family: Any = None, pointer: Any = None,
    address: Any = "", path: Any = "", scope: str = "", port_in_host_order: bool = False,
    type: Any = "",
) -> Call:  # fmt: skip
    """connect(2) a socket, which is made if the name has none.

    Args: `on` is a host, `to` a destination, `port` 0 to 65535; `options` are set
    when the socket is made ({"TCP_SYNCNT": 1}). A signal comes after
    `interrupted_after_s`; with `restart` its handler has SA_RESTART. `length`,
    `sockaddr_family` (a number) and `pointer` make a bad address of it. In place of
    `to`: `address` is one of this host, this link or the lab, "127.0.0.2",
    "::ffff:{server:ipv4}"; `path` names an AF_UNIX socket in the folder that the host's
    callers share, in its /tmp ("/tmp/name", removed with the folder), or an abstract one
    ("@name"). `scope` is a destination on whose interface a link-local address is meant;
    `port_in_host_order` forgets htons().
    Source: connect(2), RFC 9293 3.10.1, signal(7), unix(7), ipv6(7).
    """
    to, where, domain = where_to(to, port, address, path, domain)
    more = said(interrupted_after_s=interrupted_after_s, restart=restart, length=length,
                sockaddr_family=sockaddr_family, pointer=pointer, scope_to=scope_of(scope),
                port_in_host_order=port_in_host_order)  # fmt: skip
    how = opening(proto, options=options, blocking=blocking, domain=domain, type=type)
    return Call(on, "connect", {**where, **more}, to, socket, how)


def scope_of(destination: str) -> str:
    return f"{{{destination}:ipv6}}" if destination else ""


def connects(*, on: str, to: str, count: int, port: int = ECHO_PORT, options: Any = None) -> Call:
    """Begin `count` TCP connections without blocking; the value is how many."""
    how = {key: opening(options=options)[key] for key in HOW}
    arguments = {"port": port, "count": count}
    return Call(on, "connects", arguments, to, "", how, opens=True, does="connect")


def bind(
    *, on: str, to: str = "any", port: int = 0, proto: str = "tcp", options: Any = None,
    socket: str = "s", domain: Any = "", length: Any = None, sockaddr_family: Any = None,
    address: Any = "", path: Any = "", scope: str = "", port_in_host_order: bool = False,
    type: Any = "",
) -> Call:  # fmt: skip
    """bind(2) a socket, which is made if the name has none, to a destination's address.

    In place of `to`, an `address` or `path`, and the rest, as of `connect`.
    """
    to, where, domain = where_to(to, port, address, path, domain)
    more = said(length=length, sockaddr_family=sockaddr_family, scope_to=scope_of(scope),
                port_in_host_order=port_in_host_order)  # fmt: skip
    how = opening(proto, options=options, domain=domain, type=type)
    return Call(on, "bind", {**where, **more}, to, socket, how)


def listen(*, on: str, backlog: int = 128, socket: str = "s") -> Call:
    """listen(2)."""
    return Call(on, "listen", {"backlog": backlog}, socket=socket)


def accept(
    *, on: str, new: str = "c", socket: str = "s", length: Any = None, flags: str = ""
) -> Call:
    """accept(2); the value is the new descriptor, named `new`; it tells the peer's address.

    With `length`, the room said to be there for the address (-1 is none at all), it tells
    the length that comes back and how much there is, "length 16, 4 written". `flags` are
    accept4(2)'s, "SOCK_NONBLOCK|SOCK_CLOEXEC".
    """
    arguments = {"new": new, **said(length=length, flags=flags)}
    return Call(on, "accept", arguments, socket=socket, new=(new,))


def getpeername(*, on: str, socket: str = "s", length: Any = None) -> Call:
    """getpeername(2); it tells the address, or, given a `length`, the one that comes back."""
    return Call(on, "getpeername", said(length=length), socket=socket)


def getsockname(*, on: str, socket: str = "s", length: Any = None) -> Call:
    """getsockname(2); it tells the address, or, given a `length`, the one that comes back."""
    return Call(on, "getsockname", said(length=length), socket=socket)


def shutdown(*, on: str, how: str = "SHUT_WR", socket: str = "s") -> Call:
    """shutdown(2); `how` is "SHUT_RD", "SHUT_WR" or "SHUT_RDWR"."""
    return Call(on, "shutdown", {"how": how}, socket=socket)


def close(*, on: str, socket: str = "s") -> Call:
    """close(2) a socket."""
    return Call(on, "close", socket=socket)
