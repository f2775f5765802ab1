"""The states of both ends of the TCP connections of a run, and the words to expect them.

A host's recorder (`lab/inside/states.py`) notes each change of state when it looks, a
thousand times a second and after each SYN, FIN and RST. A state that lasts for a shorter
time than it takes the next segment to come (0.1 ms in this lab) may come and go unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.topology import HOSTS
from lab.wire import Packet

# As `ss` writes them; CLOSED is that there is no connection any more.
STATES = ("SYN-SENT", "SYN-RECV", "ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "TIME-WAIT",
          "CLOSE-WAIT", "LAST-ACK", "CLOSED")  # fmt: skip

End = tuple[str, int]  # address and port


@dataclass(frozen=True)
class Change:
    """A connection's state on a host, from a moment on; `names` of the ends are roles."""

    host: str
    t_ns: int
    local: End
    remote: End
    state: str
    names: tuple[str, str] = ("", "")

    @property
    def connection(self) -> frozenset[End]:
        """Return what is the same on both hosts."""
        return frozenset((self.local, self.remote))

    @property
    def socket(self) -> str:
        """Return both ends in words, the host's own first: "client:43210 → server:16555"."""
        ends = zip(self.names, (self.local, self.remote))
        return " → ".join(f"{name or address}:{port}" for name, (address, port) in ends)


def parse(host: str, rows: Iterable[Sequence[Any]], names: Mapping[str, str]) -> list[Change]:
    """Return a host's changes as it sent them; `names` is address to role."""
    return [
        Change(host, t_ns, (local, local_port), (remote, remote_port), state,
               (names.get(local, local), names.get(remote, remote)))
        for t_ns, local, local_port, remote, remote_port, state in rows
    ]  # fmt: skip


def of_packets(changes: Iterable[Change], packets: Iterable[Packet]) -> list[Change]:
    """Return the changes of connections that have packets, in order of time."""
    seen = {
        frozenset(((p.src_ip, p.sport), (p.dst_ip, p.dport))) for p in packets if p.proto == "tcp"
    }
    return sorted((c for c in changes if c.connection in seen), key=lambda c: c.t_ns)


# --- words --------------------------------------------------------------------


@dataclass(frozen=True)
class Passage:
    """States that a connection's end on a host must, or must never, have been seen in."""

    on: str
    states: Any = ()
    never: Any = ()
    port: Any = None

    def mistakes(self) -> list[str]:
        """Return what is wrong with it as it is written."""
        found = []
        if self.on not in HOSTS:
            found.append(f"states: no host '{self.on}': there are {', '.join(HOSTS)}")
        found += [
            f"states: there is no state '{state}': there are {', '.join(STATES)}"
            for state in (*self.states, *self.never)
            if state not in STATES
        ]
        if not (self.states or self.never):
            found.append(f"states: say which states {self.on} went through, or never was in")
        found += [
            f"states: {state} is both wanted and never to be"
            for state in dict.fromkeys(self.states)
            if state in self.never
        ]
        return found

    def describe(self) -> str:
        """Return whose states they are, in words."""
        return f"states of {self.on}" + (f", port {self.port}" if self.port else "")

    def wanted(self) -> str:
        """Return what is wanted, in words."""
        never = "never " + " or ".join(self.never) if self.never else ""
        return ", ".join(filter(None, (", ".join(self.states), never)))

    def holds(self, changes: Sequence[Change]) -> bool:
        """Tell whether one connection went through the states in order, and none was in `never`."""
        courses = self.courses(changes)
        return any(_in_order(self.states, course) for course in courses) and not any(
            state in self.never for course in courses for state in course
        )

    def courses(self, changes: Sequence[Change]) -> list[list[str]]:
        """Return the states of each connection of this host and port, as they followed."""
        courses: list[list[str]] = []
        latest: dict[frozenset[End], list[str]] = {}
        for change in changes:
            ports = (change.local[1], change.remote[1])
            if change.host != self.on or (self.port is not None and self.port not in ports):
                continue
            # Between the same two ends there may be one connection after another.
            if latest.get(change.connection, ["CLOSED"])[-1] == "CLOSED":
                latest[change.connection] = []
                courses.append(latest[change.connection])
            latest[change.connection].append(change.state)
        return courses

    def got(self, changes: Sequence[Change]) -> str:
        """Return what was seen, in words: the states of each connection."""
        courses = self.courses(changes)
        return "; ".join(", ".join(course) for course in courses) or "no connection was seen"


def _in_order(wanted: Iterable[str], course: Iterable[str]) -> bool:
    left = iter(course)
    return all(state in left for state in wanted)


def went_through(*, on: str, states: Any = (), never: Any = (), port: Any = None) -> Passage:
    """Expect one connection's end on a host to have been seen in these states, in this order.

    Others may come before, between and after them: a state that lasts 0.1 ms may or may
    not be seen, so name those that last (a path that is slow, or loses a segment, makes
    them last). `never` are states that no connection of the host was seen in; there must
    have been one. `port` is of either end, any if not said. The states are those of `ss`;
    "CLOSED" is that the connection is no more.
    Source: RFC 9293 3.3.2; Linux net/tcp_states.h, net/ipv4/inet_diag.c.
    """
    return Passage(on, states, never, port)
