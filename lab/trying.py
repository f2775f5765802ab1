"""`errnolab try`: a program of the user's, in health and under each fault that it can meet.

Health comes first: it shows which ports of the server the program talks to, and at those
the faults are aimed. Each row is a run like any other, with the program in the place of a
scenario's calls: captures, hits, controls, bystander and undo are the runner's.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab import breaking, callers, evidence, rows, servers, trace, try_table
from lab import lab as labs
from lab.attempts import Attempt, attempts
from lab.errors import CannotAim, LabError
from lab.expecting import Expectation
from lab.lab import Lab
from lab.program import DOES_NOT_APPLY, Outcome, Program
from lab.proofs import Observation, incomplete, prove_hits
from lab.result import CaseResult, Proof, Result, family_of
from lab.rows import HEALTH, Row, Service
from lab.runner import Captured, run
from lab.scenario import Case, Picture, Scenario
from lab.session import Session, sibling_names
from lab.topology import ECHO_PORT, FAMILIES, WEB_PORT, Family

NAME = "try"  # in the journal, and the folder of the evidence


@dataclass(frozen=True)
class OwnService:
    """The user's own service, which takes the server's place: an image, or a command there."""

    image: str = ""
    command: tuple[str, ...] = ()
    port: int | None = None
    proto: str = "tcp"


@dataclass
class Trial:
    """A program, the rows that it is tried in, and what came of it.

    `own` is the service that it talks to, if that is not the lab's; `ports` are what it is
    told as PORT and in URL.
    """

    program: Program
    wanted: Sequence[Row]
    families: Sequence[Family] = FAMILIES
    expected: Expectation = field(default_factory=Expectation)
    own: OwnService | None = None
    ports: tuple[int, int] = (ECHO_PORT, WEB_PORT)
    services: dict[Family, list[Service]] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    _services_of: dict[str, servers.Service] = field(default_factory=dict)
    # What the program did in health, the last time that it ran there.
    _did: dict[str, Any] = field(default_factory=dict)
    unwell: bool = False
    trouble: LabError | None = None

    def run(self, lab_name: str, jobs: int, report: Callable[[Result], None]) -> list[Result]:
        """Run health, then every row; return the results in that order.

        What health was not well for is not run. Raises: LabError if the program cannot be
        started, or talks to nobody in health.
        """
        labs.prepare()
        folder = evidence.new_folder()

        def keep(result: Result, captured: Captured) -> None:
            evidence.write(folder, result, captured)
            report(result)

        health, names = self._health(), sibling_names(lab_name, min(jobs, len(self.wanted)))
        # On one lab all is run in one go; several must know first what health shows.
        phases = [[*health, *self.wanted]] if not names[1:] else [health, self.wanted]
        for phase, there in zip(phases, ([lab_name], names)):
            work = [
                (Scenario(row.name, text=row.text, host=self.program.host), row.family)
                for row in phase
            ]
            session = Session(work, keep, runner=self._run, around=self._around)
            self.results += session.run(there)
            if self.trouble:
                raise self.trouble
            if self.unwell:
                break
        return self._that_ran()

    def _that_ran(self) -> list[Result]:
        """Return the results without those of rows that were left out, as health was not well.

        Health that was not well stays, whatever came of it: it is what was found.
        """
        return [r for r in self.results if r.scenario == HEALTH or r.cases[0].program
                or not self.unwell]  # fmt: skip

    def _health(self) -> list[Row]:
        return [rows.health(family) for family in self.families]

    @contextlib.contextmanager
    def _around(self, lab: Lab) -> Iterator[None]:
        """Let the services stand: the web server beside the echo, or the user's own."""
        if self.own:
            with servers.serving(
                lab, image=self.own.image, command=self.own.command, port=self.own.port,
                proto=self.own.proto, mounts=self.program.mounts if self.own.image else (),
            ) as service:  # fmt: skip
                self.ports = (service.port, service.port)
                self._services_of[lab.name] = service
                yield
            return
        with breaking.standing(lab, [servers.WEB], NAME):
            yield

    # --- one row ----------------------------------------------------------------------

    def _run(self, lab: Lab, scenario: Scenario, family: Family) -> tuple[Result, Captured]:
        """Run one row; its result has what the program did under `program`."""
        row = next(
            row for row in (*self._health(), *self.wanted)
            if (row.name, row.family) == (scenario.name, family)
        )  # fmt: skip
        if row.name != HEALTH and self.unwell:
            raise LabError("health was not well")
        service = self._services_of.get(lab.name)
        if service and not service.takes(family):
            self._met(family, [])
            return self._skipped(row, lab, f"your service does not listen over {family}"), {}
        services = self.services.get(family, self._expected_services())
        if row.name != HEALTH and not services:
            return self._skipped(row, lab, f"in health it sent nothing over {family}"), {}
        try:
            whole = row.scenario(self.program, self.ports, services)
        except CannotAim as why:
            return self._skipped(row, lab, str(why)), {}
        judge = Judge(self.program, self.expected.of(row.name, family))
        result, captured = run(lab, whole, family, judge)
        result.host = self.program.host
        (case,) = result.cases
        case.program = judge.described
        _judge_status(case)
        if case.program and not case.controls.baseline_restored:
            case.reason = f"the lab is not as it was before the program ran: {case.reason}"
        if service and not service.alive():
            case.verdict, case.reason = "invalid", _ended(service)
        if row.name == HEALTH:
            self._learn_services(result)
        return result, captured

    def _skipped(self, row: Row, lab: Lab, why: str) -> Result:
        cases = [CaseResult("", "skip", why)]
        return Result(row.name, row.family, lab.name, cases=cases, host=self.program.host)

    def _expected_services(self) -> list[Service]:
        """Return what must answer before health has shown what the program talks to."""
        return [Service(self.own.proto, self.ports[0], own=True)] if self.own else []

    def _learn_services(self, health: Result) -> None:
        """Note what the program talked to in health, or why nothing else can be tried."""
        (case,) = health.cases
        family = family_of(health)
        if case.verdict == "invalid" or not case.program:
            self.unwell = True
            return
        if case.program["missing"]:
            self.unwell = True
            self.trouble = LabError(f"the command could not be started: {case.program['missing']}")
            return
        met = {
            Service(one["proto"], one["port"], own=one["port"] == self.ports[0] and bool(self.own))
            for one in case.program["tried"]
            if one["to"] == "server" and one["family"] == family
        }
        self._did = case.program
        self._met(family, sorted(met))

    def _met(self, family: Family, met: list[Service]) -> None:
        """Note which services a family shows; if all are known, and there are none, all ends."""
        self.services[family] = met
        known = len(self.services) == len(self.families)
        if known and self._did and not any(self.services.values()):
            self.unwell = True
            self.trouble = LabError(_talks_to_nobody(self._did))


