"""The atlas: which scenario shows which errno, in which cases, told by which calls.

It is read from the scenarios themselves, from what their calls expect, so that it says
no more and no less than what a run proves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lab import scenario as scenarios
from lab.calls import IN_PROGRESS, Call
from lab.errors import ScenarioError
from lab.explain import names
from lab.known import AS_IT_COMES, Facts, resolve
from lab.scenario import CAUSES, Scenario
from lab.topology import FAMILIES, Family

FAMILY_NAMES: dict[Family, str] = {"ipv4": "IPv4", "ipv6": "IPv6"}
ICMP_NAMES: dict[Family, str] = {"ipv4": "ICMP", "ipv6": "ICMPv6"}


@dataclass(frozen=True)
class Sight:
    """An errno that a scenario shows: the cases of each family, and the calls that tell it."""

    errno_name: str
    scenario: Scenario
    cases: Mapping[Family, Sequence[str]]
    calls: Sequence[str]

    @property
    def cause(self) -> str:
        """Return what is at fault, a key of `CAUSES`."""
        return self.scenario.cause

    @property
    def whole(self) -> bool:
        """Return whether every case of the scenario shows it."""
        return all(map(self._has_all, self.scenario.families))

    @property
    def where(self) -> str:
        """Return families and cases in words: "IPv4, IPv6", "IPv4: ICMP 3/1, 3/10; IPv6: late"."""
        shown = {FAMILY_NAMES[family]: self._shown(family) for family in self.cases}
        if len(set(shown.values())) == 1:
            shown = {", ".join(shown): next(iter(shown.values()))}
        return "; ".join(
            f"{family}: {cases}" if cases else family for family, cases in shown.items()
        )

    def _has_all(self, family: Family) -> bool:
        every = [case.name for case in self.scenario.as_cases(family)]
        return list(self.cases.get(family, ())) == every

    def _shown(self, family: Family) -> str:
        """Return the names of a family's cases, "" if those are all that it has."""
        return "" if self._has_all(family) else cases_shown(self.cases[family], family)


def cases_shown(names: Sequence[str], family: Family) -> str:
    """Return the names of a family's cases in words: "late, ICMP 3/1, 3/10"."""
    codes = [name.replace("_", "/") for name in names if _is_code(name)]
    words = [name for name in names if not _is_code(name)]
    return ", ".join([*words, *([f"{ICMP_NAMES[family]} {', '.join(codes)}"] if codes else [])])


def _is_code(name: str) -> bool:
    return re.fullmatch(r"\d+_\d+", name) is not None


class HasCause(Protocol):
    """A scenario, or a sight of one."""

    @property
    def cause(self) -> str:
        """Return a key of `CAUSES`."""


T = TypeVar("T", bound=HasCause)
Atlas = Mapping[str, Sequence[Sight]]


def load(folder: Path | None = None) -> tuple[list[Scenario], list[ScenarioError]]:
    """Return every scenario, and for each that cannot be run, why."""
    loaded, broken = [], []
    for name in scenarios.names(folder):
        try:
            loaded.append(scenarios.load(name, folder))
        except ScenarioError as error:
            broken.append(error)
    return loaded, broken


def atlas(found: Iterable[Scenario]) -> Atlas:
    """Return the sights of every errno, by its name.

    First come scenarios that are of this errno alone, then those where it is one of
    several, then those where it is so in some cases only; connect(2) before other calls.
    """
    ordered: dict[str, list[tuple[bool, int, bool, str, Sight]]] = {}
    for one in found:
        seen = sights(one)
        for sight in seen:
            others = "connect" not in sight.calls
            place = (not sight.whole, len(seen), others, one.name, sight)
            ordered.setdefault(sight.errno_name, []).append(place)
    return {name: [place[-1] for place in sorted(ordered[name], key=lambda place: place[:-1])]
            for name in sorted(ordered)}  # fmt: skip


def sights(scenario: Scenario) -> list[Sight]:
    """Return what a scenario shows, an errno at a time, the most frequent first."""
    cases: dict[str, dict[Family, list[str]]] = {}
    calls: dict[str, list[str]] = {}
    for family in FAMILIES:
        for case in scenario.as_cases(family):
            facts = Facts(family, AS_IT_COMES, case.given)
            for call in case.all_calls:
                for name in _errnos(call, facts):
                    there = cases.setdefault(name, {}).setdefault(family, [])
                    there += [case.name] if case.name not in there else []
                    calls.setdefault(name, []).append(_does(call))
    ordered = sorted(cases, key=lambda name: -len(calls[name]))
    return [Sight(n, scenario, cases[n], list(dict.fromkeys(calls[n]))) for n in ordered]


def _errnos(call: Call, facts: Facts) -> Iterator[str]:
    """Yield the errnos that a call must give: as its own, as its value, or in what it tells."""
    wanted = call.wanted
    for value in resolve((wanted.errno_name, wanted.reported, wanted.told), facts):
        first = _first_word(value)
        if first in names():
            yield names()[first]


def _first_word(value: Any) -> str:
    return value.partition(" ")[0] if isinstance(value, str) else ""


def _does(call: Call) -> str:
    option: str = call.arguments.get("option", "")
    return option if call.name == "getsockopt" else call.does or call.name


def by_cause(found: Iterable[T]) -> dict[str, list[T]]:
    """Return scenarios, or sights, by what is at fault: the words of `CAUSES` in their order."""
    all_of_them = list(found)
    grouped = {
        words: [one for one in all_of_them if one.cause == cause]
        for cause, words in (*CAUSES.items(), ("", "no cause is named"))
    }
    return {words: group for words, group in grouped.items() if group}


def errnos_shown(scenario: Scenario) -> str:
    """Return the errnos of a scenario in words: "EPIPE, EHOSTUNREACH (IPv4), EACCES (IPv6)".

    EINPROGRESS is left out: it is not how a call ends, unless it is all there is.
    """
    seen = sights(scenario)
    final = [sight for sight in seen if sight.errno_name not in IN_PROGRESS] or seen
    return ", ".join(f"{sight.errno_name}{_only(sight)}" for sight in final)


def _only(sight: Sight) -> str:
    """Return the families of a sight, in brackets, if the scenario has others too."""
    if set(sight.cases) == set(sight.scenario.families):
        return ""
    return f" ({', '.join(FAMILY_NAMES[family] for family in sight.cases)})"


def command_of(scenario: Scenario) -> str:
    """Return what a person types to run a scenario."""
    return f"make scenario-{scenario.name.replace('_', '-')}"
