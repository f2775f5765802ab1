#!/usr/bin/python3 -S
"""errnolab-respond: answers chosen packets with crafted ones, from user space.

    errnolab-respond start NAME JSON    returns when no packet can be missed any more
    errnolab-respond stop NAME          returns when it is gone; so too if it was not there
    errnolab-respond hits NAME          prints how many packets it has answered

It makes the failures that no rule of a firewall can make: any ICMP error, claimed to be
from anyone, about a sequence number that was never sent; a segment at any place of a
stream; an answer with a wrong checksum, or a late one. It takes nothing away: the packet
that it answers goes on, unless a rule beside it drops that.

JSON (what has a default may be left out):

    {"when": {"proto": "tcp" or "udp", "src": ADDRESS, "dst": ADDRESS,
              "sport": null, "dport": null,
              "flags": ""},       which segments: SYN (the first of a handshake);
                                  SYN,ACK; PSH; ACK (without SYN, RST, FIN or PSH);
                                  FIN (without SYN or RST); any
     "times": null,               answer the first so many packets; null: all
     "delay_s": 0,                answer that much later
     "answers": [ANSWER, ...]}    all sent, in this order, for each packet

    ANSWER is one of
    {"kind": "icmp", "type": 3, "code": 1, "source": ADDRESS it claims to be from,
     "mtu": 0,                    of the next hop: type 3; ICMPv6: type 2
     "gateway": null,             the better one: type 5; ICMPv6: type 137
     "pointer": 0,                to the wrong octet: type 12; ICMPv6: type 4
     "quote_seq_add": 0,          added to the sequence number in the quoted segment
     "quote_bytes": null,         quoted of the packet; null: all that Linux would quote
     "bad_checksum": false}
    {"kind": "tcp", "flags": "RST,ACK" (of SYN ACK RST FIN PSH URG),
     "seq": null,                 null: what the packet's sender awaits next
     "seq_add": 0, "ack_add": 0, "window": 65535, "payload": "", "bad_checksum": false}
    {"kind": "udp", "payload": ""}

An answer leaves by the interface that the packet came in by, for the hardware address
that it came from. No route, firewall rule or connection tracking of this host sees it.

In /run/errnolab, NAME.pid is there while it runs; NAME.hits and NAME.log stay. Exit
status: 0 done, 1 it could not be done, 2 bad argument.

Standard library only, Python 3.9 or newer. It imports little, and no dataclasses
(13 ms), to be ready soon after it is started.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import struct
import sys
from collections import deque
from time import monotonic

TYPE_CHECKING = False  # type checkers take it for true; typing itself costs 6 ms of the start
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

    # What a specification holds once it is read: every key is there, and addresses are packed.
    Values = dict[str, Any]
    # Interface name, protocol, kind, hardware type, hardware address: packet(7).
    Address = tuple[str, int, int, int, bytes]

RUN = "/run/errnolab"

# linux/if_ether.h, linux/if_packet.h, asm-generic/socket.h
ETH_P_IP, ETH_P_IPV6, ETH_P_ALL = 0x0800, 0x86DD, 3
PACKET_HOST = 0
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
SO_RCVBUFFORCE = 33
BUFFER_BYTES = 8 << 20

ANY_PACKET = 1 << 16
ERRORS_LOGGED = 100  # /run is small and a flow may be long
MODULUS = 1 << 32  # of sequence numbers: RFC 9293 3.4

# RFC 9293 3.1
FIN, SYN, RST, PSH, ACK, URG = (1 << bit for bit in range(6))
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

# RFC 792, RFC 4443 and, for ICMPv6's redirect, RFC 4861
DESTINATION_UNREACHABLE, REDIRECT, PARAMETER_PROBLEM = 3, 5, 12
PACKET_TOO_BIG_6, PARAMETER_PROBLEM_6, REDIRECT_6 = 2, 4, 137
REDIRECTED_HEADER = 4
# In which type of ICMP, and of ICMPv6, a key stands.
TYPE_WITH = {
    "mtu": (DESTINATION_UNREACHABLE, PACKET_TOO_BIG_6),
    "gateway": (REDIRECT, REDIRECT_6),
    "pointer": (PARAMETER_PROBLEM, PARAMETER_PROBLEM_6),
}
# RFC 1812 4.3.2.3 and RFC 4443 2.4 (c): as much of the packet as keeps the error this short.
IPV4_ERROR, IPV6_ERROR = 576, 1280
IPV4_HEADER, IPV6_HEADER = 20, 40
HOP_LIMIT = 64
HOP_LIMIT_OF_NEIGHBOUR = 255  # RFC 4861 8.1: proves that no router passed it on


class RespondError(Exception):
    """What was asked for cannot be done; the message is complete."""

    status = 1


class BadArgument(RespondError):
    """What was asked for is not understood; the message names what is wrong."""

    status = 2


# --- What is asked for ----------------------------------------------------------------


class Key:
    """A key of a specification: how its value is read, and what stands for it if absent.

    `read` returns the value as we use it, or raises ValueError with what it must be.
    """

    def __init__(self, read: Callable[[Any], Any], *default: Any) -> None:
        self.read = read
        self.required = not default
        self.default = default[0] if default else None


def whole(least: int, most: int) -> Callable[[Any], int]:
    """Return a reader of whole numbers."""

    def read(value: Any) -> int:
        # JSON's true is an int for Python.
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"must be a whole number, {least} to {most}")
        return value

    return read


def one_of(*words: str) -> Callable[[Any], str]:
    """Return a reader of words out of a list."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(map(repr, words))}")
        return str(value)

    return read


