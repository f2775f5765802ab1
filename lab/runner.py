"""The life of a run: control, fault, calls, undo, control, proofs, verdict."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from lab import breaking, callers, guests, hosts, moving, states, watching
from lab.breaking import HitCounter
from lab.calls import IN_PROGRESS, Call
from lab.errors import CommandFailed, HostLost, ImageError, LabError, NotForThisMachine
from lab.faults import Fault, Plan
from lab.inside.octets import as_octets
from lab.known import resolve
from lab.lab import Lab, LabSite
from lab.ladder import draw
from lab.making import Made, Making, address_of
from lab.proofs import (
    Observation,
    came,
    errno_name,
    gave,
    hits_of,
    limit_met,
    name_of,
    prove,
    said,
)
from lab.result import NOT_ASKED, CaseResult, Proof, Result
from lab.scenario import Case, Picture, Scenario
from lab.topology import ECHO_PORT, HOSTS, VANTAGES, Family
from lab.winsock import all_of_errno
from lab.wire import Packet

Captured = watching.Captured
# What makes proofs of what was seen of a case.
Prover = Callable[[Case, Observation], "tuple[list[Proof], Picture | None]"]

BYSTANDER_PERIOD_S = 0.1
# What connect() gives that goes on without blocking, on any host.
BEGUN = [name for errno in IN_PROGRESS for name, _ in all_of_errno(errno)]
# How long a call of a control may take: it should take a round trip.
CONTROL_S = 5.0


def run(
    lab: Lab, scenario: Scenario, family: Family, prover: Prover = prove
) -> tuple[Result, Captured]:
    """Run a scenario in one family; return the result, and the packets by vantage.

    Args: `prover` is what the proofs come from, by default what the case expects.
    What goes wrong is in the result. A lab that broke down (a host was lost) ends
    the run there: the case says so, and its baseline is not restored.
    """
    started, begun = datetime.now(timezone.utc), time.perf_counter()
    captured: Captured = {at: [] for at in VANTAGES}
    result = Result(
        scenario.name, family, lab.name, kernel=lab.kernel,
        engine=f"{lab.engine.name} {lab.engine.version}", host=scenario.host,
        started=started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )  # fmt: skip
    cases = scenario.as_cases(family)
    for case in cases:
        known = moving.moved(resolve(case, lab.facts(family, case.given)), scenario.host)
        whole = placed(known, family, lab)
        limits = callers.limits(call.on for call in whole.all_calls)
        result.cases.append(CaseResult(case.name, claims=dict(whole.claims), limits=limits))
        try:
            guests.invite(lab, known.guests)
            alone = len(cases) == 1
            CaseRun(
                lab, scenario.name, whole, family, captured, result.cases[-1], alone,
                known.guests, prover,
            ).run()  # fmt: skip
            if not alone and case is cases[-1]:
                _compare_at_the_end(lab, result.cases[-1])
        except NotForThisMachine as why:
            result.cases[-1].verdict, result.cases[-1].reason = "skip", str(why)
        except ImageError as missing_guest:
            # The lab is well, and what needs no guest can go on.
            result.cases[-1].verdict, result.cases[-1].reason = "invalid", str(missing_guest)
        except LabError as broken:
            result.cases[-1].verdict, result.cases[-1].reason = "invalid", str(broken)
            break
    result.elapsed_ms = (time.perf_counter() - begun) * 1e3
    return result, captured


def placed(case: Case, family: Family, lab: Lab) -> Case:
    """Return a case with addresses in place of the names in braces in its calls."""
    before, calls, control = (
        [call.at(family, lab.block) for call in part]
        for part in (case.before, case.calls, case.control)
    )
    return replace(case, before=before, calls=calls, control=control)


def _compare_at_the_end(lab: Lab, last: CaseResult) -> None:
    """Compare all hosts with the baseline: each of several cases has compared its own alone."""
    changed = lab.changes()
    if changed:
        last.controls.baseline_restored = False
        last.verdict, last.reason = "invalid", "; ".join(changed)


def missing(lab: Lab, case: Case, family: Family) -> str:
    """Return what this kernel or engine lacks for a case, with the reason; "" if nothing."""
    tool = f"{'iptables' if family == 'ipv4' else 'ip6tables'}-{lab.flavour}"
    for need in case.all_needs:
        name = tool if need == "iptables" else need
        reason = lab.lacks(name)
        if reason:
            return f"{name}: {reason}"
    return ""


@dataclass
class CaseRun:
    """One case under way: what is known of it, and `result`, which it fills in."""

    lab: Lab
    scenario: str
    case: Case
    family: Family
    captured: Captured
    result: CaseResult
    alone: bool
    guests: Sequence[str] = ()
    prover: Prover = prove
    troubles: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Run the case. Raises: LabError if the lab broke down."""
        result, controls = self.result, self.result.controls
        lacking = missing(self.lab, self.case, self.family)
        if lacking:
            result.verdict, result.reason = "skip", lacking
            return
        controls.before = self._control()
        left = self.lab.settle()
        if controls.before != "ok" or left:
            # Nothing was changed, so nothing needs to be restored.
            controls.baseline_restored = True
            result.reason = left or controls.troubles()[0]
            return
        plans = [fault.plan(LabSite(self.lab, self.family)) for fault in self.case.faults]
        seen = self._try_to_observe(plans)
        left = self.lab.settle()
        changed = self.lab.changes(self.touched(plans))
        self.troubles += [*([left] if left else []), *changed]
        controls.baseline_restored = not self.troubles
        controls.after = self._control()
        if seen:
            result.proofs, picture = self.prover(self.case, seen)
            if picture:
                result.picture = {"name": picture.name, "why": picture.why}
        self._judge(seen)

    def touched(self, plans: Sequence[Plan]) -> Iterable[str]:
        """Return the hosts that the case may have changed: all, if it is the only one."""
        return self.lab.hosts if self.alone else {plan.host for plan in plans}

    def _judge(self, seen: Observation | None) -> None:
        # A fault that could not be made is reason enough: nothing was seen beside it.
        invalid = self.troubles + (self.result.controls.troubles() if seen else [])
        for fault, hits in hits_of(self.case.faults, seen.hits if seen else ()):
            if hits < 1:
                invalid.insert(0, f"{said(fault)} was never hit, so it proves nothing")
        failed = [proof for proof in self.result.proofs if not proof.ok]
        if invalid:
            self.result.verdict, self.result.reason = "invalid", "; ".join(invalid)
        elif failed:
            self.result.verdict = "fail"
            self.result.reason = "; ".join(
                f"{proof.what}: wanted {proof.wanted}, got {proof.got}" for proof in failed
            )
        else:
            self.result.verdict = "pass"

    # --- the calls ------------------------------------------------------------------

    @contextlib.contextmanager
    def _callers(self) -> Iterator[Mapping[str, int]]:
        """Start every caller that makes calls, by `Call.who`; end them and their sockets."""
        with contextlib.ExitStack() as stack:
            callers: dict[str, int] = {}
            for call in (*self.case.all_calls, *self.case.control):
                if call.who not in callers:
                    host = self.lab.hosts[call.on]
                    callers[call.who] = host.do("caller_open")
                    stack.callback(host.do, "caller_close", caller=callers[call.who])
            yield callers

    def _control(self) -> str:
        """Make the control's calls without the fault; return "ok" or what did not work.

        By default they are the case's own. One without a fault is its own control: the
        service must answer.
        """
        if not self.case.faults and not self.case.control:
            return self._echo("client", self._echoing("tcp")) or "ok"
        with self._callers() as callers:
            making = Making(self.lab, self.family, callers, CONTROL_S)
            for call in self.case.control or self.case.all_calls:
                making.make(call)
                trouble = self._trouble_of(making.made)
                if trouble:
                    return trouble
            making.finish()
            return self._trouble_of(making.made) or "ok"

    def _trouble_of(self, made: Sequence[Made]) -> str:
        """Return what is wrong with the first answer that is wrong, "" if none is."""
        for call, got in ((one.call, one.answer) for one in made if one.answer):
            trouble = _trouble(got, call)
            if trouble:
                return f"{name_of(call)}: {trouble}"
            # What is called for the control alone says what it must give.
            if self.case.control and not gave(call, got):
                return f"{name_of(call)}: it gave {came(call, got)}"
        return ""

    def _echoing(self, proto: str) -> str:
        """Return a protocol whose echo answers: this one, unless a user's service is there."""
        return next(p for p in (proto, "tcp", "udp") if p not in self.lab.replaced)

    def _echo(self, role: str, proto: str) -> str:
        server = self.lab.block.address("server", self.family)
        return str(self.lab.hosts[role].do("echo", proto=proto, address=server, port=ECHO_PORT))

    # --- what is seen meanwhile --------------------------------------------------------

    def _try_to_observe(self, plans: Sequence[Plan]) -> Observation | None:
        try:
            return self._observe(plans)
        except CommandFailed as failed:
            self.troubles.append(f"the fault could not be made: {failed}")
            return None

    def _observe(self, plans: Sequence[Plan]) -> Observation:
        """Make the calls under the fault and return all that was seen."""
        with contextlib.ExitStack() as stack:
            vantages = [*VANTAGES, *self.guests]
            end_capture = stack.enter_context(watching.capture(self.lab, vantages))
            end_states = stack.enter_context(self._recorded_states())
            callers = stack.enter_context(self._callers())
            making = Making(self.lab, self.family, callers, after=self._look_at_states)
            making.make(*self.case.before)
            with contextlib.ExitStack() as fault:
                fault.enter_context(
                    breaking.in_force(self.lab, plans, self.scenario, self.troubles)
                )
                counters = [HitCounter(self.lab, p.hits) if p.hits else None for p in plans]
                counted = self.lab.all("counters")
                end_bystander = fault.enter_context(self._bystander())
                making.make(*self.case.calls)
                making.finish()
                end_bystander()
                grown = watching.growth(counted, self.lab.all("counters"))
                hits = [counter.count() if counter else None for counter in counters]
                # What comes while the fault is taken out is none of the calls' doing.
                end_ns = self.lab.hosts["client"].do("now_ns")
                changes, unrecorded = end_states()
            # Every capture must see one of these, or what it did not see proves nothing.
            for role in ("client", *self.guests):
                self._echo(role, self._echoing("udp"))
            raw, lost = end_capture()
        packets = self._packets_of_calls(raw, end_ns)
        blind = [at for at in raw if not any(packet[0] > end_ns for packet in raw[at])]
        changes = states.of_packets((c for c in changes if c.t_ns <= end_ns), packets)
        answers = [one.answer for one in making.made]
        self._note(plans, answers, packets, grown, hits, changes)
        return Observation(answers, packets, grown, hits, lost, blind, changes, unrecorded)

    def _packets_of_calls(self, raw: Captured, end_ns: int) -> list[Packet]:
        for at, seen in raw.items():
            self.captured.setdefault(at, []).extend(seen)
        roles = {call.on for call in self.case.all_calls} | set(self.guests)
        packets = watching.packets_of(self.lab, roles, [self.family], raw)
        return [packet for packet in packets if packet.t_ns <= end_ns]

    def _ends(self) -> list[hosts.Host]:
        """Return the hosts whose states are recorded: who calls, and the server; none unasked."""
        roles = {"server"} | {call.on for call in self.case.all_calls}
        return [self.lab.hosts[role] for role in HOSTS if role in roles] if self.case.states else []

    def _look_at_states(self) -> None:
        """See the states as a call leaves them, however soon the next call changes them."""
        hosts.ask_all(self._ends(), "states_look")

    @contextlib.contextmanager
    def _recorded_states(self) -> Iterator[Any]:
        """Record states; yields a function that ends it and returns (changes, why not, by host)."""
        names = self.lab.block.names()
        others = [self.lab.block.address("bystander", self.family)]
        unrecorded: dict[str, str] = {}

        def ask(operation: str, **arguments: Any) -> dict[str, Any]:
            asked = [(host, host.ask(operation, **arguments)) for host in self._ends()]
            return {host.role: _or_why(host, future, unrecorded) for host, future in asked}

        def stop() -> tuple[list[states.Change], dict[str, str]]:
            changes = [
                change
                for role, rows in ask("states_stop").items()
                for change in states.parse(role, rows or (), names)
            ]
            return changes, unrecorded

        with watching.once(stop) as stop_once:
            ask("states_start", others=others)
            yield stop_once

    @contextlib.contextmanager
    def _bystander(self) -> Iterator[Any]:
        """Let the bystander echo; yields a function that ends it and notes how it fared."""
        spared = [
            proto
            for proto in ("tcp", "udp")
            if proto not in self.lab.replaced and all(proto in f.spares for f in self.case.faults)
        ]
        server = self.lab.block.address("server", self.family)
        host = self.lab.hosts["bystander"]

        def note(answer: tuple[int, list[str]]) -> None:
            self.result.controls.bystander = answer[1][0] if answer[1] else "ok"

        if not spared:
            self.result.controls.bystander = NOT_ASKED
            yield lambda: None
            return
        targets = [[proto, server, ECHO_PORT] for proto in spared]
        host.do("bystander_start", targets=targets, period_s=BYSTANDER_PERIOD_S)
        with watching.once(lambda: note(host.do("bystander_stop"))) as stop:
            yield stop

    # --- what is written down -----------------------------------------------------------

    def _note(
        self, plans: Sequence[Plan], answers: Sequence[Mapping[str, Any]],
        packets: Sequence[Packet], grown: Mapping[str, Mapping[str, int]],
        hits: Sequence[int | None], changes: Sequence[states.Change],
    ) -> None:  # fmt: skip
        """Fill in the result with what was seen."""
        start_ns, result = answers[0]["at_ns"], self.result
        result.calls = [
            self._call_document(call, got, start_ns)
            for call, got in zip(self.case.all_calls, answers)
        ]
        result.wire = [
            {"at": p.at, "t_ms": round((p.t_ns - start_ns) / 1e6, 3), "src": p.src, "dst": p.dst,
             "proto": p.proto, "flags": p.flags, "summary": p.summary}
            for p in sorted(packets, key=lambda p: p.t_ns)
        ]  # fmt: skip
        result.counters = {
            host: {name: value for name, value in sorted(values.items()) if value}
            for host, values in grown.items()
        }
        result.states = [
            {"host": c.host, "t_ms": round((c.t_ns - start_ns) / 1e6, 3), "socket": c.socket,
             "state": c.state}
            for c in changes
        ]  # fmt: skip
        result.ladder = draw(packets, start_ns, changes)
        faults = [
            _fault_document(fault, plan, hit)
            for fault, plan, hit in zip(self.case.faults, plans, hits)
        ]
        result.fault = faults[0] if faults else {}
        if faults[1:]:
            result.fault["beside"] = faults[1:]

    def _call_document(self, call: Call, got: Mapping[str, Any], start_ns: int) -> dict[str, Any]:
        number = got["errno"]
        found: dict[str, Any] = {
            "host": call.on, **({"caller": call.caller} if call.caller else {}),
            "call": call.name, "args": call.shown(address_of(self.lab, call, self.family)),
            "value": got["value"], "errno": number,
            "errno_name": errno_name(number) if number else "",
            "t_ms": round((got["at_ns"] - start_ns) / 1e6, 3),
            "elapsed_ms": round(got["elapsed_ms"], 3),
        }  # fmt: skip
        if "data" in got:
            found["data"] = as_octets(got["data"])[:32].decode("ascii", "backslashreplace")
        if call.wanted.reported is not None and got["value"] and number == 0:
            found["reported"] = errno_name(got["value"])
        if call.background:
            found["background"] = True
        if call.wanted.linux:
            found["linux"] = call.wanted.linux
        if limit_met(call, got):
            found["limit"] = limit_met(call, got)
        more = ("detail", "signals", "hung", "lost")
        return found | {key: got[key] for key in more if got.get(key)}


