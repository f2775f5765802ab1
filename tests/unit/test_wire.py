"""Packets are parsed, counted once, and compared with what a scenario expects."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any

import dpkt
import pytest

from lab import ack, any_icmp, any_packet, data, fin, icmp, rst, syn, syn_ack, who_has
from lab.wire import OTHERHOST, Packet, of_calls, parse, write_pcap
from tests.unit.packets import (
    CLIENT,
    CLIENT6,
    NAMES,
    ROUTER,
    ROUTER6,
    SERVER,
    SERVER6,
    ip4,
    ip6,
    packet,
    raw,
    tcp_bytes,
)

SYN, ACK, RST, PSH = 0x02, 0x10, 0x04, 0x08


def one(data_: bytes) -> Packet:
    (found,) = parse("client", [raw(data_)], NAMES)
    return found


# --- parsing ---------------------------------------------------------------------


def test_segment_has_flags_ports_length_and_roles() -> None:
    found = one(tcp_bytes(PSH | ACK, reply=True, data=b"abc"))
    assert (found.src, found.dst, found.flags, found.length) == ("server", "client", "PA", 3)
    assert (found.sport, found.dport, found.summary) == (16555, 40000, "PSH,ACK 3 bytes")


def test_unknown_address_stays_an_address() -> None:
    found = one(ip4("192.0.2.1", CLIENT, 17, dpkt.udp.UDP(sport=1, dport=2, ulen=8)))
    assert (found.src, found.dst, found.proto) == ("192.0.2.1", "client", "udp")


def test_icmp_error_names_its_code_and_what_it_quotes() -> None:
    quoted = tcp_bytes(SYN)
    message = struct.pack("!BBHI", 3, 1, 0, 0) + quoted
    found = one(ip4(ROUTER, CLIENT, 1, message))
    assert (found.proto, found.error, found.src) == ("icmp", (3, 1), "router")
    assert found.summary == "ICMP 3/1 host unreachable"
    assert found.quoted is not None
    assert found.quoted[2] == 16555
    assert found.involves([CLIENT])


def test_icmpv6_error_quotes_ipv6() -> None:
    segment = dpkt.tcp.TCP(sport=40000, dport=16555, flags=SYN)
    message = struct.pack("!BBHI", 1, 0, 0, 0) + ip6(CLIENT6, SERVER6, 6, segment)
    found = one(ip6(ROUTER6, CLIENT6, 58, message))
    assert (found.error, found.quoted) == ((1, 0), (CLIENT6, SERVER6, 16555))
    assert found.summary == "ICMPv6 1/0 no route"


def test_neighbour_discovery_is_not_icmp() -> None:
    """A proof that no ICMP came must not fail over a neighbour solicitation."""
    message = struct.pack("!BBHI", 135, 0, 0, 0) + bytes(16)
    found = one(ip6(ROUTER6, CLIENT6, 58, message))
    assert found.proto == "nd"
    assert not any_icmp(at="client").matches(found)


def arp(operation: int, source: str, target: str) -> tuple[Any, ...]:
    """Return an ARP packet as a capture has it: 1 asks, 2 answers."""
    addresses = [b"\2\0\0\0\0\1" + socket.inet_aton(ip) for ip in (source, target)]
    message = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + b"".join(addresses)
    return 0, 2, "eth0", 0x0806, 1, 1, b"", message


def test_question_who_has_an_address_is_told_from_its_answer() -> None:
    asked = who_has(at="client", to="server", count=1)
    for operation, matched in ((1, True), (2, False)):
        (found,) = parse("client", [arp(operation, CLIENT, SERVER)], NAMES)
        assert asked.matches(found) is matched


def test_ipv6_question_is_to_whom_it_asks_for_though_it_goes_to_a_group() -> None:
    target = socket.inet_pton(socket.AF_INET6, SERVER6)
    message = struct.pack("!BBHI", 135, 0, 0, 0) + target
    found = one(ip6(CLIENT6, "ff02::1:ff00:10", 58, message))
    assert (found.dst, found.src) == ("server", "client")
    assert who_has(at="client", to="server").matches(found)
    assert not who_has(at="client", to="router").matches(found)


@pytest.mark.parametrize("damaged", [b"\x45", b"\x60", b"\x45" + bytes(12)])
def test_damaged_packet_is_left_out(damaged: bytes) -> None:
    assert parse("client", [raw(damaged)], NAMES) == []


def test_other_protocols_are_left_out() -> None:
    lldp = (0, 2, "eth0", 0x88CC, 0, 1, b"", b"\2\7")
    assert parse("client", [lldp], NAMES) == []


# --- what is counted --------------------------------------------------------------


def test_frame_for_another_host_was_not_seen() -> None:
    """A bridge floods what it does not know; what nobody took must not count as arrived."""
    flooded = (*raw(tcp_bytes(SYN))[:4], OTHERHOST, *raw(tcp_bytes(SYN))[5:])
    assert parse("server", [flooded], NAMES) == []


def test_forwarded_packet_is_counted_once() -> None:
    same = tcp_bytes(SYN)
    found = parse("router", [raw(same, 1), raw(same, 2, outgoing=True)], NAMES)
    assert [(p.t_ns, p.outgoing) for p in found] == [(1, False)]


def test_retransmission_is_counted_again() -> None:
    same = tcp_bytes(SYN)
    captured = [raw(same, t, outgoing=t % 2 == 0) for t in (1, 2, 3, 4)]
    assert [p.t_ns for p in parse("router", captured, NAMES)] == [1, 3]


def test_packet_made_at_the_router_is_kept() -> None:
    """It went out and never came in: the RST of a REJECT rule, in the server's name."""
    found = parse("router", [raw(tcp_bytes(RST | ACK, reply=True), outgoing=True)], NAMES)
    assert [p.flags for p in found] == ["RA"]