def _ended(service: servers.Service) -> str:
    """Return that the user's service has ended, with the last line that it printed."""
    said = service.output().strip().splitlines()[-1:] or ["it printed nothing"]
    return f"the service on port {service.port} ended by itself: {said[0]}"


def _judge_status(case: CaseResult) -> None:
    """Let a program say that a row does not apply to it, if all else was well."""
    controls = case.controls
    well = controls.before == controls.after == "ok" and controls.baseline_restored
    if well and case.program.get("status") == DOES_NOT_APPLY and not case.program["missing"]:
        case.verdict = "skip"
        case.reason = f"does not apply: the program ended with status {DOES_NOT_APPLY}"


@dataclass
class Judge:
    """Makes the proofs of one row, and a description of what the program did."""

    program: Program
    expected: Any
    described: dict[str, Any] = field(default_factory=dict)

    def __call__(self, case: Case, seen: Observation) -> tuple[list[Proof], Picture | None]:
        """Return the proofs: it ran, all was captured, the fault was hit, and what is expected."""
        (answer,) = seen.calls
        if "outcome" not in answer:
            raise LabError(f"{self.program.name}: no answer from {self.program.host}")
        outcome = Outcome.of(answer["outcome"])
        caller = callers.of(self.program.host)
        broke, missing = caller.broke(outcome), caller.not_started(outcome)
        if broke:
            raise LabError(broke)
        ran = Proof("call", f"{self.program.name} was started", "yes", missing or "yes",
                    not missing)  # fmt: skip
        self.described = describe(self.program, outcome, seen, answer)
        proofs = [ran, *incomplete(seen), *prove_hits(case, seen)]
        return [*proofs, *self.expected.prove(self.described)], None


def describe(
    program: Program, outcome: Outcome, seen: Observation, answer: dict[str, Any] | Any
) -> dict[str, Any]:
    """Return what a program did, as `result.json` has it under `program` (docs/results.md)."""
    start_ns, caller = outcome.start_ns or answer["at_ns"], callers.of(program.host)
    untraced = caller.untraced or outcome.untraced
    tried = attempts(seen.packets, program.host, start_ns)
    traced = trace.summary(trace.parse(outcome.trace))
    first_ms = min((one.t_ms for one in tried), default=0.0)
    return {
        "argv": list(program.argv), "host": program.host, "image": program.image,
        "status": outcome.status, "signal": outcome.signal,
        "elapsed_ms": round(outcome.ran_ms, 3),
        "first_packet_to_end_ms": round(outcome.ran_ms - first_ms, 3) if tried else None,
        "timed_out": outcome.late, "ended_with": outcome.ended_with, "left": outcome.left,
        "last_line": outcome.last_line, "attempts": len(tried),
        "packets": sum(one.packets for one in tried),
        "tried": [_attempt_document(one) for one in tried], "called": traced["tried"],
        "errnos": traced["errnos"], "unseen": _unseen(traced),
        "bytes_sent": sum(one.sent for one in tried),
        "bytes_received": sum(one.received for one in tried),
        "stdout": _printed(outcome.stdout), "stderr": _printed(outcome.stderr),
        "missing": caller.not_started(outcome), "out_of_memory": outcome.out_of_memory,
        "traced": not untraced, "untraced": untraced,
    }  # fmt: skip


def _unseen(traced: dict[str, Any]) -> str:
    """Return what keeps errnos from being all that there were, "" if nothing does."""
    if traced["hidden"]:
        return "it made calls through io_uring, which no tracer sees"
    return f"{traced['lost']} lines of the trace are lost" if traced["lost"] else ""


def _attempt_document(one: Attempt) -> dict[str, Any]:
    return {"family": one.family, "address": one.address, "to": one.to, "port": one.port,
            "proto": one.proto, "t_ms": one.t_ms, "packets": one.packets, "ended": one.ended,
            "bytes_sent": one.sent, "bytes_received": one.received}  # fmt: skip


def _printed(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _talks_to_nobody(program: dict[str, Any]) -> str:
    name, said = shlex.join(program["argv"]) or program["image"], program["last_line"]
    return (
        f"in health `{name}` sent the server nothing, so that no fault can meet it\n"
        f"  it ended with {try_table.ended(program)}" + (f": {said}" if said else "") + "\n"
        "  where to go is in its environment: SERVER, PORT, URL; in a word of the command it is\n"
        "  {SERVER}, {PORT}, {URL}: errnolab try -- curl -sS {URL}"
    )
