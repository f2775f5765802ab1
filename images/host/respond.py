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

import socket
import struct
import sys
from collections import deque

import detached
from packets import (
    ACK,
    ETH_P_ALL,
    ETH_P_IP,
    ETH_P_IPV6,
    FIN,
    FLAGS,
    HOP_LIMIT,
    IPV4_HEADER,
    IPV6_HEADER,
    MODULUS,
    PACKET_HOST,
    SYN,
    Packet,
    ip_packet,
    matches,
    parse,
    read_when,
)
from spec import (
    Key,
    address,
    anything,
    boolean,
    objects,
    or_null,
    read_json,
    read_keys,
    read_kind,
    require,
    seconds,
    text,
    whole,
)

TYPE_CHECKING = False  # type checkers take it for true; typing itself costs 6 ms of the start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from packets import Address
    from spec import Values

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
HOP_LIMIT_OF_NEIGHBOUR = 255  # RFC 4861 8.1: proves that no router passed it on


# --- What is asked for ----------------------------------------------------------------


def flag_bits(value: Any) -> int:
    """Read a comma list of TCP flags."""
    words = set(value.split(",")) if isinstance(value, str) else {""}
    if not words <= FLAGS.keys():
        raise ValueError(f"must be a comma list of {', '.join(FLAGS)}")
    return sum(FLAGS[word] for word in words)


SPEC = {
    "when": Key(anything),
    "times": Key(or_null(whole(1, 1 << 31)), None),
    "delay_s": Key(seconds, 0.0),
    "answers": Key(objects),
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


def read_spec(source: str) -> Values:
    """Read a specification.

    Returns: its values with defaults filled in, addresses packed and payloads encoded.
    Raises: BadArgument, which names the first key that is wrong.
    """
    spec = read_keys("", read_json(source), SPEC)
    spec["when"] = read_when(spec["when"])
    spec["answers"] = [
        read_answer(f"answers[{number}]", answer, spec["when"])
        for number, answer in enumerate(spec["answers"])
    ]
    return spec


def read_answer(where: str, raw: Any, when: Values) -> Values:
    """Read one answer to the packets that `when` chooses.

    Raises: BadArgument.
    """
    kind, answer = read_kind(where, raw, "kind", ANSWERS)
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

    def send_due(self, now: float) -> None:
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


def open_socket(_spec: Values) -> socket.socket:
    """Return a socket from which on no packet that arrives at this host is missed.

    It sees them before tc and the firewall do, which may drop them.

    Raises: ProgramError.
    """
    return detached.packet_socket(socket.SOCK_DGRAM, ETH_P_ALL)


def main(arguments: list[str]) -> int:
    """Run the program and return its exit status."""
    program = detached.Program(
        "errnolab-respond", __doc__, read_spec, open_socket,
        lambda spec, sock, count: Responder(spec, sock.sendto, count),
    )  # fmt: skip
    return detached.main(arguments, program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
