"""errnolab-relay: no byte is lost or changed, and each step does what it says, no more.

What goes out is read by dpkt, which shares no code with it.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import struct
import subprocess
import sys
from typing import Any

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.host_image import HOST_IMAGE, load
from tests.unit.packets import CLIENT, CLIENT6, SERVER, SERVER6, ip4, ip6

relay = load("relay")
packets = load("packets")
detached = load("detached")

FIN, SYN, RST, PSH, ACK, URG, CWR = 1, 2, 4, 8, 16, 32, 0x80
MODULUS = 1 << 32
HOST, OTHER, OUTGOING = 0, 3, 4
ETHERNET, IPV4, IPV6 = 1, 0x0800, 0x86DD
# NOP, NOP, timestamps 7 and 8: RFC 7323 3.2.
OPTIONS = bytes([1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 8])
FAMILIES = pytest.mark.parametrize("family", ["ipv4", "ipv6"])
family_names = st.sampled_from(["ipv4", "ipv6"])


def over_ip(family: str, protocol: int, inner: Any) -> bytes:
    if family == "ipv4":
        return ip4(CLIENT, SERVER, protocol, inner)
    return ip6(CLIENT6, SERVER6, protocol, inner)


def segment(
    data: bytes = b"", *, seq: int = 1001, flags: int = ACK, family: str = "ipv4",
    sport: int = 40000,
) -> bytes:  # fmt: skip
    """Return a segment from the client to server:16555, with time stamps."""
    header = dpkt.tcp.TCP(
        sport=sport, dport=16555, seq=seq % MODULUS, ack=5, opts=OPTIONS, data=data
    )
    header.off = 8
    raw = bytearray(bytes(header))
    raw[13] = flags
    return over_ip(family, dpkt.ip.IP_PROTO_TCP, dpkt.tcp.TCP(bytes(raw)))


def datagram(data: bytes = b"hi", family: str = "ipv4") -> bytes:
    inner = dpkt.udp.UDP(sport=40000, dport=16555, ulen=8 + len(data), data=data)
    return over_ip(family, dpkt.ip.IP_PROTO_UDP, inner)


def frame(data: bytes, *, flags: int = 0, size: int = 0) -> bytes:
    """Return a packet as the packet socket gives it: what is left to do, Ethernet, IP."""
    return struct.pack("=BBHHHH", flags, bool(size), 0, size, 0, 0) + bytes(14) + data


def origin(family: str = "ipv4", kind: int = HOST) -> tuple[str, int, int, int, bytes]:
    return ("eth0", IPV4 if family == "ipv4" else IPV6, kind, ETHERNET, bytes(6))


def content(data: bytes) -> Any:
    """Return dpkt's view of what is in a packet, whose lengths and sums must be right."""
    if data[0] >> 4 == 4:
        ip = dpkt.ip.IP(data)
        assert ip.len == len(data)
        assert dpkt.dpkt.in_cksum(data[:20]) == 0
        pseudo = data[12:20] + struct.pack("!II", len(data) - 20, ip.p) + data[20:]
    else:
        ip = dpkt.ip6.IP6(data)
        assert ip.plen == len(data) - 40
        pseudo = data[8:40] + struct.pack("!II", len(data) - 40, ip.nxt) + data[40:]
    assert dpkt.dpkt.in_cksum(pseudo) == 0
    return ip.data


class Path:
    """A relay, what it sent and what it counted."""

    def __init__(self, *steps: dict[str, Any], proto: str = "tcp", family: str = "ipv4") -> None:
        src, dst = (CLIENT, SERVER) if family == "ipv4" else (CLIENT6, SERVER6)
        when = {"proto": proto, "src": src, "dst": dst, "dport": 16555}
        spec = relay.read_spec(json.dumps({"when": when, "steps": list(steps)}))
        self.sent: list[bytes] = []
        self.counted: list[int] = []
        self.family = family
        self.relay = relay.Relay(
            spec, lambda packet: self.sent.append(packet.data), self.counted.append
        )

    def take(self, data: bytes, now: float = 0.0, **how: Any) -> list[bytes]:
        """Show it a packet; return what it sends at once."""
        before = len(self.sent)
        self.relay.take(frame(data, **how), origin(self.family), now)
        self.relay.send_due(now)
        return self.sent[before:]

    def later(self, now: float) -> list[bytes]:
        before = len(self.sent)
        self.relay.send_due(now)
        return self.sent[before:]

    @property
    def hits(self) -> int:
        return self.counted[-1] if self.counted else 0


