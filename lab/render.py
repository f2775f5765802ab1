"""What a person reads of a run: a line, the proofs, the ladder, a summary table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.table import Table
from rich.text import Text

from lab import console
from lab.calls import IN_PROGRESS, Call
from lab.known import AS_IT_COMES, Facts, resolve
from lab.ladder import ASCII, UNICODE
from lab.lang import tr
from lab.proofs import duration, name_of, preview
from lab.result import CaseResult, Proof, Result
from lab.scenario import Case, Scenario
from lab.topology import FAMILIES

COLOURS = {"pass": "green", "fail": "red", "invalid": "magenta", "skip": "yellow"}
# How many different errnos a line names.
ERRNOS_SHOWN = 3
# A ladder longer than this is in the evidence folder, not on the screen.
LADDER_LINES = 24


def show_result(result: Result) -> None:
    """Print one run whole: proofs and ladder of each case, and where the evidence is."""
    console.out.print(headline(result))
    for case in result.cases:
        if case.name:
            console.out.print(Text(f"  {case.name}: {case.verdict}"))
        _show_case(case)
    if result.verdict in ("fail", "invalid"):
        console.out.print(Text(_what_next(result)))
    else:
        console.out.print(Text(f"  evidence: {result.evidence}"))


def headline(result: Result) -> Text:
    """Return the run in one line: verdict, name, what the caller got."""
    line = Text()
    line.append(f"{result.verdict:8}", style=COLOURS[result.verdict])
    line.append(f"{result.title}  ")
    line.append(outcome(result))
    return line


def outcome(result: Result) -> str:
    """Return what the caller got, in a few words; the reason if the run says nothing."""
    if result.verdict in ("skip", "invalid"):
        return result.reason.splitlines()[0] if result.reason else ""
    if len(result.cases) > 1:
        good = sum(case.verdict == "pass" for case in result.cases)
        return f"{good} of {len(result.cases)} cases: {_errnos(result)}"
    calls = result.cases[0].calls
    failed = [call for call in calls if call["errno_name"]] or calls[-1:]
    if len(failed) > 1:
        return ", ".join(f"{call['call']} {call['errno_name']}" for call in failed)
    return f"{failed[0]['errno_name'] or 'ok'} after {duration(failed[0]['elapsed_ms'])}"


def _errnos(result: Result) -> str:
    """Return the errnos that the cases of a run showed, the most frequent first."""
    names = Counter(
        call["errno_name"] or call.get("reported", "0")
        for case in result.cases
        for call in case.calls
        if call.get("linux") not in IN_PROGRESS
    )
    for silent in ("", "0", *IN_PROGRESS):
        del names[silent]
    shown = [name for name, _ in names.most_common(ERRNOS_SHOWN)]
    return ", ".join(shown) + (", …" if len(names) > ERRNOS_SHOWN else "") if shown else "ok"


def _slowest(result: Result) -> str:
    """Return the time of the slowest call of a run."""
    times = [call["elapsed_ms"] for case in result.cases for call in case.calls]
    return duration(max(times)) if times else ""


def _show_case(case: CaseResult) -> None:
    for proof in case.proofs:
        console.out.print(_proof_line(proof))
    if case.picture:
        console.out.print(Text(f"    reported {case.picture['name']}: {case.picture['why']}"))
    lines = case.ladder.splitlines()
    if not console.UNICODE:
        lines = [_ascii(line) for line in lines]
    for line in lines[:LADDER_LINES]:
        console.out.print(Text(f"  {line}"))
    if len(lines) > LADDER_LINES:
        console.out.print(Text(f"    … {len(lines) - LADDER_LINES} more lines in ladder.txt"))


def _proof_line(proof: Proof) -> Text:
    line = Text("    ")
    line.append("ok  " if proof.ok else "NOT ", style="green" if proof.ok else "red")
    line.append(f"{proof.kind:8}{proof.what}: ")
    line.append(proof.got if proof.ok else f"wanted {proof.wanted}, got {proof.got}")
    return line


def _what_next(result: Result) -> str:
    name = result.scenario.replace("_", "-")
    lab = "" if result.lab == "default" else f" LAB={result.lab}"
    host = "" if result.host == "client" else f" FROM={result.host}"
    return "\n".join(
        [
            *(f"  {line}" for line in result.reason.splitlines()),
            f"  evidence: {result.evidence}",
            f"  again:    make scenario-{name} FAMILY={result.family[-1]}{host}{lab} KEEP=1",
        ]
    )


def _ascii(line: str) -> str:
    for fancy, plain in zip(vars(UNICODE).values(), vars(ASCII).values()):
        line = line.replace(fancy, plain)
    return line


def show_summary(results: Sequence[Result]) -> None:
    """Print a table of many runs: a row a scenario, a column a family."""
    families = sorted({result.family for result in results})
    table = Table(box=None, pad_edge=False)
    table.add_column("scenario")
    for family in families:
        table.add_column(family)
        table.add_column("")
        table.add_column("slowest call", justify="right")
    for name in sorted({result.scenario for result in results}):
        row: list[Text] = [Text(name)]
        for family in families:
            found = [r for r in results if r.scenario == name and r.family == family]
            verdict = found[0].verdict if found else "-"
            row.append(Text(verdict, style=COLOURS.get(verdict, "")))
            row.append(Text(outcome(found[0]) if found else ""))
            row.append(Text(_slowest(found[0]) if found else ""))
        table.add_row(*row)
    console.out.print(table)
    counts = {v: sum(r.verdict == v for r in results) for v in COLOURS}
    console.out.print(Text(", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n)))


def show_scenario(scenario: Scenario) -> None:
    """Print what a scenario breaks, what is called, and what must be seen."""
    console.out.print(Text(f"{scenario.name}\n", style="bold"))
    console.out.print(Text(f"{tr(scenario.text.strip())}\n"))
    for case in scenario.as_cases():
        if case.name:
            console.out.print(Text(f"case {case.name}"))
        for line in _by_family(case):
            console.out.print(Text(f"  {line}"))
    if scenario.look:
        console.out.print(Text(f"\nlook     {tr(scenario.look)}"))
    console.out.print(Text(f"source   {scenario.source}"))
    console.out.print(Text(f"run it   make scenario-{scenario.name.replace('_', '-')}"))


def _by_family(case: Case) -> Iterator[str]:
    """Yield a case's lines; what differs by family stands there twice, with its family."""
    families = [family for family in FAMILIES if case.family in ("", family)]
    told = [
        list(_lines(resolve(case, Facts(family, AS_IT_COMES, case.given)))) for family in families
    ]
    for same in zip_longest(*told, fillvalue=""):
        if len(set(same)) == 1:
            yield same[0]
        else:
            yield from (f"{line}  ({family})" for line, family in zip(same, families) if line)


