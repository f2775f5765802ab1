"""The table of errno and WSA code: what is kept of two runs, its rows, its page, the command."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from rich.console import Console

from lab import (
    atlas,
    callers,
    console,
    engine,
    evidence,
    images,
    moving,
    real_windows,
    shell,
    side_by_side,
    windows,
    windows_page,
    winsock,
)
from lab import lab as labs
from lab import scenario as scenarios
from lab.calls import number_of
from lab.errors import ImageError, NotForThisMachine
from lab.result import CaseResult, Controls, Result
from lab.scenario import Scenario
from lab.session import Session
from lab.side_by_side import NO_ERROR, Row
from lab.topology import FAMILIES
from lab.windows_page import HOST, OTHER, Document

LINUX = {"host": "client"}
WINSOCK = {"host": HOST}


def call(name: str = "connect", errno: str = "", ms: float = 0.4, **more: Any) -> Document:
    """A call as `result.json` has it, but for its host."""
    return {"call": name, "args": [], "value": -1 if errno else 0, "errno": 1 if errno else 0,
            "errno_name": errno, "elapsed_ms": ms, **more}  # fmt: skip


def pairs(linux: Sequence[Document], winsock: Sequence[Document]) -> list[Document]:
    """What is kept of two runs of a scenario without cases."""
    return side_by_side.pairs(
        {"calls": [{**one, **LINUX} for one in linux]},
        {"calls": [{**one, **WINSOCK} for one in winsock]}, HOST, "client",
    )  # fmt: skip


def entry(linux: str, winsock: str, *, case: str = "", ms: float = 0.4, call: str = "connect",
          limit: str = "") -> Document:  # fmt: skip
    return {
        "case": case, "call": call, "linux": side(linux, ms),
        "windows": side(winsock, ms * 2) | ({"limit": limit} if limit else {}),
    }  # fmt: skip


def side(came: str, ms: float) -> Document:
    return {"came": came, "number": number_of(came), "ms": ms}


REFUSED = entry("ECONNREFUSED", "WSAECONNREFUSED")


def document(**found: Mapping[str, Any]) -> Document:
    """What was measured of scenarios: the entries of each family."""
    made = {name: {"measured": "2026-11-28", "runs": runs} for name, runs in found.items()}
    return {"schema": 1, "kernel": "6.18", "engine": "Docker", "wine": "wine-8.0",
            "images": {"host": "errnolab/host:1"}, "scenarios": made}  # fmt: skip


@pytest.fixture(scope="module")
def every() -> list[Scenario]:
    """All scenarios."""
    return scenarios.load_many(scenarios.names())


@pytest.fixture(scope="module")
def some() -> list[Scenario]:
    """Some that apply, and some that do not."""
    return scenarios.load_many(["refused", "reset", "interrupted", "headers", "echo"])


def lines(page: str, title: str) -> list[str]:
    """The lines of the table under a title."""
    part = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [line for line in part.splitlines() if line.startswith("| ")][2:]


# --- What is kept -----------------------------------------------------------------------


def test_calls_that_failed_are_kept_with_name_number_and_time() -> None:
    (kept,) = pairs([call(errno="ECONNREFUSED")], [call(errno="WSAECONNREFUSED", ms=0.62)])
    assert kept["linux"] == {"came": "ECONNREFUSED", "number": 111, "ms": 0.4}
    assert kept["windows"] == {"came": "WSAECONNREFUSED", "number": 10061, "ms": 0.62}


def test_what_comes_as_the_value_of_so_error_is_kept_by_its_name() -> None:
    asked: Document = {"name": "getsockopt", "args": ["SO_ERROR"]}
    (kept,) = pairs([call(**asked, value=111, reported="ECONNREFUSED")],
                    [call(**asked, value=10061, reported="WSAECONNREFUSED")])  # fmt: skip
    assert kept["call"] == "SO_ERROR"
    assert (kept["linux"]["number"], kept["windows"]["number"]) == (111, 10061)


def test_of_a_case_in_which_nothing_fails_the_last_call_is_kept() -> None:
    kept = pairs([call(), call("recv", value=5)], [call(), call("recv", value=5)])
    assert [one["call"] for one in kept] == ["recv"]


def test_calls_of_other_hosts_are_left_out() -> None:
    """They are made by Linux in both runs."""
    server = {**call("accept", errno="EAGAIN"), "host": "server"}
    linux = {"calls": [server, {**call(), **LINUX}]}
    kept = side_by_side.pairs(linux, {"calls": [server, {**call(), **WINSOCK}]}, HOST, "client")
    assert [one["call"] for one in kept] == ["connect"]


def test_a_call_that_is_not_made_on_windows_has_no_pair() -> None:
    linux = [call(), call("state", value=7), call("recv", errno="ECONNRESET"), call("close")]
    (kept,) = pairs(linux, [call(), call("recv", errno="WSAECONNRESET"), call("close")])
    assert (kept["call"], kept["linux"]["came"]) == ("recv", "ECONNRESET")
    assert kept["windows"]["came"] == "WSAECONNRESET"


def test_what_select_tells_is_kept_where_it_differs() -> None:
    linux = call("select", value=2, detail="readable|writable")
    (kept,) = pairs([linux], [call("select", value=1, detail="exceptional")])
    assert (kept["linux"]["came"], kept["windows"]["came"]) == ("readable|writable", "exceptional")
    assert pairs([linux, call()], [linux, call()])[0]["call"] == "connect"


def test_a_limit_that_was_met_is_kept_with_the_call() -> None:
    (kept,) = pairs([call("recv", errno="ECONNRESET")], [call("recv", limit="reset")])
    assert kept["windows"]["limit"] == "reset"


def test_cases_are_paired_by_name_and_one_that_was_skipped_has_nothing() -> None:
    def run(host: Document, *names: str, skipped: str = "") -> Document:
        return {"cases": [
            {"name": name, "calls": [] if name == skipped else [{**call(errno="EPERM"), **host}]}
            for name in names
        ]}  # fmt: skip

    kept = side_by_side.pairs(run(LINUX, "a", "b", "c"), run(WINSOCK, "c", "b", "a", skipped="b"),
                              HOST, "client")  # fmt: skip
    assert [one["case"] for one in kept] == ["a", "c"]


# --- Rows -------------------------------------------------------------------------------


def test_cases_with_the_same_outcome_are_one_row_with_a_range_of_times() -> None:
    runs = {"ipv4": [entry("ECONNREFUSED", "WSAECONNREFUSED", case=name, ms=ms)
                     for name, ms in (("3_2", 0.25), ("3_3", 1500.0), ("late", 0.5))]
            + [entry("EHOSTUNREACH", "WSAEHOSTUNREACH", case="3_1")]}  # fmt: skip
    refused, other = side_by_side.rows("icmp", runs)
    assert refused.where == "late, ICMP 3/2, 3/3"
    assert other.where == "ICMP 3/1"
    assert refused.time("linux") == "0.25 ms to 1.50 s"
    assert refused.time("windows") == "0.5 ms to 3.00 s"
    assert refused.time("windows", ["ipv6"]) == ""


def test_a_range_says_its_unit_once_and_one_time_stands_alone() -> None:
    one, more = REFUSED, entry("ECONNREFUSED", "WSAECONNREFUSED", ms=0.7)
    assert side_by_side.rows("x", {"ipv4": [one]})[0].time("linux") == "0.4 ms"
    assert side_by_side.rows("x", {"ipv4": [one, more]})[0].time("linux") == "0.4 to 0.7 ms"


def test_all_cases_of_the_families_need_not_be_named() -> None:
    both = [entry("EPERM", "WSAEACCES", case=name) for name in "ab"]
    (whole,) = side_by_side.rows("x", {"ipv4": both, "ipv6": both[:1]})
    assert whole.where == ""
    part, _ = side_by_side.rows("x", {"ipv4": both, "ipv6": [both[0], entry("EIO", "", case="c")]})
    assert part.where == "IPv4: a, b; IPv6: a"


def test_values_are_told_only_beside_an_error() -> None:
    (fine,) = side_by_side.rows("x", {"ipv4": [entry("value 5", "value 7")]})
    assert (fine.linux, fine.windows) == (NO_ERROR, NO_ERROR)
    (odd,) = side_by_side.rows("x", {"ipv4": [entry("ECONNRESET", "")]})
    assert (odd.linux, odd.windows) == ("ECONNRESET", "value 0")
    (told,) = side_by_side.rows("x", {"ipv4": [entry("ECONNRESET", "", call="SO_ERROR")]})
    assert told.windows == NO_ERROR


@pytest.mark.parametrize(
    ("linux", "windows", "alike"),
    [
        ("ECONNREFUSED", "WSAECONNREFUSED", True),
        (NO_ERROR, NO_ERROR, True),
        ("EAGAIN", "WSAEWOULDBLOCK", True),
        ("EAGAIN", "WSAETIMEDOUT", False),
        ("EINPROGRESS", "WSAEWOULDBLOCK", False),
        ("ECONNRESET", "value 0", False),
        ("value 0", "WSAEMSGSIZE", False),
    ],
)
def test_codes_are_alike_if_they_mean_the_same(linux: str, windows: str, alike: bool) -> None:
    row = Row("x", "recv", linux, windows)
    assert row.alike is alike
    assert (OTHER in windows_page.marks(row)) is not alike


# --- The page ---------------------------------------------------------------------------


def test_the_page_is_what_was_measured(every: list[Scenario]) -> None:
    made = windows_page.page(windows_page.load(), every)
    assert windows_page.PAGE.read_text(encoding="utf-8") == made, "run `make docs`"


def test_the_json_is_as_it_is_written() -> None:
    text = windows_page.DOCUMENT.read_text(encoding="utf-8")
    assert windows.written(windows_page.load()) == text


def test_the_table_has_every_scenario_that_applies() -> None:
    applying = {one.name for one in moving.load_all(HOST, FAMILIES, slow=True)}
    assert {*windows_page.load()["scenarios"]} == applying, "run `make windows`"


def test_the_table_has_every_case_that_applies() -> None:
    for one in moving.load_all(HOST, FAMILIES, slow=True):
        for family, kept in windows_page.load()["scenarios"][one.name]["runs"].items():
            names = {case.name for case in one.as_cases(family)}
            assert {entry["case"] for entry in kept} <= names, (
                f"run `make windows NAMES={one.name}`"
            )


def test_a_row_of_the_page_has_codes_with_numbers_and_times_of_both_families(
    some: list[Scenario],
) -> None:
    runs = {"ipv4": [REFUSED], "ipv6": [entry("ECONNREFUSED", "WSAECONNREFUSED", ms=2.0)]}
    page = windows_page.page(document(refused=runs), some)
    (line,) = lines(page, "The service or its host's settings")
    assert line == (
        "| [`refused`](../scenarios/refused.py) | connect |  | ECONNREFUSED (111) |"
        " WSAECONNREFUSED (10061) | 0.4 ms, 0.8 ms | 2 ms, 4 ms |  |"
    )


def test_the_page_marks_other_codes_and_limits(some: list[Scenario]) -> None:
    runs = {"ipv4": [entry("ECONNRESET", "", call="recv", limit="reset")]}
    (line,) = lines(
        windows_page.page(document(refused=runs), some), "The service or its host's settings"
    )
    assert line.endswith(f"| - | {OTHER} (reset) |")


def test_the_page_has_each_limit_by_its_name_in_results(some: list[Scenario]) -> None:
    page = windows_page.page(document(refused={"ipv4": [REFUSED]}), some)
    for name, why in callers.limits([HOST]).items():
        assert f"- `{name}`: {why}." in page


def test_each_difference_of_windows_has_a_source(some: list[Scenario]) -> None:
    page = windows_page.page(document(refused={"ipv4": [REFUSED]}), some)
    for one in real_windows.DIFFERENCES:
        assert one.sources
        assert all(source.url.startswith("https://") for source in one.sources)
        assert one.text in page
    named = {word.strip(",.;:()") for one in real_windows.DIFFERENCES for word in one.text.split()}
    assert all(map(winsock.number_of, (name for name in named if name.startswith("WSAE"))))


def test_the_page_counts_what_does_not_apply(some: list[Scenario]) -> None:
    page = windows_page.page(document(refused={"ipv4": [REFUSED]}), some)
    every = [why for one in some
             for _, why in moving.judged(one, HOST, FAMILIES) if why]  # fmt: skip
    rows = [line.split(" | ") for line in lines(page, "What does not apply")]
    assert sum(int(row[1]) for row in rows) == len(every)
    assert [int(row[1]) for row in rows] == sorted((int(row[1]) for row in rows), reverse=True)


def test_the_table_is_by_cause(some: list[Scenario]) -> None:
    page = windows_page.page(document(refused={"ipv4": [REFUSED]}, reset={"ipv4": [REFUSED]}), some)
    causes = [*atlas.by_cause(scenarios.load_many(["refused", "reset"]))]
    titles = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert [title for title in titles if title.lower() in map(str.lower, causes)] == [
        cause[0].upper() + cause[1:] for cause in causes
    ]


# --- The command ------------------------------------------------------------------------


class Fake:
    """The lab, the image and the files, without an engine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
        self.bad: dict[tuple[str, str, str], str] = {}
        self.ran: list[tuple[str, str, str]] = []
        self.json, self.page = tmp_path / "windows.json", tmp_path / "windows.md"
        for module in (windows, windows_page):
            monkeypatch.setattr(module, "DOCUMENT", self.json)
        monkeypatch.setattr(windows_page, "PAGE", self.page)
        monkeypatch.setattr(engine, "ensure", Engine)
        monkeypatch.setattr(images, "ensure_guest", lambda *_: "errnolab/windows:1")
        monkeypatch.setattr(images, "host_tag", lambda: "errnolab/host:1")
        monkeypatch.setattr(labs, "prepare", lambda: None)
        monkeypatch.setattr(shell, "run", lambda _argv: "wine-8.0 (Debian)\n")
        monkeypatch.setattr(evidence, "write", lambda *_: None)

    def run(self, session: Session) -> list[Result]:
        results = []
        for scenario, family in session.jobs:
            self.ran.append((scenario.name, family, scenario.host))
            errno = "ECONNREFUSED" if scenario.host == "client" else "WSAECONNREFUSED"
            verdict = self.bad.get(self.ran[-1], "pass")
            case = CaseResult(
                "", verdict, "why" if verdict != "pass" else "",
                calls=[{**call(errno=errno), "host": scenario.host}], controls=Controls(),
            )  # fmt: skip
            results.append(Result(scenario.name, family, "x", cases=[case], host=scenario.host))
            session.results.append(results[-1])
            session.report(results[-1], {})
        return results

    def known(self) -> Document:
        found: Document = json.loads(self.json.read_text())
        return found


