"""The verdict on a claim follows from what the cases say that speak of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab import claims, scenario
from lab.claims import Bound, Judged, Outcome
from lab.known import AS_IT_COMES, Facts, given, per_family, resolve, since
from lab.scenario import Case, Scenario
from lab.tutorial import CLAIMS, VERDICTS


def judged(*said: tuple[str, str], claim: str = "C59") -> Judged:
    """Return a claim of which cases say something, each with its outcome."""
    bound = [Bound("some", f"case{n}", "ipv4", says, outcome) for n, (says, outcome) in
             enumerate(said)]  # fmt: skip
    return Judged(CLAIMS[claim], bound)


@pytest.mark.parametrize(
    ("says", "verdict"),
    [
        (["true", "true"], "true"),
        (["wrong"], "wrong"),
        (["true", "wrong"], "imprecise"),
        (["wrong", "true", "not here"], "imprecise"),
        (["not here"], "not on this system"),
        (["true", "not here"], "true"),
    ],
)
def test_what_cases_say_together_is_the_verdict(says: list[str], verdict: str) -> None:
    assert claims.verdict(says) == verdict
    assert verdict in VERDICTS


def test_a_claim_without_a_case_has_no_verdict() -> None:
    assert judged().trouble == "no case speaks of it"
    assert not judged().ok
    assert judged().seen == ""


@pytest.mark.parametrize("outcome", ["fail", "invalid", "not run"])
def test_a_case_that_did_not_pass_leaves_the_claim_open(outcome: str) -> None:
    one = judged(("wrong", "pass"), ("wrong", outcome))
    assert one.trouble == f"{outcome}: some.case1 (ipv4)"
    assert (one.ok, one.seen) == (False, "")


def test_a_verdict_that_changed_is_not_ok() -> None:
    assert CLAIMS["C59"].verdict == "wrong"
    assert judged(("wrong", "pass")).ok
    assert not judged(("true", "pass")).ok


def test_what_this_system_cannot_show_is_not_held_against_it() -> None:
    one = judged(("wrong", "skip"), ("true", "pass"), claim="C52")
    assert CLAIMS["C52"].verdict == "imprecise"
    assert one.skipped
    assert one.ok


def test_where_all_that_could_run_was_skipped_a_claim_is_not_of_this_system() -> None:
    """So are those on Windows where there is no Wine for the processor."""
    one = judged(("wrong", "skip"), ("not here", "pass"))
    assert (one.seen, one.ok) == ("not on this system", True)
    assert not judged(("not here", "pass")).ok


def test_what_passed_may_not_contradict_the_verdict_though_some_was_skipped() -> None:
    assert not judged(("wrong", "skip"), ("true", "pass")).ok


def test_a_claim_whose_cases_were_all_skipped_has_no_evidence() -> None:
    one = judged(("wrong", "skip"))
    assert one.trouble == "every case was skipped: some.case0 (ipv4)"
    assert not one.ok


def test_a_mark_that_was_edited_since_the_run_was_not_run() -> None:
    one = Scenario("one", claims={"C59": "wrong"}, family="ipv4")
    for claims_then in ({}, {"C59": "true"}):
        ran = {("one", "ipv4"): {"": Outcome("pass", claims_then)}}
        (found,) = (c for c in claims.judge([one], ran) if c.claim.id == "C59")
        assert found.trouble == "not run since it changed: one (ipv4)"


def test_what_depends_on_the_kernel_is_as_the_run_found_it() -> None:
    one = Scenario("one", claims={"C59": since((5, 4), then="wrong", before="true")}, family="ipv4")
    ran = {("one", "ipv4"): {"": Outcome("pass", {"C59": "true"})}}
    (found,) = (c for c in claims.judge([one], ran) if c.claim.id == "C59")
    assert [b.says for b in found.bound] == ["true"]


def test_a_case_may_say_another_thing_in_each_family() -> None:
    differs = per_family(ipv4="true", ipv6="wrong")
    one = Scenario("one", claims={"C59": differs}, cases=[
        Case(), Case("b", claims={"C60": given("it")}, given={"it": "not here"}, family="ipv6"),
    ])  # fmt: skip
    assert list(claims.said(one)) == [
        ("ipv4", "", "C59", "true"), ("ipv6", "", "C59", "wrong"), ("ipv6", "b", "C60", "not here"),
    ]  # fmt: skip
    ran = {("one", "ipv4"): {"": Outcome("pass", {"C59": "true"})}}
    (found,) = (c for c in claims.judge([one], ran) if c.claim.id == "C59")
    assert [(b.family, b.says, b.outcome) for b in found.bound] == [
        ("ipv4", "true", "pass"), ("ipv6", "wrong", "not run"),
    ]  # fmt: skip


def test_the_newest_run_of_each_family_counts(tmp_path: Path) -> None:
    for stamp, verdict, families in (("20260101T", "fail", ("ipv4", "ipv6")),
                                     ("20260102T", "pass", ("ipv4",))):  # fmt: skip
        for family in families:
            folder = tmp_path / stamp / "refused" / family
            folder.mkdir(parents=True)
            (folder / "result.json").write_text(json.dumps({"verdict": verdict}))
    folders = [tmp_path / "20260102T", tmp_path / "20260101T"]
    assert claims.newest(["refused", "other"], folders) == {
        ("refused", "ipv4"): {"": Outcome("pass", {})},
        ("refused", "ipv6"): {"": Outcome("fail", {})},
    }


def test_cases_of_a_run_are_judged_by_name() -> None:
    document = {"verdict": "fail", "cases": [{"name": "a", "verdict": "pass"},
                                             {"name": "b", "verdict": "fail"}]}  # fmt: skip
    assert claims.outcomes_of(document) == {"a": Outcome("pass", {}), "b": Outcome("fail", {})}


LOADED = [scenario.load(name) for name in scenario.names()]


@pytest.mark.parametrize("claim", CLAIMS)
def test_cases_that_pass_would_give_each_claim_its_verdict(claim: str) -> None:
    """The scenarios bind every claim so that its verdict comes out if all of them pass."""
    outcomes: dict[tuple[str, str], dict[str, Outcome]] = {
        (one.name, family): {
            case.name: Outcome("pass", resolve(case.claims, Facts(family, AS_IT_COMES, case.given)))
            for case in one.as_cases(family)
        }
        for one in LOADED
        for family in one.families
    }
    (one,) = (one for one in claims.judge(LOADED, outcomes) if one.claim.id == claim)
    assert one.trouble == ""
    assert one.seen == one.claim.verdict
