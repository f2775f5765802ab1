"""TCP and UDP packets: read, chosen and built, as bytes from the IP header on.

Standard library only; no input or output.
"""

from __future__ import annotations

import socket
import struct

from spec import Key, address, one_of, or_null, read_keys, require, whole

TYPE_CHECKING = False  # type checkers take it for true; typing itself costs 6 ms of the start
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from spec import Values

    # Interface name, protocol, kind, hardware type, hardware address: packet(7).
    Address = tuple[str, int, int, int, bytes]

# linux/if_ether.h, linux/if_packet.h
ETH_P_IP, ETH_P_IPV6, ETH_P_ALL = 0x0800, 0x86DD, 3
PACKET_HOST = 0
MODULUS = 1 << 32  # of sequence numbers: RFC 9293 3.4

# RFC 9293 3.1; CWR is RFC 3168 6.1
FIN, SYN, RST, PSH, ACK, URG = (1 << bit for bit in range(6))
CWR = 0x80
FLAGS = {"SYN": SYN, "ACK": ACK, "RST": RST, "FIN": FIN, "PSH": PSH, "URG": URG}
# Which segments a word stands for: the flags looked at and those of them that are set, as in
# lab/faults/firewall.py FLAG_MATCHES, so that a rule beside us takes the same.
SEGMENTS = {
    "": (0, 0),
    "SYN": (SYN | ACK | RST | FIN, SYN),
    "SYN,ACK": (SYN | ACK | RST | FIN, SYN | ACK),
    "PSH": (SYN | PSH | RST, PSH),
    "ACK": (SYN | ACK | RST | FIN | PSH, ACK),
    "FIN": (SYN | FIN | RST, FIN),
}
PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}
IPV4_HEADER, IPV6_HEADER = 20, 40
HOP_LIMIT = 64

# --- Which packets --------------------------------------------------------------------

PORT = or_null(whole(0, 0xFFFF))
WHEN = {
    "proto": Key(one_of(*PROTOCOLS)),
    "src": Key(address),
    "dst": Key(address),
    "sport": Key(PORT, None),
    "dport": Key(PORT, None),
    "flags": Key(one_of(*SEGMENTS), ""),
}


def read_when(raw: Any) -> Values:
    """Read which packets are meant.

    Raises: BadArgument.
    """
    when = read_keys("when", raw, WHEN)
    require(len(when["src"]) == len(when["dst"]), "when.dst: is of another family than when.src")
    require(when["proto"] == "tcp" or not when["flags"], "when.flags: only TCP has flags")
    return when


# --- What comes in --------------------------------------------------------------------


class Packet:
    """A TCP segment or UDP datagram in one IP packet.

    `data` is the packet from its IP header to its end, `offset` where TCP or UDP begins
    in it, `length` how many bytes of payload it has. Addresses are packed. For UDP,
    `seq`, `ack` and `flags` are 0.
    """

    def __init__(self, data: bytes) -> None:
        """Read a packet from its IP header on.

        Raises: ValueError, IndexError or struct.error if it is none, or not whole.
        """
        read = {4: self._read_ipv4, 6: self._read_ipv6}.get(data[0] >> 4)
        if read is None:
            raise ValueError("neither IPv4 nor IPv6")
        total = read(data)
        if not self.offset <= total <= len(data):
            raise ValueError("wrong length")
        self.data = data[:total]
        self.sport, self.dport = struct.unpack_from("!HH", self.data, self.offset)
        self.seq = self.ack = self.flags = 0
        if self.protocol == socket.IPPROTO_TCP:
            self._read_tcp()
        elif self.protocol == socket.IPPROTO_UDP:
            self._read_udp()
        else:
            raise ValueError("neither TCP nor UDP")

    def _read_ipv4(self, data: bytes) -> int:
        """Read RFC 791's header; return how long it says that the packet is."""
        first, total, fragment, self.protocol, self.src, self.dst = struct.unpack_from(
            "!BxHxxHxBxx4s4s", data
        )
        self.offset = (first & 0xF) * 4
        if self.offset < IPV4_HEADER or fragment & 0x3FFF:  # more to come, or not the first
            raise ValueError("a fragment, or too short a header")
        return int(total)

    def _read_ipv6(self, data: bytes) -> int:
        """Read RFC 8200's header; return how long it says that the packet is.

        What has extension headers, such as a fragment, is then neither TCP nor UDP.
        """
        length, self.protocol, self.src, self.dst = struct.unpack_from("!4xHBx16s16s", data)
        self.offset = IPV6_HEADER
        return int(IPV6_HEADER + length)

    def _read_tcp(self) -> None:
        self.seq, self.ack, offset, flags = struct.unpack_from(
            "!IIBB6x", self.data, self.offset + 4
        )
        header = (offset >> 4) * 4
        self.flags = flags & 0x3F
        self.length = len(self.data) - self.offset - header
        if header < 20 or self.length < 0:
            raise ValueError("wrong length of TCP's header")

    def _read_udp(self) -> None:
        (total,) = struct.unpack_from("!H2x", self.data, self.offset + 4)
        self.length = total - 8
        if not 8 <= total <= len(self.data) - self.offset:
            raise ValueError("wrong length of UDP's datagram")

    @property
    def payload(self) -> bytes:
        """Return the bytes that TCP or UDP carries."""
        begin = self.offset + 8 if self.protocol == socket.IPPROTO_UDP else -self.length
        return self.data[begin : begin + self.length or None] if self.length else b""


