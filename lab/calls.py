"""The words for socket calls, and what each may be expected to give.

A call without an expectation must succeed. Times are of the call alone, on the
calling host's clock, in seconds. `socket` names the socket: `connect`, `bind` and
`sendto` make it if the name has none, the others take what is there.
"""

from __future__ import annotations

import errno
import select as waiting
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lab.inside.options import OPTIONS, written
from lab.known import Known
from lab.topology import ADDRESSES, ECHO_PORT, HOSTS, Family

# How long a call without a time range may take before it counts as hung.
PATIENCE_S = 10.0
# What a call may take beyond its range, so that a late one is measured, not cut.
MARGIN_S = 5.0
IN_PROGRESS = ("EINPROGRESS",)
# Linux's numbers: sys/socket.h, bits/socket_type.h.
DOMAINS = {"AF_UNSPEC": 0, "AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16,
           "AF_PACKET": 17, "AF_TIPC": 30}  # fmt: skip
DOMAIN_OF: dict[Family, str] = {"ipv4": "AF_INET", "ipv6": "AF_INET6"}
TYPES = {"SOCK_STREAM": 1, "SOCK_DGRAM": 2, "SOCK_RAW": 3, "SOCK_RDM": 4, "SOCK_SEQPACKET": 5}
PROTOS = {"tcp": "SOCK_STREAM", "udp": "SOCK_DGRAM"}
SHUTDOWNS = ("SHUT_RD", "SHUT_WR", "SHUT_RDWR")
# Calls on no socket that has a name.
ALONE = ("connects", "forget_peers", "limit_descriptors", "ss")


@dataclass(frozen=True)
class Wanted:
    """What a call must give; None and "" mean that it does not matter.

    `reported` is an errno that comes as the value (SO_ERROR), `told` what the call
    tells beside its value: an address, a TCP state, the events that are ready.
    `signal` comes with the errno, or while the call waits.
    """

    errno_name: str = ""
    value: Any = None
    data: bytes | None = None
    within_s: Any = None
    reported: Any = None
    told: Any = None
    signal: str = ""


@dataclass(frozen=True)
class Call:
    """One socket call on one host; `name` is the call's, `arguments` the agent's.

    `opening` is how its socket is made: domain, type, protocol, options, blocking.
    """

    on: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    to: str = ""
    socket: str = "s"
    opening: dict[str, Any] = field(default_factory=dict)
    wanted: Wanted = Wanted()

    def fails(self, errno_name: Any, *, within_s: Any = None, signal: str = "") -> Call:
        """Expect -1 and this errno, within a range of seconds (first, last), and a signal."""
        wanted = Wanted(errno_name=errno_name, value=-1, within_s=within_s, signal=signal)
        return replace(self, wanted=wanted)

    def returns(self, value: Any, *, within_s: Any = None, signal: str = "") -> Call:
        """Expect this return value, within a range of seconds (first, last), and a signal."""
        return replace(self, wanted=Wanted(value=value, within_s=within_s, signal=signal))

    def gives(self, data: bytes, *, within_s: Any = None) -> Call:
        """Expect these bytes."""
        return replace(self, wanted=Wanted(data=data, within_s=within_s))

    def reports(self, errno_name: Any) -> Call:
        """Expect success, with this errno as the value; "" is none (getsockopt SO_ERROR)."""
        return replace(self, wanted=Wanted(reported=errno_name))

    def tells(self, text: Any, *, within_s: Any = None) -> Call:
        """Expect success, and this beside the value: "ESTAB", "POLLOUT|POLLERR", an address."""
        return replace(self, wanted=Wanted(told=text, within_s=within_s))

    def mistakes(self) -> list[str]:
        """Return what is wrong with the call as it is written."""
        found = []
        if self.on not in HOSTS:
            found.append(f"{self.name}: no host '{self.on}': there are {', '.join(HOSTS)}")
        if self.to and self.to not in ADDRESSES:
            found.append(
                f"{self.name}: no destination '{self.to}': there are {', '.join(ADDRESSES)}"
            )
        found += [f"{self.name}: {text}" for text in _argument_mistakes(self.arguments)]
        found += [f"{self.name}: {text}" for text in _opening_mistakes(self.opening)]
        for name in (self.wanted.errno_name, self.wanted.reported):
            found += _errno_mistakes(self.name, name)
        return found + _range_mistakes(self.name, self.wanted.within_s)

    @property
    def deadline_s(self) -> float:
        """Return when the call counts as hung."""
        return (self.wanted.within_s[1] if self.wanted.within_s else PATIENCE_S) + MARGIN_S

    def step(self, family: Family, address: str) -> dict[str, Any]:
        """Return what the agent is sent (see `inside.calls.make`)."""
        arguments = {k: v.hex() if isinstance(v, bytes) else v for k, v in self.arguments.items()}
        step: dict[str, Any] = {"call": self.name, "socket_name": self.socket, **arguments}
        if address:
            step["address"] = address
        if self.opening:
            step[OPENING.get(self.name, "opening")] = _numbers(self.opening, family)
        return step

    def shown(self, address: str) -> list[Any]:
        """Return the arguments for a person: the address, and what was not left as it is."""
        shown: list[Any] = [address] if address else []
        for key, value in self.arguments.items():
            if key == "data":
                shown += [value[:32].decode("ascii", "backslashreplace"), len(value)]
            elif value is not None:
                shown.append(f"{key}={value}" if key in SAID_BY_NAME else value)
        for key, value in self.opening.items():
            if key == "options":
                shown += [f"{name}={setting}" for name, setting in value.items()]
            elif key == "blocking":
                shown += [] if value else ["O_NONBLOCK"]
            elif value and (key, value) != ("type", "SOCK_STREAM"):
                shown.append(value)
        return shown


