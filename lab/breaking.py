"""Putting a fault in and taking it out again.

The host writes the undo to its journal before it changes anything, so that a
fault outlives neither its run nor a killed one: whoever opens the lab next finds
the journal and undoes what is there.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from lab.errors import CommandFailed
from lab.faults import Hits, Plan
from lab.lab import Lab


def put_in(lab: Lab, plan: Plan, scenario: str, *, kept: bool = False) -> None:
    """Make a fault. Raises: CommandFailed, when what was made of it is undone again."""
    _rest(lab, plan)
    entry = {"scenario": scenario, "mechanism": plan.mechanism, "undo": plan.undo, "kept": kept}
    host = lab.hosts[plan.host]
    failed = host.do("fault_in", name=scenario, entry=entry, commands=plan.commands)
    if failed:
        host.do("fault_out", name=scenario)
        raise CommandFailed(plan.host, **failed)


def take_out(lab: Lab, plan: Plan, scenario: str) -> list[str]:
    """Undo a fault, on past errors; return what failed, a line each."""
    failed = lab.hosts[plan.host].do("fault_out", name=scenario)
    return [str(CommandFailed(plan.host, **failure)) for failure in failed]


@contextlib.contextmanager
def in_force(lab: Lab, plan: Plan, scenario: str, troubles: list[str]) -> Iterator[None]:
    """Keep a fault in force for a block; what its undo could not do goes to `troubles`."""
    put_in(lab, plan, scenario)
    try:
        yield
    finally:
        troubles += take_out(lab, plan, scenario)


def _rest(lab: Lab, plan: Plan) -> None:
    """Wait until the kernel may again make as many errors as the fault needs."""
    if plan.rest_s:
        time.sleep(max(0.0, lab.rested_at + plan.rest_s - time.monotonic()))
        lab.rested_at = time.monotonic()


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
