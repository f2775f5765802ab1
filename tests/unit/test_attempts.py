"""What a program did on the wire, read from the packets at its own host."""

from __future__ import annotations

import time
from typing import Any

from lab.attempts import Attempt, attempts
from lab.wire import Packet
from tests.unit.packets import CLIENT, CLIENT6, SERVER, SERVER6, packet

START_NS = 1_000_000_000


def syn(t_s: float, **changes: Any) -> Packet:
    return packet(t_s=1 + t_s, **{"seq": 7, **changes})


def back(t_s: float, flags: str, **changes: Any) -> Packet:
    """Return what the server sends to the client's first socket."""
    return packet(t_s=1 + t_s, **{
        "src_ip": SERVER, "dst_ip": CLIENT, "src": "server", "dst": "client", "sport": 16555,
        "dport": 40000, "flags": flags, "outgoing": False, **changes,
    })  # fmt: skip


def tried(*packets: Packet) -> list[Attempt]:
    return attempts(packets, "client", START_NS)


def test_syn_sent_again_is_the_same_attempt() -> None:
    (one,) = tried(syn(0.5), syn(1.5), syn(3.5))
    assert (one.packets, one.t_ms, one.ended) == (3, 500.0, "silence")
    assert (one.family, one.address, one.to, one.port) == ("ipv4", SERVER, "server", 16555)


def test_new_socket_is_a_new_attempt_in_the_order_of_time() -> None:
    six = {"src_ip": CLIENT6, "dst_ip": SERVER6}
    found = tried(syn(0.25, sport=40001), syn(0.0, **six), syn(0.5, seq=8))
    assert [one.family for one in found] == ["ipv6", "ipv4", "ipv4"]
    assert [one.t_ms for one in found] == [0.0, 250.0, 500.0]


def test_first_answer_says_how_it_ended() -> None:
    assert tried(syn(0), back(0.1, "SA"), back(0.2, "RA"))[0].ended == "connected"
    assert tried(syn(0), back(0.1, "RA"))[0].ended == "refused"
    error = back(0.1, "", proto="icmp", error=(3, 1), note="ICMP 3/1 host unreachable",
                 quoted=(CLIENT, SERVER, 16555))  # fmt: skip
    assert tried(syn(0), error)[0].ended == "ICMP 3/1 host unreachable"
    other = back(0.1, "", proto="icmp", error=(3, 1), quoted=(CLIENT, SERVER, 80))
    assert tried(syn(0), other)[0].ended == "silence"


def test_bytes_are_those_of_the_stream_whatever_was_sent_again() -> None:
    data: dict[str, Any] = {"flags": "PA", "length": 5, "since_syn": (1, 1)}
    more: dict[str, Any] = {"flags": "PA", "length": 3, "since_syn": (6, 1)}
    (one,) = tried(syn(0), back(0.1, "SA"), syn(0.2, **data), syn(0.4, **data), syn(0.5, **more),
                   back(0.6, **data), back(0.7, **data))  # fmt: skip
    assert (one.sent, one.received) == (8, 5)


def test_another_attempt_from_the_same_port_has_its_own_end_and_bytes() -> None:
    data: dict[str, Any] = {"flags": "PA", "length": 5, "since_syn": (1, 1)}
    first, second = tried(syn(0), back(0.1, "RA"), syn(1, seq=8), back(1.1, "SA"),
                          syn(1.2, **data), back(1.3, **data))  # fmt: skip
    assert (first.ended, first.sent, first.received) == ("refused", 0, 0)
    assert (second.ended, second.sent, second.received) == ("connected", 5, 5)


def test_thousands_of_attempts_are_told_within_a_second() -> None:
    packets = [
        one
        for number in range(4000)
        for one in (syn(number / 1e3, sport=number + 1, seq=number),
                    back(number / 1e3 + 1e-4, "RA", dport=number + 1))
    ]  # fmt: skip
    began_s = time.process_time()
    found = tried(*packets)
    assert time.process_time() - began_s < 1
    assert [one.ended for one in found] == ["refused"] * 4000


def test_datagrams_of_a_socket_are_one_flow() -> None:
    udp: dict[str, Any] = {"proto": "udp", "flags": "", "length": 4}
    (one,) = tried(syn(0, **udp), syn(1, **udp))
    assert (one.proto, one.packets, one.sent, one.ended) == ("udp", 2, 8, "silence")
    (one,) = tried(syn(0, **udp), back(0.1, **udp))
    assert (one.received, one.ended) == (4, "answered")


def test_look_ups_within_the_host_and_other_vantages_are_left_out() -> None:
    inside = syn(0, proto="udp", flags="", dst_ip="127.0.0.11", dport=53)
    arrived = syn(0, at="router", outgoing=False)
    not_ours = back(0, "S")
    assert tried(inside, arrived, not_ours) == []


def test_only_a_syn_begins_an_attempt() -> None:
    later = [syn(0.1, flags=flags, seq=seq) for flags, seq in (("A", 8), ("PA", 9), ("FA", 14))]
    (one,) = tried(syn(0), back(0.05, "SA"), *later)
    assert one.packets == 1
