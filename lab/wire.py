"""What crossed the wire: packets as the vantages saw them, and the words to expect them.

A packet that a router forwards is captured twice there, coming in and going out;
the second is left out, so that what is counted at the router arrived there or was
made there.
"""

from __future__ import annotations

import socket
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dpkt

from lab.known import Known, late
from lab.topology import DESTINATIONS, GUESTS, VANTAGES

ETH_IPV4, ETH_ARP, ETH_IPV6 = 0x0800, 0x0806, 0x86DD
OTHERHOST, OUTGOING = 3, 4  # linux/if_packet.h
NEIGHBOUR_DISCOVERY = range(133, 138)
# dpkt names flags by bit; the order is tcpdump's habit, S first.
FLAG_BITS = (("S", 0x02), ("F", 0x01), ("R", 0x04), ("P", 0x08), ("A", 0x10), ("U", 0x20))

# One captured packet as the agent sends it.
Raw = tuple[int, int, str, int, int, int, bytes, bytes]


@dataclass(frozen=True)
class Packet:
    """One packet at one vantage. Addresses are text, `src` and `dst` are roles where known.

    `error` is (type, code) of an ICMP message; what an ICMP error quotes is in
    `quoted`, as (source, destination, destination port). `since_syn` are the sequence
    and the acknowledgment number counted from those of the SYNs, 0 for a SYN's own;
    None where this vantage had not seen the SYN, or nothing is acknowledged.
    """

    at: str
    t_ns: int
    outgoing: bool
    src_ip: str
    dst_ip: str
    src: str
    dst: str
    proto: str
    flags: str = ""
    sport: int = 0
    dport: int = 0
    seq: int = 0
    ack: int = 0
    length: int = 0
    window: int | None = None
    error: tuple[int, int] | None = None
    quoted: tuple[str, str, int] | None = None
    note: str = ""
    since_syn: tuple[int | None, int | None] = field(default=(None, None), compare=False)

    @property
    def identity(self) -> tuple[Any, ...]:
        """Return what stays the same of a packet from hop to hop."""
        return (self.src_ip, self.dst_ip, self.proto, self.flags, self.sport, self.dport,
                self.seq, self.ack, self.length, self.error, self.quoted, self.note)  # fmt: skip

    def involves(self, addresses: Iterable[str]) -> bool:
        """Tell whether an address is an end of this packet, or of what it quotes."""
        ends = {self.src_ip, self.dst_ip, *(self.quoted[:2] if self.quoted else ())}
        return not ends.isdisjoint(addresses)

    @property
    def summary(self) -> str:
        """Return the packet in a few words, without its ends."""
        if self.error:
            return self.note
        if self.proto == "tcp":
            names = {"S": "SYN", "F": "FIN", "R": "RST", "P": "PSH", "A": "ACK", "U": "URG"}
            words = ",".join(names[letter] for letter in self.flags)
            if self.window == 0 and "R" not in self.flags:
                words += " window 0"
            return f"{words} {_bytes(self.length)}" if self.length else words
        if self.proto == "udp":
            return f"UDP {_bytes(self.length)}" + (f" {self.note}" if self.note else "")
        return self.note


def _bytes(number: int) -> str:
    return f"{number} byte{'s' if number != 1 else ''}"


def parse(at: str, packets: Iterable[Raw], names: Mapping[str, str]) -> list[Packet]:
    """Return a vantage's packets in order of time; `names` is address to role.

    What is neither IP nor ARP is left out, and so is what the vantage forwarded, on
    its way out. So are frames for another host: a bridge floods what it does not know,
    and a network card would not have taken them.
    """
    ours = sorted((raw for raw in packets if raw[4] != OTHERHOST), key=lambda raw: raw[0])
    parsed = (_parse_one(at, raw, names) for raw in ours)
    arrived: Counter[tuple[Any, ...]] = Counter()
    kept = []
    for packet in filter(None, parsed):
        if not packet.outgoing:
            arrived[packet.identity] += 1
        elif arrived[packet.identity]:
            arrived[packet.identity] -= 1
            continue
        kept.append(packet)
    return kept