class Engine:
    """What is asked of an engine."""

    name, version, cli = "Docker", "20", "docker"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Fake:
    made = Fake(monkeypatch, tmp_path)
    monkeypatch.setattr(Session, "run", lambda session, _names: made.run(session))
    return made


def keep(fake: Fake, **found: Any) -> None:
    fake.json.write_text(windows.written(document(**found)))


def test_each_scenario_is_run_from_both_hosts_in_both_families(fake: Fake) -> None:
    keep(fake)
    assert windows.command(["refused"], 1, "mine", write=True) == 0
    assert fake.ran == [("refused", family, host) for family in FAMILIES
                        for host in ("client", HOST)]  # fmt: skip


def test_the_terminal_shows_10061_beside_111(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "out", Console(width=100))
    windows.command(["refused"], 1, "mine", write=True)
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "connect" in one]
    assert "ECONNREFUSED (111)" in line
    assert "WSAECONNREFUSED (10061)" in line


def test_named_scenarios_are_put_into_what_is_known(fake: Fake) -> None:
    keep(fake, reset={"ipv4": [REFUSED]}, refused={"ipv4": []}, gone={"ipv4": [REFUSED]})
    windows.command(["refused"], 1, "mine", write=True)
    assert [*fake.known()["scenarios"]] == ["refused", "reset"]
    assert fake.known()["scenarios"]["refused"]["runs"]["ipv6"][0]["linux"]["number"] == 111
    assert fake.known()["wine"] == "wine-8.0 (Debian)"
    assert fake.page.is_file()