def _fault_document(fault: Fault, plan: Plan, hits: int | None) -> dict[str, Any]:
    found = {"kind": fault.kind, "host": plan.host, "mechanism": plan.mechanism,
             "commands": plan.commands, "hits": hits}  # fmt: skip
    return {**found, "sysctls": dict(plan.sysctls)} if plan.sysctls else found


def _trouble(got: Mapping[str, Any], call: Call) -> str:
    """Return what is wrong with an answer where nothing is broken, "" if nothing is."""
    if "hung" in got:
        return f"no answer in {CONTROL_S:.0f} s"
    name = errno_name(got["errno"])
    begun = name in IN_PROGRESS or (call.name == "connect" and name in BEGUN)
    if got["value"] == -1 and not begun:
        return name if got["errno"] else str(got.get("detail", ""))
    if call.is_status and got["value"] != (call.wanted.value or 0):
        return f"it ended with status {got['value']}: {got.get('detail', '')}"
    # A non-blocking connect tells its errno as the value of SO_ERROR.
    asked = call.arguments.get("option") == "SO_ERROR"
    return errno_name(got["value"]) if asked and got["value"] else ""


def _or_why(host: hosts.Host, asked: Future[Any], why: dict[str, str]) -> Any:
    """Return the answer of a host; where its agent failed, None, and note the last line."""
    try:
        return host.answer(asked)
    except HostLost:
        raise
    except LabError as failed:
        why.setdefault(host.role, str(failed).strip().splitlines()[-1])
        return None