# Where the agent's call takes what a socket is made of, if not as `opening`.
OPENING = {"socket": "how", "connects": "how"}
SAID_BY_NAME = ("interrupted_after_s", "restart", "length", "sockaddr_family", "pointer",
                "timeout_s", "new", "sigpipe", "count", "spare", "blocking")  # fmt: skip


def _numbers(opening: Mapping[str, Any], family: Family) -> dict[str, Any]:
    domain = DOMAIN_OF[family] if opening["domain"] == "" else opening["domain"]
    kind = opening["type"]
    return {**opening, "domain": DOMAINS.get(domain, domain), "type": TYPES.get(kind, kind)}


def _argument_mistakes(arguments: Mapping[str, Any]) -> list[str]:
    found = []
    port = arguments.get("port", ECHO_PORT)
    if not isinstance(port, Known) and not (isinstance(port, int) and 0 <= port <= 65535):
        found.append(f"port {port!r} is not 0 to 65535")
    data = arguments.get("data", b"")
    if not isinstance(data, (bytes, Known)):
        found.append(f"data {data!r} is not bytes")
    events = arguments.get("events", "POLLIN")
    if not hasattr(waiting, events):
        found.append(f"there is no event {events!r}")
    if arguments.get("how", "SHUT_WR") not in SHUTDOWNS:
        found.append(f"how {arguments['how']!r} is not one of {', '.join(SHUTDOWNS)}")
    option = arguments.get("option", "SO_ERROR")
    if "value" in arguments:
        found += _option_mistakes({option: arguments["value"]})
    elif option not in OPTIONS:
        found.append(f"there is no option {option!r}")
    return found