def test_order_is_that_of_time() -> None:
    captured = [raw(tcp_bytes(ACK, seq=2), 9), raw(tcp_bytes(SYN), 3)]
    assert [p.t_ns for p in parse("client", captured, NAMES)] == [3, 9]


def test_calls_own_connections_that_they_began() -> None:
    """A SYN-ACK of an older connection, sent again, is not the calls' doing."""
    begun, older = packet(t_s=1), packet(t_s=2, flags="SA", sport=16555, dport=39999)
    assert of_calls([begun, older], [CLIENT]) == [begun]


def test_bystander_is_not_the_calls() -> None:
    beside = packet(src_ip="198.18.1.10", src="bystander")
    assert of_calls([beside], [CLIENT]) == []


def test_numbers_are_counted_from_those_of_the_syns_and_wrap_around() -> None:
    last = 2**32 - 1
    reply: dict[str, Any] = {"src_ip": SERVER, "dst_ip": CLIENT, "sport": 16555, "dport": 40000}
    handshake = [
        packet(t_s=0, seq=last),
        packet(t_s=1, flags="SA", seq=70, ack=0, **reply),
        packet(t_s=2, flags="A", seq=0, ack=71),
        packet(t_s=3, flags="PA", seq=71, ack=5, length=3, **reply),
    ]
    found = of_calls(handshake, [CLIENT])
    assert [p.since_syn for p in found] == [(0, None), (0, 1), (1, 1), (1, 6)]


def test_each_connection_of_the_same_ends_and_each_vantage_counts_anew() -> None:
    again = [packet(t_s=0, seq=5), packet(t_s=1, seq=9), packet("server", 2, seq=9)]
    found = of_calls([*again, packet("server", 3, flags="A", seq=10)], [CLIENT])
    assert [p.since_syn[0] for p in found] == [0, 0, 0, 1]


def test_where_the_syn_was_not_seen_there_is_no_number() -> None:
    found = of_calls([packet(seq=5), packet("server", 1, flags="A", seq=6, ack=1)], [CLIENT])
    assert found[1].since_syn == (None, None)


# --- expectations -----------------------------------------------------------------