def parse(data: bytes) -> Packet | None:
    """Return the packet, or None if it is not a whole one of TCP or UDP."""
    try:
        return Packet(data)
    except (ValueError, IndexError, struct.error):
        return None


def matches(when: Values, packet: Packet) -> bool:
    """Tell whether a packet is one of those that are meant."""
    looked_at, are_set = SEGMENTS[when["flags"]]
    return (
        packet.protocol == PROTOCOLS[when["proto"]]
        and (packet.src, packet.dst) == (when["src"], when["dst"])
        and when["sport"] in (None, packet.sport)
        and when["dport"] in (None, packet.dport)
        and packet.flags & looked_at == are_set
    )


# --- What goes out --------------------------------------------------------------------


def ip_packet(
    src: bytes,
    dst: bytes,
    protocol: int,
    content: bytes,
    *,
    checksum_at: int,
    bad_checksum: bool = False,
    hop_limit: int = HOP_LIMIT,
) -> bytes:
    """Return an IP packet; `content` has its checksum, as yet 0, at `checksum_at`.

    Source: RFC 791 3.1; RFC 8200 3 and 8.1 (ICMPv6, unlike ICMP, has a pseudo-header).
    """
    covered = content
    if protocol != socket.IPPROTO_ICMP:
        covered = src + dst + struct.pack("!II", len(content), protocol) + content
    value = checksum(covered)
    if protocol == socket.IPPROTO_UDP:
        value = value or 0xFFFF  # 0 would say that there is none: RFC 768
    if bad_checksum:
        value ^= 0x5555
    content = put_checksum(content, checksum_at, value)
    if len(src) == 16:
        header = struct.pack("!IHBB", 6 << 28, len(content), protocol, hop_limit)
        return header + src + dst + content
    dont_fragment = 0x4000
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, IPV4_HEADER + len(content), 0, dont_fragment, hop_limit,
        protocol, 0, src, dst,
    )  # fmt: skip
    return put_checksum(header, 10, checksum(header)) + content


def put_checksum(data: bytes, at: int, value: int) -> bytes:
    """Return the data with a checksum at its place."""
    return data[:at] + struct.pack("!H", value) + data[at + 2 :]


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# --- What goes on ---------------------------------------------------------------------


def one_hop_less(data: bytes) -> bytes | None:
    """Return a packet with its TTL or hop limit counted down; None if it may not go on.

    Source: RFC 1812 4.2.2.9, RFC 8200 3.
    """
    at = 8 if data[0] >> 4 == 4 else 7
    if data[at] <= 1:
        return None
    counted = data[:at] + bytes([data[at] - 1]) + data[at + 1 :]
    return with_header_sum(counted) if at == 8 else counted


def with_header_sum(data: bytes) -> bytes:
    """Return an IPv4 packet with the checksum of its header put right."""
    length = (data[0] & 0xF) * 4
    header = put_checksum(data[:length], 10, 0)
    return put_checksum(header, 10, checksum(header)) + data[length:]


def with_sums(data: bytes) -> bytes:
    """Return a packet of TCP or UDP with IP's length and all checksums put right.

    A sender leaves TCP's and UDP's to the hardware, which a virtual link has not.
    """
    if data[0] >> 4 == 4:
        offset = (data[0] & 0xF) * 4
        protocol, ends = data[9], data[12:20]
        data = with_header_sum(data[:2] + struct.pack("!H", len(data)) + data[4:])
    else:
        offset, protocol, ends = IPV6_HEADER, data[6], data[8:40]
        data = data[:4] + struct.pack("!H", len(data) - IPV6_HEADER) + data[6:]
    at = 16 if protocol == socket.IPPROTO_TCP else 6
    content = put_checksum(data[offset:], at, 0)
    value = checksum(ends + struct.pack("!II", len(content), protocol) + content)
    if protocol == socket.IPPROTO_UDP:
        value = value or 0xFFFF  # 0 would say that there is none: RFC 768
    return data[:offset] + put_checksum(content, at, value)


def segments(packet: Packet, places: Iterable[int]) -> list[Packet]:
    """Return a segment cut at places of its payload, in order of the stream.

    Each piece has all options; FIN and PSH are the last one's, CWR the first one's, and
    each has an IPv4 identification of its own, as where the hardware cuts (Linux
    net/ipv4/tcp_offload.c tcp_gso_segment()).

    Args: `places` are in order, each behind the one before and within the payload.
    """
    ends = [*places, packet.length]
    if len(ends) == 1:
        return [packet]
    payload = packet.payload
    head = packet.data[: len(packet.data) - packet.length]
    return [
        Packet(with_sums(piece_head(head, packet, number, begin, end) + payload[begin:end]))
        for number, (begin, end) in enumerate(zip([0, *ends], ends))
    ]


def piece_head(head: bytes, packet: Packet, number: int, begin: int, end: int) -> bytes:
    """Return the headers of a piece, its lengths and checksums aside."""
    changed = bytearray(head)
    if head[0] >> 4 == 4:
        (identification,) = struct.unpack_from("!H", head, 4)
        struct.pack_into("!H", changed, 4, (identification + number) % (1 << 16))
    struct.pack_into("!I", changed, packet.offset + 4, (packet.seq + begin) % MODULUS)
    if number:
        changed[packet.offset + 13] &= ~CWR & 0xFF
    if end != packet.length:
        changed[packet.offset + 13] &= ~(FIN | PSH) & 0xFF
    return bytes(changed)