def payloads(sent: list[bytes]) -> list[bytes]:
    return [bytes(content(data).data) for data in sent]


DELAY_NONE = {"do": "delay", "ms": 0, "nth": []}

# --- what is passed on ------------------------------------------------------------------


@FAMILIES
def test_a_packet_goes_on_with_one_hop_less_and_nothing_else_changed(family: str) -> None:
    sent = Path(DELAY_NONE, family=family).take(segment(b"hello", family=family))
    was = bytearray(packets.with_sums(segment(b"hello", family=family)))
    at = 8 if family == "ipv4" else 7
    was[at] -= 1
    assert len(sent) == 1
    left = bytearray(sent[0])
    if family == "ipv4":
        assert dpkt.dpkt.in_cksum(sent[0][:20]) == 0
        was[10:12] = left[10:12] = b"\0\0"
    assert left[at:] == was[at:]


@FAMILIES
def test_a_checksum_that_the_sender_left_to_the_hardware_is_made(family: str) -> None:
    data = bytearray(segment(b"hello", family=family))
    at = (20 if family == "ipv4" else 40) + 16
    data[at : at + 2] = b"\x12\x34"
    (sent,) = Path(DELAY_NONE, family=family).take(bytes(data), flags=1)
    assert content(sent).data == b"hello"


def test_a_wrong_checksum_stays_wrong() -> None:
    data = bytearray(segment(b"hello"))
    data[36:38] = b"\x12\x34"
    (sent,) = Path(DELAY_NONE).take(bytes(data))
    assert sent[36:38] == b"\x12\x34"


@pytest.mark.parametrize("hops", [0, 1])
@FAMILIES
def test_what_has_no_hop_left_is_left_to_the_kernel(family: str, hops: int) -> None:
    data = bytearray(segment(b"x", family=family))
    data[8 if family == "ipv4" else 7] = hops
    assert Path(DELAY_NONE, family=family).take(bytes(data)) == []


def test_other_flows_and_what_is_not_for_this_host_are_not_its_business() -> None:
    path = Path(DELAY_NONE)
    path.relay.take(frame(segment()), origin(kind=OUTGOING), 0.0)
    path.relay.take(frame(segment()), origin(kind=OTHER), 0.0)
    path.take(datagram())
    path.take(ip4(SERVER, CLIENT, 6, dpkt.tcp.TCP(sport=16555, dport=40000)))
    assert path.sent == []


@given(family_names, st.binary(min_size=1, max_size=9000), st.integers(1, 1500))
def test_what_the_hardware_would_cut_up_is_cut_up(family: str, data: bytes, size: int) -> None:
    sent = Path(DELAY_NONE, family=family).take(segment(data, family=family), flags=1, size=size)
    pieces = payloads(sent)
    assert b"".join(pieces) == data
    assert {len(piece) for piece in pieces[:-1]} <= {size}
    assert len(pieces[-1]) <= size


# --- cut --------------------------------------------------------------------------------

streams = st.binary(min_size=1, max_size=60)
places = st.lists(st.integers(1, 70), max_size=8)


@given(family_names, streams, places, st.integers(0, MODULUS - 1), st.sampled_from([0, FIN, PSH]))
def test_cutting_loses_and_changes_nothing(
    family: str, data: bytes, at: list[int], seq: int, flag: int
) -> None:
    path = Path({"do": "cut", "at": [*at, 1000]}, family=family)
    path.take(segment(seq=seq - 1, flags=SYN, family=family))
    path.sent.clear()
    sent = path.take(segment(data, seq=seq, flags=ACK | flag | CWR, family=family))
    parts = [content(one) for one in sent]
    ends, begin = [], 0
    for part in parts:
        assert part.seq == (seq + begin) % MODULUS
        begin += len(part.data)
        ends.append(begin)
        assert (part.ack, part.opts) == (5, OPTIONS)
    assert b"".join(part.data for part in parts) == data
    assert ends == [*sorted({one for one in at if one < len(data)}), len(data)]
    assert [part.flags & (FIN | PSH) for part in parts] == [0] * (len(parts) - 1) + [flag]
    assert [bool(part.flags & CWR) for part in parts] == [True] + [False] * (len(parts) - 1)
    assert path.hits == (len(parts) > 1)
    if family == "ipv4":
        assert len({one[4:6] for one in sent}) == len(sent)


