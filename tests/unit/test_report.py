"""The report is one page that needs nothing from elsewhere and shows every run."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lab import evidence, report, sequence
from lab.errors import LabError
from lab.result import CaseResult, Controls, Proof, Result
from lab.topology import VANTAGES

CALL = {
    "host": "client", "call": "connect", "args": ["198.18.2.10", 16555], "value": -1,
    "errno": 111, "errno_name": "ECONNREFUSED", "elapsed_ms": 0.4,
}  # fmt: skip


def sighting(at: str, t_ms: float, **changes: Any) -> dict[str, Any]:
    packet = {"at": at, "t_ms": t_ms, "src": "client", "dst": "server", "proto": "tcp",
              "flags": "S", "summary": "SYN"}  # fmt: skip
    return {**packet, **changes}


def case(name: str = "", verdict: str = "pass", **changes: Any) -> CaseResult:
    fields: dict[str, Any] = {
        "calls": [CALL], "wire": [sighting("client", 0.1), sighting("router", 0.2)],
        "controls": Controls("ok", "ok", "ok", baseline_restored=True),
        "counters": {"client": {"Tcp.AttemptFails": 1}}, "ladder": "│── SYN ─▶│\n",
        "fault": {"kind": "stop", "host": "server", "mechanism": "process",
                  "commands": [["errnolab-service", "stop"]], "hits": 1},
        "proofs": [Proof("call", "client connect", "ok", "ECONNREFUSED", verdict == "pass")],
    }  # fmt: skip
    return CaseResult(name, verdict, **{**fields, **changes})


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(evidence, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


def page(*results: Result) -> str:
    folder = evidence.new_folder()
    for result in results:
        evidence.write(folder, result, {at: [] for at in VANTAGES})
    return report.write().read_text(encoding="utf-8")


def refused(*cases: CaseResult, family: str = "ipv4") -> Result:
    return Result("refused", family, "default", "6.18", "Docker 26", "2026-01-02T03:04:05.000Z",
                  9.0, list(cases) or [case()])  # fmt: skip


class Links(HTMLParser):
    """Every address that a page refers to, and the tags left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [value or "" for name, value in attrs if name in ("href", "src")]


def test_page_shows_verdict_errno_proofs_and_explanation() -> None:
    text = page(refused(), refused(family="ipv6"))
    for words in ("ECONNREFUSED", "Connection refused", "Nothing listens on the port",
                  "Linux 6.18", "Docker 26", "errnolab-service stop", "Tcp.AttemptFails",
                  "│── SYN ─▶│", "claims: C67 true, C71 true"):  # fmt: skip
        assert words in text, words
    assert text.count('class="run pass"') == 2


def test_page_says_where_a_scenarios_cases_do_not_agree_on_a_claim() -> None:
    """The router's answer to a prohibited route is EHOSTUNREACH over IPv4 and EACCES over IPv6."""
    result = refused()
    result.scenario = "prohibited"
    assert "claims: C74 true and wrong, C76 wrong<" in page(result)


def test_page_loads_nothing_and_its_links_lead_to_the_evidence(runs: Path) -> None:
    links = Links(page(refused()))
    assert not {"script", "link", "img", "iframe"} & links.tags
    files = [link for link in links.found if not link.startswith("#")]
    assert "refused/ipv4/client.pcap" in files
    assert all((runs / "latest" / file).is_file() for file in files)


def test_anchors_lead_somewhere() -> None:
    text = page(refused())
    anchors = [link[1:] for link in Links(text).found if link.startswith("#")]
    assert anchors == ["refused"]
    assert 'id="refused"' in text


def test_page_is_for_light_and_dark_and_paper() -> None:
    text = page(refused())
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_what_came_over_the_wire_cannot_become_html() -> None:
    evil = case(calls=[{**CALL, "call": "recv", "errno_name": "", "data": "<script>x</script>"}])
    assert "<script>" not in page(refused(evil))


def test_failed_proof_says_wanted_and_got() -> None:
    bad = case(verdict="fail", reason="wanted ETIMEDOUT, got ECONNREFUSED")
    text = page(refused(bad))
    assert 'class="run fail"' in text
    assert "wanted ETIMEDOUT, got ECONNREFUSED" in text
    assert re.search(r"<b>0<small> / 1</small></b>", text)


def test_run_that_saw_nothing_is_shown_with_its_reason() -> None:
    empty = CaseResult(verdict="skip", reason="netem: unknown qdisc")
    text = page(refused(empty))
    assert "netem: unknown qdisc" in text
    assert '<svg class="sequence"' not in text


def test_cases_are_shown_by_name() -> None:
    text = page(refused(case("blocking"), case("non_blocking", ladder="other")))
    assert text.count('<details class="case"') == 2
    assert "other" in text


def test_scenario_whose_file_is_gone_is_still_reported() -> None:
    gone = refused()
    gone.scenario = "gone"
    assert 'id="gone"' in page(gone)


def test_no_runs_say_how_to_make_some() -> None:
    with pytest.raises(LabError, match="make scenarios"):
        report.write()


@pytest.mark.parametrize(
    ("text", "said"), [("{", "not JSON"), ('{"schema": 2}', "wanted schema 1")]
)
def test_result_that_cannot_be_read_is_named(runs: Path, text: str, said: str) -> None:
    here = runs / "latest" / "refused" / "ipv4"
    here.mkdir(parents=True)
    (here / "result.json").write_text(text)
    with pytest.raises(LabError, match=said):
        report.write()


# --- pieces --------------------------------------------------------------------------