def of_calls(packets: Iterable[Packet], addresses: Iterable[str]) -> list[Packet]:
    """Return the packets of the calls: to or from a caller, on connections begun here.

    A TCP connection whose SYN was not captured is older than the run: what it
    still sends (a SYN-ACK again, a late FIN) is not the calls' doing.
    """
    callers = set(addresses)
    ours = sorted((p for p in packets if p.involves(callers)), key=lambda p: p.t_ns)
    begun = {_connection(p) for p in ours if p.flags == "S"}
    return _counted_from_syns(p for p in ours if p.proto != "tcp" or _connection(p) in begun)


def _counted_from_syns(packets: Iterable[Packet]) -> list[Packet]:
    """Return packets, in order of time, with the numbers of TCP counted from the SYNs'."""
    first: dict[tuple[Any, ...], int] = {}
    counted = []
    for packet in packets:
        here, there = (packet.src_ip, packet.sport), (packet.dst_ip, packet.dport)
        if "S" in packet.flags:
            first[packet.at, here, there] = packet.seq
        ours, theirs = first.get((packet.at, here, there)), first.get((packet.at, there, here))
        seq = None if ours is None else (packet.seq - ours) % 2**32
        acks = None if theirs is None else (packet.ack - theirs) % 2**32
        counted.append(replace(packet, since_syn=(seq, acks if "A" in packet.flags else None)))
    return counted


def _connection(packet: Packet) -> frozenset[tuple[str, int]]:
    return frozenset(((packet.src_ip, packet.sport), (packet.dst_ip, packet.dport)))


def _parse_one(at: str, raw: Raw, names: Mapping[str, str]) -> Packet | None:
    t_ns, _index, _interface, protocol, kind, _type, _address, data = raw
    try:
        if protocol == ETH_ARP:
            found = _parse_arp(data)
        elif protocol in (ETH_IPV4, ETH_IPV6):
            found = _parse_ip(data)
        else:
            return None
    except (dpkt.UnpackError, struct.error, IndexError, ValueError):
        return None
    return Packet(
        at, t_ns, kind == OUTGOING,
        src=names.get(found["src_ip"], found["src_ip"]),
        dst=names.get(found["dst_ip"], found["dst_ip"]), **found,
    )  # fmt: skip


def _parse_arp(data: bytes) -> dict[str, Any]:
    arp = dpkt.arp.ARP(data)
    asks = arp.op == dpkt.arp.ARP_OP_REQUEST
    source, target = socket.inet_ntoa(arp.spa), socket.inet_ntoa(arp.tpa)
    note = f"ARP who has {target}?" if asks else f"ARP {source} is here"
    return {"src_ip": source, "dst_ip": target, "proto": "arp", "note": note}


def _parse_ip(data: bytes) -> dict[str, Any]:
    six = data[0] >> 4 == 6
    ip = dpkt.ip6.IP6(data) if six else dpkt.ip.IP(data)
    to_text = socket.AF_INET6 if six else socket.AF_INET
    found: dict[str, Any] = {
        "src_ip": socket.inet_ntop(to_text, ip.src),
        "dst_ip": socket.inet_ntop(to_text, ip.dst),
    }
    inner = ip.data
    if isinstance(inner, dpkt.tcp.TCP):
        flags = "".join(letter for letter, bit in FLAG_BITS if inner.flags & bit)
        return {**found, "proto": "tcp", "flags": flags, "sport": inner.sport, "dport": inner.dport,
                "seq": inner.seq, "ack": inner.ack, "length": len(inner.data),
                "window": inner.win}  # fmt: skip
    if isinstance(inner, dpkt.udp.UDP):
        return {**found, "proto": "udp", "sport": inner.sport, "dport": inner.dport,
                "length": inner.ulen - 8}  # fmt: skip
    if isinstance(inner, (dpkt.icmp.ICMP, dpkt.icmp6.ICMP6)):
        return {**found, **_parse_icmp(six, inner, bytes(inner))}
    return {**found, "proto": "ip", "length": len(bytes(inner)), "note": f"IP protocol {ip.p}"}


