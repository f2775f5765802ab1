"""errnolab-respond: what it builds, what it answers, and its life as a process.

What it builds is read by dpkt, which shares no code with it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dpkt
import pytest

from lab.faults.firewall import FLAG_MATCHES
from tests.unit.host_image import HOST_IMAGE, load
from tests.unit.packets import CLIENT, CLIENT6, ROUTER, ROUTER6, SERVER, SERVER6, ip4, ip6

PATIENCE_S = 5.0
QUIET_S = 0.1
MASK = 0xFFFFFFFF
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
IPV4, IPV6 = 0x0800, 0x86DD
HOST, BROADCAST, OTHER, OUTGOING = 0, 1, 3, 4
FAMILIES = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


respond = load("respond")
shared = load("packets")


# --- packets and specifications that tests are made of ---------------------------------


def ends(family: str) -> tuple[str, str, str]:
    """Return the addresses of client, server and router."""
    return (CLIENT, SERVER, ROUTER) if family == "ipv4" else (CLIENT6, SERVER6, ROUTER6)


def packed(address: str) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_pton(family, address)


def over_ip(family: str, protocol: int, inner: Any) -> bytes:
    """Return a packet from the client to the server."""
    wrap = ip4 if family == "ipv4" else ip6
    return wrap(*ends(family)[:2], protocol, inner)


def segment(
    family: str = "ipv4", flags: int = SYN, *, seq: int = 1000, ack: int = 0, data: bytes = b""
) -> bytes:
    """Return a segment from client:40000 to server:16555."""
    header = dpkt.tcp.TCP(
        sport=40000, dport=16555, flags=flags, seq=seq, ack=ack, opts=bytes(4), data=data
    )
    header.off = 6
    return over_ip(family, dpkt.ip.IP_PROTO_TCP, header)


def datagram(family: str = "ipv4", data: bytes = b"hi") -> bytes:
    """Return a datagram from client:40000 to server:16555."""
    inner = dpkt.udp.UDP(sport=40000, dport=16555, ulen=8 + len(data), data=data)
    return over_ip(family, dpkt.ip.IP_PROTO_UDP, inner)


def specification(family: str = "ipv4", *answers: Any, **changes: Any) -> dict[str, Any]:
    """Return a specification; `when_dport=1` changes `dport` in its `when`."""
    client, server, _ = ends(family)
    when = {"proto": "tcp", "src": client, "dst": server}
    when |= {key[5:]: value for key, value in changes.items() if key.startswith("when_")}
    rest = {key: value for key, value in changes.items() if not key.startswith("when_")}
    return {"when": when, "answers": list(answers) or [tcp()], **rest}


def tcp(flags: str = "RST,ACK", **changes: Any) -> dict[str, Any]:
    return {"kind": "tcp", "flags": flags, **changes}


def icmp(family: str = "ipv4", **changes: Any) -> dict[str, Any]:
    """Return an error that the router claims: the host is unreachable."""
    kind, code = (3, 1) if family == "ipv4" else (1, 3)
    source = ends(family)[2]
    return {"kind": "icmp", "type": kind, "code": code, "source": source, **changes}


def read(spec: dict[str, Any]) -> Any:
    return respond.read_spec(json.dumps(spec))


def answered(answer: dict[str, Any], data: bytes) -> bytes:
    """Return the one packet that answers a packet."""
    proto = "udp" if parsed(data).p == dpkt.ip.IP_PROTO_UDP else "tcp"
    spec = read(specification("ipv6" if data[0] >> 4 == 6 else "ipv4", answer, when_proto=proto))
    built = respond.build(spec["answers"][0], respond.parse(data))
    assert isinstance(built, bytes)
    return built


def parsed(data: bytes) -> Any:
    """Return dpkt's view of a packet; `left` is the TTL, `content` TCP, UDP or ICMP in bytes."""
    if data[0] >> 4 == 4:
        packet = dpkt.ip.IP(data)
        packet.left, packet.content = packet.ttl, data[packet.hl * 4 :]
        assert packet.len == len(data)
        assert dpkt.dpkt.in_cksum(data[: packet.hl * 4]) == 0
    else:
        packet = dpkt.ip6.IP6(data)
        packet.left, packet.content, packet.p = packet.hlim, data[40:], packet.nxt
        assert packet.plen == len(data) - 40
    return packet


def sum_is_sound(data: bytes) -> bool:
    """Tell whether the checksum of TCP, UDP or ICMP holds."""
    packet = parsed(data)
    covered = packet.content
    if packet.p != dpkt.ip.IP_PROTO_ICMP:
        pseudo = packet.src + packet.dst + struct.pack("!II", len(covered), packet.p)
        covered = pseudo + covered
    return bool(dpkt.dpkt.in_cksum(covered) == 0)


# --- TCP ------------------------------------------------------------------------------