def test_named_scenarios_alone_are_no_table(fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    windows.command(["refused"], 1, "mine", write=True)
    assert not fake.json.exists()
    assert "is not there yet" in capsys.readouterr().err


@pytest.mark.parametrize(("verdict", "status"), [("fail", 1), ("skip", 0), ("invalid", 2)])
def test_what_did_not_pass_is_told_and_not_kept(
    fake: Fake, capsys: pytest.CaptureFixture[str], verdict: str, status: int
) -> None:
    keep(fake, refused={"ipv4": [REFUSED]})
    fake.bad["refused", "ipv6", HOST] = verdict
    assert windows.command(["refused", "reset"], 1, "mine", write=True) == status
    assert f"{verdict}: refused (ipv6) from windows: why" in capsys.readouterr().err
    assert fake.known()["scenarios"]["refused"]["runs"] == {"ipv4": [REFUSED]}
    assert {*fake.known()["scenarios"]} == {"refused", "reset"}


@pytest.mark.parametrize(
    ("error", "said", "status"),
    [
        (ImageError("no disk"), "errnolab: no disk", 2),
        (NotForThisMachine("for amd64"), "skip: for amd64", 0),
        (KeyboardInterrupt(), "nothing is written", 130),
    ],
)
def test_without_the_image_nothing_is_run(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    error: BaseException, said: str, status: int,
) -> None:  # fmt: skip
    def refuse(*_: object) -> str:
        raise error

    monkeypatch.setattr(images, "ensure_guest", refuse)
    with pytest.raises(SystemExit) as ended:
        windows.main(["refused"], standalone_mode=False)
    assert ended.value.code == status
    assert said in capsys.readouterr().err
    assert not (fake.ran or fake.json.exists())


def test_the_json_has_a_line_for_each_call() -> None:
    whole = document(refused={"ipv4": [REFUSED, REFUSED], "ipv6": [REFUSED]})
    text = windows.written(whole)
    assert json.loads(text) == whole
    assert [line.count('"windows": {"came"') for line in text.splitlines()].count(1) == 3


def test_scenarios_that_are_named_are_shown_and_not_written(fake: Fake) -> None:
    keep(fake, refused={"ipv4": [REFUSED]})
    before = fake.json.read_text()
    with pytest.raises(SystemExit) as ended:
        windows.main(["refused"], standalone_mode=False)
    assert ended.value.code == 0
    assert fake.ran
    assert fake.json.read_text() == before
