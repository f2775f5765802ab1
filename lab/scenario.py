"""What a scenario is, and how its file is found, loaded and checked.

A scenario is one file in `scenarios/`: a docstring that explains the failure and
one `SCENARIO = Scenario(...)`, data only. The file's name is its only name.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lab import places
from lab.calls import IN_PROGRESS, Call, unopened
from lab.errors import ScenarioError, UnknownScenario
from lab.faults import Fault
from lab.known import Facts, Known, resolve
from lab.states import Passage
from lab.topology import FAMILIES, GUESTS, HOSTS, Family, host_names
from lab.tutorial import CLAIMS
from lab.wire import Pattern

# What a case may say of a claim of the tutorial (`lab.claims`).
SAYS = ("true", "wrong", "not here")
FOLDER = Path(os.environ.get("ERRNOLAB_SCENARIOS") or places.SHIPPED / "scenarios")


@dataclass(frozen=True)
class Counted:
    """A kernel counter of a host that must have grown, "TcpExt.TCPTimeouts" for example.

    `at_least` and `exactly` are the growth while the calls were made.
    """

    host: str
    counter: Any
    at_least: Any = None
    exactly: Any = None

    def mistakes(self) -> list[str]:
        """Return what is wrong with it as it is written."""
        found = []
        if self.host not in HOSTS:
            found.append(f"counted: no host '{self.host}': there are {', '.join(HOSTS)}")
        if not isinstance(self.counter, Known) and "." not in str(self.counter):
            found.append(f"counted: '{self.counter}' is not written Group.Name, as nstat has it")
        if (self.at_least is None) == (self.exactly is None):
            found.append(f"counted: {self.counter}: give at_least or exactly, one of them")
        return found


@dataclass(frozen=True)
class Picture:
    """One of several ways in which the same kernel may rightly show a failure.

    A run must show one of a scenario's pictures whole: the time of the call that
    fails, the packets, the counters; the result says which one and `why`.
    """

    name: str
    why: str
    within_s: tuple[float, float]
    seen: Sequence[Pattern] = ()
    counted: Sequence[Counted] = ()


@dataclass(frozen=True)
class Case:
    """One failure of a scenario that stands for several; `name` tells it apart.

    `before` are calls made while all is well, `calls` those made under the fault.
    `control` are the calls that must work without the fault: by default all of them.
    `fault` is one, or several that are in force together. `family` is the one that
    has the case, "" both; `needs` names what the kernel must have (see `doctor`);
    `given` is what words that cases share ask for with `given(...)`. `states` are what
    the connections' ends must have gone through; only where they are asked for are they
    recorded. `claims` is what the case says of claims of the tutorial (`errnolab claims`):
    {"C59": "wrong"}. `host_name` is the name under which `errnolab try` tells a program
    where to go, one of docker-compose.yml's; "" is that of the destination with the run's
    family alone: "server4", "elsewhere6".
    """

    name: str = ""
    fault: Fault | Sequence[Fault] | None = None
    before: Sequence[Call] = ()
    calls: Sequence[Call] = ()
    control: Sequence[Call] = ()
    seen: Sequence[Pattern] = ()
    absent: Sequence[Pattern] = ()
    counted: Sequence[Counted] = ()
    pictures: Sequence[Picture] = ()
    needs: Sequence[str] = ()
    family: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    states: Sequence[Passage] = ()
    claims: Mapping[str, str] = field(default_factory=dict)
    host_name: str = ""

    @property
    def faults(self) -> list[Fault]:
        """Return the faults, in the order in which they are made."""
        if self.fault is None:
            return []
        return [self.fault] if isinstance(self.fault, Fault) else list(self.fault)

    @property
    def all_calls(self) -> list[Call]:
        """Return every call, in order."""
        return [*self.before, *self.calls]

    @property
    def all_needs(self) -> list[str]:
        """Return what the kernel must have, for the case and for its faults."""
        return [*self.needs, *(need for fault in self.faults for need in fault.needs)]

    @property
    def guests(self) -> list[str]:
        """Return the hosts it needs that not every lab has: those that one of its words names."""
        pictures = [word for picture in self.pictures for word in (*picture.seen, *picture.counted)]
        said = repr([*self.faults, *self.all_calls, *self.control, *self.counted, *self.seen,
                     *self.absent, *self.states, *pictures])  # fmt: skip
        return [role for role in GUESTS if role in said and re.search(rf"\b{role}\b", said)]

    def mistakes(self) -> list[str]:
        """Return every mistake, of every word."""
        words: list[Any] = [
            *self.faults, *self.all_calls, *self.control, *self.seen, *self.absent, *self.counted,
            *self.states,
            *(word for picture in self.pictures for word in (*picture.seen, *picture.counted)),
        ]  # fmt: skip
        found = [mistake for word in words for mistake in word.mistakes()]
        found += [*unopened(self.all_calls), *unopened(self.control)]
        if not self.calls:
            found.append("there are no calls")
        if not (self.seen or self.absent):
            found.append("no proof on the wire: give seen or absent")
        if not (self.counted or self.fault):
            found.append("no proof by a counter: give counted or a fault, whose hits count")
        names = [call.wanted.errno_name for call in self.all_calls]
        if self.pictures and set(names) <= {"", *IN_PROGRESS}:
            found.append("pictures tell when a call fails, and none does")
        found += [
            f"claims: {claim!r}: {says!r}: name a claim of the tutorial, and {', '.join(SAYS)}"
            for claim, says in self.claims.items()
            if claim not in CLAIMS or says not in SAYS
        ]
        if self.host_name and self.host_name not in host_names():
            found.append(f"host_name: no host has the name '{self.host_name}'")
        prefix = f"case {self.name}: " if self.name else ""
        return [prefix + mistake for mistake in found]


# What a case says or leaves to its scenario, together.
GROUPS = (("fault",), ("before",), ("calls",), ("control",), ("seen", "absent"), ("counted",),
          ("pictures",), ("needs",), ("family",), ("given",), ("states",),
          ("claims",), ("host_name",))  # fmt: skip
CAUSES = {
    "service": "the service or its host's settings",
    "firewall": "a rule that drops or refuses",
    "route": "a route, a router, a link or a neighbour",
    "packet": "an odd packet from the path or the peer",
    "local": "the caller's own host and its tables",
    "queue": "a full queue of the listener",
    "peer": "what the peer does to an established connection",
    "time": "timers and how long they are",
    "caller": "none of its own: a failure met without blocking, interrupted, or once more",
    "nothing": "all is well",
}


def _left_out(value: Any) -> bool:
    """Tell whether a case says nothing of a part: an empty list says that there is none."""
    return not value and not isinstance(value, list)


def _completed(case: Case, whole: Case) -> Case:
    left_out = [group for group in GROUPS if all(_left_out(getattr(case, name)) for name in group)]
    return replace(case, **{name: getattr(whole, name) for group in left_out for name in group})


@dataclass(frozen=True)
class Scenario(Case):
    """One failure, or several `cases` of one, with what must be seen.

    `cause` is the kind of thing that is at fault, one of `CAUSES`; `source` is where the
    expectation comes from (an RFC's section, a kernel function, a man page); `look` says
    how to tell this cause from others of the same errno on one's own machine. A `slow`
    one takes more than half a minute and is run when asked for. What a case leaves out
    is the scenario's; `seen` and `absent` go together. `host` is who makes the calls that
    are written as the client's (`lab.moving`).
    """

    cases: Sequence[Case] = ()
    cause: str = ""
    source: str = ""
    look: str = ""
    slow: bool = False
    host: str = field(default="client", kw_only=True)
    text: str = field(default="", kw_only=True)

    @property
    def title(self) -> str:
        """Return the first line of the explanation."""
        return self.text.strip().split("\n")[0]

    @property
    def families(self) -> list[Family]:
        """Return the families in which there is a case."""
        return [family for family in FAMILIES if self.as_cases(family)]

    def as_cases(self, family: str = "") -> list[Case]:
        """Return the cases (of a family), each whole; a scenario without cases is one itself."""
        whole = Case(**{name: getattr(self, name) for group in GROUPS for name in group})
        cases = [_completed(case, whole) for case in self.cases] or [whole]
        return [case for case in cases if not family or case.family in ("", family)]

    def mistakes(self) -> list[str]:
        """Return every mistake, so that all can be mended at once."""
        found = [
            mistake
            for family in FAMILIES
            for case in self.as_cases(family)
            for mistake in resolve(case, Facts(family, {}, case.given)).mistakes()
        ]
        for family in FAMILIES:
            names = [case.name for case in self.as_cases(family)]
            found += [f"two cases have the name {n}" for n in set(names) if names.count(n) > 1]
        found += [
            f"family '{case.family}' is not one of {', '.join(FAMILIES)}"
            for case in self.as_cases()
            if case.family not in ("", *FAMILIES)
        ]
        if self.cause not in ("", *CAUSES):
            found.append(f"cause '{self.cause}' is not one of {', '.join(CAUSES)}")
        if not self.source:
            found.append("no source: say which RFC, man page or kernel function it rests on")
        if not self.text.strip():
            found.append("no explanation: the file's docstring is empty")
        return list(dict.fromkeys(found))


def names(folder: Path | None = None) -> list[str]:
    """Return the names of all scenarios, sorted."""
    return sorted(p.stem for p in (folder or FOLDER).glob("*.py") if not p.stem.startswith("_"))


def load(name: str, folder: Path | None = None) -> Scenario:
    """Load and check one scenario; hyphens and underscores are the same.

    Raises: UnknownScenario with the nearest name; ScenarioError with all mistakes.
    """
    stem = name.replace("-", "_")
    path = (folder or FOLDER) / f"{stem}.py"
    if not stem.isidentifier() or not path.is_file():
        raise UnknownScenario(name, [_suggest(stem, names(folder))])
    module_spec = importlib.util.spec_from_file_location(f"scenarios.{stem}", path)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    try:
        module_spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ScenarioError(stem, [f"{path} cannot be read: {error!r}"]) from error
    scenario = getattr(module, "SCENARIO", None)
    if not isinstance(scenario, Scenario):
        raise ScenarioError(stem, [f"{path} has no SCENARIO = Scenario(...)"])
    scenario = replace(scenario, name=stem, text=module.__doc__ or "")
    try:
        mistakes = scenario.mistakes()
    except (TypeError, AttributeError, ValueError) as error:
        mistakes = [f"{path} has a value of the wrong kind: {error}"]
    if mistakes:
        raise ScenarioError(stem, mistakes)
    return scenario


def load_many(wanted: Sequence[str]) -> list[Scenario]:
    """Load scenarios by name; the mistakes of all are reported at once."""
    loaded, failed = [], []
    for name in wanted:
        try:
            loaded.append(load(name))
        except ScenarioError as error:
            failed.append(error)
    if len(failed) == 1:
        raise failed[0]
    if failed:
        mistakes = [f"{error.name}: {text}" for error in failed for text in error.mistakes]
        raise ScenarioError(f"{len(failed)} scenarios", mistakes)
    return loaded


def _suggest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"there is no such scenario; {hint}`errnolab list` shows all"