def _parse_icmp(six: bool, message: Any, data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {"proto": "icmp", "error": (message.type, message.code)}
    name = ICMP_NAMES.get((six, message.type, message.code))
    label = f"ICMP{'v6' if six else ''} {message.type}/{message.code}" + (
        f" {name}" if name else ""
    )
    is_error = message.type < 128 if six else message.type in (3, 4, 5, 11, 12)
    if is_error and len(data) >= 8 + 20:
        found["quoted"] = _quoted(six, data[8:])
    if six and message.type in NEIGHBOUR_DISCOVERY:
        found["proto"] = "nd"
        label = {135: "ND who has", 136: "ND is here"}.get(message.type, f"ND {message.type}")
        if len(data) >= 24:
            target = socket.inet_ntop(socket.AF_INET6, data[8:24])
            label += f" {target}"
            if message.type == 135:  # It goes to a group; as with ARP, say who is meant.
                found["dst_ip"] = target
    return {**found, "note": label}


def _quoted(six: bool, data: bytes) -> tuple[str, str, int]:
    """Return (source, destination, destination port) of the packet in an ICMP error."""
    if six:
        ends, rest = (data[8:24], data[24:40]), data[40:]
    else:
        ends, rest = (data[12:16], data[16:20]), data[(data[0] & 15) * 4 :]
    family = socket.AF_INET6 if six else socket.AF_INET
    port = struct.unpack("!H", rest[2:4])[0] if len(rest) >= 4 else 0
    return socket.inet_ntop(family, ends[0]), socket.inet_ntop(family, ends[1]), port


# (IPv6?, type, code) to the name that the RFCs (792, 1812, 4443) give.
ICMP_NAMES = {
    (False, 3, 0): "network unreachable",
    (False, 3, 1): "host unreachable",
    (False, 3, 2): "protocol unreachable",
    (False, 3, 3): "port unreachable",
    (False, 3, 4): "fragmentation needed",
    (False, 3, 5): "source route failed",
    (False, 3, 6): "network unknown",
    (False, 3, 7): "host unknown",
    (False, 3, 8): "host isolated",
    (False, 3, 9): "network prohibited",
    (False, 3, 10): "host prohibited",
    (False, 3, 11): "network unreachable for TOS",
    (False, 3, 12): "host unreachable for TOS",
    (False, 3, 13): "administratively prohibited",
    (False, 3, 14): "precedence violation",
    (False, 3, 15): "precedence cutoff",
    (False, 4, 0): "source quench",
    (False, 5, 0): "redirect for network",
    (False, 5, 1): "redirect for host",
    (False, 8, 0): "echo",
    (False, 0, 0): "echo reply",
    (False, 11, 0): "time exceeded",
    (False, 11, 1): "reassembly time exceeded",
    (False, 12, 0): "parameter problem",
    (False, 12, 1): "required option missing",
    (False, 12, 2): "bad length",
    (True, 1, 0): "no route",
    (True, 1, 1): "administratively prohibited",
    (True, 1, 2): "beyond scope of source",
    (True, 1, 3): "address unreachable",
    (True, 1, 4): "port unreachable",
    (True, 1, 5): "source address failed policy",
    (True, 1, 6): "reject route",
    (True, 2, 0): "packet too big",
    (True, 3, 0): "time exceeded",
    (True, 3, 1): "reassembly time exceeded",
    (True, 4, 0): "erroneous header field",
    (True, 4, 1): "unknown next header",
    (True, 4, 2): "unknown option",
}


# --- words --------------------------------------------------------------------


@dataclass(frozen=True)
class Pattern:
    """Packets that must, or must not, have been seen at a vantage.

    `text` names them; None and "" match anything. `seq` and `acks` are the sequence and
    the acknowledgment number, counted from the SYN's (`Packet.since_syn`). `count` is how
    many there must be (None: at least one) and `at_most` how many there may be, none too;
    `schedule` when, in seconds after the first.
    """

    at: str
    text: str
    proto: str = ""
    flags: str | None = None
    with_flag: str = ""
    without_flag: str = ""
    sender: str = ""
    to: str = ""
    error: Any = None
    with_data: bool = False
    without_data: bool = False
    with_note: str = ""
    window: int | None = None
    seq: Any = None
    acks: Any = None
    count: Any = None
    at_most: Any = None
    schedule: Any = None

    def mistakes(self) -> list[str]:
        """Return what is wrong with the pattern as it is written."""
        found = []
        if self.at not in (*VANTAGES, *GUESTS):
            places = ", ".join((*VANTAGES, *GUESTS))
            found.append(f"{self.text}: no capture at '{self.at}': there are {places}")
        found += [
            f"{self.text}: no host '{role}': there are {', '.join(DESTINATIONS)}"
            for role in (self.sender, self.to)
            if role and role not in DESTINATIONS
        ]
        found += [
            f"{self.text}: {name}={number!r} is not a number of packets"
            for name, number in (("count", self.count), ("at_most", self.at_most))
            if not (number is None or isinstance(number, Known) or _is_count(number))
        ]
        if not (self.error is None or isinstance(self.error, Known) or _is_pair(self.error)):
            found.append(f"{self.text}: error={self.error!r} is not (type, code)")
        for name, number in (("seq", self.seq), ("acks", self.acks)):
            if not (number is None or isinstance(number, Known) or _is_count(number)):
                found.append(f"{self.text}: {name}={number!r} is not a number, counted from 0")
        return found

    def matches(self, packet: Packet) -> bool:
        """Tell whether a packet is one of these."""
        return (
            packet.at == self.at
            and (not self.proto or packet.proto == self.proto)
            and (self.flags is None or packet.flags == self.flags)
            and (not self.with_flag or self.with_flag in packet.flags)
            and (not self.without_flag or self.without_flag not in packet.flags)
            and (not self.sender or packet.src == self.sender)
            and (not self.to or packet.dst == self.to)
            and (self.error is None or packet.error == tuple(self.error))
            and (not self.with_data or packet.length > 0)
            and (not self.without_data or packet.length == 0)
            and (self.window is None or packet.window == self.window)
            and (self.seq is None or packet.since_syn[0] == self.seq)
            and (self.acks is None or packet.since_syn[1] == self.acks)
            and self.with_note in packet.note
        )

    def describe(self) -> str:
        """Return the pattern in words: "SYN at server"."""
        way = (f" from {self.sender}" if self.sender else "") + (
            f" to {self.to}" if self.to else ""
        )
        error = f" {self.error[0]}/{self.error[1]}" if isinstance(self.error, tuple) else ""
        numbers = "".join(
            f" {name} {number}"
            for name, number in (("seq", self.seq), ("ack", self.acks))
            if number is not None
        )
        return f"{self.text}{error}{numbers}{way} at {self.at}"

    def unmet(self, packets: Sequence[Packet]) -> str:
        """Return "" if the packets are as wanted, else what was seen instead."""
        seen = [packet for packet in packets if self.matches(packet)]
        if self.schedule is not None:
            return self._off_schedule(seen)
        if self.at_most is not None:
            return "" if len(seen) <= self.at_most else f"{len(seen)} seen"
        if self.count is None and seen:
            return ""
        return "" if len(seen) == self.count else f"{len(seen)} seen"

    def _off_schedule(self, seen: Sequence[Packet]) -> str:
        times = [(packet.t_ns - seen[0].t_ns) / 1e9 for packet in seen]
        # The first SYN may leave a little late against its own timer's start.
        fits = len(times) == len(self.schedule) and all(
            late(wanted)[0] - 0.05 <= got <= late(wanted)[1]
            for wanted, got in zip(self.schedule, times)
        )
        return "" if fits else f"at {', '.join(f'{t:.2f}' for t in times) or 'no time'} s"

    def wanted(self) -> str:
        """Return what is wanted, in words."""
        if self.schedule is not None:
            return "at " + ", ".join(f"{t:g}" for t in self.schedule) + " s"
        if self.at_most is not None:
            return f"at most {self.at_most}"
        return "at least 1" if self.count is None else f"{self.count}"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


def _is_pair(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2


def syn(*, at: str, count: Any = None, schedule: Any = None) -> Pattern:
    """Match SYNs without ACK; `schedule` gives their times in seconds after the first."""
    return Pattern(at, "SYN", "tcp", flags="S", count=count, schedule=schedule)


def syn_ack(*, at: str, acks: Any = None, count: Any = None) -> Pattern:
    """Match SYN-ACKs; `acks` as of `ack`: 1 acknowledges the SYN."""
    return Pattern(at, "SYN-ACK", "tcp", flags="SA", acks=acks, count=count)


def rst(*, at: str, sender: str = "", count: Any = None) -> Pattern:
    """Match segments with RST; `sender` is who their source address says they are from."""
    return Pattern(at, "RST", "tcp", with_flag="R", sender=sender, count=count)


def fin(
    *, at: str, sender: str = "", seq: Any = None, acks: Any = None, count: Any = None
) -> Pattern:
    """Match segments with FIN; `seq` and `acks` as of `ack`."""
    return Pattern(at, "FIN", "tcp", with_flag="F", sender=sender, seq=seq, acks=acks, count=count)


def ack(
    *, at: str, sender: str = "", window: int | None = None, seq: Any = None, acks: Any = None,
    count: Any = None, at_most: Any = None,
) -> Pattern:  # fmt: skip
    """Match ACKs that carry nothing: of a handshake or of data, keepalive and window probes.

    `window` is what they advertise, 0 for a closed one. `seq` and `acks` are the sequence
    and the acknowledgment number, counted from the SYN's, which is 0: a SYN and a FIN
    take one number each, and so does each byte. `acks` is the number expected next.
    With `at_most` there may be fewer, or none.
    """
    text = "ACK" if window is None else f"ACK with window {window}"
    return Pattern(at, text, "tcp", flags="A", sender=sender, without_data=True, window=window,
                   seq=seq, acks=acks, count=count, at_most=at_most)  # fmt: skip


def data(*, at: str, sender: str = "", proto: str = "tcp", count: Any = None) -> Pattern:
    """Match TCP segments or UDP datagrams that carry data."""
    return Pattern(at, f"{proto} data", proto, sender=sender, with_data=True, count=count)


def icmp(*, at: str, error: Any, sender: str = "router", count: Any = None) -> Pattern:
    """Match ICMP messages by (type, code)."""
    return Pattern(at, "ICMP", "icmp", sender=sender, error=error, count=count)


def who_has(*, at: str, to: str, count: Any = None) -> Pattern:
    """Match ARP requests and neighbour solicitations for a destination."""
    return Pattern(at, "ARP or ND who has", to=to, with_note="who has", count=count)


def any_icmp(*, at: str) -> Pattern:
    """Match every ICMP message but neighbour discovery."""
    return Pattern(at, "ICMP", "icmp")


def any_packet(*, at: str, proto: str = "tcp") -> Pattern:
    """Match every packet of a protocol."""
    return Pattern(at, proto, proto)


# --- files ----------------------------------------------------------------------


def write_pcap(path: Path, packets: Iterable[Raw]) -> None:
    """Write a capture for Wireshark: nanosecond pcap with Linux cooked headers (SLL2).

    Source: the pcap savefile format; LINKTYPE_LINUX_SLL2 is 276.
    """
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 18, 276))
        for t_ns, index, _name, protocol, kind, type_, address, data_ in packets:
            header = struct.pack(
                "!HHIHBB8s", protocol, 0, index, type_, kind, len(address), address.ljust(8, b"\0")
            )
            size = len(header) + len(data_)
            seconds, nanoseconds = divmod(t_ns, 1_000_000_000)
            file.write(struct.pack("<IIII", seconds, nanoseconds, size, size) + header + data_)
