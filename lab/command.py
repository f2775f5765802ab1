"""What the commands `run`, `break` and `heal` do."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from lab import breaking, callers, console, engine, evidence, guests, moving, render
from lab import lab as labs
from lab.errors import LabError
from lab.known import resolve
from lab.lab import Lab, LabSite
from lab.result import Result, exit_status, family_of, overall
from lab.runner import Captured, missing
from lab.scenario import Case, Scenario
from lab.session import Session, sibling_names
from lab.topology import Family


def run(
    scenarios: Sequence[Scenario],
    families: Sequence[Family],
    lab_name: str,
    *,
    as_json: bool = False,
    quiet: bool = False,
    junit: Path | None = None,
    keep: bool = False,
    jobs: int = 1,
    folder: Path | None = None,
) -> int:
    """Run scenarios, print what they showed, keep the evidence; return the exit status.

    Args: with `quiet` standard output is left to somebody else; `folder` is where the
    evidence goes, by default one that is named for the time.
    """
    work = [(s, family) for s in scenarios for family in families if family in s.families]
    if not work:
        raise LabError(f"no case of {', '.join(s.name for s in scenarios)} is in that family")
    folder = folder or evidence.new_folder()
    brief = len(scenarios) > 1

    def report(result: Result, captured: Captured) -> None:
        evidence.write(folder, result, captured)
        if brief:
            done = f"[{len(session.results)}/{len(work)}] " if console.err.is_terminal else ""
            console.err.print(done, render.headline(result), sep="")
        elif not (as_json or quiet):
            render.show_result(result)

    labs.prepare()
    session = Session(work, report)
    results = session.run(sibling_names(lab_name, min(jobs, len(work))))
    if as_json:
        text = json_text(results)
        click.echo(text)
    elif brief and not quiet:
        for result in results:
            if result.verdict in ("fail", "invalid"):
                render.show_result(result)
        render.show_summary(results)
    if junit:
        evidence.write_junit(junit, results)
    if keep:
        _keep(scenarios, results)
    return exit_status(results)


def json_text(results: Sequence[Result]) -> str:
    """Return the JSON document of a command, plain ASCII where the terminal takes no more."""
    import json  # noqa: PLC0415  # only `--json` needs it

    document = evidence.document(results, overall(list(results)))
    return json.dumps(document, indent=1, ensure_ascii=not console.takes_utf8())


def _keep(scenarios: Sequence[Scenario], results: Sequence[Result]) -> None:
    """Put the first fault that did not prove what it should back in, and say how to look."""
    bad = next((r for r in results if r.verdict in ("fail", "invalid") and r.lab), None)
    if bad is None:
        return
    scenario = next(s for s in scenarios if s.name == bad.scenario)
    name = next(case.name for case in bad.cases if case.verdict == bad.verdict)
    case = next(case for case in scenario.as_cases() if case.name == name)
    if not case.faults:
        console.say(f"{scenario.name} has no fault to keep")
        return
    try:
        _break_case(scenario.name, case, family_of(bad), bad.lab, bad.host)
    except LabError as error:
        console.say(f"the fault could not be kept: {error}")


def break_(scenario: Scenario, family: Family, lab_name: str) -> None:
    """Put a scenario's fault in and leave it there. Raises: LabError if it has none."""
    case = next((case for case in scenario.as_cases(family) if case.faults), None)
    if case is None:
        raise LabError(f"{scenario.name} has no fault to put in")
    _break_case(scenario.name, case, family, lab_name)


def _break_case(
    name: str, case: Case, family: Family, lab_name: str, host: str = moving.USUAL
) -> None:
    with labs.hold(lab_name) as lab:
        whole = moving.moved(resolve(case, lab.facts(family, case.given)), host)
        guests.invite(lab, whole.guests)
        lacking = missing(lab, whole, family)
        if lacking:
            raise LabError(f"{name} cannot be made here: {lacking}")
        plans = [fault.plan(LabSite(lab, family)) for fault in whole.faults]
        breaking.put_in_all(lab, plans, name)
    console.say(f"lab {lab_name}: {name} ({family}) is in force on {plans[0].host}:")
    for plan in plans:
        for argv in plan.commands:
            console.say(f"  {plan.host}$ {shlex.join(argv)}")
        for setting, value in plan.sysctls.items():
            console.say(f"  {plan.host}: {setting} = {value}")
    _say_what_next(lab, whole, plans[0].host, family, host)


def _say_what_next(lab: Lab, case: Case, broken: str, family: Family, host: str) -> None:
    call = next((c for c in case.all_calls if c.to and c.on == host), None)
    this, lab_option = console.this_command(), console.option(lab.name)
    if call:
        target = lab.block.address(call.to, family)
        program = shlex.join([*callers.of(host).starter, "errnolab-client", "--timeout", "5"])
        console.say(f"try it:   {this} shell{lab_option} {host} {program} {target} hi")
    console.say(f"look:     {this} shell{lab_option} {broken}")
    console.say(f"take out: {this} heal{lab_option}")


def heal(lab_name: str) -> None:
    """Take out whatever is in force, and see that the lab is as it was."""
    labs.find(engine.connect(), lab_name)
    with labs.hold(lab_name, heal=True) as lab:
        healed = lab.healed
    if not healed:
        console.say(f"lab {lab_name}: no fault is in force")
