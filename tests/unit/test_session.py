"""Many runs over several labs, and what an interrupt or a broken lab does to them."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from lab import Case, Scenario, connect, given, session, syn_timeout
from lab.errors import HostLost, LabBusy
from lab.result import CaseResult, Controls, Result
from lab.runner import Captured
from lab.session import Session, sibling_names

GOOD = Controls("ok", "ok", "ok", baseline_restored=True)
FAST = Scenario(name="fast", calls=[connect(on="client", to="server")])
OTHER = Scenario(name="other", calls=[connect(on="client", to="server")])
SLOW = Scenario(
    name="slow",
    calls=[connect(on="client", to="server").fails("ETIMEDOUT", within_s=syn_timeout(retries=1))],
)
JOBS: list[session.Job] = [(FAST, "ipv4"), (FAST, "ipv6"), (SLOW, "ipv4"), (OTHER, "ipv4")]


class Labs:
    """Labs without an engine: what was opened, closed and run, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[str] = []
        self.open: set[str] = set()
        self.ran: list[tuple[str, str, str]] = []
        self.reported: list[str] = []
        self.aborted = threading.Event()
        self.opening_s = 0.0
        self.running: Callable[[str, str], CaseResult] = lambda *_: CaseResult(
            "", "pass", controls=GOOD
        )
        monkeypatch.setattr("lab.session.labs.hold", self.hold)
        monkeypatch.setattr("lab.session.run", self.run)

    @contextlib.contextmanager
    def hold(self, name: str) -> Iterator[Any]:
        self.opened.append(name)
        self.open.add(name)
        self.aborted.wait(self.opening_s)
        try:
            yield SimpleNamespace(name=name, kernel="6", abort=self.aborted.set)
        finally:
            self.open.remove(name)

    def run(self, lab: Any, scenario: Scenario, family: str) -> tuple[Result, Captured]:
        self.ran.append((lab.name, scenario.name, family))
        case = self.running(scenario.name, family)
        return Result(scenario.name, family, lab.name, cases=[case]), {}

    def session(self, jobs: list[session.Job] = JOBS) -> Session:
        return Session(jobs, lambda result, _captured: self.reported.append(result.scenario))


@pytest.fixture
def labs(monkeypatch: pytest.MonkeyPatch) -> Labs:
    return Labs(monkeypatch)


def test_one_lab_runs_all_in_order(labs: Labs) -> None:
    results = labs.session().run(["a"])
    assert [(r.scenario, r.family) for r in results] == [(s.name, f) for s, f in JOBS]
    assert labs.reported == ["fast", "fast", "slow", "other"]
    assert (labs.opened, labs.open) == (["a"], set())


def test_several_labs_begin_with_the_slowest_and_keep_the_order(labs: Labs) -> None:
    together = threading.Barrier(2, timeout=5)
    seen: set[str] = set()

    def running(_name: str, _family: str) -> CaseResult:
        # Both labs are at work at once, or the barrier breaks.
        if len(seen) < 1:
            together.wait()
        seen.add("both")
        return CaseResult("", "pass", controls=GOOD)

    labs.running = running
    results = labs.session().run(["a", "b"])
    assert [r.scenario for r in results] == ["fast", "fast", "slow", "other"]
    assert "slow" in {name for _, name, _ in labs.ran[:2]}
    assert {lab for lab, _, _ in labs.ran} == {"a", "b"}


def test_how_long_a_job_takes_depends_on_what_its_cases_are_given(labs: Labs) -> None:
    """And on the family that has them; the slowest begins."""
    call = connect(on="client", to="server")
    cases = [
        Case("four", family="ipv4", given={"s": 1.0}),
        Case("six", family="ipv6", given={"s": 9.0}),
    ]
    calls = [call.fails("ETIMEDOUT", within_s=(0.0, given("s")))]
    apart = Scenario(name="apart", calls=calls, cases=cases)
    jobs: list[session.Job] = [(FAST, "ipv4"), (apart, "ipv4"), (SLOW, "ipv4"), (apart, "ipv6")]
    began = threading.Barrier(2, timeout=5)
    first: list[tuple[str, str]] = []

    def running(name: str, family: str) -> CaseResult:
        if len(first) < 2:
            first.append((name, family))
            began.wait()
        return CaseResult("", "pass", controls=GOOD)

    labs.running = running
    labs.session(jobs).run(["a", "b"])
    assert sorted(first) == [("apart", "ipv6"), ("slow", "ipv4")]


