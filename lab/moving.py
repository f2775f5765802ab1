"""A scenario's calls made from another host: `errnolab run refused --from windows`.

A scenario says what happens to the client. Any other host on the callers' side of the
router may stand in its place: every word of a case then names that host, and the calls are
what the callers of that host can make (`lab.callers`). It is done when a run knows its
facts; before, the cases that can be moved are chosen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from lab import callers
from lab import scenario as scenarios
from lab.errors import LabError
from lab.known import AS_IT_COMES, PLAIN, Facts, rebuilt, resolve
from lab.scenario import Case, Scenario
from lab.topology import ABSENT_NEAR, Family

T = TypeVar("T")
USUAL = "client"


def moved(case: Case, host: str) -> Case:
    """Return a case, whose facts are known, as it is when its client is another host."""
    if host == USUAL:
        return case
    placed = replace(_renamed(case, _roles(host)), name=case.name, claims=case.claims)
    return callers.of(host).adapted(placed, host)


def _roles(host: str) -> Mapping[str, str]:
    return {USUAL: host, ABSENT_NEAR[USUAL]: ABSENT_NEAR.get(host, ABSENT_NEAR[USUAL])}


def _renamed(thing: T, roles: Mapping[str, str]) -> T:
    """Return a copy of a word with other roles in it, "{client}" in texts among them."""
    if isinstance(thing, str):
        named = roles.get(thing, thing)
        return re.sub(r"(?<=\{)[a-z_]+(?=[}:])", lambda m: roles.get(m[0], m[0]), named)  # type: ignore[return-value]
    if isinstance(thing, PLAIN):
        return thing
    return rebuilt(thing, lambda part: _renamed(part, roles))


# --- which can be moved -------------------------------------------------------------------


def load(names: Sequence[str], host: str, families: Sequence[Family]) -> list[Scenario]:
    """Return scenarios with the cases that can be made from a host, in these families.

    Raises: LabError with the reasons of all that have none; UnknownScenario.
    """
    loaded = scenarios.load_many(names)
    if host == USUAL:
        return loaded
    judged_all = [(scenario, judged(scenario, host, families)) for scenario in loaded]
    lines = [
        f"  {scenario.name}: {text}"
        for scenario, judgement in judged_all
        if not _movable(judgement)
        for text in _in_short(judgement)
    ]
    if lines:
        what = "\n".join(lines)
        raise LabError(
            f"cannot be run from {host}:\n{what}\n"
            "  leave --from out, and they are run from the client"
        )
    return [_with(scenario, host, _movable(judgement)) for scenario, judgement in judged_all]


def load_all(host: str, families: Sequence[Family], *, slow: bool = False) -> list[Scenario]:
    """Return every scenario of which a case can be made from a host; slow ones if wanted."""
    loaded = [s for s in scenarios.load_many(scenarios.names()) if slow or not s.slow]
    if host == USUAL:
        return loaded
    movable = ((s, _movable(judged(s, host, families))) for s in loaded)
    return [_with(scenario, host, cases) for scenario, cases in movable if cases]


def _movable(judgement: Sequence[tuple[Case, str]]) -> list[Case]:
    return [case for case, why in judgement if not why]


def _in_short(judgement: Sequence[tuple[Case, str]]) -> list[str]:
    """Return why cases cannot be made, each reason once, with the cases that it is of."""
    by_reason: dict[str, list[str]] = {}
    for case, why in judgement:
        by_reason.setdefault(why, []).append(case.name)
    if not by_reason:
        return ["it has no case in that family"]
    return [
        why + (f" (case {', '.join(names)})" if any(names) else "")
        for why, names in by_reason.items()
    ]


def _with(scenario: Scenario, host: str, cases: Sequence[Case]) -> Scenario:
    """Return a scenario with some of its cases, whose client is another host."""
    if not scenario.cases:
        return replace(scenario, host=host, family=cases[0].family)
    return replace(scenario, host=host, cases=list(cases))


def judged(scenario: Scenario, host: str, families: Sequence[Family]) -> list[tuple[Case, str]]:
    """Return the cases of a scenario, and why each cannot be made from a host; "" if it can.

    A case of both families that can be made in one of them alone is that family's.
    """
    found = []
    for case in scenario.as_cases():
        asked = [family for family in families if case.family in ("", family)]
        if not asked:
            continue
        reasons = {family: next(filter(None, _reasons(case, family, host)), "") for family in asked}
        can = [family for family in asked if not reasons[family]]
        if can and len(can) < len(asked):
            found.append((replace(case, family=can[0]), ""))
        else:
            found.append((case, "" if can else reasons[asked[0]]))
    return found


def _reasons(case: Case, family: Family, host: str) -> Iterator[str]:
    whole = resolve(case, Facts(family, AS_IT_COMES, case.given))
    if host in whole.guests:
        yield f"it is about {host} itself"
    if all(call.on != USUAL for call in (*whole.all_calls, *whole.control)):
        yield "the client makes no call in it"
    yield callers.of(host).why_not(whole, USUAL)
