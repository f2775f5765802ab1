"""Putting faults in and taking them out again.

The host writes the undo to its journal before it changes anything, so that a
fault outlives neither its run nor a killed one: whoever opens the lab next finds
the journal and undoes what is there.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from lab import settings
from lab.errors import CommandFailed, LabError
from lab.faults import Hits, Plan
from lab.lab import Lab


def put_in(lab: Lab, plan: Plan, name: str, scenario: str, *, kept: bool = False) -> None:
    """Make a fault, which the journal knows by `name`.

    Raises: CommandFailed, when what was made of it is undone again.
    """
    time.sleep(plan.rest_s)
    host = lab.hosts[plan.host]
    old = host.do("sysctls") if plan.sysctls else {}
    entry = {"scenario": scenario, "mechanism": plan.mechanism, "undo": plan.undo, "kept": kept,
             "sysctls": {name: old[name] for name in plan.sysctls}}  # fmt: skip
    try:
        failed = host.do("fault_in", name=name, entry=entry, commands=plan.commands)
        if failed:
            raise CommandFailed(plan.host, **failed)
        if plan.sysctls:
            _set(lab, plan)
    except BaseException:
        lab.fault_out(plan.host, name)
        raise


def _set(lab: Lab, plan: Plan) -> None:
    """Set a plan's sysctls, and see that they are as wanted. Raises: LabError."""
    settings.write(lab.engine, lab.containers[plan.host], plan.sysctls)
    now = lab.hosts[plan.host].do("sysctls")
    for name, wanted in plan.sysctls.items():
        if now[name].split() != wanted.split():
            raise LabError(f"{plan.host}: {name}: wanted {wanted}, it is {now[name]}")


def put_in_all(lab: Lab, plans: Sequence[Plan], scenario: str) -> None:
    """Make faults and leave them there. Raises: CommandFailed, when none of them is left."""
    with contextlib.ExitStack() as stack:
        for number, plan in enumerate(plans):
            name = journal_name(scenario, number)
            put_in(lab, plan, name, scenario, kept=True)
            stack.callback(lab.fault_out, plan.host, name)
        stack.pop_all()


@contextlib.contextmanager
def in_force(lab: Lab, plans: Sequence[Plan], scenario: str, troubles: list[str]) -> Iterator[None]:
    """Keep faults in force for a block; what their undo could not do goes to `troubles`."""
    with contextlib.ExitStack() as stack:
        for number, plan in enumerate(plans):
            name = journal_name(scenario, number)
            put_in(lab, plan, name, scenario)
            stack.callback(_take_out, lab, plan, name, troubles)
        yield


@contextlib.contextmanager
def standing(lab: Lab, plans: Sequence[Plan], name: str) -> Iterator[None]:
    """Keep plans in force that are no faults but what several runs stand on.

    Meanwhile they are part of the baseline. The journal knows them by `name`, so that
    they end with a killed run too. Raises: LabError if one could not be undone.
    """
    troubles: list[str] = []
    baseline = lab.baseline
    with in_force(lab, plans, name, troubles):
        lab.baseline = lab.snapshot()
        try:
            yield
        finally:
            lab.baseline = baseline
    if troubles:
        raise LabError("; ".join(troubles))


def _take_out(lab: Lab, plan: Plan, name: str, troubles: list[str]) -> None:
    troubles += lab.fault_out(plan.host, name)


def journal_name(scenario: str, number: int) -> str:
    """Return the name of a scenario's n-th fault in the journal of its host."""
    return scenario if number == 0 else f"{scenario}-{number + 1}"


class HitCounter:
    """Counts the hits of a fault from the moment it is made."""

    def __init__(self, lab: Lab, hits: Hits) -> None:
        """Read where the counters stand."""
        self._host = lab.hosts[hits.host]
        self._hits = hits
        self._start = self._read()

    def _read(self) -> int:
        if self._hits.counters:
            counted: dict[str, Any] = self._host.do("counters")
            return sum(counted.get(name, 0) for name in self._hits.counters)
        return self._hits.read(self._host.run(*self._hits.command))

    def count(self) -> int:
        """Return the hits so far."""
        return self._read() - self._start