def test_no_more_labs_are_opened_than_there_are_jobs(labs: Labs) -> None:
    # Slow enough to open that the others would find the job still there.
    labs.opening_s = 0.05
    labs.session(JOBS[:1]).run(["a", "b", "c"])
    assert labs.opened == ["a"]


def test_lab_that_was_not_restored_is_opened_anew(labs: Labs) -> None:
    """Opening it brings it back to its baseline."""

    def running(name: str, family: str) -> CaseResult:
        bad = (name, family) == ("fast", "ipv6")
        return CaseResult("", "invalid" if bad else "pass", controls=Controls() if bad else GOOD)

    labs.running = running
    results = labs.session().run(["a"])
    assert labs.opened == ["a", "a"]
    assert [r.verdict for r in results] == ["pass", "invalid", "pass", "pass"]


def test_lab_is_not_opened_anew_for_a_skip(labs: Labs) -> None:
    labs.running = lambda *_: CaseResult("", "skip", "no netem")
    labs.session().run(["a"])
    assert labs.opened == ["a"]


def test_jobs_that_no_lab_is_left_for_are_invalid_and_the_others_stand(labs: Labs) -> None:
    def running(name: str, _family: str) -> CaseResult:
        if name == "slow":
            raise HostLost("router: its channel closed")
        return CaseResult("", "pass", controls=GOOD)

    labs.running = running
    results = labs.session().run(["a"])
    assert [r.verdict for r in results] == ["pass", "pass", "invalid", "invalid"]
    assert results[2].reason == "not run: router: its channel closed"


def test_jobs_that_were_not_run_keep_the_host_that_they_are_for(labs: Labs) -> None:
    moved = replace(OTHER, host="windows")

    def run(lab: Any, scenario: Scenario, family: str) -> tuple[Result, Captured]:
        if scenario.host == "windows":
            raise HostLost("router: its channel closed")
        return labs.run(lab, scenario, family)

    jobs: list[session.Job] = [(OTHER, "ipv4"), (moved, "ipv4"), (moved, "ipv6")]
    made = Session(jobs, lambda *_: None, runner=run)
    assert [(r.host, r.verdict) for r in made.run(["a"])] == [
        ("client", "pass"), ("windows", "invalid"), ("windows", "invalid")
    ]  # fmt: skip


def test_lab_that_cannot_be_opened_is_an_error(labs: Labs, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def busy(_name: str) -> Iterator[Any]:
        raise LabBusy("lab a is in use")
        yield

    monkeypatch.setattr("lab.session.labs.hold", busy)
    with pytest.raises(LabBusy, match="in use"):
        labs.session().run(["a"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_calls_undoes_and_goes_on(labs: Labs, number: signal.Signals) -> None:
    """The call under way hangs until it is aborted; no further run begins."""

    def running(_name: str, _family: str) -> CaseResult:
        os.kill(os.getpid(), number)
        labs.aborted.wait(timeout=5)
        raise HostLost("the caller was ended")

    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    labs.running = running
    with pytest.raises(KeyboardInterrupt):
        labs.session().run(["a"])
    assert labs.aborted.is_set()
    assert labs.open == set()
    assert len(labs.ran) == 1
    assert {n: signal.getsignal(n) for n in handlers} == handlers


def test_siblings_are_numbered_from_two() -> None:
    assert sibling_names("mine", 1) == ["mine"]
    assert sibling_names("mine", 3) == ["mine", "mine-2", "mine-3"]