@given(
    st.binary(min_size=2, max_size=60), places,
    st.lists(st.tuples(st.integers(0, 59), st.integers(1, 60)), max_size=12),
)  # fmt: skip
def test_what_is_sent_again_is_cut_at_the_same_places(
    data: bytes, at: list[int], again: list[tuple[int, int]]
) -> None:
    path = Path({"do": "cut", "at": [*at, 1000]})
    path.take(segment(seq=999, flags=SYN))
    for begin, length in again:
        for one in path.take(segment(data[begin : begin + length], seq=1000 + begin)):
            part = content(one)
            offset = part.seq - 1000
            assert part.data == data[offset : offset + len(part.data)]
            assert not any(offset < place < offset + len(part.data) for place in at)


@given(streams, st.integers(1, 20), st.integers(0, 40))
def test_each_so_many_bytes_counts_from_the_beginning_of_the_stream(
    data: bytes, each: int, offset: int
) -> None:
    path = Path({"do": "cut", "each": each})
    path.take(segment(seq=999, flags=SYN))
    sent = path.take(segment(data, seq=1000 + offset))
    ends = [content(one).seq - 1000 + len(content(one).data) for one in sent]
    assert ends[:-1] == [
        n for n in range(offset + 1, offset + len(data)) if n % each == 0
    ]  # fmt: skip


def test_of_an_older_connection_the_stream_begins_where_it_comes_by() -> None:
    path = Path({"do": "cut", "at": [1]})
    path.take(segment(seq=7777))  # It carries nothing.
    assert payloads(path.take(segment(b"hello", seq=7777))) == [b"h", b"ello"]
    assert payloads(path.take(segment(b"ab", seq=7770))) == [b"ab"]
    assert payloads(path.take(segment(b"other", sport=40001))) == [b"o", b"ther"]
    assert path.hits == 2


@pytest.mark.parametrize("flags", [SYN, RST | ACK, URG | ACK])
def test_what_is_not_plain_data_is_not_cut(flags: int) -> None:
    assert len(Path({"do": "cut", "each": 1}).take(segment(b"hello", flags=flags))) == 1


# --- join -------------------------------------------------------------------------------


@given(family_names, streams, st.lists(st.integers(1, 59), max_size=9))
def test_joining_puts_together_what_was_cut(family: str, data: bytes, at: list[int]) -> None:
    path = Path({"do": "cut", "at": [*at, 1000]}, {"do": "join", "ms": 50}, family=family)
    assert path.take(segment(data, flags=ACK | PSH, family=family), now=1.0) == []
    assert path.later(1.04) == []
    (one,) = path.later(1.05)
    part = content(one)
    assert (part.data, part.seq, part.opts, part.flags) == (data, 1001, OPTIONS, ACK | PSH)


def test_what_is_held_is_overtaken_by_nothing_and_sent_again_in_vain() -> None:
    path = Path({"do": "join", "ms": 50})
    assert path.take(segment(b"one")) == []
    assert path.take(segment(b"two", seq=1004)) == []
    assert path.take(segment(b"two", seq=1004)) == []
    assert payloads(path.take(segment(seq=1007))) == [b"onetwo", b""]
    assert path.hits == 2


@pytest.mark.parametrize("flag", [FIN, FIN | PSH])
def test_the_end_of_the_stream_waits_for_nobody(flag: int) -> None:
    path = Path({"do": "join", "ms": 50})
    path.take(segment(b"one"))
    (one,) = path.take(segment(b"two", seq=1004, flags=ACK | flag))
    assert (content(one).data, content(one).flags) == (b"onetwo", ACK | flag)


