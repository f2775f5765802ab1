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

from lab import console, evidence, lang
from lab.errors import LabError
from lab.known import AS_IT_COMES, Facts, resolve
from lab.lang import tr
from lab.scenario import Case, Scenario, load_many
from lab.scenario import names as scenario_names
from lab.topology import FAMILIES, Family
from lab.tutorial import CLAIMS, VERDICTS, Claim

NOT_RUN, CHANGED = "not run", "not run since it changed"
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
        for outcome in ("fail", "invalid", NOT_RUN, CHANGED):
            bad = [bound.name for bound in self.bound if bound.outcome == outcome]
            if bad:
                more = f" and {len(bad) - 1} more" if bad[1:] else ""
                return f"{outcome}: {bad[0]}{more}"
        if all(bound.outcome == "skip" for bound in self.bound):
            return f"every case was skipped: {self.bound[0].name}"
        return ""

    @property
    def skipped(self) -> bool:
        """Tell whether some of the evidence cannot be had on this system."""
        return any(bound.outcome == "skip" for bound in self.bound)

    @property
    def ok(self) -> bool:
        """Tell whether the verdict seen is the one expected, as far as this system can show it.

        Where some of the evidence was skipped, an imprecise claim may show one side alone, and
        any claim that there is nothing here to run.
        """
        partly = self.claim.verdict == "imprecise" or self.seen == "not on this system"
        return not self.trouble and (self.seen == self.claim.verdict or (self.skipped and partly))


def verdict(says: Iterable[str]) -> str:
    """Return the verdict that several cases make together."""
    said = set(says)
    if {"true", "wrong"} <= said:
        return "imprecise"
    return "true" if "true" in said else "wrong" if "wrong" in said else "not on this system"


@dataclass(frozen=True)
class Outcome:
    """How a case's run ended, and what the case said of claims in it."""

    verdict: str
    claims: Mapping[str, str]


# Case name to outcome, by scenario and family.
Outcomes = Mapping[tuple[str, str], Mapping[str, Outcome]]


def judge(scenarios: Iterable[Scenario], outcomes: Outcomes) -> list[Judged]:
    """Return every claim, judged by what runs showed."""
    bound: dict[str, list[Bound]] = {name: [] for name in CLAIMS}
    for one in scenarios:
        for family in one.families:
            for case in one.as_cases(family):
                outcome = outcomes.get((one.name, family), {}).get(case.name)
                for claim in case.claims:
                    ended, says = _ended(case, family, claim, outcome)
                    bound[claim].append(Bound(one.name, case.name, family, says, ended))
    return [Judged(CLAIMS[name], bound[name]) for name in CLAIMS]


def _ended(case: Case, family: Family, claim: str, outcome: Outcome | None) -> tuple[str, str]:
    """Return how a case's run ended, and what it said of a claim.

    What depends on the kernel is as the run found it; what is written as a word in the
    file must be what it was in the run.
    """
    written = case.claims[claim]
    says: str = resolve(written, Facts(family, AS_IT_COMES, case.given))
    if outcome is None:
        return NOT_RUN, says
    ran = outcome.claims.get(claim)
    if ran is None or (isinstance(written, str) and ran != written):
        return CHANGED, says
    return outcome.verdict, ran


def said(one: Scenario) -> Iterator[tuple[Family, str, str, str]]:
    """Yield all that a scenario's cases say of claims: family, case, claim, what is said."""
    for family in one.families:
        for case in one.as_cases(family):
            says = resolve(case.claims, Facts(family, AS_IT_COMES, case.given))
            yield from ((family, case.name, claim, word) for claim, word in says.items())


def newest(names: Iterable[str], folders: Iterable[Path]) -> Outcomes:
    """Return the outcomes of each scenario and family in the first folder that has them."""
    found: dict[tuple[str, str], dict[str, Outcome]] = {}
    wanted = {(name, family) for name in names for family in FAMILIES}
    for folder in folders:
        for name, family in sorted(wanted - set(found)):
            path = folder / name / family / "result.json"
            if path.is_file():
                found[name, family] = outcomes_of(json.loads(path.read_text(encoding="utf-8")))
    return found


def all_folders() -> list[Path]:
    """Return the folders of all runs that are kept, the newest first."""
    return sorted((path for path in evidence.RUNS.glob("2*") if path.is_dir()), reverse=True)


def outcomes_of(document: Mapping[str, Any]) -> dict[str, Outcome]:
    """Return the outcome of each case of one result, by the case's name."""
    cases = document.get("cases") or [{**document, "name": ""}]
    return {case["name"]: Outcome(case["verdict"], case.get("claims", {})) for case in cases}


# --- the command ------------------------------------------------------------------------


def look(names: Sequence[str], folders: Iterable[Path] | None = None) -> list[Judged]:
    """Judge claims (all, if none is named) by the newest runs, or by those of some folders.

    Raises: LabError if a claim is unknown; ScenarioError if a file cannot be read, whose
    cases would be missing.
    """
    unknown = [name for name in names if name not in CLAIMS]
    if unknown:
        raise LabError(f"the tutorial has no claim {unknown[0]}: they are C1 to C121, and C118b")
    loaded = load_many(scenario_names())
    ran = newest([one.name for one in loaded], all_folders() if folders is None else folders)
    return [one for one in judge(loaded, ran) if not names or one.claim.id in names]


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
    if any(one.trouble.startswith(NOT_RUN) for one in bad):
        console.say(
            f"`{console.this_command()} claims --run` runs what shows them, and judges that"
        )


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
