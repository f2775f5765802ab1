"""What a scenario is, and how its file is found, loaded and checked.

A scenario is one file in `scenarios/`: a docstring that explains the failure and
one `SCENARIO = Scenario(...)`, data only. The file's name is its only name.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lab.calls import Call
from lab.errors import ScenarioError, UnknownScenario
from lab.faults import Fault
from lab.known import Facts, Known, resolve
from lab.topology import FAMILIES, HOSTS
from lab.wire import Pattern

FOLDER = Path(os.environ.get("ERRNOLAB_SCENARIOS") or Path(__file__).parents[1] / "scenarios")


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
    """

    name: str = ""
    fault: Fault | None = None
    before: Sequence[Call] = ()
    calls: Sequence[Call] = ()
    seen: Sequence[Pattern] = ()
    absent: Sequence[Pattern] = ()
    counted: Sequence[Counted] = ()
    pictures: Sequence[Picture] = ()

    @property
    def all_calls(self) -> list[Call]:
        """Return every call, in order."""
        return [*self.before, *self.calls]

    def mistakes(self) -> list[str]:
        """Return every mistake, of every word."""
        words: list[Any] = [
            *([self.fault] if self.fault else []), *self.all_calls, *self.seen, *self.absent,
            *self.counted,
            *(word for picture in self.pictures for word in (*picture.seen, *picture.counted)),
        ]  # fmt: skip
        found = [mistake for word in words for mistake in word.mistakes()]
        if not self.calls:
            found.append("there are no calls")
        if not (self.seen or self.absent):
            found.append("no proof on the wire: give seen or absent")
        if not (self.counted or self.fault):
            found.append("no proof by a counter: give counted or a fault, whose hits count")
        prefix = f"case {self.name}: " if self.name else ""
        return [prefix + mistake for mistake in found]


# What a case says or leaves to its scenario, together.
GROUPS = (("fault",), ("before",), ("calls",), ("seen", "absent"), ("counted",), ("pictures",))


def _completed(case: Case, whole: Case) -> Case:
    left_out = [group for group in GROUPS if not any(getattr(case, name) for name in group)]
    return replace(case, **{name: getattr(whole, name) for group in left_out for name in group})


@dataclass(frozen=True)
class Scenario:
    """One failure, or several `cases` of one, with what must be seen.

    `claim` names claims of the tutorial ("C71 C72"), `source` where the
    expectation comes from (an RFC's section, a kernel function, a man page).
    What a case leaves out is the scenario's; `seen` and `absent` go together.
    """

    claim: str = ""
    source: str = ""
    fault: Fault | None = None
    before: Sequence[Call] = ()
    calls: Sequence[Call] = ()
    seen: Sequence[Pattern] = ()
    absent: Sequence[Pattern] = ()
    counted: Sequence[Counted] = ()
    pictures: Sequence[Picture] = ()
    cases: Sequence[Case] = ()
    name: str = field(default="", kw_only=True)
    text: str = field(default="", kw_only=True)

    @property
    def title(self) -> str:
        """Return the first line of the explanation."""
        return self.text.strip().split("\n")[0]

    def as_cases(self) -> list[Case]:
        """Return the cases, each whole; a scenario without cases is one, without a name."""
        whole = Case(**{name: getattr(self, name) for group in GROUPS for name in group})
        return [_completed(case, whole) for case in self.cases] or [whole]

    def mistakes(self) -> list[str]:
        """Return every mistake, so that all can be mended at once."""
        cases = self.as_cases()
        found = [
            mistake
            for family in FAMILIES
            for case in resolve(cases, Facts(family, {}))
            for mistake in case.mistakes()
        ]
        names = [case.name for case in cases]
        if len(set(names)) != len(names):
            found.append("two cases have the same name")
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