def test_a_joined_segment_fits_anywhere() -> None:
    path = Path({"do": "join", "ms": 50}, family="ipv6")
    for number in range(3):
        path.take(segment(b"x" * 1000, seq=1001 + 1000 * number, family="ipv6"))
    path.later(1.0)
    assert [len(part) for part in payloads(path.sent)] == [1000, 1000, 1000]
    assert path.hits == 0


# --- delay, lose, duplicate, reorder ------------------------------------------------------


def numbered(path: Path, count: int, now: float = 0.0) -> None:
    for number in range(1, count + 1):
        path.take(datagram(b"%d" % number, path.family), now)


def came(path: Path) -> list[int]:
    return [int(one) for one in payloads(path.sent)]


@FAMILIES
@pytest.mark.parametrize(
    ("step", "expected", "hits"),
    [
        ({"do": "lose", "nth": [2, 5]}, [1, 3, 4, 6], 2),
        ({"do": "lose", "every": 3}, [1, 2, 4, 5], 2),
        ({"do": "lose", "every": 2, "times": 1}, [1, 3, 4, 5, 6], 1),
        ({"do": "lose", "flags": "data", "times": 4}, [5, 6], 4),
        ({"do": "lose", "nth": [9]}, [1, 2, 3, 4, 5, 6], 0),
        ({"do": "duplicate", "nth": [2]}, [1, 2, 2, 3, 4, 5, 6], 1),
        ({"do": "duplicate", "copies": 2, "every": 4}, [1, 2, 3, 4, 4, 4, 5, 6], 1),
        ({"do": "reorder", "nth": [1]}, [2, 1, 3, 4, 5, 6], 1),
        ({"do": "reorder", "nth": [1], "after": 3}, [2, 3, 4, 1, 5, 6], 1),
        ({"do": "reorder", "nth": [1, 2], "after": 2}, [3, 4, 1, 2, 5, 6], 2),
        ({"do": "reorder", "every": 2}, [1, 3, 2, 5, 4], 2),
    ],
)
def test_exactly_the_chosen_ones(
    family: str, step: dict[str, Any], expected: list[int], hits: int
) -> None:
    path = Path(step, proto="udp", family=family)
    numbered(path, 6)
    assert came(path) == expected
    assert path.hits == hits


def test_one_that_none_passes_goes_on_in_time_and_is_no_hit() -> None:
    path = Path({"do": "reorder", "nth": [1], "at_most_ms": 200}, proto="udp")
    path.take(datagram(b"1"), 5.0)
    assert path.relay.wait_s(5.1) == pytest.approx(0.1)
    assert path.later(5.19) == []
    assert payloads(path.later(5.2)) == [b"1"]
    assert path.hits == 0


def test_what_is_late_comes_in_time_and_in_order() -> None:
    path = Path({"do": "delay", "ms": 100}, proto="udp")
    assert path.relay.wait_s(1.0) is None
    path.take(datagram(b"1"), 1.0)
    path.take(datagram(b"2"), 1.03)
    assert path.relay.wait_s(1.04) == pytest.approx(0.06)
    assert payloads(path.later(1.1)) == [b"1"]
    assert payloads(path.later(1.2)) == [b"2"]
    assert path.hits == 2


@pytest.mark.parametrize(
    ("word", "flags", "chosen"),
    [
        ("SYN", SYN, True), ("SYN", SYN | ACK, False), ("ACK", ACK, True), ("ACK", SYN, False),
        ("PSH", ACK | PSH, True), ("FIN", ACK | FIN, True), ("", RST, True), ("data", ACK, False),
    ],
)  # fmt: skip
def test_only_segments_of_the_kind_are_chosen(word: str, flags: int, chosen: bool) -> None:
    path = Path({"do": "lose", "flags": word})
    assert (path.take(segment(flags=flags)) == []) is chosen


def test_steps_are_met_in_order_and_the_least_of_their_hits_counts() -> None:
    path = Path(
        {"do": "duplicate", "nth": [1]}, {"do": "lose", "nth": [2]},
        {"do": "reorder", "nth": [2]}, proto="udp",
    )  # fmt: skip
    numbered(path, 2)
    assert path.hits == 0
    path.take(datagram(b"3"))
    assert came(path) == [1, 3, 2]
    assert path.hits == 1


