"""What counts as a pass, and the shape of `result.json`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.result import VERDICTS, CaseResult, Controls, Proof, Result, exit_status, overall


def result(*verdicts: str, **changes: Any) -> Result:
    cases = [CaseResult(f"c{n}" if verdicts[1:] else "", v) for n, v in enumerate(verdicts)]
    return Result("refused", "ipv4", "default", cases=cases, **changes)


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        (("pass", "pass"), "pass"),
        (("pass", "skip"), "pass"),
        (("skip", "skip"), "skip"),
        (("pass", "fail", "skip"), "fail"),
        (("fail", "invalid", "pass"), "invalid"),
        ((), "invalid"),
    ],
)
def test_worst_case_stands_for_all(verdicts: tuple[str, ...], worst: str) -> None:
    """A run without a case proved nothing."""
    assert result(*verdicts).verdict == worst


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [(["pass", "skip"], 0), (["pass", "fail"], 1), (["fail", "invalid"], 2), ([], 0)],
)
def test_exit_status(verdicts: list[str], status: int) -> None:
    assert exit_status([result(verdict) for verdict in verdicts]) == status


def test_nothing_run_is_a_skip() -> None:
    assert overall([]) == "skip"
    assert overall([result("pass"), result("fail")]) == "fail"


def test_reason_is_that_of_the_worst_cases() -> None:
    found = result("pass", "fail", "skip")
    for case, reason in zip(found.cases, ("", "wanted 1, got 2", "no netem")):
        case.reason = reason
    assert found.reason == "c1: wanted 1, got 2"


def test_case_is_not_a_pass_until_somebody_says_so() -> None:
    assert CaseResult().verdict == "invalid"
    assert Controls().troubles()


@pytest.mark.parametrize("name", ["before", "after", "bystander", "baseline_restored"])
def test_each_control_can_make_a_run_invalid(name: str) -> None:
    fine = {"before": "ok", "after": "ok", "bystander": "ok", "baseline_restored": True}
    assert Controls(**fine).troubles() == []  # type: ignore[arg-type]
    assert len(Controls(**{**fine, name: ""}).troubles()) == 1  # type: ignore[arg-type]


KEYS = {
    "schema", "scenario", "family", "lab", "verdict", "reason", "kernel", "engine", "started",
    "elapsed_ms", "fault", "calls", "wire", "counters", "controls", "proofs", "pcaps",
}  # fmt: skip


def test_single_case_has_the_agreed_keys_at_the_top() -> None:
    found = result("pass")
    found.cases[0].proofs = [Proof("call", "connect", "ok", "ok", True)]
    document = found.document()
    assert set(document) >= KEYS
    assert "cases" not in document
    assert document["schema"] == 1
    assert set(document["controls"]) == {"before", "after", "bystander", "baseline_restored"}
    assert document["proofs"][0] == {
        "kind": "call", "what": "connect", "wanted": "ok", "got": "ok", "ok": True,
    }  # fmt: skip


def test_states_are_there_only_where_they_were_asked_for() -> None:
    found = result("pass", "pass")
    row = {"host": "client", "t_ms": 0.1, "socket": "a → b", "state": "ESTAB"}
    found.cases[0].states = [row]
    first, second = found.document()["cases"]
    assert first["states"] == [row]
    assert "states" not in second


def test_several_cases_each_have_their_own() -> None:
    found = result("pass", "fail")
    found.cases[1].proofs = [Proof("wire", "SYN", "1", "2", False)]
    document = found.document()
    assert [case["name"] for case in document["cases"]] == ["c0", "c1"]
    assert document["proofs"] == document["cases"][1]["proofs"]
    assert document["verdict"] == "fail"


def test_document_is_json_and_leaves_the_drawing_to_its_file() -> None:
    text = json.dumps(result("pass").document())
    assert "ladder" not in text


def test_verdicts_are_the_four() -> None:
    assert set(VERDICTS) == {"pass", "fail", "invalid", "skip"}