def test_caller_is_told_errnos_in_order_and_once() -> None:
    def call(name: str, errno_name: str = "", **more: Any) -> dict[str, Any]:
        return {**CALL, "call": name, "errno_name": errno_name, "value": 0, **more}

    assert report.got([call("send"), call("recv", "ECONNRESET"), call("send", "EPIPE")]) == [
        "ECONNRESET", "EPIPE",
    ]  # fmt: skip
    pending = call("getsockopt", value=113, reported="EHOSTUNREACH")
    waits = [call("connect", "EINPROGRESS"), call("poll"), pending]
    assert report.got(waits) == ["EHOSTUNREACH"]
    assert report.got([call("connect")]) == ["ok"]
    assert report.got([]) == []


def test_axis_is_logarithmic_and_bounded() -> None:
    assert [report.axis(ms) for ms in (0.01, 0.1, 1, 10_000, 1e6)] == [0, 0, 20, 100, 100]


def test_ladder_is_split_by_case() -> None:
    assert report.split_ladder("# a\nA1\nA2\n\n# b\nB\n") == {"a": "A1\nA2", "b": "B"}
    assert report.split_ladder("X\n") == {"": "X"}


# --- the drawing ---------------------------------------------------------------------


def rows(*wire: dict[str, Any]) -> list[sequence.Row]:
    return sequence.draw(wire, []).rows


X = {name: float(sequence.LEFT + n * sequence.STEP) for n, name in enumerate(VANTAGES)}


def test_packet_seen_at_every_vantage_is_one_arrow() -> None:
    (row,) = rows(*(sighting(at, n / 10) for n, at in enumerate(VANTAGES)))
    assert (row.x1, row.x2, row.stopped, row.forged) == (X["client"], X["server"], False, False)


def test_packet_that_got_no_further_is_crossed_where_it_ended() -> None:
    (row,) = rows(sighting("client", 0), sighting("router", 0.1))
    assert (row.x2, row.stopped) == (X["router"], True)
    (row,) = rows(sighting("client", 0))
    assert X["client"] < row.x2 < X["router"]
    assert row.stopped


def test_packet_in_another_hosts_name_is_marked_where_it_was_made() -> None:
    name = {"src": "server", "dst": "client", "flags": "R", "summary": "RST"}
    (row,) = rows(sighting("router", 0, **name), sighting("client", 0.1, **name))
    assert (row.kind, row.x1, row.forged) == ("rst", X["router"], True)


def test_retransmission_comes_after_a_silence() -> None:
    kinds = [(row.kind, row.text) for row in rows(sighting("client", 0), sighting("client", 1020))]
    assert kinds == [("syn", "SYN"), ("silence", "1.02 s"), ("syn", "SYN")]


def test_same_packets_in_a_burst_are_paired_in_order() -> None:
    """Full segments look alike; the first that left is the first that came."""
    wire = [
        sighting("client", 0),
        sighting("client", 1),
        sighting("router", 2),
        sighting("router", 3),
    ]
    groups = sequence.merge(wire)
    assert [[p["t_ms"] for p in group] for group in groups] == [[0, 2], [1, 3]]


def test_call_spans_what_happened_meanwhile() -> None:
    drawing = sequence.draw([sighting("client", 0.1)], [CALL])
    assert [row.kind for row in drawing.rows] == ["call", "syn", "return"]
    (bar,) = drawing.bars
    assert (bar.y1, bar.y2) == (drawing.rows[0].y, drawing.rows[-1].y)
    assert drawing.rows[-1].text == "ECONNREFUSED after 0.4 ms"
    assert drawing.height > drawing.rows[-1].y


STATES = [
    {"host": "client", "t_ms": 0.05, "socket": "client:40000 → server:16555", "state": "SYN-SENT"},
    {"host": "server", "t_ms": 0.5, "socket": "server:16555 → client:40000", "state": "SYN-RECV"},
]


def test_states_are_beside_their_hosts_in_order_of_time() -> None:
    wire = [sighting("client", 0.1), sighting("server", 0.2)]
    drawing = sequence.draw(wire, [], STATES)
    assert [(row.kind, row.text) for row in drawing.rows] == [
        ("state", "SYN-SENT"), ("syn", "SYN"), ("state", "SYN-RECV"),
    ]  # fmt: skip
    client, _syn, server = drawing.rows
    assert (client.x1, server.x1) == (X["client"], X["server"])
    assert client.x2 < client.x1
    assert server.x2 > server.x1
    assert drawing.margin
    assert not sequence.draw(wire, []).margin


def test_states_of_several_connections_have_numbers() -> None:
    other = {**STATES[0], "socket": "client:40001 → server:16555"}
    rows = sequence.draw([], [], [*STATES, other]).rows
    assert [row.text for row in rows] == ["1 SYN-SENT", "2 SYN-SENT", "1 SYN-RECV"]


def test_page_has_states_and_their_proofs() -> None:
    proof = Proof("state", "states of client", "ESTAB", "SYN-SENT", ok=False)
    text = page(refused(case(states=STATES, proofs=[proof])))
    assert re.search(r'class="state"[^>]*>SYN-RECV<', text)
    assert "states of client" in text
    assert 'class="state"' not in page(refused())


def test_long_exchange_is_cut_in_the_middle() -> None:
    drawing = sequence.draw([sighting("client", n, summary=f"{n} bytes") for n in range(100)], [])
    assert drawing.left_out == 100 - sequence.FIRST - sequence.LAST
    assert len(drawing.rows) <= sequence.FIRST + sequence.LAST + 1


def test_address_that_is_no_role_is_drawn_too() -> None:
    (row,) = rows(sighting("client", 0, dst="ff02::1:ff00:2", proto="nd", flags=""))
    assert row.x1 != row.x2