datagram_steps = st.lists(
    st.fixed_dictionaries(
        {"do": st.sampled_from(["delay", "reorder"])},
        optional={"every": st.integers(1, 4), "nth": st.lists(st.integers(1, 9))},
    ),
    min_size=1, max_size=4,
)  # fmt: skip


@given(datagram_steps, st.lists(st.integers(0, 30), max_size=30))
def test_what_is_late_or_out_of_order_still_comes_once(
    steps: list[dict[str, Any]], waits: list[int]
) -> None:
    """Whatever is held when it ends is sent then."""
    path = Path(*({**one, "ms": 40} if one["do"] == "delay" else one for one in steps), proto="udp")
    now = 0.0
    for number, wait_ms in enumerate(waits):
        now += wait_ms / 1e3
        path.take(datagram(b"%d" % number), now)
    path.relay.end()
    assert sorted(came(path)) == list(range(len(waits)))
    assert path.relay.wait_s(now) is None


class Inbox:
    """A packet socket with frames in it; the time is what the test says."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire
        self.fileno = wire.fileno

    def recvfrom(self, size: int) -> tuple[bytes, Any]:
        return self.wire.recv(size), origin()


def test_what_came_in_time_counts_as_that_though_the_program_is_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A busy machine: each look at the clock is 40 ms after the one before."""
    clock = itertools.count(1)
    monkeypatch.setattr(detached, "monotonic", lambda: next(clock) * 0.04)
    path = Path({"do": "join", "ms": 50})
    inbox, outbox = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    asked, ask = os.pipe()
    with inbox, outbox:
        for number in range(4):
            outbox.send(frame(segment(b"abcd"[number : number + 1], seq=1001 + number)))
        os.write(ask, b".")
        detached.serve(Inbox(inbox), path.relay, asked)
    os.close(asked)
    os.close(ask)
    assert payloads(path.sent) == [b"abcd"]


# --- the specification --------------------------------------------------------------------

FLOW = {"proto": "tcp", "src": CLIENT, "dst": SERVER}


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({}, "steps[0].do: is missing"),
        ({"do": "eat"}, "steps[0].do: must be one of 'delay'"),
        ({"do": "delay"}, "steps[0].ms: is missing"),
        ({"do": "delay", "ms": -1}, "steps[0].ms: must be a whole number"),
        ({"do": "lose", "nth": [0]}, "steps[0].nth: must be a list of whole numbers, 1 or more"),
        ({"do": "lose", "nth": 2}, "steps[0].nth: must be a list"),
        ({"do": "lose", "flags": "RST"}, "steps[0].flags: must be one of"),
        ({"do": "lose", "at": [1]}, "steps[0].at: no such key"),
        ({"do": "cut"}, "steps[0]: cut where? give at or each"),
        (1, "steps[0]: must be an object"),
    ],
)
def test_a_wrong_step_is_named(step: Any, said: str) -> None:
    with pytest.raises(detached.BadArgument) as raised:
        relay.read_spec(json.dumps({"when": FLOW, "steps": [step]}))
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    "step", [{"do": "cut", "at": [1]}, {"do": "join", "ms": 1}, {"do": "lose", "flags": "SYN"}]
)
def test_a_datagram_has_no_flags_and_no_stream(step: dict[str, Any]) -> None:
    with pytest.raises(detached.BadArgument, match="only TCP has flags and a stream"):
        relay.read_spec(json.dumps({"when": {**FLOW, "proto": "udp"}, "steps": [step]}))


def test_help_shows_what_can_be_written() -> None:
    command = [sys.executable, "-S", str(HOST_IMAGE / "relay.py"), "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    keys = {*relay.SPEC, *packets.WHEN, *(key for keys in relay.STEPS.values() for key in keys)}
    assert [key for key in keys if f'"{key}": ' not in said] == []
    assert [step for step in relay.STEPS if f'"do": "{step}"' not in said] == []


def test_the_image_has_it_on_its_path() -> None:
    assert os.access(HOST_IMAGE / "relay.py", os.X_OK)
    link = "ln -s /opt/errnolab/relay.py /usr/local/bin/errnolab-relay "
    assert link in (HOST_IMAGE / "Dockerfile").read_text()
