"""What a test saw of a block reads well, and a slip of its reader is an error."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab import blocks, evidence
from lab.errors import LabError
from lab.seen import Broken, Grown, Seen, Sight
from lab.wire import data, syn
from tests.unit.packets import CLIENT6, SERVER6, packet, raw, tcp_bytes

SIX = {"src_ip": CLIENT6, "dst_ip": SERVER6}
PACKETS = [
    packet("client", 1.0), packet("router", 1.0001),
    packet("client", 2.0),  # the same SYN again
    packet("client", 2.5, sport=40001, **SIX),
    packet("client", 2.6, flags="RA", src="server", dst="client", outgoing=False),
    packet("server", 2.55, flags="SA", src="server", dst="client", outgoing=True),
    packet("client", 2.7, flags="PA", length=3, seq=1),
    packet("client", 2.8, flags="FA", seq=4),
    packet("client", 2.9, proto="icmp", flags="", error=(3, 1), note="ICMP 3/1", src="router",
           dst="client", outgoing=False),
]  # fmt: skip
DROP = Broken("drop", "router", "server", "ipv4", "iptables (nft)", [["iptables-nft", "-I"]], 2)
SETTING = Broken("sysctl", "client", "server", "both", "sysctl", [], None)


def sight(**changes: Any) -> Sight:
    counters = {"client": Grown({"TcpExt.TCPTimeouts": 1, "Tcp.OutRsts": 0, "Ip.InReceives": 5})}
    captured = {"client": [raw(tcp_bytes(2))]}
    return replace(
        Sight(1_000_000_000, 3_000_000_000, captured, PACKETS, counters, [DROP, SETTING], "ok"),
        **changes,
    )


@pytest.fixture
def seen() -> Seen:
    return Seen("fault timeout", sight=sight())


def test_packets_are_in_order_of_time(seen: Seen) -> None:
    times = [packet.t_ns for packet in seen.packets]
    assert times == sorted(times)
    assert len(times) == len(PACKETS)


def test_each_kind_of_packet_has_a_word(seen: Seen) -> None:
    assert [len(seen.syns(at)) for at in ("client", "router", "server")] == [3, 1, 0]
    assert len(seen.rsts("client", sender="server")) == 1
    assert seen.rsts("client", sender="router") == []
    assert len(seen.syn_acks("server")) == 1
    assert len(seen.fins("client")) == 1
    assert [packet.length for packet in seen.data("client")] == [3]
    assert len(seen.icmp("client")) == len(seen.icmp("client", (3, 1))) == 1
    assert seen.icmp("client", (3, 0)) == []


def test_sent_and_received_are_told_apart(seen: Seen) -> None:
    assert len(seen.sent("client")) == 5
    assert len(seen.received("client")) == 2
    assert len(seen.sent("server")) == 1


def test_an_attempt_is_a_connection_and_not_its_syn_sent_again(seen: Seen) -> None:
    assert [(p.dst_ip, seen.t_ms(p)) for p in seen.attempts()] == [
        ("198.18.2.10", 0.0), (SERVER6, 1500.0),
    ]  # fmt: skip


def test_words_of_scenarios_find_packets_too(seen: Seen) -> None:
    assert len(seen.matching(syn(at="client"), data(at="client"))) == 4


def test_a_word_with_a_mistake_is_an_error(seen: Seen) -> None:
    with pytest.raises(LabError, match="no capture at 'printer'"):
        seen.syns("printer")


def test_a_misspelt_counter_is_an_error_and_no_zero(seen: Seen) -> None:
    assert seen.counters["client"]["Tcp.OutRsts"] == 0
    with pytest.raises(KeyError, match=r"did you mean 'TcpExt\.TCPTimeouts'"):
        _ = seen.counters["client"]["TcpExt.TCPTimeout"]


def test_hits_are_those_of_all_faults_that_are_counted(seen: Seen) -> None:
    assert seen.hits == 2
    assert seen.elapsed_ms == 2000.0
    assert seen.bystander == "ok"


def test_nothing_is_known_within_a_block_until_it_is_asked_for() -> None:
    under_way = Seen("watch", look=sight)
    with pytest.raises(
        LabError, match=r"watch: not looked at yet; within the block say `seen\(\)`"
    ):
        _ = under_way.packets
    assert under_way().hits == 2
    assert under_way.hits == 2


def test_after_the_block_asking_changes_nothing(seen: Seen) -> None:
    before = seen.sight
    assert seen() is seen
    assert seen.sight is before


# --- evidence ---------------------------------------------------------------------------


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(evidence, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


def test_a_tests_folder_is_named_for_it(runs: Path) -> None:
    folder = blocks.folder_of("2026", "tests/test_a.py::TestB::test_c[ipv4-a b]")
    assert folder == runs / "pytest/2026/tests_test_a.py_TestB_test_c[ipv4-a_b]"


def test_long_names_are_cut_and_stay_apart(runs: Path) -> None:
    one, other = (blocks.folder_of("2026", "test" * 100 + end) for end in "ab")
    assert one != other
    assert len(one.name) < 200


def test_the_section_tells_ladder_hits_and_what_moved(seen: Seen, runs: Path) -> None:
    told = blocks.section([seen], runs / "x")
    assert "fault timeout: 2000 ms" in told
    assert "drop on router (ipv4, iptables (nft)): hit 2 times" in told
    assert "sysctl on client (both, sysctl): nothing counts its hits" in told
    assert "client: TcpExt.TCPTimeouts +1\n" in told
    assert "SYN" in told.splitlines()[5]
    assert told.endswith(f"evidence: {runs}/x/")


def test_the_section_tells_what_hurt_the_bystander_and_what_is_left() -> None:
    hurt = Seen("watch", sight=sight(bystander="tcp: no"), troubles=["not undone: it"])
    told = blocks.section([hurt, Seen("one that never began")], Path("/x"))
    assert "  bystander: tcp: no\n  not undone: it\n" in told
    assert "never began" not in told


def test_the_folder_of_one_block_has_all_that_was_seen(seen: Seen, tmp_path: Path) -> None:
    blocks.write(tmp_path / "deep/it", "test_a", [seen])
    assert {path.name for path in (tmp_path / "deep/it").iterdir()} == {
        "client.pcap", "ladder.txt", "result.json",
    }  # fmt: skip
    found = json.loads((tmp_path / "deep/it/result.json").read_text())
    assert (found["schema"], found["test"]) == (1, "test_a")
    (block,) = found["blocks"]
    assert (block["title"], block["hits"], block["elapsed_ms"]) == ("fault timeout", 2, 2000.0)
    assert block["counters"] == {"client": {"Ip.InReceives": 5, "TcpExt.TCPTimeouts": 1}}
    assert block["wire"][0]["summary"] == "SYN"
    assert block["pcaps"] == {"client": "client.pcap"}


def test_of_several_blocks_each_has_its_own_captures(seen: Seen, tmp_path: Path) -> None:
    blocks.write(tmp_path, "test_a", [seen, Seen("watch", sight=sight())])
    assert {path.name for path in tmp_path.glob("*.pcap")} == {"1-client.pcap", "2-client.pcap"}
    assert (tmp_path / "ladder.txt").read_text().count("# ") == 2