@FAMILIES
def test_a_refusal_goes_back_to_where_the_syn_came_from(family: str) -> None:
    """RFC 9293 3.10.7.1: SEQ=0, ACK=SEG.SEQ+SEG.LEN, where a SYN counts as one."""
    client, server, _ = ends(family)
    answer = answered(tcp("RST,ACK"), segment(family, SYN, seq=MASK))
    packet = parsed(answer)
    assert (packet.src, packet.dst, packet.p) == (packed(server), packed(client), 6)
    assert packet.left == 64
    assert (packet.data.sport, packet.data.dport) == (16555, 40000)
    assert (packet.data.flags, packet.data.seq, packet.data.ack) == (RST | ACK, 0, 0)
    assert (packet.data.win, packet.data.off, packet.data.urp) == (65535, 5, 0)
    assert packet.data.data == b""
    assert sum_is_sound(answer)


@FAMILIES
@pytest.mark.parametrize(
    ("flags", "data", "changes", "seq", "ack"),
    [
        pytest.param(PSH | ACK, b"hello", {}, 5000, 1005, id="the data are acknowledged"),
        pytest.param(FIN | ACK, b"", {}, 5000, 1001, id="a FIN counts as one"),
        pytest.param(SYN | FIN, b"abc", {}, 0, 1005, id="as does a SYN, and data with both"),
        pytest.param(SYN, b"", {"seq": 7}, 7, 1001, id="seq is absolute"),
        pytest.param(SYN, b"", {"seq": 7, "seq_add": -8}, MASK, 1001, id="seq_add wraps around"),
        pytest.param(ACK, b"", {"seq_add": 1 << 32}, 5000, 1000, id="once around is nowhere"),
        pytest.param(ACK, b"", {"ack_add": -1001}, 5000, MASK, id="ack_add wraps around"),
        pytest.param(ACK, b"", {"flags": "RST"}, 5000, 0, id="no ACK flag, no number"),
    ],
)
def test_the_numbers_of_an_answer_follow_from_the_segment(
    family: str, flags: int, data: bytes, changes: dict[str, Any], seq: int, ack: int
) -> None:
    answer = answered({**tcp(), **changes}, segment(family, flags, ack=5000, data=data))
    inner = parsed(answer).data
    assert (inner.seq, inner.ack) == (seq, ack)
    assert sum_is_sound(answer)


@FAMILIES
@pytest.mark.parametrize("payload", ["", "a", "ab", "odd length", "\N{SNOWMAN}" * 400])
def test_an_answer_carries_its_flags_window_and_payload(family: str, payload: str) -> None:
    answer = answered(
        tcp("SYN,ACK,RST,FIN,PSH,URG", window=9, payload=payload), segment(family, ACK)
    )
    inner = parsed(answer).data
    assert (inner.flags, inner.win) == (0x3F, 9)
    assert inner.data == payload.encode()
    assert sum_is_sound(answer)


@FAMILIES
@pytest.mark.parametrize("seq", range(0, 1 << 32, 1 << 27))
def test_a_bad_checksum_is_bad_whatever_the_good_one_is(family: str, seq: int) -> None:
    for answer in (tcp(bad_checksum=True), icmp(family, bad_checksum=True)):
        assert not sum_is_sound(answered(answer, segment(family, SYN, seq=seq)))


@FAMILIES
def test_a_bad_checksum_is_bad_where_the_good_one_is_zero(family: str) -> None:
    """All ones would be as good as zero."""
    spec = read(specification(family, tcp(payload="\0\0")))["answers"][0]
    packet = respond.parse(segment(family))
    spec["payload"] = struct.pack("!H", parsed(respond.build(spec, packet)).data.sum)
    assert parsed(respond.build(spec, packet)).data.sum == 0
    assert not sum_is_sound(respond.build({**spec, "bad_checksum": True}, packet))


# --- UDP ------------------------------------------------------------------------------


@FAMILIES
@pytest.mark.parametrize("payload", ["", "a", "back"])
def test_a_datagram_goes_back_to_where_one_came_from(family: str, payload: str) -> None:
    client, server, _ = ends(family)
    answer = answered({"kind": "udp", "payload": payload}, datagram(family))
    packet = parsed(answer)
    assert (packet.src, packet.dst, packet.p) == (packed(server), packed(client), 17)
    assert (packet.data.sport, packet.data.dport) == (16555, 40000)
    assert packet.data.ulen == 8 + len(payload)
    assert packet.data.data == payload.encode()
    assert sum_is_sound(answer)


@FAMILIES
def test_a_datagram_whose_checksum_is_zero_says_so_with_ones(family: str) -> None:
    """RFC 768: 0 says that there is no checksum, which IPv6 does not take."""
    value = parsed(answered({"kind": "udp", "payload": "\0\0"}, datagram(family))).data.sum
    # What is added to the sum that makes it all ones, makes the checksum zero.
    payload = struct.pack("!H", value)
    spec = read(specification(family, {"kind": "udp"}, when_proto="udp"))["answers"][0]
    answer = respond.build({**spec, "payload": payload}, respond.parse(datagram(family)))
    assert parsed(answer).data.sum == 0xFFFF
    assert sum_is_sound(answer)


# --- ICMP -----------------------------------------------------------------------------