def or_null(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a reader that takes null too."""
    return lambda value: None if value is None else read(value)


def address(value: Any) -> bytes:
    """Read an IPv4 or IPv6 address; return its 4 or 16 bytes."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return socket.inet_pton(family, value)
        except (OSError, TypeError, ValueError):
            continue
    raise ValueError("must be an IPv4 or IPv6 address")


def seconds(value: Any) -> float:
    """Read a time, an hour at most."""
    if type(value) not in (int, float) or not 0 <= value <= 3600:
        raise ValueError("must be seconds, 0 to 3600")
    return float(value)


def boolean(value: Any) -> bool:
    """Read true or false."""
    if type(value) is not bool:
        raise ValueError("must be true or false")
    return value


def text(value: Any) -> bytes:
    """Read a payload that fits into one packet anywhere."""
    if not isinstance(value, str) or len(data := value.encode(errors="replace")) > 1200:
        raise ValueError("must be text of 1200 bytes at most")
    return data


def flag_bits(value: Any) -> int:
    """Read a comma list of TCP flags."""
    words = set(value.split(",")) if isinstance(value, str) else {""}
    if not words <= FLAGS.keys():
        raise ValueError(f"must be a comma list of {', '.join(FLAGS)}")
    return sum(FLAGS[word] for word in words)


def objects(value: Any) -> list[Any]:
    """Read a list that is not empty."""
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of at least one")
    return value


def anything(value: Any) -> Any:
    """Leave the reading to a later step."""
    return value


SPEC = {
    "when": Key(anything),
    "times": Key(or_null(whole(1, 1 << 31)), None),
    "delay_s": Key(seconds, 0.0),
    "answers": Key(objects),
}
PORT = or_null(whole(0, 0xFFFF))
WHEN = {
    "proto": Key(one_of(*PROTOCOLS)),
    "src": Key(address),
    "dst": Key(address),
    "sport": Key(PORT, None),
    "dport": Key(PORT, None),
    "flags": Key(one_of(*SEGMENTS), ""),
}
OFFSET = whole(-MODULUS, MODULUS)
ANSWERS = {
    "icmp": {
        "type": Key(whole(0, 255)),
        "code": Key(whole(0, 255)),
        "source": Key(address),
        "mtu": Key(whole(0, MODULUS - 1), 0),
        "gateway": Key(or_null(address), None),
        "pointer": Key(whole(0, MODULUS - 1), 0),
        "quote_seq_add": Key(OFFSET, 0),
        "quote_bytes": Key(or_null(whole(0, IPV6_ERROR - IPV6_HEADER - 8)), None),
        "bad_checksum": Key(boolean, False),
    },
    "tcp": {
        "flags": Key(flag_bits),
        "seq": Key(or_null(whole(0, MODULUS - 1)), None),
        "seq_add": Key(OFFSET, 0),
        "ack_add": Key(OFFSET, 0),
        "window": Key(whole(0, 0xFFFF), 65535),
        "payload": Key(text, b""),
        "bad_checksum": Key(boolean, False),
    },
    "udp": {"payload": Key(text, b"")},
}
KIND = Key(one_of(*ANSWERS))


def read_spec(source: str) -> Values:
    """Read a specification.

    Returns: its values with defaults filled in, addresses packed and payloads encoded.
    Raises: BadArgument, which names the first key that is wrong.
    """
    import json  # noqa: PLC0415 - as slow as the rest together, and `stop` needs none

    try:
        raw = json.loads(source)
    except ValueError as error:
        raise BadArgument(f"that is not JSON: {error}") from error
    spec = read_keys("", raw, SPEC)
    spec["when"] = read_when(spec["when"])
    spec["answers"] = [
        read_answer(f"answers[{number}]", answer, spec["when"])
        for number, answer in enumerate(spec["answers"])
    ]
    return spec


def read_keys(where: str, raw: Any, keys: Mapping[str, Key]) -> Values:
    """Read an object that has these keys and no others.

    Raises: BadArgument.
    """
    if not isinstance(raw, dict):
        raise BadArgument(f"{where or 'that'}: must be an object")
    prefix = f"{where}." if where else ""
    for name in raw:
        if name not in keys:
            raise BadArgument(f"{prefix}{name}: no such key; there are {', '.join(keys)}")
    return {name: read_key(prefix, raw, name, key) for name, key in keys.items()}


def read_key(prefix: str, raw: Mapping[str, Any], name: str, key: Key) -> Any:
    """Read the value of one key.

    Raises: BadArgument.
    """
    if name not in raw:
        require(not key.required, f"{prefix}{name}: is missing")
        return key.default
    try:
        return key.read(raw[name])
    except ValueError as error:
        raise BadArgument(f"{prefix}{name}: {error}, not {raw[name]!r}") from error


def require(holds: bool, message: str) -> None:
    """Refuse the specification unless something holds.

    Raises: BadArgument.
    """
    if not holds:
        raise BadArgument(message)


def read_when(raw: Any) -> Values:
    """Read which packets are answered.

    Raises: BadArgument.
    """
    when = read_keys("when", raw, WHEN)
    require(len(when["src"]) == len(when["dst"]), "when.dst: is of another family than when.src")
    require(when["proto"] == "tcp" or not when["flags"], "when.flags: only TCP has flags")
    return when


def read_answer(where: str, raw: Any, when: Values) -> Values:
    """Read one answer to the packets that `when` chooses.

    Raises: BadArgument.
    """
    require(isinstance(raw, dict), f"{where}: must be an object")
    kind = read_key(f"{where}.", raw, "kind", KIND)
    answer = read_keys(where, raw, {"kind": KIND, **ANSWERS[kind]})
    if kind == "icmp":
        check_icmp(where, answer, when)
    else:
        require(kind == when["proto"], f"{where}.kind: when.proto is {when['proto']}, not {kind}")
    return answer


def check_icmp(where: str, answer: Values, when: Values) -> None:
    """Refuse an ICMP error that cannot be made of the packets that `when` chooses.

    Raises: BadArgument.
    """
    length = len(when["src"])
    for name in ("source", "gateway"):
        fits = answer[name] is None or len(answer[name]) == length
        require(fits, f"{where}.{name}: is of another family than when.src")
    for name, types in TYPE_WITH.items():
        wanted = types[length == 16]
        fits = not answer[name] or answer["type"] == wanted
        require(fits, f"{where}.{name}: stands in type {wanted} only, not in {answer['type']}")
    needs_gateway = answer["type"] == TYPE_WITH["gateway"][length == 16]
    require(bool(answer["gateway"]) or not needs_gateway, f"{where}.gateway: is missing")
    if length == 4:
        require(answer["mtu"] <= 0xFFFF, f"{where}.mtu: must be 65535 at most")
        require(answer["pointer"] <= 0xFF, f"{where}.pointer: must be 255 at most")
    fits = when["proto"] == "tcp" or not answer["quote_seq_add"]
    require(fits, f"{where}.quote_seq_add: only TCP has sequence numbers")


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


def parse(data: bytes) -> Packet | None:
    """Return the packet, or None if it is not a whole one of TCP or UDP."""
    try:
        return Packet(data)
    except (ValueError, IndexError, struct.error):
        return None


def matches(when: Values, packet: Packet) -> bool:
    """Tell whether a packet is one of those to be answered."""
    looked_at, are_set = SEGMENTS[when["flags"]]
    return (
        packet.protocol == PROTOCOLS[when["proto"]]
        and (packet.src, packet.dst) == (when["src"], when["dst"])
        and when["sport"] in (None, packet.sport)
        and when["dport"] in (None, packet.dport)
        and packet.flags & looked_at == are_set
    )


# --- What goes out --------------------------------------------------------------------


def build(answer: Values, packet: Packet) -> bytes:
    """Return an answer to a packet, from the IP header on."""
    return BUILDERS[answer["kind"]](answer, packet)


def build_icmp(answer: Values, packet: Packet) -> bytes:
    """Return an ICMP error about a packet.

    Source: RFC 792, RFC 1191 4 (mtu), RFC 4443 3, RFC 4861 4.5 (redirect).
    """
    make = message_4 if len(packet.src) == 4 else message_6
    message = struct.pack("!BBH", answer["type"], answer["code"], 0) + make(answer, packet)
    is_redirect_6 = make is message_6 and answer["type"] == REDIRECT_6
    return ip_packet(
        answer["source"],
        packet.src,
        socket.IPPROTO_ICMP if make is message_4 else socket.IPPROTO_ICMPV6,
        message,
        checksum_at=2,
        bad_checksum=answer["bad_checksum"],
        hop_limit=HOP_LIMIT_OF_NEIGHBOUR if is_redirect_6 else HOP_LIMIT,
    )


def message_4(answer: Values, packet: Packet) -> bytes:
    """Return what follows the checksum of an ICMP error."""
    rest = struct.pack("!HH", 0, answer["mtu"])
    if answer["type"] == REDIRECT:
        rest = answer["gateway"]
    if answer["type"] == PARAMETER_PROBLEM:
        rest = struct.pack("!B3x", answer["pointer"])
    return rest + quote(answer, packet, IPV4_ERROR - IPV4_HEADER - 8)


def message_6(answer: Values, packet: Packet) -> bytes:
    """Return what follows the checksum of an ICMPv6 error."""
    room = IPV6_ERROR - IPV6_HEADER - 8
    if answer["type"] == REDIRECT_6:
        return redirect_6(answer, packet, room)
    # One of the two is 0.
    return struct.pack("!I", answer["mtu"] + answer["pointer"]) + quote(answer, packet, room)


def redirect_6(answer: Values, packet: Packet, room: int) -> bytes:
    """Return what follows the checksum of an ICMPv6 redirect; its options count in octets of 8."""
    quoted = quote(answer, packet, room - 32 - 8)
    quoted += bytes(-len(quoted) % 8)
    option = struct.pack("!BB6x", REDIRECTED_HEADER, 1 + len(quoted) // 8)
    return b"".join((bytes(4), answer["gateway"], packet.dst, option, quoted))


def quote(answer: Values, packet: Packet, room: int) -> bytes:
    """Return the beginning of a packet as an ICMP error quotes it.

    Its TCP checksum may be odd, since on a virtual link the sender leaves it to the
    hardware that is not there; nobody checks that of a quoted packet.
    """
    quoted = bytearray(packet.data)
    if answer["quote_seq_add"]:
        seq = (packet.seq + answer["quote_seq_add"]) % MODULUS
        struct.pack_into("!I", quoted, packet.offset + 4, seq)
    return bytes(quoted[: room if answer["quote_bytes"] is None else answer["quote_bytes"]])


def build_tcp(answer: Values, packet: Packet) -> bytes:
    """Return a segment from where a segment was going to where it came from.

    Source: RFC 9293 3.1, and 3.10.7.1 for the numbers that are taken from the segment.
    """
    seq = answer["seq"]
    if seq is None:
        seq = packet.ack if packet.flags & ACK else 0
    ack = 0
    if answer["flags"] & ACK:
        occupied = packet.length + bool(packet.flags & SYN) + bool(packet.flags & FIN)
        ack = packet.seq + occupied + answer["ack_add"]
    header = struct.pack(
        "!HHIIBBHHH",
        packet.dport,
        packet.sport,
        (seq + answer["seq_add"]) % MODULUS,
        ack % MODULUS,
        5 << 4,
        answer["flags"],
        answer["window"],
        0,
        0,
    )
    return ip_packet(
        packet.dst,
        packet.src,
        socket.IPPROTO_TCP,
        header + answer["payload"],
        checksum_at=16,
        bad_checksum=answer["bad_checksum"],
    )


def build_udp(answer: Values, packet: Packet) -> bytes:
    """Return a datagram from where a datagram was going to where it came from (RFC 768)."""
    payload = answer["payload"]
    header = struct.pack("!HHHH", packet.dport, packet.sport, 8 + len(payload), 0)
    return ip_packet(
        packet.dst, packet.src, socket.IPPROTO_UDP, header + payload, checksum_at=6
    )  # fmt: skip


BUILDERS = {"icmp": build_icmp, "tcp": build_tcp, "udp": build_udp}


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


# --- Who answers ----------------------------------------------------------------------


class Responder:
    """Answers the packets it is shown, as a specification says.

    `send` takes a packet and where it goes to; `count` is told how many packets have
    been answered, this one included, before its answers are sent.
    """

    def __init__(
        self, spec: Values, send: Callable[[bytes, Address], object], count: Callable[[int], object]
    ) -> None:
        self.spec = spec
        self.send = send
        self.count = count
        self.matched = 0
        self.answered = 0
        # (when it is due, answers, where they go to): the delay is the same for all, so
        # the order of coming is the order of falling due.
        self.waiting: deque[tuple[float, list[bytes], Address]] = deque()

    def take(self, data: bytes, origin: Address, now: float) -> None:
        """Look at a packet that came at the time `now`, and prepare its answers."""
        name, protocol, kind, hardware_type, hardware_address = origin
        if kind != PACKET_HOST or protocol not in (ETH_P_IP, ETH_P_IPV6):
            return
        packet = parse(data)
        if packet is None or not matches(self.spec["when"], packet):
            return
        if self.matched == self.spec["times"]:
            return
        self.matched += 1
        answers = [build(answer, packet) for answer in self.spec["answers"]]
        goal = (name, protocol, PACKET_HOST, hardware_type, hardware_address)
        self.waiting.append((now + self.spec["delay_s"], answers, goal))

    def answer_due(self, now: float) -> None:
        """Send the answers whose time has come."""
        while self.waiting and self.waiting[0][0] <= now:
            _, answers, goal = self.waiting.popleft()
            self.answered += 1
            self.count(self.answered)
            for answer in answers:
                self.send(answer, goal)

    def wait_s(self, now: float) -> float | None:
        """Return how long there is nothing to send; None while nothing is waiting."""
        return max(0.0, self.waiting[0][0] - now) if self.waiting else None


def open_socket() -> socket.socket:
    """Return a socket from which on no packet that arrives at this host is missed.

    It sees them before tc and the firewall do, which may drop them.

    Raises: RespondError.
    """
    try:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    except OSError as error:
        from meanings import explain  # noqa: PLC0415 - 10 ms that only this case must pay

        raise RespondError(f"cannot open a packet socket: {explain(error)}") from error
    for level, option, value in (
        (SOL_PACKET, PACKET_IGNORE_OUTGOING, 1),  # Linux 4.20; spares us waking for our own
        (socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES),
    ):
        try:
            sock.setsockopt(level, option, value)
        except OSError:
            continue  # It is as good without, but for speed and room.
    return sock


def serve(sock: socket.socket, responder: Responder) -> NoReturn:
    """Answer packets until killed; what goes wrong with one is logged and does not end it."""
    errors = 0
    while True:
        try:
            ready = select.select([sock], [], [], responder.wait_s(monotonic()))[0]
            if ready:
                data, origin = sock.recvfrom(ANY_PACKET)
                responder.take(data, origin, monotonic())
            responder.answer_due(monotonic())
        except Exception:
            errors += 1
            if errors <= ERRORS_LOGGED:
                sys.excepthook(*sys.exc_info())


# --- The program ----------------------------------------------------------------------


class State:
    """What is kept on a responder of a name in RUN.

    The hits are locked by whoever starts it and then by itself, as long as it lives: so
    nobody can be taken for it, and its end can be waited for. That file is never removed,
    or two could hold the lock on two files of one name.
    """

    def __init__(self, name: str) -> None:
        """Name the files.

        Raises: BadArgument if the name could lead elsewhere.
        """
        if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
            raise BadArgument(f"NAME {name!r} must be of letters, digits, '-' and '_'")
        self.name = name
        self.pid = f"{RUN}/{name}.pid"
        self.hits = f"{RUN}/{name}.hits"
        self.log = f"{RUN}/{name}.log"

    def open_hits(self, flags: int = 0) -> int:
        """Open the count of hits and return its file descriptor."""
        return os.open(self.hits, os.O_RDWR | os.O_CLOEXEC | flags, 0o644)

    def read_pid(self) -> int:
        """Return the process that the pid file names.

        Raises: OSError, ValueError.
        """
        return int(read_file(self.pid))


def create(path: str) -> int:
    """Make or empty a file and return its file descriptor; pathlib would cost 6 ms."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)


def read_file(path: str) -> bytes:
    """Return what a small file holds."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 1 << 16)
    finally:
        os.close(fd)


def take_lock(hits: int) -> bool:
    """Take the lock, unless a responder lives; tell whether that worked."""
    try:
        fcntl.flock(hits, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_hits(hits: int, number: int) -> None:
    """Put the number in place in one call: whoever reads sees the old or the new one."""
    os.pwrite(hits, b"%10d\n" % number, 0)


def start(name: str, source: str) -> None:
    """Start a responder; return when no packet can be missed any more.

    Raises: RespondError.
    """
    spec = read_spec(source)
    state = State(name)
    hits = state.open_hits(os.O_CREAT)
    if not take_lock(hits):
        raise RespondError(f"{name} is running; errnolab-respond stop {name} ends it")
    refuse_taken(state)
    with open_socket() as sock:
        write_hits(hits, 0)
        ready, tell = os.pipe()
        if os.fork() == 0:
            responder = Responder(spec, sock.sendto, lambda number: write_hits(hits, number))
            run_detached(state, tell, sock, responder)
    os.close(tell)
    if not os.read(ready, 1):
        raise RespondError(f"{name} did not start: {read_file(state.log).decode().strip()}")


def refuse_taken(state: State) -> None:
    """Refuse a name that something else, such as a service, runs under.

    Raises: RespondError.
    """
    try:
        pid = state.read_pid()
        os.kill(pid, 0)
    except (OSError, ValueError):
        return
    raise RespondError(f"{state.pid} is of process {pid}, which is no responder")


def run_detached(state: State, tell: int, sock: socket.socket, responder: Responder) -> NoReturn:
    """Be the responder: in a session of its own, holding nothing of whoever started us."""
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        null, log = os.open(os.devnull, os.O_RDONLY), create(state.log)
        for inherited, ours in ((0, null), (1, log), (2, log)):
            os.dup2(ours, inherited)
        os.write(create(state.pid), b"%d\n" % os.getpid())
        os.write(tell, b".")
        os.close(tell)
        serve(sock, responder)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


def stop(name: str) -> None:
    """End a responder, if there is one, and return when it is gone.

    Raises: RespondError.
    """
    state = State(name)
    try:
        hits = state.open_hits()
    except FileNotFoundError:
        return
    if take_lock(hits):
        return
    try:
        # It has nothing to put in order, and SIGTERM would not end one that is stopped.
        os.kill(state.read_pid(), signal.SIGKILL)
    except (OSError, ValueError) as error:
        raise RespondError(f"{name} is running, but {state.pid} does not say as what") from error
    fcntl.flock(hits, fcntl.LOCK_EX)
    os.unlink(state.pid)  # noqa: PTH108 - pathlib costs 6 ms


def print_hits(name: str) -> None:
    """Print how many packets a responder has answered.

    Raises: RespondError.
    """
    try:
        count = os.pread(State(name).open_hits(), 32, 0)
    except FileNotFoundError as error:
        raise RespondError(f"no {name} was ever started here") from error
    print(int(count))


ACTIONS: dict[tuple[str, int], Callable[..., None]] = {
    ("start", 2): start, ("stop", 1): stop, ("hits", 1): print_hits
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run the program and return its exit status."""
    if arguments[:1] in (["-h"], ["--help"]):
        print((__doc__ or "").strip())
        return 0
    action, *rest = arguments or [""]
    try:
        if (action, len(rest)) not in ACTIONS:
            raise BadArgument("use start NAME JSON, stop NAME or hits NAME; see --help")
        ACTIONS[action, len(rest)](*rest)
    except RespondError as error:
        print(f"errnolab-respond: {error}", file=sys.stderr)
        return error.status
    except OSError as error:
        from meanings import explain  # noqa: PLC0415 - 10 ms that only this case must pay

        print(f"errnolab-respond: {error.filename or action}: {explain(error)}", file=sys.stderr)
        return RespondError.status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
