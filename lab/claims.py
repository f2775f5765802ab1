"""The verdict on each claim of the tutorial, as the newest runs show it.

A case says of a claim that it is "true" in it, "wrong" in it, or that this system does
"not here" have what it speaks of. What several cases say together is the verdict: true
where it holds and wrong where it does not make "imprecise".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from lab import atlas, console, evidence, lang
from lab.errors import LabError
from lab.known import AS_IT_COMES, Facts, resolve
from lab.lang import tr
from lab.scenario import Scenario
from lab.topology import Family
from lab.tutorial import CLAIMS, VERDICTS, Claim

NOT_RUN = "not run"
COLOURS = {"true": "green", "wrong": "red", "imprecise": "yellow"}


@dataclass(frozen=True)
class Bound:
    """A case that says something of a claim, and how its newest run ended."""

    scenario: str
    case: str
    family: Family
    says: str
    outcome: str = NOT_RUN

    @property
    def name(self) -> str:
        """Return the case as a person reads it: "queue_full.blocking (ipv4)"."""
        return f"{self.scenario}{'.' if self.case else ''}{self.case} ({self.family})"


@dataclass(frozen=True)
class Judged:
    """A claim, the cases that speak of it, and what they say together."""

    claim: Claim
    bound: Sequence[Bound]

    @property
    def seen(self) -> str:
        """Return the verdict that the runs show, "" if they show none."""
        if self.trouble:
            return ""
        return verdict(bound.says for bound in self.bound if bound.outcome == "pass")

    @property
    def trouble(self) -> str:
        """Return why there is no verdict: no case, or one that failed or was not run."""
        if not self.bound:
            return "no case speaks of it"
        for outcome in ("fail", "invalid", NOT_RUN):
            bad = [bound.name for bound in self.bound if bound.outcome == outcome]
            if bad:
                more = f" and {len(bad) - 1} more" if bad[1:] else ""
                return f"{outcome}: {bad[0]}{more}"
        return ""

    @property
    def skipped(self) -> bool:
        """Tell whether some of the evidence cannot be had on this system."""
        return any(bound.outcome == "skip" for bound in self.bound)

    @property
    def ok(self) -> bool:
        """Tell whether the verdict seen is the one expected, as far as this system can show it."""
        return not self.trouble and (self.seen == self.claim.verdict or self.skipped)


def verdict(says: Iterable[str]) -> str:
    """Return the verdict that several cases make together."""
    said = set(says)
    if {"true", "wrong"} <= said:
        return "imprecise"
    return "true" if "true" in said else "wrong" if "wrong" in said else "not on this system"


def judge(scenarios: Iterable[Scenario], outcomes: Mapping[tuple[str, str], Any]) -> list[Judged]:
    """Return every claim, judged by what runs showed.

    Args: `outcomes` is case name to verdict, by scenario and family.
    """
    bound: dict[str, list[Bound]] = {name: [] for name in CLAIMS}
    for one in scenarios:
        for family, case, claim, says in said(one):
            outcome = outcomes.get((one.name, family), {}).get(case, NOT_RUN)
            bound[claim].append(Bound(one.name, case, family, says, outcome))
    return [Judged(CLAIMS[name], bound[name]) for name in CLAIMS]


def said(one: Scenario) -> Iterator[tuple[Family, str, str, str]]:
    """Yield all that a scenario's cases say of claims: family, case, claim, what is said."""
    for family in one.families:
        for case in one.as_cases(family):
            says = resolve(case.claims, Facts(family, AS_IT_COMES, case.given))
            yield from ((family, case.name, claim, word) for claim, word in says.items())


def newest(names: Iterable[str], root: Path | None = None) -> dict[tuple[str, str], dict[str, str]]:
    """Return case name to verdict of the newest run of each scenario and family."""
    folders = sorted((p for p in (root or evidence.RUNS).glob("2*") if p.is_dir()), reverse=True)
    found: dict[tuple[str, str], dict[str, str]] = {}
    wanted = {(name, family) for name in names for family in ("ipv4", "ipv6")}
    for folder in folders:
        for name, family in sorted(wanted - set(found)):
            path = folder / name / family / "result.json"
            if path.is_file():
                found[name, family] = outcomes_of(json.loads(path.read_text(encoding="utf-8")))
    return found


def outcomes_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Return case name to verdict of one result."""
    cases = document.get("cases") or [{"name": "", "verdict": document["verdict"]}]
    return {case["name"]: case["verdict"] for case in cases}


# --- the command ------------------------------------------------------------------------


def look(names: Sequence[str]) -> list[Judged]:
    """Judge claims (all, if none is named) by the newest runs. Raises: LabError if unknown."""
    unknown = [name for name in names if name not in CLAIMS]
    if unknown:
        raise LabError(f"the tutorial has no claim {unknown[0]}: they are C1 to C121, and C118b")
    loaded, _broken = atlas.load()
    judged = judge(loaded, newest([one.name for one in loaded]))
    return [one for one in judged if not names or one.claim.id in names]


def scenarios_of(judged: Iterable[Judged]) -> list[str]:
    """Return the names of the scenarios that speak of claims."""
    return sorted({bound.scenario for one in judged for bound in one.bound})


def document(judged: Iterable[Judged]) -> list[dict[str, Any]]:
    """Return what is known of claims as plain data."""
    return [
        {
            "claim": one.claim.id, "quote": one.claim.quote, "text": tr(one.claim.text),
            "verdict": one.seen, "expected": one.claim.verdict, "ok": one.ok,
            "trouble": one.trouble, "truth": tr(one.claim.truth),
            "evidence": [asdict(bound) for bound in one.bound],
        }
        for one in judged
    ]  # fmt: skip


def show_table(judged: Sequence[Judged]) -> None:
    """Print claim, verdict and evidence, a row each, and how many there are of each verdict."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    for title in ("", "claim", "verdict", "evidence"):
        table.add_column(tr(title))
    for one in judged:
        table.add_row(one.claim.id, _text_of(one.claim), _verdict(one), _evidence(one))
    console.out.print(table, soft_wrap=False)
    counts = Counter(one.seen or "no verdict" for one in judged)
    shown = [f"{counts[word]} {tr(word)}" for word in (*VERDICTS, "no verdict") if counts[word]]
    console.out.print(Text(", ".join(shown)))
    bad = [one for one in judged if not one.ok]
    if any(NOT_RUN in one.trouble for one in bad):
        console.say(f"`{console.this_command()} claims --run` runs what was not run yet")


def show_one(one: Judged) -> None:
    """Print all that is known of a claim."""
    console.out.print(Text(f"{one.claim.id}  {one.claim.quote}", style="bold"))
    console.lines(one.claim.text if lang.chosen() == "en" else "", indent=2)
    console.out.print(Text("  ").append_text(_verdict(one)))
    console.lines(tr(one.claim.truth), indent=2)
    for bound in one.bound:
        console.out.print(Text(f"    {bound.outcome:8} {bound.name}: {tr(bound.says)}"))


def _text_of(claim: Claim) -> str:
    return claim.text if lang.chosen() == "en" else claim.quote


def _verdict(one: Judged) -> Text:
    if one.ok:
        return Text(tr(one.seen), style=COLOURS.get(one.seen, ""))
    if one.trouble:
        return Text(one.trouble, style="magenta")
    return Text(f"{tr(one.seen)} ({tr('expected')}: {tr(one.claim.verdict)})", style="red")


def _evidence(one: Judged) -> str:
    return ", ".join(sorted({bound.scenario for bound in one.bound}))
