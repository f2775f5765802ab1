"""What a test saw of a block: packets, counters, hits, and the ladder."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.errors import LabError
from lab.ladder import draw
from lab.watching import Captured
from lab.wire import Packet, Pattern, any_icmp, data, fin, icmp, rst, syn, syn_ack


class Grown(dict[str, int]):
    """How much each counter of a host's kernel has grown, by name: "TcpExt.TCPTimeouts"."""

    def __missing__(self, name: str) -> int:
        near = difflib.get_close_matches(name, self, n=1, cutoff=0.5)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise KeyError(f"the kernel has no counter '{name}'{hint}")


@dataclass(frozen=True)
class Broken:
    """A fault that was in force: where, how, and how often it was met; None if nothing counts.

    `to` is the role on the way to which it is. `family` is "ipv4", "ipv6", or "both" for
    one that knows no family.
    """

    kind: str
    host: str
    to: str
    family: str
    mechanism: str
    commands: Sequence[Sequence[str]]
    hits: int | None


@dataclass(frozen=True)
class Sight:
    """All that was seen from the beginning of a block to a moment; `raw` is by vantage."""

    start_ns: int
    end_ns: int
    raw: Captured
    packets: Sequence[Packet]
    counters: Mapping[str, Grown]
    faults: Sequence[Broken]
    bystander: str


@dataclass
class Seen:
    """What was seen in a block of a test; while it lasts, `seen()` looks and returns itself.

    Times of packets are `t_ns`, nanoseconds since the epoch on the hosts' one clock;
    `t_ms` gives them since the block began.
    """

    title: str
    look: Callable[[], Sight] | None = field(default=None, repr=False)
    sight: Sight | None = field(default=None, repr=False)
    troubles: list[str] = field(default_factory=list)

    def __call__(self) -> Seen:
        """Look at what there is until now; after the block it is what there was."""
        if self.look is not None:
            self.sight = self.look()
        return self

    @property
    def _known(self) -> Sight:
        if self.sight is None:
            raise LabError(f"{self.title}: not looked at yet; within the block say `seen()`")

        return self.sight

    # --- what there is ------------------------------------------------------------------

    @property
    def packets(self) -> list[Packet]:
        """Return the packets of the client's doing at every vantage, in order of time."""
        return sorted(self._known.packets, key=lambda packet: packet.t_ns)

    @property
    def counters(self) -> Mapping[str, Grown]:
        """Return how much each host's kernel counters grew: counters["client"]["Tcp.OutRsts"]."""
        return self._known.counters

    @property
    def faults(self) -> Sequence[Broken]:
        """Return the block's own faults, each with its hits."""
        return self._known.faults

    @property
    def hits(self) -> int:
        """Return how often the block's faults were met."""
        return sum(fault.hits or 0 for fault in self._known.faults)

    @property
    def bystander(self) -> str:
        """Return "ok" if the bystander's echo worked all the time, else what did not."""
        return self._known.bystander

    @property
    def ladder(self) -> str:
        """Return the packets as a drawing, times in milliseconds since the block began."""
        return draw(self._known.packets, self._known.start_ns)

    @property
    def elapsed_ms(self) -> float:
        """Return how long the block took, or has taken."""
        return (self._known.end_ns - self._known.start_ns) / 1e6

    def t_ms(self, packet: Packet) -> float:
        """Return when a packet was seen, in milliseconds since the block began."""
        return (packet.t_ns - self._known.start_ns) / 1e6

    # --- packets of a kind --------------------------------------------------------------

    def matching(self, *patterns: Pattern) -> list[Packet]:
        """Return the packets that one of `lab`'s words for packets names: syn(at="client")."""
        for pattern in patterns:
            if pattern.mistakes():
                raise LabError("; ".join(pattern.mistakes()))
        return [p for p in self.packets if any(pattern.matches(p) for pattern in patterns)]

    def sent(self, by: str) -> list[Packet]:
        """Return the packets that a vantage captured on their way out of it."""
        return [p for p in self.packets if p.at == by and p.outgoing]

    def received(self, by: str) -> list[Packet]:
        """Return the packets that a vantage captured on their way in."""
        return [p for p in self.packets if p.at == by and not p.outgoing]

    def attempts(self, at: str = "client") -> list[Packet]:
        """Return the first SYN of each connection: what is sent again is no new attempt."""
        first: dict[tuple[Any, ...], Packet] = {}
        for packet in self.syns(at):
            first.setdefault((packet.src_ip, packet.sport, packet.dst_ip, packet.dport), packet)
        return list(first.values())

    def syns(self, at: str) -> list[Packet]:
        """Return the SYNs, retransmissions among them."""
        return self.matching(syn(at=at))

    def syn_acks(self, at: str) -> list[Packet]:
        """Return the SYN-ACKs."""
        return self.matching(syn_ack(at=at))

    def rsts(self, at: str, sender: str = "") -> list[Packet]:
        """Return the segments with RST; `sender` is the role they say they are from."""
        return self.matching(rst(at=at, sender=sender))

    def fins(self, at: str, sender: str = "") -> list[Packet]:
        """Return the segments with FIN."""
        return self.matching(fin(at=at, sender=sender))

    def data(self, at: str, sender: str = "", proto: str = "tcp") -> list[Packet]:
        """Return the segments, or datagrams, that carry data."""
        return self.matching(data(at=at, sender=sender, proto=proto))

    def icmp(self, at: str, error: tuple[int, int] | None = None) -> list[Packet]:
        """Return the ICMP messages, all or those of one (type, code); no neighbour discovery."""
        if error is None:
            return self.matching(any_icmp(at=at))
        return self.matching(icmp(at=at, error=error, sender=""))

    # --- for a report -------------------------------------------------------------------

    def moved(self) -> dict[str, dict[str, int]]:
        """Return the counters that grew, by host."""
        return {
            host: grown
            for host, values in self._known.counters.items()
            if (grown := {name: value for name, value in sorted(values.items()) if value})
        }