@FAMILIES
@pytest.mark.parametrize(("type_", "code"), [(1, 0), (3, 0), (3, 13), (11, 1), (255, 255)])
def test_an_error_is_from_whom_it_claims_and_quotes_the_whole_packet(
    family: str, type_: int, code: int
) -> None:
    client, _, router = ends(family)
    syn = segment(family)
    answer = answered(icmp(family, type=type_, code=code), syn)
    packet = parsed(answer)
    assert (packet.src, packet.dst) == (packed(router), packed(client))
    assert (packet.p, packet.left) == (1 if family == "ipv4" else 58, 64)
    assert packet.content[:2] == bytes([type_, code])
    assert packet.content[4:8] == bytes(4)
    assert packet.content[8:] == syn
    assert sum_is_sound(answer)


@pytest.mark.parametrize(
    ("family", "changes", "rest"),
    [
        ("ipv4", {"type": 3, "code": 4, "mtu": 1300}, "0000 0514"),
        ("ipv4", {"type": 5, "code": 1, "gateway": "198.18.0.77"}, "c612 004d"),
        ("ipv4", {"type": 12, "code": 0, "pointer": 6}, "0600 0000"),
        ("ipv6", {"type": 2, "code": 0, "mtu": 0x12345678}, "1234 5678"),
        ("ipv6", {"type": 4, "code": 1, "pointer": 40}, "0000 0028"),
    ],
)
def test_what_an_error_tells_stands_in_bytes_4_to_7(
    family: str, changes: dict[str, Any], rest: str
) -> None:
    """RFC 792, RFC 1191 4, RFC 4443 3.2 and 3.4."""
    answer = answered(icmp(family, **changes), segment(family))
    assert parsed(answer).content[4:8] == bytes.fromhex(rest)
    assert sum_is_sound(answer)


def test_dpkt_finds_the_mtu_where_it_looks_for_it() -> None:
    small = dpkt.ip.IP(answered(icmp(type=3, code=4, mtu=1300), segment())).data.data
    assert small.mtu == 1300
    big = dpkt.ip6.IP6(answered(icmp("ipv6", type=2, code=0, mtu=1300), segment("ipv6"))).data.data
    assert big.mtu == 1300


@pytest.mark.parametrize("size", [0, 1, 5, 800, 1400])
def test_an_icmpv6_redirect_carries_target_destination_and_the_packet(size: int) -> None:
    """RFC 4861 4.5 and 4.6.3: options count in octets of 8, and nobody passed it on."""
    sent = segment("ipv6", PSH | ACK, data=bytes(size))
    changes = {"type": 137, "code": 0, "source": "fe80::2", "gateway": "fe80::77"}
    answer = answered(icmp("ipv6", **changes), sent)
    packet = parsed(answer)
    assert (packet.left, packet.src) == (255, packed("fe80::2"))
    content = packet.content
    assert content[4:40] == bytes(4) + packed("fe80::77") + packed(SERVER6)
    assert content[40:48] == bytes([4, (len(content) - 40) // 8]) + bytes(6)
    assert len(content) % 8 == 0
    assert (content[48:] + bytes(2000)).startswith(sent[: len(content) - 48])
    assert len(content) - 48 >= min(len(sent), 1192)
    assert len(answer) <= 1280
    assert sum_is_sound(answer)


@pytest.mark.parametrize(("family", "most"), [("ipv4", 576), ("ipv6", 1280)])
def test_an_error_about_a_long_packet_is_as_long_as_linux_makes_it(family: str, most: int) -> None:
    answer = answered(icmp(family), segment(family, ACK, data=bytes(1400)))
    assert len(answer) == most
    assert sum_is_sound(answer)


@FAMILIES
@pytest.mark.parametrize("quoted", [0, 1, 27, 28, 47, 48, 1232])
def test_as_much_is_quoted_as_is_asked_for(family: str, quoted: int) -> None:
    sent = segment(family, ACK, data=bytes(1400))
    answer = answered(icmp(family, quote_bytes=quoted), sent)
    assert parsed(answer).content[8:] == sent[:quoted]
    assert sum_is_sound(answer)


@FAMILIES
@pytest.mark.parametrize(("add", "seq"), [(1, 1001), (-1001, MASK), (1 << 31, 1000 + (1 << 31))])
def test_only_the_sequence_number_in_the_quotation_is_another(
    family: str, add: int, seq: int
) -> None:
    sent = segment(family, seq=1000)
    answer = answered(icmp(family, quote_seq_add=add), sent)
    quoted = parsed(answer).content[8:]
    at = (20 if family == "ipv4" else 40) + 4
    assert quoted == sent[:at] + struct.pack("!I", seq) + sent[at + 4 :]
    assert sum_is_sound(answer)


def test_options_of_ip_are_quoted_and_the_ports_found_behind_them() -> None:
    plain = dpkt.ip.IP(segment(seq=1000))
    plain.opts, plain.hl, plain.len, plain.sum = b"\1\1\1\0", 6, plain.len + 4, 0
    sent = bytes(plain)
    packet = respond.parse(sent)
    assert (packet.sport, packet.dport, packet.seq, packet.length) == (40000, 16555, 1000, 0)
    quoted = parsed(answered(icmp(quote_seq_add=5), sent)).content[8:]
    assert quoted[24:32] == struct.pack("!HHI", 40000, 16555, 1005)


# --- which packets are answered -------------------------------------------------------


@FAMILIES
@pytest.mark.parametrize(
    ("word", "flags", "data", "expected"),
    [
        ("SYN", SYN, b"", True),
        ("SYN", SYN | PSH | URG, b"", True),
        ("SYN", SYN | ACK, b"", False),
        ("SYN", SYN | FIN, b"", False),
        ("SYN", SYN | RST, b"", False),
        ("SYN", ACK, b"", False),
        ("SYN,ACK", SYN | ACK, b"", True),
        ("SYN,ACK", SYN, b"", False),
        ("SYN,ACK", ACK, b"", False),
        ("PSH", PSH | ACK, b"x", True),
        ("PSH", PSH | FIN | ACK, b"x", True),
        ("PSH", ACK, b"x", False),
        ("PSH", RST | PSH, b"", False),
        ("ACK", ACK, b"", True),
        ("ACK", ACK | PSH, b"x", False),
        ("ACK", ACK, b"x", True),
        ("ACK", ACK | FIN, b"", False),
        ("ACK", ACK | SYN, b"", False),
        ("ACK", ACK | RST, b"", False),
        ("FIN", FIN, b"", True),
        ("FIN", FIN | ACK | PSH, b"x", True),
        ("FIN", ACK, b"", False),
        ("FIN", FIN | SYN, b"", False),
        ("FIN", FIN | RST, b"", False),
        ("", 0, b"", True),
        ("", RST, b"x", True),
    ],
)
def test_a_word_stands_for_some_segments(
    family: str, word: str, flags: int, data: bytes, expected: bool
) -> None:
    when = read(specification(family, when_flags=word))["when"]
    assert respond.matches(when, respond.parse(segment(family, flags, data=data))) is expected


@pytest.mark.parametrize("word", [*FLAG_MATCHES, *shared.SEGMENTS])
def test_a_rule_beside_it_takes_the_same_segments(word: str) -> None:
    if word == "RST":
        assert word not in shared.SEGMENTS  # nothing answers a reset
        return
    looked_at, are_set = FLAG_MATCHES[word] or ("", "")
    assert shared.SEGMENTS[word] == (bits(looked_at), bits(are_set))


def bits(flags: str) -> int:
    """Return iptables' list of flags as TCP's header has them."""
    return sum(respond.FLAGS[flag] for flag in flags.split(",") if flag)


@FAMILIES
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"dport": 16555}, True),
        ({"sport": 40000, "dport": 16555}, True),
        ({"dport": 40000}, False),
        ({"sport": 16555}, False),
        ({"sport": 40000, "dport": 1}, False),
        ({"proto": "udp"}, False),
    ],
)
def test_the_flow_must_be_the_one_named(
    family: str, changes: dict[str, Any], expected: bool
) -> None:
    named = {f"when_{key}": value for key, value in changes.items()}
    when = read(specification(family, icmp(family), **named))["when"]
    assert respond.matches(when, respond.parse(segment(family))) is expected