def _option_mistakes(options: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in options.items():
        if name not in OPTIONS:
            found.append(f"there is no option {name!r}")
        elif not isinstance(value, Known):
            try:
                written(name, value)
            except (struct.error, TypeError, ValueError):
                found.append(f"option {name} does not take {value!r}")
    return found


def _opening_mistakes(opening: Mapping[str, Any]) -> list[str]:
    options = opening.get("options", {})
    found = [] if isinstance(options, Known) else _option_mistakes(options)
    for key, names in (("domain", DOMAINS), ("type", TYPES)):
        value = opening.get(key)
        if value and not isinstance(value, (int, Known)) and value not in names:
            found.append(f"{key} {value!r} is not one of {', '.join(names)}, or a number")
    return found


def _errno_mistakes(name: str, errno_name: Any) -> list[str]:
    if isinstance(errno_name, Known) or not errno_name:
        return []
    if isinstance(errno_name, str) and hasattr(errno, errno_name):
        return []
    return [f"{name}: errno has no '{errno_name}'"]


def _range_mistakes(name: str, within_s: Any) -> list[str]:
    if within_s is None or isinstance(within_s, Known):
        return []
    if (
        isinstance(within_s, (tuple, list))
        and len(within_s) == 2
        and 0 <= within_s[0] <= within_s[1]
    ):
        return []
    return [f"{name}: within_s={within_s!r} is not (first, last) in seconds"]


def unopened(calls: Sequence[Call]) -> list[str]:
    """Return the calls on a socket that no call before them opens, unless they want EBADF."""
    found, there = [], set()
    for call in calls:
        if call.name in ALONE:
            continue
        opens = call.opening or call.name == "pipe" or (call.on, call.socket) in there
        if not opens and call.wanted.errno_name != "EBADF":
            found.append(
                f"{call.name}: no call before it opens a socket '{call.socket}' on {call.on}"
            )
        there |= {(call.on, call.socket), (call.on, call.arguments.get("new", call.socket))}
    return found


def _opening(
    proto: str = "tcp", *, options: Any = None, blocking: bool = True, domain: Any = "",
    type: Any = "", protocol: int = 0,
) -> dict[str, Any]:  # fmt: skip
    kind = PROTOS.get(proto, proto) if type == "" else type
    return {"domain": domain, "type": kind, "protocol": protocol, "options": options or {},
            "blocking": blocking}  # fmt: skip


# --- open, name, close ----------------------------------------------------------


def socket(
    *, on: str, domain: Any = "", type: Any = "SOCK_STREAM", protocol: int = 0,
    options: Any = None, socket: str = "s",
) -> Call:  # fmt: skip
    """socket(2); the value is the new descriptor.

    Args: `domain` and `type` are names ("AF_UNIX", "SOCK_RAW") or numbers; the
    domain is the run's family unless said. `options` are set on it.
    """
    opening = _opening(domain=domain, type=type, protocol=protocol, options=options)
    return Call(on, "socket", socket=socket, opening={k: opening[k] for k in HOW})


HOW = ("domain", "type", "protocol", "options")


def pipe(*, on: str, socket: str = "s") -> Call:
    """pipe(2): a descriptor that is no socket."""
    return Call(on, "pipe", socket=socket)


def connect(
    *, on: str, to: str, port: int = ECHO_PORT, proto: str = "tcp", options: Any = None,
    blocking: bool = True, socket: str = "s", domain: Any = "", interrupted_after_s: Any = None,
    restart: bool = False, length: Any = None, sockaddr_family: Any = None, pointer: Any = None,
) -> Call:  # fmt: skip
    """connect(2) a socket, which is made if the name has none.

    Args: `on` is a host, `to` a destination, `port` 0 to 65535; `options` are set
    when the socket is made ({"TCP_SYNCNT": 1}). A signal comes after
    `interrupted_after_s`; with `restart` its handler has SA_RESTART. `length`,
    `sockaddr_family` (a number) and `pointer` make a bad address of it.
    Source: connect(2), RFC 9293 3.10.1, signal(7).
    """
    arguments = {"port": port, "interrupted_after_s": interrupted_after_s,
                 "restart": restart or None, "length": length,
                 "sockaddr_family": sockaddr_family, "pointer": pointer}  # fmt: skip
    said = {key: value for key, value in arguments.items() if value is not None}
    opening = _opening(proto, options=options, blocking=blocking, domain=domain)
    return Call(on, "connect", said, to, socket, opening)


def connects(*, on: str, to: str, count: int, port: int = ECHO_PORT, options: Any = None) -> Call:
    """Begin `count` TCP connections without blocking; the value is how many."""
    opening = {key: _opening(options=options)[key] for key in HOW}
    return Call(on, "connects", {"port": port, "count": count}, to, opening=opening)


def bind(
    *, on: str, to: str = "any", port: int = 0, proto: str = "tcp", options: Any = None,
    socket: str = "s", domain: Any = "", length: Any = None, sockaddr_family: Any = None,
) -> Call:  # fmt: skip
    """bind(2) a socket, which is made if the name has none, to a destination's address."""
    arguments = {"port": port, "length": length, "sockaddr_family": sockaddr_family}
    said = {key: value for key, value in arguments.items() if value is not None}
    return Call(on, "bind", said, to, socket, _opening(proto, options=options, domain=domain))


def listen(*, on: str, backlog: int = 128, socket: str = "s") -> Call:
    """listen(2)."""
    return Call(on, "listen", {"backlog": backlog}, socket=socket)


def accept(*, on: str, new: str = "c", socket: str = "s") -> Call:
    """accept(2); the value is the new descriptor, named `new`; it tells the peer's address."""
    return Call(on, "accept", {"new": new}, socket=socket)


def getpeername(*, on: str, socket: str = "s") -> Call:
    """getpeername(2); it tells the address."""
    return Call(on, "getpeername", socket=socket)


def getsockname(*, on: str, socket: str = "s") -> Call:
    """getsockname(2); it tells the address."""
    return Call(on, "getsockname", socket=socket)


def shutdown(*, on: str, how: str = "SHUT_WR", socket: str = "s") -> Call:
    """shutdown(2); `how` is "SHUT_RD", "SHUT_WR" or "SHUT_RDWR"."""
    return Call(on, "shutdown", {"how": how}, socket=socket)


def close(*, on: str, socket: str = "s") -> Call:
    """close(2) a socket."""
    return Call(on, "close", socket=socket)


# --- data -----------------------------------------------------------------------


def send(*, on: str, data: Any, socket: str = "s", sigpipe: bool = False) -> Call:
    """send(2), without SIGPIPE unless said; the value is the number of bytes taken."""
    arguments = {"data": data, **({"sigpipe": True} if sigpipe else {})}
    return Call(on, "send", arguments, socket=socket)


def sendto(
    *, on: str, to: str, data: Any, port: int = ECHO_PORT, options: Any = None, socket: str = "s",
) -> Call:  # fmt: skip
    """sendto(2) on a UDP socket, which is made if the name has none."""
    opening = _opening("udp", options=options)
    return Call(on, "sendto", {"port": port, "data": data}, to, socket, opening)


def sendto_nowhere(*, on: str, data: Any, socket: str = "s") -> Call:
    """sendto(2) without an address."""
    return Call(on, "sendto_nowhere", {"data": data}, socket=socket)


def recv(*, on: str, size: int = 2048, socket: str = "s") -> Call:
    """recv(2); the value is the number of bytes, 0 at the end of the stream."""
    return Call(on, "recv", {"size": size}, socket=socket)


def recv_error(*, on: str, socket: str = "s") -> Call:
    """recvmsg(2) with MSG_ERRQUEUE; it tells "ECONNREFUSED from ICMP 3/3" (ip(7) IP_RECVERR)."""
    return Call(on, "recv_error", socket=socket)


def exchange(*, on: str, data: Any, socket: str = "s") -> Call:
    """Send all, half-close and read to the end; the value is the number of bytes read."""
    return Call(on, "exchange", {"data": data}, socket=socket)


def fill(*, on: str, socket: str = "s") -> Call:
    """send(2) until the socket takes no more, without blocking; the value is all it took."""
    return Call(on, "fill", socket=socket)


# --- waiting --------------------------------------------------------------------


def _waiting(name: str, on: str, socket: str, timeout_s: Any, **arguments: Any) -> Call:
    more = {} if timeout_s is None else {"timeout_s": timeout_s}
    return Call(on, name, {**arguments, **more}, socket=socket)


def poll(*, on: str, events: str = "POLLOUT", timeout_s: Any = None, socket: str = "s") -> Call:
    """poll(2); the value is 1, or 0 at the time-out; it tells the events that are there."""
    return _waiting("poll", on, socket, timeout_s, events=events)


def epoll(*, on: str, events: str = "EPOLLOUT", timeout_s: Any = None, socket: str = "s") -> Call:
    """epoll_wait(2); the value is 1, or 0 at the time-out; it tells the events that are there."""
    return _waiting("epoll", on, socket, timeout_s, events=events)


def select(*, on: str, timeout_s: Any = None, socket: str = "s") -> Call:
    """select(2); the value is in how many sets the socket is; it tells "readable|writable"."""
    return _waiting("select", on, socket, timeout_s)


# --- options and state ----------------------------------------------------------


def setsockopt(*, on: str, option: str, value: Any, socket: str = "s") -> Call:
    """setsockopt(2), by the option's name in the man pages."""
    return Call(on, "setsockopt", {"option": option, "value": value}, socket=socket)


def getsockopt(*, on: str, option: str, socket: str = "s") -> Call:
    """getsockopt(2) of an option that is a number, which is the value."""
    return Call(on, "getsockopt", {"option": option}, socket=socket)


def so_error(*, on: str, socket: str = "s") -> Call:
    """getsockopt(2) SO_ERROR; the value is the pending errno, which is cleared."""
    return getsockopt(on=on, option="SO_ERROR", socket=socket)


def fcntl(*, on: str, blocking: bool, socket: str = "s") -> Call:
    """fcntl(2) F_SETFL: set O_NONBLOCK, or clear it."""
    return Call(on, "fcntl", {"blocking": blocking}, socket=socket)


def state(*, on: str, socket: str = "s") -> Call:
    """getsockopt(2) TCP_INFO; it tells the state as `ss` writes it: "SYN-SENT", "UNCONN"."""
    return Call(on, "state", socket=socket)


def ss(*, on: str, port: int = ECHO_PORT, state: str = "") -> Call:
    """Run ss(8); the value is how many sockets a port has (in a state, "SYN-RECV").

    It tells state, Recv-Q and Send-Q of each: "LISTEN 2/1, ESTAB 0/0".
    """
    return Call(on, "ss", {"port": port, "state": state})


def forget_peers(*, on: str) -> Call:
    """Let the kernel forget whom it has spoken with (`ip tcp_metrics flush`)."""
    return Call(on, "forget_peers")


def limit_descriptors(*, on: str, spare: int) -> Call:
    """setrlimit(2) RLIMIT_NOFILE, so that no more than `spare` descriptors can be opened."""
    return Call(on, "limit_descriptors", {"spare": spare})
