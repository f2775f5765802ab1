"""A run's folder holds all that was seen, and `runs/latest` is the newest."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lab import evidence
from lab.result import CaseResult, Result
from lab.runner import Captured
from lab.topology import VANTAGES
from tests.unit.packets import raw, tcp_bytes


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs"
    monkeypatch.setattr(evidence, "RUNS", folder)
    return folder


def result(*cases: CaseResult, family: str = "ipv4") -> Result:
    return Result("refused", family, "default", cases=list(cases), elapsed_ms=30.0)


def captured() -> Captured:
    found: Captured = {at: [] for at in VANTAGES}
    found["client"].append(raw(tcp_bytes(2)))
    return found


def test_latest_is_the_newest(runs: Path) -> None:
    first, second = evidence.new_folder(), evidence.new_folder()
    for folder in (first, second):
        evidence.write(folder, result(CaseResult(verdict="pass")), captured())
        assert (runs / "latest").resolve() == folder
    assert {path.name for path in runs.iterdir()} == {first.name, second.name, "latest"}


def test_latest_stays_while_a_command_has_no_result_yet(runs: Path) -> None:
    first = evidence.new_folder()
    evidence.write(first, result(CaseResult(verdict="pass")), captured())
    evidence.new_folder()
    assert (runs / "latest").resolve() == first


def test_folder_holds_result_ladder_and_captures() -> None:
    whole = CaseResult(verdict="pass", ladder="│──▶│\n")
    here = evidence.write(evidence.new_folder(), result(whole), captured())
    names = {path.name for path in here.iterdir()}
    assert names == {"result.json", "ladder.txt", "client.pcap", "router.pcap", "server.pcap"}
    assert here.parts[-2:] == ("refused", "ipv4")
    assert (here / "ladder.txt").read_text(encoding="utf-8") == "│──▶│\n"


def test_document_says_where_everything_is() -> None:
    run = result(CaseResult(verdict="pass"))
    here = evidence.write(evidence.new_folder(), run, captured())
    document = json.loads((here / "result.json").read_text(encoding="utf-8"))
    assert document == run.document()
    assert document["pcaps"]["client"] == "client.pcap"
    assert document["evidence"] == f"runs/{here.parent.parent.name}/refused/ipv4/"


def test_ladders_of_cases_carry_their_names() -> None:
    cases = [CaseResult(name, "pass", ladder=f"{name}!\n") for name in ("a", "b")]
    here = evidence.write(evidence.new_folder(), result(*cases), captured())
    assert (here / "ladder.txt").read_text() == "# a\na!\n\n# b\nb!\n"


def test_one_run_is_a_document_and_several_are_in_one() -> None:
    one = result(CaseResult(verdict="pass"))
    assert evidence.document([one], "pass") == one.document()
    two = evidence.document([one, result(family="ipv6")], "invalid")
    assert (two["verdict"], len(two["results"])) == ("invalid", 2)  # type: ignore[arg-type]


def test_junit_tells_failure_error_and_skip_apart(tmp_path: Path) -> None:
    cases = [CaseResult(v, v, f'why {v} "<&"') for v in ("pass", "fail", "invalid", "skip")]
    path = tmp_path / "deep" / "junit.xml"
    evidence.write_junit(path, [result(*cases)])
    suite = ElementTree.parse(path).getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "1")
    kinds = {case.get("name"): [child.tag for child in case] for case in suite}
    assert kinds == {
        "refused[ipv4].pass": [],
        "refused[ipv4].fail": ["failure"],
        "refused[ipv4].invalid": ["error"],
        "refused[ipv4].skip": ["skipped"],
    }
    assert suite[1][0].get("message") == 'why fail "<&"'
