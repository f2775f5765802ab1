"""What a program did on the wire: connections that it tried, and bytes that went each way.

It is read from the packets at the program's own host, so it holds for any program in any
language, traced or not. An attempt is a SYN with a source port of its own; that the kernel
sends it again is a retransmission, and no attempt of the program's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from lab.wire import Packet

Flow = tuple[str, str, int, str, int]  # protocol, source and its port, target and its port


@dataclass(frozen=True)
class Attempt:
    """One connection that was tried, or one flow of datagrams.

    `packets` are the SYNs, or the datagrams, that were sent; `ended` is what came of it on
    the wire: "connected", "refused" (RST), an ICMP error ("ICMP 3/1 host unreachable"),
    "answered" (datagrams), or "silence".
    """

    proto: str
    family: str
    address: str
    to: str
    port: int
    t_ms: float
    packets: int
    ended: str
    sent: int
    received: int


def attempts(packets: Iterable[Packet], at: str, start_ns: int) -> list[Attempt]:
    """Return what was tried from a host, in order; times are since `start_ns`.

    What stays within the host (name look-ups, for one) is left out.
    """
    seen = sorted((p for p in packets if p.at == at), key=lambda p: p.t_ns)
    began: dict[tuple[object, ...], list[Packet]] = {}
    for packet in seen:
        if packet.outgoing and _begins(packet):
            began.setdefault(_key(packet), []).append(packet)
    return _Seen(seen, [sent[0] for sent in began.values()]).attempts(began.values(), start_ns)


def _begins(packet: Packet) -> bool:
    if ip_address(packet.dst_ip).is_loopback or ip_address(packet.dst_ip).is_multicast:
        return False
    return packet.proto == "udp" or (packet.proto == "tcp" and packet.flags == "S")


def _key(packet: Packet) -> tuple[object, ...]:
    """Return what one attempt's packets share: a SYN sent again has its sequence number too."""
    number = packet.seq if packet.proto == "tcp" else 0
    return (packet.proto, packet.src_ip, packet.sport, packet.dst_ip, packet.dport, number)


def _flow(packet: Packet) -> Flow:
    return packet.proto, packet.src_ip, packet.sport, packet.dst_ip, packet.dport


def _back(flow: Flow) -> Flow:
    proto, source, sport, target, dport = flow
    return proto, target, dport, source, sport


class _Seen:
    """What was seen at a host, by flow: a program may make thousands of attempts in a row."""

    def __init__(self, seen: Sequence[Packet], firsts: Sequence[Packet]) -> None:
        """Take packets in order of time, and the first of each attempt."""
        self._flows: dict[Flow, list[Packet]] = {}
        # What an error quotes, to when each came and what it said.
        self._errors: dict[tuple[str, str, int], tuple[list[int], list[str]]] = {}
        self._begins: dict[Flow, list[int]] = {}
        for packet in seen:
            self._flows.setdefault(_flow(packet), []).append(packet)
            if packet.quoted:
                times, notes = self._errors.setdefault(packet.quoted, ([], []))
                times.append(packet.t_ns)
                notes.append(packet.note)
        for first in firsts:
            self._begins.setdefault(_flow(first), []).append(first.t_ns)

    def attempts(self, all_sent: Iterable[Sequence[Packet]], start_ns: int) -> list[Attempt]:
        """Return the attempts, each of which is known by what was sent to begin it."""
        return [self._attempt(sent, start_ns) for sent in all_sent]

    def _attempt(self, sent: Sequence[Packet], start_ns: int) -> Attempt:
        first = sent[0]
        flow = _flow(first)
        # Another attempt may come from the same port.
        end_ns = min((t for t in self._begins[flow] if t > first.t_ns), default=None)
        ours, back = (
            [p for p in self._flows.get(one, ())
             if p.t_ns >= first.t_ns and (end_ns is None or p.t_ns < end_ns)]
            for one in (flow, _back(flow))
        )  # fmt: skip
        return Attempt(
            first.proto, "ipv6" if ":" in first.dst_ip else "ipv4", first.dst_ip, first.dst,
            first.dport, round((first.t_ns - start_ns) / 1e6, 3), len(sent),
            self._ended(first, back), _octets(ours), _octets(back),
        )  # fmt: skip

    def _ended(self, first: Packet, back: Sequence[Packet]) -> str:
        """Return what came of an attempt: the first answer that there was."""
        if first.proto == "udp" and back:
            return "answered"
        if any(p.flags == "SA" for p in back):
            return "connected"
        if any("R" in p.flags for p in back):
            return "refused"
        times, notes = self._errors.get((first.src_ip, first.dst_ip, first.dport), ([], []))
        after = bisect_left(times, first.t_ns)
        return notes[after] if after < len(notes) else "silence"


def _octets(packets: Sequence[Packet]) -> int:
    """Return how many bytes of a stream, or of datagrams, went by; what came again counts once."""
    if packets and packets[0].proto == "udp":
        return sum(p.length for p in packets)
    ends = [p.since_syn[0] + p.length - 1 for p in packets if p.length and p.since_syn[0]]
    return max(ends, default=0)