@FAMILIES
@pytest.mark.parametrize("key", ["src", "dst"])
def test_another_address_is_another_flow(family: str, key: str) -> None:
    another = {"ipv4": "198.18.0.11", "ipv6": "2001:db8::11"}[family]
    when = read(specification(family, **{f"when_{key}": another}))["when"]
    assert not respond.matches(when, respond.parse(segment(family)))


@FAMILIES
def test_a_datagram_is_matched_by_its_ports(family: str) -> None:
    udp = {"kind": "udp"}
    for port, expected in ((16555, True), (16556, False)):
        when = read(specification(family, udp, when_proto="udp", when_dport=port))["when"]
        assert respond.matches(when, respond.parse(datagram(family))) is expected


# --- what is no packet ----------------------------------------------------------------


def changed(data: bytes, at: int, *values: int) -> bytes:
    return data[:at] + bytes(values) + data[at + len(values) :]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(changed(segment(), 0, 0x55), id="version 5"),
        pytest.param(changed(segment(ack=5 << 28), 0, 0x44), id="IPv4 header of 16 bytes"),
        pytest.param(changed(segment(), 2, 0, 0), id="IPv4 length 0, as of a huge packet"),
        pytest.param(changed(segment(), 2, 0, 43), id="IPv4 ends within TCP's header"),
        pytest.param(changed(segment(), 2, 0, 45), id="IPv4 longer than what came"),
        pytest.param(changed(segment(), 6, 0x20, 0), id="the first fragment"),
        pytest.param(changed(segment(), 6, 0, 1), id="a later fragment"),
        pytest.param(changed(segment(), 9, 1), id="ICMP"),
        pytest.param(changed(segment(), 32, 0x40), id="TCP header of 16 bytes"),
        pytest.param(changed(segment(), 32, 0x70), id="TCP header longer than the packet"),
        pytest.param(changed(datagram(), 24, 0, 7), id="UDP length below its header"),
        pytest.param(changed(datagram(), 24, 0, 11), id="UDP longer than the packet"),
        pytest.param(changed(segment("ipv6"), 4, 0, 0), id="IPv6 length 0, as of a jumbogram"),
        pytest.param(changed(segment("ipv6"), 4, 0, 25), id="IPv6 longer than what came"),
        pytest.param(changed(segment("ipv6"), 6, 44), id="a fragment of IPv6"),
        pytest.param(changed(segment("ipv6"), 6, 0), id="hop-by-hop options"),
    ],
)
def test_what_is_malformed_or_a_fragment_is_passed_over(data: bytes) -> None:
    assert respond.parse(data) is None