SYN_AT_CLIENT = packet()
MATCHES = [
    (syn(at="client"), {}, True),
    (syn(at="server"), {}, False),
    (syn(at="client"), {"flags": "SA"}, False),
    (syn_ack(at="client"), {"flags": "SA"}, True),
    (rst(at="client"), {"flags": "RA"}, True),
    (rst(at="client", sender="server"), {"flags": "R"}, False),
    (fin(at="client"), {"flags": "FA"}, True),
    (data(at="client"), {"flags": "PA", "length": 3}, True),
    (data(at="client"), {"flags": "A"}, False),
    (data(at="client", proto="udp"), {"proto": "udp", "flags": "", "length": 2}, True),
    (icmp(at="client", error=(3, 1)), {"proto": "icmp", "src": "router", "error": (3, 1)}, True),
    (icmp(at="client", error=(3, 1)), {"proto": "icmp", "src": "router", "error": (3, 0)}, False),
    (icmp(at="client", error=(3, 1)), {"proto": "icmp", "src": "server", "error": (3, 1)}, False),
    (any_packet(at="client", proto="udp"), {}, False),
    (syn_ack(at="client", acks=1), {"flags": "SA", "since_syn": (0, 1)}, True),
    (syn_ack(at="client", acks=1), {"flags": "SA", "since_syn": (0, 2)}, False),
    (syn_ack(at="client", acks=1), {"flags": "SA"}, False),
    (ack(at="client", seq=1, acks=2), {"flags": "A", "since_syn": (1, 2)}, True),
    (ack(at="client", seq=0), {"flags": "A", "since_syn": (1, 2)}, False),
    (fin(at="client", seq=1, acks=2), {"flags": "FA", "since_syn": (1, 2)}, True),
    (fin(at="client", seq=1, acks=1), {"flags": "FA", "since_syn": (1, 2)}, False),
]


@pytest.mark.parametrize(("pattern", "changes", "matches"), MATCHES)
def test_pattern_matches(pattern: Any, changes: dict[str, Any], matches: bool) -> None:
    assert pattern.matches(packet(**changes)) is matches


def test_count_is_exact_where_it_is_given() -> None:
    two = [packet(t_s=0), packet(t_s=1)]
    assert syn(at="client").unmet(two) == ""
    assert syn(at="client", count=2).unmet(two) == ""
    assert syn(at="client", count=1).unmet(two) == "2 seen"
    assert syn(at="client").unmet([]) == "0 seen"


def test_at_most_so_many_may_be_none() -> None:
    pattern = ack(at="client", at_most=1)
    two = [packet(t_s=0, flags="A"), packet(t_s=1, flags="A")]
    assert pattern.unmet([]) == pattern.unmet(two[:1]) == ""
    assert pattern.unmet(two) == "2 seen"
    assert pattern.wanted() == "at most 1"
    assert ack(at="client", at_most="few").mistakes() == [
        "ACK: at_most='few' is not a number of packets"
    ]


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ((5.0, 6.02, 7.05), ""),
        ((5.0, 6.02), "at 0.00, 1.02 s"),
        ((5.0, 5.7, 7.0), "at 0.00, 0.70, 2.00 s"),
        ((5.0, 6.4, 7.0), "at 0.00, 1.40, 2.00 s"),
        ((), "at no time s"),
    ],
)
def test_schedule_counts_from_the_first_and_lets_timers_be_late(
    times: tuple[float, ...], said: str
) -> None:
    pattern = syn(at="client", schedule=(0.0, 1.0, 2.0))
    assert pattern.unmet([packet(t_s=t) for t in times]) == said


def test_every_mistake_of_a_pattern_is_named() -> None:
    wrong = rst(at="bystander", sender="nobody", count="many")
    assert [text.partition(":")[0] for text in wrong.mistakes()] == ["RST"] * 3
    assert "'bystander'" in wrong.mistakes()[0]
    assert ack(at="client", seq=-1, acks="J").mistakes() == [
        "ACK: seq=-1 is not a number, counted from 0",
        "ACK: acks='J' is not a number, counted from 0",
    ]


def test_numbers_are_part_of_what_a_pattern_is_called() -> None:
    pattern = ack(at="server", sender="client", seq=1, acks=0)
    assert pattern.describe() == "ACK seq 1 ack 0 from client at server"


# --- files ------------------------------------------------------------------------


def test_pcap_can_be_read_again(tmp_path: Path) -> None:
    """Nanoseconds, SLL2, direction and the packet itself come back."""
    path = tmp_path / "client.pcap"
    t_ns = 1_700_000_000_123_456_789
    write_pcap(path, [raw(tcp_bytes(SYN), t_ns, outgoing=True)])
    with path.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        ((stamp, frame),) = list(reader)
    assert reader.datalink() == 276
    assert float(stamp) == pytest.approx(t_ns / 1e9, abs=1e-6)
    assert (frame[:2], frame[10], frame[20:]) == (b"\x08\x00", 4, tcp_bytes(SYN))
