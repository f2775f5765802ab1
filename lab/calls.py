"""The words for socket calls, and what each may be expected to give.

A call without an expectation must succeed. Times are of the call alone, on the
calling host's clock, in seconds.
"""

from __future__ import annotations

import errno
import select
from dataclasses import dataclass, field, replace
from typing import Any

from lab.known import Known
from lab.topology import DESTINATIONS, ECHO_PORT, HOSTS

# How long a call without a time range may take before it counts as hung.
PATIENCE_S = 10.0
# What a call may take beyond its range, so that a late one is measured, not cut.
MARGIN_S = 5.0
IN_PROGRESS = ("EINPROGRESS",)


@dataclass(frozen=True)
class Wanted:
    """What a call must give; None means that it does not matter."""

    errno_name: str = ""
    value: Any = None
    data: bytes | None = None
    within_s: Any = None


@dataclass(frozen=True)
class Call:
    """One socket call on one host; `name` is the call's, `arguments` the agent's."""

    on: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    to: str = ""
    socket: str = "s"
    wanted: Wanted = Wanted()

    def fails(self, errno_name: Any, *, within_s: Any = None) -> Call:
        """Expect -1 and this errno, within a range of seconds (first, last)."""
        return replace(self, wanted=Wanted(errno_name=errno_name, value=-1, within_s=within_s))

    def returns(self, value: int, *, within_s: Any = None) -> Call:
        """Expect this return value."""
        return replace(self, wanted=Wanted(value=value, within_s=within_s))

    def gives(self, data: bytes, *, within_s: Any = None) -> Call:
        """Expect these bytes."""
        return replace(self, wanted=Wanted(data=data, within_s=within_s))

    def reports(self, errno_name: Any) -> Call:
        """Expect the call to succeed and to return this errno (getsockopt SO_ERROR)."""
        return replace(self, wanted=Wanted(errno_name=errno_name))

    def mistakes(self) -> list[str]:
        """Return what is wrong with the call as it is written."""
        found = []
        if self.on not in HOSTS:
            found.append(f"{self.name}: no host '{self.on}': there are {', '.join(HOSTS)}")
        if self.to and self.to not in DESTINATIONS:
            found.append(
                f"{self.name}: no destination '{self.to}': there are {', '.join(DESTINATIONS)}"
            )
        port = self.arguments.get("port", ECHO_PORT)
        if not isinstance(port, int) or not 1 <= port <= 65535:
            found.append(f"{self.name}: port {port!r} is not 1 to 65535")
        proto = self.arguments.get("proto", "tcp")
        if proto not in ("tcp", "udp"):
            found.append(f"{self.name}: proto {proto!r} is not tcp or udp")
        data = self.arguments.get("data", b"")
        if not isinstance(data, (bytes, Known)):
            found.append(f"{self.name}: data {data!r} is not bytes")
        events = self.arguments.get("events", "POLLIN")
        if not hasattr(select, events):
            found.append(f"{self.name}: poll(2) has no event {events!r}")
        found += _errno_mistakes(self.name, self.wanted.errno_name)
        return found + _range_mistakes(self.name, self.wanted.within_s)

    @property
    def deadline_s(self) -> float:
        """Return when the call counts as hung."""
        return (self.wanted.within_s[1] if self.wanted.within_s else PATIENCE_S) + MARGIN_S


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


def connect(
    *,
    on: str,
    to: str,
    port: int = ECHO_PORT,
    proto: str = "tcp",
    syn_retries: int | None = None,
    blocking: bool = True,
    socket: str = "s",
) -> Call:
    """Open a socket and connect(2) it.

    Args: `on` and `to` are host roles (`to` also "elsewhere"); `port` is 1 to
    65535; `syn_retries` sets TCP_SYNCNT; `socket` names it for later calls.
    Source: connect(2), RFC 9293 3.10.1.
    """
    arguments = {"port": port, "proto": proto, "syn_retries": syn_retries, "blocking": blocking}
    return Call(on, "connect", arguments, to, socket)


def send(*, on: str, data: Any, socket: str = "s") -> Call:
    """send(2) without SIGPIPE; the value is the number of bytes taken."""
    return Call(on, "send", {"data": data}, socket=socket)


def recv(*, on: str, size: int = 2048, socket: str = "s") -> Call:
    """recv(2); the value is the number of bytes, 0 at the end of the stream."""
    return Call(on, "recv", {"size": size}, socket=socket)


def exchange(*, on: str, data: Any, socket: str = "s") -> Call:
    """Send all, half-close and read to the end; the value is the number of bytes read."""
    return Call(on, "exchange", {"data": data}, socket=socket)


def poll(*, on: str, events: str = "POLLOUT", socket: str = "s") -> Call:
    """poll(2) until the event, or an error, is there; the value is the number of sockets ready."""
    return Call(on, "poll", {"events": events}, socket=socket)


def so_error(*, on: str, socket: str = "s") -> Call:
    """getsockopt(2) SO_ERROR; the value is the pending errno, which is cleared."""
    return Call(on, "so_error", socket=socket)


def close(*, on: str, socket: str = "s") -> Call:
    """close(2) a socket."""
    return Call(on, "close", socket=socket)
