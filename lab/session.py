"""Many runs over one or several labs, and what an interrupt does to them.

Runs happen in threads, a lab a thread, so that the main thread is free for
signals. On SIGINT or SIGTERM the calls under way are ended, every fault is taken
out, and then KeyboardInterrupt goes on to the command line.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from lab import lab as labs
from lab.errors import LabError
from lab.known import Facts, resolve
from lab.lab import Lab
from lab.result import CaseResult, Result, family_of
from lab.runner import Captured, run
from lab.scenario import Scenario
from lab.topology import Family

Job = tuple[Scenario, Family]
Report = Callable[[Result, Captured], None]
Runner = Callable[[Lab, Scenario, Family], "tuple[Result, Captured]"]
# What stands in a lab for all of its runs: a context manager.
Around = Callable[[Lab], "AbstractContextManager[None]"]


@dataclass
class Session:
    """The runs of one command.

    `runner` makes a run of a job; `around` is entered for each lab that is opened.
    """

    jobs: Sequence[Job]
    report: Report
    runner: Runner = field(default_factory=lambda: run)
    around: Around = field(default=lambda _lab: nullcontext())
    results: list[Result] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    _left: queue.SimpleQueue[Job] = field(default_factory=queue.SimpleQueue)
    _held: list[Lab] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _reporting: threading.Lock = field(default_factory=threading.Lock)

    def run(self, lab_names: Sequence[str]) -> list[Result]:
        """Run every job, each on whichever lab is free; return the results in order of jobs.

        Raises: the first error that a lab itself met, if nothing could be run at all;
        any other error (a result that could not be written); KeyboardInterrupt, when all
        is as it was.
        """
        # The slowest first: what takes seconds must not begin last.
        for job in sorted(self.jobs, key=_expected_s, reverse=True) if lab_names[1:] else self.jobs:
            self._left.put(job)
        workers = [_Worker(self._work, name) for name in lab_names[: len(self.jobs)]]
        with _signals_set(self._stop):
            for worker in workers:
                worker.start()
            while not all(worker.done.wait(timeout=0.02) for worker in workers):
                if self._stop.is_set():
                    self._end_calls()
            interrupted = self._stop.is_set()
        if interrupted:
            raise KeyboardInterrupt
        ours = [error for error in self.failures if not isinstance(error, LabError)]
        if ours or (self.failures and not self.results):
            raise (ours or self.failures)[0]
        self.results += [_not_run(job, self.failures) for job in self._jobs_left()]
        order = {_key(*job): n for n, job in enumerate(self.jobs)}
        return sorted(self.results, key=lambda r: order[r.scenario, r.host, family_of(r)])

    def _jobs_left(self) -> list[Job]:
        done = {(result.scenario, result.host, family_of(result)) for result in self.results}
        return [job for job in self.jobs if _key(*job) not in done]

    def _work(self, name: str) -> None:
        try:
            while not self._stop.is_set() and not self._left.empty():
                with labs.hold(name) as lab:
                    self._held.append(lab)
                    with self.around(lab):
                        self._run_on(lab)
        except LabError as error:
            if not self._stop.is_set():
                self.failures.append(error)
        except BaseException as error:
            self.failures.append(error)

    def _run_on(self, lab: Lab) -> None:
        """Run jobs until none is left, or until one leaves the lab not as it was."""
        while not self._stop.is_set():
            try:
                scenario, family = self._left.get_nowait()
            except queue.Empty:
                return
            result, captured = self.runner(lab, scenario, family)
            if self._stop.is_set():
                return  # What an interrupt cut short says nothing.
            with self._reporting:
                self.results.append(result)
                self.report(result, captured)
            if result.verdict == "invalid":
                return  # Open the lab again, which restores it.

    def _end_calls(self) -> None:
        """End the calls under way, so that the workers undo their faults and come back."""
        for lab in self._held:
            lab.abort()


def _key(scenario: Scenario, family: Family) -> tuple[str, str, Family]:
    """Return what tells a job from others."""
    return scenario.name, scenario.host, family


class _Worker(threading.Thread):
    """A thread that says when it is done: join() must not be interrupted (bpo-45274)."""

    def __init__(self, work: Callable[[str], None], name: str) -> None:
        super().__init__()
        self.done = threading.Event()
        self._do, self._lab_name = work, name

    def run(self) -> None:
        try:
            self._do(self._lab_name)
        finally:
            self.done.set()


def _not_run(job: Job, failures: Sequence[BaseException]) -> Result:
    """Return the result of a job that no lab was left for."""
    reason = f"not run: {failures[0]}" if failures else "not run"
    cases = [CaseResult(reason=reason)]
    return Result(job[0].name, job[1], lab="", cases=cases, host=job[0].host)


def _expected_s(job: Job) -> float:
    """Return a rough measure of how long a job takes: what its calls may take."""
    scenario, family = job
    cases = [resolve(case, Facts(family, {}, case.given)) for case in scenario.as_cases(family)]
    ranges = [call.wanted.within_s for case in cases for call in case.calls]
    return float(sum(within_s[1] for within_s in ranges if within_s))


@contextmanager
def _signals_set(event: threading.Event) -> Iterator[None]:
    """Let SIGINT and SIGTERM set an event for a while; a second one changes nothing."""
    old = {
        number: signal.signal(number, lambda *_: event.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def sibling_names(name: str, jobs: int) -> list[str]:
    """Return the labs that a command with `--jobs` uses: the lab, and its siblings."""
    return [name, *(f"{name}-{number}" for number in range(2, jobs + 1))]
