"""What a program did on the wire: connections that it tried, and bytes that went each way.

It is read from the packets at the program's own host, so it holds for any program in any
language, traced or not. An attempt is a SYN with a source port of its own; that the kernel
sends it again is a retransmission, and no attempt of the program's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from lab.wire import Packet


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
    flows: dict[tuple[object, ...], list[Packet]] = {}
    for packet in seen:
        if packet.outgoing and _begins(packet):
            flows.setdefault(_key(packet), []).append(packet)
    return [_attempt(sent, seen, start_ns) for sent in flows.values()]


def _begins(packet: Packet) -> bool:
    if ip_address(packet.dst_ip).is_loopback or ip_address(packet.dst_ip).is_multicast:
        return False
    return packet.proto == "udp" or (packet.proto == "tcp" and packet.flags == "S")


def _key(packet: Packet) -> tuple[object, ...]:
    """Return what one attempt's packets share: a SYN sent again has its sequence number too."""
    number = packet.seq if packet.proto == "tcp" else 0
    return (packet.proto, packet.src_ip, packet.sport, packet.dst_ip, packet.dport, number)


def _attempt(sent: Sequence[Packet], seen: Sequence[Packet], start_ns: int) -> Attempt:
    first = sent[0]
    back = [p for p in seen if _answers(p, first) and p.t_ns >= first.t_ns]
    ours = [p for p in seen if _same_flow(p, first) and p.t_ns >= first.t_ns]
    return Attempt(
        first.proto, "ipv6" if ":" in first.dst_ip else "ipv4", first.dst_ip, first.dst,
        first.dport, round((first.t_ns - start_ns) / 1e6, 3), len(sent),
        _ended(first, back, seen), _octets(ours), _octets(back),
    )  # fmt: skip


def _same_flow(packet: Packet, first: Packet) -> bool:
    return (packet.proto, packet.src_ip, packet.sport, packet.dst_ip, packet.dport) == (
        first.proto, first.src_ip, first.sport, first.dst_ip, first.dport
    )  # fmt: skip


def _answers(packet: Packet, first: Packet) -> bool:
    return (packet.proto, packet.dst_ip, packet.dport, packet.src_ip, packet.sport) == (
        first.proto, first.src_ip, first.sport, first.dst_ip, first.dport
    )  # fmt: skip


def _ended(first: Packet, back: Sequence[Packet], seen: Sequence[Packet]) -> str:
    """Return what came of an attempt: the first answer that there was."""
    if first.proto == "udp" and back:
        return "answered"
    if any(p.flags == "SA" for p in back):
        return "connected"
    if any("R" in p.flags for p in back):
        return "refused"
    quoted = (first.src_ip, first.dst_ip, first.dport)
    error = next((p for p in seen if p.quoted == quoted and p.t_ns >= first.t_ns), None)
    return error.note if error else "silence"


def _octets(packets: Sequence[Packet]) -> int:
    """Return how many bytes of a stream, or of datagrams, went by; what came again counts once."""
    if packets and packets[0].proto == "udp":
        return sum(p.length for p in packets)
    ends = [p.since_syn[0] + p.length - 1 for p in packets if p.length and p.since_syn[0]]
    return max(ends, default=0)
