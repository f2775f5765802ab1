"""Calls are made, in order, each by its caller; some go on in the background."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import containers
from lab.calls import Call
from lab.errors import LabError
from lab.inside.octets import as_octets
from lab.lab import Lab
from lab.proofs import name_of
from lab.topology import Family

# What the agent needs beyond a call's own deadline to say that it hung.
ANSWER_S = 30.0


@dataclass
class Made:
    """A call that was made; its answer is empty while it is under way in the background."""

    call: Call
    begun: float
    answer: dict[str, Any] = field(default_factory=dict)


@dataclass
class Making:
    """Calls as they are made, in order; after one that hung the rest are not made.

    `deadline_s` is how long each may take, if not what it says itself; `after` is called
    when one has returned, or is under way in the background.
    """

    lab: Lab
    family: Family
    callers: Mapping[str, int]
    deadline_s: float | None = None
    after: Callable[[], None] = lambda: None
    made: list[Made] = field(default_factory=list)

    def make(self, *calls: Call) -> None:
        """Make calls; one in the background is under way when the next is made."""
        for call in calls:
            self._wait_for(call.who)
            one = Made(call, time.perf_counter())
            self.made.append(one)
            ended = next((m.answer for m in self.made if {"hung", "lost"} & {*m.answer}), None)
            if ended:
                one.answer = {"lost": "the call before it hung", "value": None, "errno": 0,
                              "elapsed_ms": 0.0, "at_ns": ended["at_ns"]}  # fmt: skip
                continue
            step = call.step(self.family, address_of(self.lab, call, self.family))
            if call.background:
                self._take(one, self._ask(call, "caller_begin", step=step))
            else:
                self._take(one, self._ask(call, "caller_call", step=step))
            self.after()

    def finish(self) -> None:
        """Wait for the answers of what is still under way."""
        for who in self.callers:
            self._wait_for(who)

    def _wait_for(self, who: str) -> None:
        for one in self.made:
            if one.call.who == who and not one.answer:
                self._take(one, self._ask(one.call, "caller_answer"))

    def _ask(self, call: Call, operation: str, **more: Any) -> dict[str, Any]:
        deadline_s = self.deadline_s or call.deadline_s
        if call.name == "contain":
            return contain(self.lab, call.on, more["step"])
        host = self.lab.hosts[call.on]
        asked = host.ask(operation, caller=self.callers[call.who], deadline_s=deadline_s, **more)
        got: dict[str, Any] = host.answer(asked, within_s=deadline_s + ANSWER_S)
        return got

    def _take(self, one: Made, got: dict[str, Any]) -> None:
        """Keep an answer, with the time if the call hung."""
        if "lost" in got:
            raise LabError(f"{name_of(one.call)}: {got['lost']}")
        if "hung" in got:
            elapsed_ms = (time.perf_counter() - one.begun) * 1e3
            at_ns = self.lab.hosts[one.call.on].do("now_ns") - int(elapsed_ms * 1e6)
            got |= {"value": None, "errno": 0, "at_ns": at_ns, "elapsed_ms": elapsed_ms}
        one.answer = got


def contain(lab: Lab, host: str, step: Mapping[str, Any]) -> dict[str, Any]:
    """Run a program in a container beside a host, and return the answer as a host would."""
    begun, at_ns = time.perf_counter(), lab.hosts[host].do("now_ns")
    # What is only to see files of this machine needs an image all the same: the hosts' own.
    image = step["image"] or str(lab.containers[host]["Image"])
    outcome = containers.run_in_container(
        lab, host, image, step["argv"], env=step["env"],
        stdin=as_octets(step.get("stdin", "")), mounts=[Path(path) for path in step["mounts"]],
        timeout_s=step["timeout_s"], trace=step["trace"],
    )  # fmt: skip
    return {
        "value": -1 if outcome["missing"] else 0, "errno": 0, "at_ns": at_ns, "outcome": outcome,
        "elapsed_ms": (time.perf_counter() - begun) * 1e3, "detail": outcome["missing"],
    }  # fmt: skip


def address_of(lab: Lab, call: Call, family: Family) -> str:
    """Return the address of a call's destination, "" if it has none."""
    return lab.block.address(call.to, family) if call.to else ""