def _lines(case: Case) -> Iterator[str]:
    for fault in case.faults:
        yield f"fault    {fault.kind} on {fault.on}, to {fault.to} ({fault.mechanism})"
    for verb, calls in (("before", case.before), ("call", case.calls), ("control", case.control)):
        yield from (f"{verb:8} {name_of(call)}: {_wish(call)}" for call in calls)
    for verb, patterns in (("seen", case.seen), ("absent", case.absent)):
        for pattern in patterns:
            number = f": {pattern.wanted()}" if verb == "seen" else ""
            yield f"{verb:8} {pattern.describe()}{number}"
    for counted in case.counted:
        growth = f"+{counted.exactly}" if counted.at_least is None else f">= +{counted.at_least}"
        yield f"counted  {counted.host} {counted.counter} {growth}"
    for passage in case.states:
        yield f"states   {passage.describe()}: {passage.wanted()}"
    yield from (f"either   reported {picture.name}" for picture in case.pictures)
    yield from (f"claim    {claim}: {tr(says)}" for claim, says in case.claims.items())


def _wish(call: Call) -> str:
    wanted = call.wanted
    if wanted.data is not None:
        text = preview(wanted.data)
    elif wanted.errno_name:
        text = wanted.errno_name
    elif wanted.reported is not None:
        text = f"{wanted.reported or 'no errno'} as value"
    elif wanted.told is not None:
        text = f"{wanted.told}"
    elif wanted.between is not None:
        text = "value {} to {}".format(*wanted.between)
    else:
        text = "success" if wanted.value is None else f"value {wanted.value}"
    if wanted.signal:
        text += " and no signal" if wanted.signal == "none" else f" and {wanted.signal}"
    if wanted.within_s is not None:
        first, last = wanted.within_s
        text += f" in {first:g} to {last:g} s"
    return text