@FAMILIES
def test_padding_behind_the_packet_is_not_part_of_it(family: str) -> None:
    """Ethernet fills short frames up."""
    sent = segment(family, PSH | ACK, data=b"hi")
    packet = respond.parse(sent + bytes(6))
    assert (packet.length, packet.data) == (2, sent)


@pytest.mark.parametrize("make", [segment, datagram])
@FAMILIES
def test_no_bytes_at_all_can_end_it(family: str, make: Callable[[str], bytes]) -> None:
    """Whatever comes is parsed or passed over, and what is parsed can be answered."""
    randomly = random.Random(0)
    whole = make(family)
    proto = "tcp" if make is segment else "udp"
    answers = [icmp(family), icmp(family, quote_bytes=3), {"kind": proto, "flags": "RST,ACK"}]
    if proto == "udp":
        answers[-1] = {"kind": proto}
    spec = read(specification(family, *answers, when_proto=proto))
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(randomly.choice((0, 1, 2, 30))):
            data[randomly.randrange(len(data))] = randomly.randrange(256)
        cut = bytes(data[: randomly.randrange(len(data) + 1) if randomly.random() < 0.3 else None])
        for sample in (cut, randomly.randbytes(randomly.randrange(100))):
            packet = respond.parse(sample)
            if packet is None:
                continue
            respond.matches(spec["when"], packet)
            for answer in spec["answers"]:
                # Only what matches is answered, and that is of the right family.
                if len(packet.src) == len(spec["when"]["src"]):
                    assert sum_is_sound(respond.build(answer, packet))


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{", "that is not JSON: "),
        ("[]", "that: must be an object"),
        ("{}", "when: is missing"),
        ('{"when": 1, "answers": [1]}', "when: must be an object"),
    ],
)
def test_what_is_no_specification_is_refused(source: str, said: str) -> None:
    with pytest.raises(respond.detached.BadArgument) as raised:
        respond.read_spec(source)
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"answer": []}, "answer: no such key; there are when, times, delay_s, answers"),
        ({"times": 0}, "times: must be a whole number, 1 to "),
        ({"times": True}, "times: must be a whole number"),
        ({"times": 1.0}, "times: must be a whole number"),
        ({"delay_s": -1}, "delay_s: must be seconds, 0 to 3600, not -1"),
        ({"delay_s": "1"}, "delay_s: must be seconds"),
        ({"delay_s": float("nan")}, "delay_s: must be seconds"),
        ({"answers": []}, "answers: must be a list of at least one"),
        ({"answers": {}}, "answers: must be a list of at least one"),
        ({"when_proto": "icmp"}, "when.proto: must be one of 'tcp', 'udp', not 'icmp'"),
        ({"when_proto": ["tcp"]}, "when.proto: must be one of"),
        ({"when_src": "server"}, "when.src: must be an IPv4 or IPv6 address, not 'server'"),
        ({"when_src": None}, "when.src: must be an IPv4 or IPv6 address"),
        ({"when_src": "1.2.3.4\0"}, "when.src: must be an IPv4 or IPv6 address"),
        ({"when_dst": "2001:db8::1"}, "when.dst: is of another family than when.src"),
        ({"when_dport": 65536}, "when.dport: must be a whole number, 0 to 65535"),
        ({"when_sport": "80"}, "when.sport: must be a whole number"),
        ({"when_flags": "ACK,SYN"}, "when.flags: must be one of '', 'SYN', 'SYN,ACK'"),
        ({"when_flags": "SYN", "when_proto": "udp"}, "when.flags: only TCP has flags"),
        ({"when_port": 1}, "when.port: no such key; there are proto, src,"),
        ({"when_proto": "udp"}, "answers[0].kind: when.proto is udp, not tcp"),
    ],
)
def test_a_wrong_key_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(respond.detached.BadArgument) as raised:
        read(specification("ipv4", **changes))
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, ": must be an object"),
        ({}, ".kind: is missing"),
        ({"kind": "rst"}, ".kind: must be one of 'icmp', 'tcp', 'udp', not 'rst'"),
        ({"kind": {}}, ".kind: must be one of"),
        ({"kind": "udp"}, ".kind: when.proto is tcp, not udp"),
        (tcp(type=3), ".type: no such key"),
        (tcp(""), ".flags: must be a comma list of SYN, ACK, RST, FIN, PSH, URG, not ''"),
        (tcp("SYN, ACK"), ".flags: must be a comma list"),
        ({**tcp(), "flags": None}, ".flags: must be a comma list"),
        ({"kind": "tcp"}, ".flags: is missing"),
        (tcp(seq=-1), ".seq: must be a whole number, 0 to 4294967295"),
        (tcp(seq_add="1"), ".seq_add: must be a whole number"),
        (tcp(ack_add=1 << 33), ".ack_add: must be a whole number"),
        (tcp(window=65536), ".window: must be a whole number, 0 to 65535"),
        (tcp(payload="x" * 1201), ".payload: must be text of 1200 bytes at most"),
        (tcp(payload="\N{SNOWMAN}" * 401), ".payload: must be text of 1200 bytes at most"),
        (tcp(payload=1), ".payload: must be text"),
        (tcp(bad_checksum=1), ".bad_checksum: must be true or false, not 1"),
        (icmp(type=256), ".type: must be a whole number, 0 to 255"),
        (icmp(code=-1), ".code: must be a whole number, 0 to 255"),
        (icmp("ipv6"), ".source: is of another family than when.src"),
        (icmp(source="router"), ".source: must be an IPv4 or IPv6 address"),
        (icmp(type=5, gateway="::1"), ".gateway: is of another family than when.src"),
        (icmp(type=5), ".gateway: is missing"),
        (icmp(gateway="198.18.0.2"), ".gateway: stands in type 5 only, not in 3"),
        (icmp(pointer=1), ".pointer: stands in type 12 only, not in 3"),
        (icmp(type=11, mtu=1), ".mtu: stands in type 3 only, not in 11"),
        (icmp(mtu=65536), ".mtu: must be 65535 at most"),
        (icmp(type=12, pointer=256), ".pointer: must be 255 at most"),
        (icmp(quote_bytes=1233), ".quote_bytes: must be a whole number, 0 to 1232"),
        (icmp(quote_seq_add=None), ".quote_seq_add: must be a whole number"),
    ],
)
def test_a_wrong_key_of_an_answer_is_named_with_the_answer(answer: Any, said: str) -> None:
    with pytest.raises(respond.detached.BadArgument) as raised:
        read(specification("ipv4", tcp(), answer))
    assert str(raised.value).startswith(f"answers[1]{said}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"type": 5, "gateway": "fe80::1"}, "gateway: stands in type 137 only, not in 5"),
        ({"type": 137}, "gateway: is missing"),
        ({"type": 3, "mtu": 1300}, "mtu: stands in type 2 only, not in 3"),
        ({"type": 12, "pointer": 1}, "pointer: stands in type 4 only, not in 12"),
    ],
)
def test_icmpv6_has_its_own_types(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(respond.detached.BadArgument) as raised:
        read(specification("ipv6", icmp("ipv6", **changes)))
    assert str(raised.value) == f"answers[0].{said}"


def test_a_datagram_has_no_sequence_number_to_be_changed() -> None:
    with pytest.raises(respond.detached.BadArgument) as raised:
        read(specification("ipv4", icmp(quote_seq_add=1), when_proto="udp"))
    assert str(raised.value) == "answers[0].quote_seq_add: only TCP has sequence numbers"


def test_what_says_nothing_may_be_said(family: str = "ipv6") -> None:
    """A program may write every key, with its default."""
    nothing = {"mtu": 0, "gateway": None, "pointer": 0, "quote_seq_add": 0, "quote_bytes": None}
    changes = {"times": None, "delay_s": 0.0, "when_sport": None, "when_flags": ""}
    spec = specification(family, icmp(family, **nothing, bad_checksum=False), **changes)
    assert read(spec) == read(specification(family, icmp(family)))


# --- who answers, and when ------------------------------------------------------------


class Wire:
    """A responder, what it sends and counts in this order, and packets for it."""

    def __init__(self, *answers: Any, **changes: Any) -> None:
        self.events: list[Any] = []
        self.responder = respond.Responder(
            read(specification("ipv4", *answers, **changes)),
            lambda data, goal: self.events.append((parsed(data).data, goal)),
            self.events.append,
        )

    def comes(
        self, data: bytes | None = None, now: float = 0.0, *, kind: int = HOST, protocol: int = IPV4
    ) -> None:
        """Show a packet and let all be sent that is due then."""
        origin = ("eth1", protocol, kind, 1, b"\2\0\0\0\0\x0a")
        self.responder.take(data or segment(), origin, now)
        self.responder.send_due(now)

    def sent(self) -> list[Any]:
        return [event[0] for event in self.events if isinstance(event, tuple)]


def test_a_packet_is_counted_before_it_is_answered_and_answered_where_it_came_from() -> None:
    wire = Wire()
    wire.comes()
    wire.comes()
    goal = ("eth1", IPV4, HOST, 1, b"\2\0\0\0\0\x0a")
    assert [event if event in (1, 2) else event[1] for event in wire.events] == [1, goal, 2, goal]


def test_all_answers_are_sent_in_their_order_and_count_as_one() -> None:
    wire = Wire(tcp("SYN,ACK"), tcp("RST"), icmp())
    wire.comes()
    assert [type(inner).__name__ for inner in wire.sent()] == ["TCP", "TCP", "ICMP"]
    assert [inner.flags for inner in wire.sent()[:2]] == [SYN | ACK, RST]
    assert wire.events[0] == 1
    assert wire.responder.answered == 1


def test_only_the_first_packets_that_match_are_answered() -> None:
    wire = Wire(times=2, when_flags="SYN")
    for flags in (ACK, SYN, ACK, SYN, SYN):
        wire.comes(segment(flags=flags))
    assert len(wire.sent()) == 2
    assert wire.responder.answered == 2


@pytest.mark.parametrize("kind", [BROADCAST, OTHER, OUTGOING])
def test_only_what_came_to_this_host_is_answered(kind: int) -> None:
    wire = Wire()
    wire.comes(kind=kind)
    wire.comes(protocol=0x88A8)
    assert wire.events == []


def test_a_late_answer_holds_nobody_up_and_counts_when_it_is_sent() -> None:
    wire = Wire(delay_s=1.0, times=2)
    assert wire.responder.wait_s(0.0) is None
    wire.comes(segment(seq=1), now=10.0)
    wire.comes(segment(seq=2), now=10.5)
    wire.comes(segment(seq=3), now=10.6)
    assert wire.events == []
    assert wire.responder.wait_s(10.6) == pytest.approx(0.4)
    wire.responder.send_due(11.0)
    assert [inner.ack for inner in wire.sent()] == [2]
    assert wire.responder.wait_s(12.0) == 0.0
    wire.responder.send_due(12.0)
    assert [inner.ack for inner in wire.sent()] == [2, 3]
    assert wire.responder.wait_s(12.0) is None


class Ended(BaseException):
    """Ends what runs for ever."""


def test_what_goes_wrong_with_a_packet_is_logged_and_the_next_is_answered(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(respond.detached, "ERRORS_LOGGED", 2)
    inbox, outbox = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    tries: list[int] = []

    def fail(_data: bytes, _goal: object) -> None:
        tries.append(1)
        if len(tries) == 4:
            raise Ended
        raise OSError(100, "Network is down")

    class Inbox:
        fileno = inbox.fileno

        def recvfrom(self, size: int) -> tuple[bytes, Any]:
            return inbox.recv(size), ("eth1", IPV4, HOST, 1, b"")

    with inbox, outbox:
        for data in (segment(), b"junk", segment(), segment(), segment()):
            outbox.send(data)
        with pytest.raises(Ended):
            respond.detached.serve(
                Inbox(), respond.Responder(read(specification()), fail, uncounted)
            )
    assert capsys.readouterr().err.count("OSError: [Errno 100] Network is down") == 2


def uncounted(_number: int) -> None:
    """Count nothing."""


def test_a_socket_that_may_not_be_opened_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.syspath_prepend(str(HOST_IMAGE))
    monkeypatch.setattr(respond.detached.socket, "socket", refuse)
    with pytest.raises(respond.detached.ProgramError) as raised:
        respond.open_socket({})
    assert str(raised.value).startswith("cannot open a packet socket: EPERM (1)")


# --- as a process ---------------------------------------------------------------------

# The program, but for its socket: packets come and go over two sockets in a folder.
PROGRAM = """
import socket, sys
sys.path.insert(0, sys.argv[1])
import respond

class Inbox(socket.socket):
    def recvfrom(self, size):
        return super().recv(size), ("eth1", 0x0800, 0, 1, bytes(6))
    def sendto(self, data, goal):
        super().sendto(data, sys.argv[2] + "/out")

def open_socket(_spec):
    inbox = Inbox(socket.AF_UNIX, socket.SOCK_DGRAM)
    inbox.bind(sys.argv[2] + "/in")
    return inbox

respond.detached.RUN, respond.open_socket = sys.argv[2], open_socket
sys.exit(respond.main(sys.argv[3:]))
"""


class Program:
    """The program, its folder, and the other end of its wire."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.wire.bind(str(folder / "out"))
        self.wire.settimeout(PATIENCE_S)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program until it, and all that holds its output, is gone."""
        command = [sys.executable, "-S", "-W", "error", "-c", PROGRAM, str(HOST_IMAGE),
                   str(self.folder), *arguments]  # fmt: skip
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    def does(self, *arguments: str) -> str:
        """Run the program, which must say nothing on stderr; return what it prints."""
        result = self.run(*arguments)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    def fails(self, status: int, *arguments: str) -> str:
        """Run the program, which must fail with a line; return the line."""
        result = self.run(*arguments)
        assert (result.returncode, result.stdout) == (status, "")
        assert result.stderr.startswith("errnolab-respond: ")
        assert result.stderr.count("\n") == 1
        return result.stderr.removeprefix("errnolab-respond: ").strip()

    def start(self, **changes: Any) -> None:
        assert self.does("start", "x", json.dumps(specification("ipv4", **changes))) == ""

    def pid(self) -> int:
        return int((self.folder / "x.pid").read_text())

    def listens(self) -> bool:
        """Tell whether somebody would take a packet."""
        try:
            self.wire.sendto(segment(), str(self.folder / "in"))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        return True

    def asks(self, data: bytes) -> Any:
        """Send a packet and return the segment that answers it."""
        self.wire.sendto(data, str(self.folder / "in"))
        return parsed(self.wire.recv(65535)).data


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    with program.wire:
        yield program
        program.does("stop", "x")


def test_it_is_ready_when_start_returns_and_gone_when_stop_does(program: Program) -> None:
    program.start()
    assert os.getsid(program.pid()) == program.pid()
    assert program.asks(segment(seq=5)).ack == 6
    assert program.does("hits", "x") == "1\n"
    assert program.asks(segment(seq=6)).ack == 7
    assert program.does("hits", "x") == "2\n"
    assert program.does("stop", "x") == ""
    assert not (program.folder / "x.pid").exists()
    with pytest.raises(ConnectionRefusedError):
        program.asks(segment())
    assert program.does("hits", "x") == "2\n"
    assert (program.folder / "x.log").read_text() == ""


def test_it_answers_only_what_it_was_told_to(program: Program) -> None:
    program.start(times=1)
    program.asks(segment())
    program.wire.settimeout(QUIET_S)
    with pytest.raises(TimeoutError):
        program.asks(segment())
    assert program.does("hits", "x") == "1\n"


def test_a_late_answer_comes_late(program: Program) -> None:
    program.start(delay_s=QUIET_S)
    began = time.monotonic()
    program.asks(segment())
    assert QUIET_S <= time.monotonic() - began < PATIENCE_S


def test_a_second_start_begins_a_new_count(program: Program) -> None:
    program.start()
    program.asks(segment())
    program.does("stop", "x")
    (program.folder / "in").unlink()
    program.start()
    assert program.does("hits", "x") == "0\n"


def test_a_name_that_is_in_use_is_refused(program: Program) -> None:
    program.start()
    said = program.fails(1, "start", "x", json.dumps(specification()))
    assert said == "x is running; errnolab-respond stop x ends it"
    assert program.asks(segment(seq=5)).ack == 6


def test_a_service_of_that_name_is_left_alone(program: Program) -> None:
    (program.folder / "x.pid").write_text(f"{os.getpid()}\n")
    said = program.fails(1, "start", "x", json.dumps(specification()))
    assert said == f"{program.folder}/x.pid is of process {os.getpid()}, which is none of ours"
    program.does("stop", "x")
    assert program.pid() == os.getpid()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it_and_the_name_is_free(program: Program, number: int) -> None:
    program.start()
    os.kill(program.pid(), number)
    with (program.folder / "x.hits").open() as hits:
        assert waited_for(lambda: respond.detached.take_lock(hits.fileno()))
    with pytest.raises(ConnectionRefusedError):
        program.asks(segment())
    (program.folder / "in").unlink()
    # Whoever has process 1 here may not have taken note of its end yet.
    (program.folder / "x.pid").write_text(f"{ended_process()}\n")
    program.start()
    assert program.asks(segment(seq=5)).ack == 6


def test_stop_ends_even_one_that_is_halted(program: Program) -> None:
    program.start()
    os.kill(program.pid(), signal.SIGSTOP)
    program.does("stop", "x")


def waited_for(happens: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not happens():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def ended_process() -> int:
    """Return the number of a process that is no more."""
    with subprocess.Popen(["true"]) as process:
        process.wait(PATIENCE_S)
    return process.pid


def test_what_is_not_there_is_stopped_already(program: Program) -> None:
    assert program.does("stop", "nobody") == ""
    assert program.fails(1, "hits", "nobody") == "no nobody was ever started here"


def test_a_start_that_fails_leaves_nothing_running(program: Program) -> None:
    """What it cannot make is its pid file: a folder has that name."""
    (program.folder / "x.pid").mkdir()
    assert "x.pid" in program.run("start", "x", json.dumps(specification())).stderr
    # The process that failed may be a moment in ending.
    assert waited_for(lambda: not program.listens())
    (program.folder / "x.pid").rmdir()


def test_where_no_state_can_be_kept_it_says_so(program: Program) -> None:
    program.folder = program.folder / "missing"
    said = program.fails(1, "start", "x", json.dumps(specification()))
    assert said.startswith(f"{program.folder}/x.hits: ENOENT (2) No such file or directory")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "use start NAME JSON, stop NAME or hits NAME; see --help"),
        (["start", "x"], "use start NAME JSON"),
        (["stop"], "use start NAME JSON"),
        (["hits", "x", "y"], "use start NAME JSON"),
        (["restart", "x"], "use start NAME JSON"),
        (["start", "x", "{}"], "when: is missing"),
        (["stop", ""], "NAME '' must be of letters, digits, '-' and '_'"),
        (["stop", "../x"], "NAME '../x' must be of letters"),
        (["hits", "x.y"], "NAME 'x.y' must be of letters"),
        (["hits", "\N{LATIN SMALL LETTER E WITH ACUTE}"], "NAME "),
        (["start", "a b", json.dumps(specification())], "NAME 'a b' must be of letters"),
    ],
)
def test_a_bad_argument_is_named(program: Program, arguments: list[str], said: str) -> None:
    assert program.fails(2, *arguments).startswith(said)
    assert {path.name for path in program.folder.iterdir()} == {"out"}


def test_help_shows_what_can_be_written() -> None:
    command = [sys.executable, "-S", str(HOST_IMAGE / "respond.py"), "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    keys = {
        *respond.SPEC,
        *shared.WHEN,
        *(key for keys in respond.ANSWERS.values() for key in keys),
    }
    assert [key for key in keys if f'"{key}": ' not in said] == []


def test_the_image_has_it_on_its_path() -> None:
    assert os.access(HOST_IMAGE / "respond.py", os.X_OK)
    link = "ln -s /opt/errnolab/respond.py /usr/local/bin/errnolab-respond "
    assert link in (HOST_IMAGE / "Dockerfile").read_text()
