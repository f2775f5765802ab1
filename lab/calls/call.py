"""A call: what is asked of a host, and what it may be expected to give."""

from __future__ import annotations

import errno
import signal
import socket as python_socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lab import winsock
from lab.calls.checks import argument_mistakes, opening_mistakes
from lab.calls.places import placed
from lab.inside.octets import as_text
from lab.known import Known
from lab.topology import ADDRESSES, HOSTS, Block, Family

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
STARTS = ("start", "fork")
GO_SOMEWHERE = ("connect", "connects", "bind", "sendto")
# What is shown without its name; all else is shown with it.
BARE = ("port", "backlog", "how", "size", "events", "option", "value", "state", "address", "path",
        "text", "number", "struct", "program")  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What a call must give; None and "" mean that it does not matter.

    `reported` is an errno that comes as the value (SO_ERROR), `told` what the call
    tells beside its value: an address, a TCP state, the events that are ready.
    `between` are the first and the last value that it may have. `signal` comes with the
    errno, or while the call waits; "none" is that none came. `after` and `before` are
    patterns of packets (`lab.wire`): it returns later, or sooner, than the first of them
    is seen. `instead` is what may come in place of it, where the caller has a limit, named
    `limit`, that keeps it from showing more (`lab.callers`); it may have an `instead` too.
    `linux` is the errno that a Linux caller has in the place of a WSA code, for the same
    packets.
    """

    errno_name: str = ""
    value: Any = None
    data: bytes | None = None
    within_s: Any = None
    reported: Any = None
    told: Any = None
    signal: str = ""
    after: Any = None
    before: Any = None
    between: Any = None
    instead: Wanted | None = None
    limit: str = ""
    linux: str = ""

    @property
    def begins(self) -> bool:
        """Tell whether it is that a connection is being made: no failure."""
        return (self.linux or self.errno_name) in IN_PROGRESS


@dataclass(frozen=True)
class Call:
    """One socket call on one host; `name` is the call's, `arguments` the agent's.

    `socket` is the one it is made on, "" if on none. `opening` is how that is made:
    domain, type, protocol, options, blocking; `opens` if the call itself makes it (or
    others like it) so. `new` are the names that it gives to new descriptors. `does` is
    what a program calls, if the call's name is the lab's own. `caller` is which of the
    host's callers makes it, "" the first. `is_status` says that the value is a program's
    exit status, for which 0 is success.
    """

    on: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    to: str = ""
    socket: str = "s"
    opening: dict[str, Any] = field(default_factory=dict)
    wanted: Wanted = Wanted()
    opens: bool = False
    new: tuple[str, ...] = ()
    does: str = ""
    caller: str = ""
    background: bool = False
    is_status: bool = False

    def fails(self, errno_name: Any, *, within_s: Any = None, signal: str = "") -> Call:
        """Expect -1 and this errno, within a range of seconds (first, last), and a signal.

        `signal="none"` is that no signal came with it.
        """
        wanted = Wanted(errno_name=errno_name, value=-1, within_s=within_s, signal=signal)
        return replace(self, wanted=wanted)

    def returns(self, value: Any, *, within_s: Any = None, signal: str = "") -> Call:
        """Expect this return value, within a range of seconds (first, last), and a signal."""
        return replace(self, wanted=Wanted(value=value, within_s=within_s, signal=signal))

    def returns_between(
        self, first: int, last: int, *, within_s: Any = None, signal: str = ""
    ) -> Call:
        """Expect a return value from `first` to `last`: how much a socket takes is chance."""
        return replace(self, wanted=Wanted(between=(first, last), within_s=within_s, signal=signal))

    def gives(self, data: bytes, *, within_s: Any = None) -> Call:
        """Expect these bytes; behind `returns`, that value with them.

        A program must end with status 0, unless `returns` says another.
        """
        return replace(self, wanted=self._also(within_s, data=data))

    def reports(self, errno_name: Any) -> Call:
        """Expect success, with this errno as the value; "" is none (getsockopt SO_ERROR)."""
        return replace(self, wanted=Wanted(reported=errno_name))

    def tells(self, text: Any, *, within_s: Any = None) -> Call:
        """Expect success, and this beside the value: "ESTAB", "POLLOUT|POLLERR", an address.

        Behind `returns` it is expected with that value, for example a program's status.
        In the text "{client}" is the client's address, and "[{client}]" it in a URL's brackets
        over IPv6; "…" stands for anything ("{client:url}:…" is any port of the client's).
        """
        return replace(self, wanted=self._also(within_s, told=text))

    def _also(self, within_s: Any, **wish: Any) -> Wanted:
        """Return a wish, with the value and its range of time if they were said before."""
        said = Wanted() if self.wanted.errno_name else self.wanted
        time = said.within_s if within_s is None else within_s
        return Wanted(value=said.value, within_s=time, **wish)

    def after(self, packet: Any) -> Call:
        """Expect the call to return after the first such packet was seen. Said behind the others.

        `accept(on="server").returns(5).after(ack(at="server"))`; each call has one `after`
        and one `before`. Packets and calls are timed by one clock, that of the kernel.
        """
        return replace(self, wanted=replace(self.wanted, after=packet))

    def before(self, packet: Any) -> Call:
        """Expect the call to return before the first such packet is seen; said as `after`."""
        return replace(self, wanted=replace(self.wanted, before=packet))

    def by(self, caller: str) -> Call:
        """Let another process of the host make the call; it has descriptors of its own."""
        return replace(self, caller=caller)

    def in_background(self) -> Call:
        """Go on with the next call as soon as this one is under way (it sleeps, or is done).

        Its answer is waited for before the next call of the same caller, or behind the
        last of `calls` (one of `before` may thus end under the fault; behind the last of
        `control` there). From then on it has as long as another call before it has hung.
        """
        return replace(self, background=True)

    def interrupted(self, *, after_s: Any, restart: bool = False) -> Call:
        """Let a signal (SIGALRM) come `after_s` into the call, whose handler does nothing.

        With `restart` the handler has SA_RESTART. Source: signal(7).
        """
        more = {"interrupted_after_s": after_s, **({"restart": True} if restart else {})}
        return replace(self, arguments={**self.arguments, **more})

    def mistakes(self) -> list[str]:
        """Return what is wrong with the call as it is written."""
        found = []
        if self.on not in HOSTS:
            found.append(f"{self.name}: no host '{self.on}': there are {', '.join(HOSTS)}")
        if self.to and self.to not in ADDRESSES:
            found.append(
                f"{self.name}: no destination '{self.to}': there are {', '.join(ADDRESSES)}"
            )
        if self.name in GO_SOMEWHERE and not (self.to or {"address", "path"} & {*self.arguments}):
            found.append(f"{self.name}: give one of to, address and path")
        found += [f"{self.name}: {text}" for text in argument_mistakes(self.name, self.arguments)]
        found += [f"{self.name}: {text}" for text in opening_mistakes(self.opening, DOMAINS, TYPES)]
        for name in (self.wanted.errno_name, self.wanted.reported):
            found += _errno_mistakes(self.name, name)
        for packet in filter(None, (self.wanted.after, self.wanted.before)):
            found += [f"{self.name}: {text}" for text in packet.mistakes()]
        if self.wanted.signal not in ("", "none", *signal.Signals.__members__):
            found.append(f"{self.name}: there is no signal '{self.wanted.signal}'")
        return found + _range_mistakes(self.name, self.wanted.within_s)

    @property
    def deadline_s(self) -> float:
        """Return when the call counts as hung: behind its range, or its own time-out."""
        own_s = max(PATIENCE_S, float(self.arguments.get("timeout_s", 0.0)))
        return float(self.wanted.within_s[1] if self.wanted.within_s else own_s) + MARGIN_S

    @property
    def who(self) -> str:
        """Return who makes it: "client", "client (second)"."""
        return f"{self.on} ({self.caller})" if self.caller else self.on

    def at(self, family: Family, block: Block) -> Call:
        """Return the call with addresses in place of names in braces: "{server}"."""
        arguments = placed(self.arguments, family, block)
        told = placed(self.wanted.told, family, block)
        return replace(self, arguments=arguments, wanted=replace(self.wanted, told=told))

    def step(self, family: Family, address: str) -> dict[str, Any]:
        """Return what the agent is sent (see `inside.calls.make`)."""
        step: dict[str, Any] = {"call": self.name, "socket_name": self.socket}
        step |= {key: _sent(value) for key, value in self.arguments.items()}
        if address:
            step["address"] = address
        if "path" in step and self.name != "open_path":
            step["address"] = _unix(step.pop("path"))
        if self.opening:
            step["how" if self.opens else "opening"] = _numbers(self.opening, family)
        return step

    def shown(self, address: str) -> list[Any]:
        """Return the arguments for a person: the address, and what was not left as it is."""
        shown: list[Any] = [address] if address else []
        for key, value in self.arguments.items():
            if key == "argv":
                shown += value
            elif key in ("data", "stdin") and isinstance(value, bytes):
                shown += [value[:32].decode("ascii", "backslashreplace"), len(value)]
            elif value is not None:
                plain = [_sent(item) for item in value] if isinstance(value, list) else value
                shown.append(plain if key in BARE else f"{key}={plain}")
        for key, value in self.opening.items():
            if key == "options":
                shown += [f"{name}={setting}" for name, setting in value.items()]
            elif key == "blocking":
                shown += [] if value else ["O_NONBLOCK"]
            elif value and (key, value) != ("type", "SOCK_STREAM"):
                shown.append(value)
        return shown


def _sent(value: Any) -> Any:
    """Return a value as JSON can carry it."""
    if isinstance(value, (list, tuple)):
        return [_sent(item) for item in value]
    return as_text(value) if isinstance(value, bytes) else value


def _unix(path: str) -> str:
    """Return a path as the agent takes an address: abstract with "@", else with a "/" in it."""
    if path.startswith(("@", "\0")):
        return f"@{path[1:]}"
    return path if path.startswith("/") else f"./{path}"


def _numbers(opening: Mapping[str, Any], family: Family) -> dict[str, Any]:
    domain = DOMAIN_OF[family] if opening["domain"] == "" else opening["domain"]
    kind = opening["type"]
    return {**opening, "domain": DOMAINS.get(domain, domain), "type": TYPES.get(kind, kind)}


def _errno_mistakes(name: str, errno_name: Any) -> list[str]:
    if isinstance(errno_name, Known) or not errno_name:
        return []
    if isinstance(errno_name, str) and number_of(errno_name):
        return []
    return [f"{name}: errno has no '{errno_name}'"]


def number_of(errno_name: str) -> int:
    """Return the number of an errno, or of what getaddrinfo(3) says (negative); 0 if none.

    The names of Winsock's codes are known too: "WSAECONNREFUSED" is 10061.
    """
    code = winsock.number_of(errno_name)
    if code:
        return code
    eai = errno_name.startswith("EAI_")
    return int(getattr(python_socket if eai else errno, errno_name, 0))


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
    """Return the calls on what no call before them opens or starts, unless they want EBADF."""
    found: list[str] = []
    there: set[tuple[str, str, str]] = set()
    for call in calls:
        for thing in _needs(call):
            if (call.on, call.caller, thing) not in there and call.wanted.errno_name != "EBADF":
                does = "opens" if thing.startswith("socket") else "starts"
                found.append(f"{call.name}: no call before it {does} a {thing} on {call.who}")
        made = [*(f"socket '{name}'" for name in (call.socket, *call.new) if name), *_starts(call)]
        there |= {(call.on, call.caller, thing) for thing in made}
    return found


def _needs(call: Call) -> list[str]:
    """Return what must be there before a call is made."""
    names = {call.arguments.get("rights", "")} - {""}
    if call.socket and not call.opening:
        names.add(call.socket)
    things = [f"socket '{name}'" for name in sorted(names - {*call.new})]
    return things if call.name in STARTS else [*things, *_named(call)]


def _starts(call: Call) -> list[str]:
    return _named(call) if call.name in STARTS else []


def _named(call: Call) -> list[str]:
    kinds = ("program", "child")
    return [f"{kind} '{call.arguments[kind]}'" for kind in kinds if kind in call.arguments]


def opening(
    proto: str = "tcp", *, options: Any = None, blocking: bool = True, domain: Any = "",
    type: Any = "", protocol: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Return how a socket is made, as `Call.opening` has it; the domain is the family's."""
    kind = PROTOS.get(proto, proto) if type == "" else type
    return {"domain": domain, "type": kind, "protocol": protocol, "options": options or {},
            "blocking": blocking}  # fmt: skip


def said(**arguments: Any) -> dict[str, Any]:
    """Return the arguments that were given: those that are not None, "" or False."""
    return {k: v for k, v in arguments.items() if v is not None and v is not False and v != ""}
