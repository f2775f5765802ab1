"""Make the same calls on Linux and with Winsock, and write docs/windows.json: `make windows`.

Each scenario of which a case can be made from the host `windows` is run from `client` too,
in both families: the same packets, and errno beside WSA code. Scenarios that are named are
shown, and with `--write` they take the place of what was known of them; what could not be
run is told, and not kept.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from itertools import groupby
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from lab import console, evidence, images, moving, render, shell, side_by_side, windows_page
from lab import engine as engines
from lab import lab as labs
from lab import scenario as scenarios
from lab.console import say
from lab.engine import Engine
from lab.errors import LabError, NotForThisMachine
from lab.moving import USUAL
from lab.result import Result, exit_status
from lab.runner import Captured
from lab.scenario import Scenario
from lab.session import Job, Session, sibling_names
from lab.side_by_side import Row
from lab.topology import FAMILIES
from lab.windows_page import DOCUMENT, HOST, Document

SCHEMA = 1
INTERRUPTED = 130
WINE = "/usr/lib/wine/wine64"
# Of call, errno, its time, WSA code, its time, marks.
TIME = 6
WIDTHS = (10, 19, TIME, 23, TIME, 1)
# How many columns a terminal has that has room for the names of cases too.
ROOM = 120


@click.command()
@click.argument("names", nargs=-1, metavar="[SCENARIO]...")
@click.option("--jobs", default=1, type=click.IntRange(1, 16), help="Labs side by side.")
@click.option("--lab", "lab_name", default="windows", help="The first lab; others are NAME-2, …")
@click.option("--write", is_flag=True, help="Put the scenarios named into docs/windows.json.")
def main(names: Sequence[str], jobs: int, lab_name: str, write: bool) -> None:
    """Run scenarios from client and from windows, all unless named; all are written down."""
    try:
        status = command(names, jobs, lab_name, write=write or not names)
    except KeyboardInterrupt:
        say("interrupted; what a run had broken is mended, and nothing is written")
        status = INTERRUPTED
    except NotForThisMachine as why:
        say(f"skip: {why}")
        status = 0
    except LabError as error:
        console.err.print(f"errnolab: {error}", markup=False)
        status = 2
    sys.exit(status)


def command(names: Sequence[str], jobs: int, lab_name: str, *, write: bool) -> int:
    """Run, print the table, keep what passed if wanted; return the exit status of the runs.

    Raises: LabError if the image cannot be made, or a scenario has no case for windows.
    """
    chosen = moving.load(names, HOST, FAMILIES) if names else moving.load_all(
        HOST, FAMILIES, slow=True
    )  # fmt: skip
    here = engines.ensure()
    with labs.allocation_lock():
        tag = images.ensure_guest(here, HOST)
    results = run(jobs_of(chosen), sibling_names(lab_name, jobs))
    found = measured(results)
    show([row for name, one in found.items() for row in side_by_side.rows(name, one["runs"])])
    for result in results:
        if result.verdict != "pass":
            say(f"{result.verdict}: {result.title}: {result.reason}")
    if found and write:
        keep(found, here, tag, whole=not names)
    return exit_status(results)


def jobs_of(chosen: Sequence[Scenario]) -> list[Job]:
    """Return what is run: each scenario in each family, from client and then from windows."""
    return [
        (replace(scenario, host=host), family)
        for scenario in chosen
        for family in scenario.families
        for host in (USUAL, HOST)
    ]


def run(jobs: Sequence[Job], lab_names: Sequence[str]) -> list[Result]:
    """Run jobs, with a line for each, and keep the evidence."""
    folder = evidence.new_folder()

    def report(result: Result, captured: Captured) -> None:
        evidence.write(folder, result, captured)
        done = f"[{len(session.results)}/{len(jobs)}] "
        console.err.print(done, render.headline(result), sep="")

    labs.prepare()
    session = Session(jobs, report)
    return session.run(lab_names)


def measured(results: Sequence[Result]) -> dict[str, Document]:
    """Return what is kept of each scenario whose runs have passed, all of them."""
    by_name: dict[str, dict[tuple[str, str], Result]] = {}
    for result in results:
        by_name.setdefault(result.scenario, {})[result.family, result.host] = result
    found = {}
    for name, runs in by_name.items():
        if all(result.verdict == "pass" for result in runs.values()):
            sides = {key: result.document() for key, result in runs.items()}
            found[name] = {
                "measured": datetime.now(timezone.utc).date().isoformat(),
                "runs": {
                    family: side_by_side.pairs(sides[family, USUAL], sides[family, HOST],
                                               HOST, USUAL)
                    for family, host in sides if host == HOST
                },
            }  # fmt: skip
    return found


def show(rows: Sequence[Row]) -> None:
    """Print the tables: errno beside WSA code, with their times; cases where there is room."""
    for scenario, group in groupby(rows, key=lambda row: row.scenario):
        console.out.print(Text(scenario, style="bold"))
        table = Table(box=None, pad_edge=False, show_edge=False, show_header=False)
        for width in WIDTHS:
            table.add_column(min_width=width, no_wrap=width > TIME)
        if console.out.width >= ROOM:
            table.add_column()
        for row in group:
            cells = [
                f"  {row.call}", side_by_side.code(row.linux), row.time("linux"),
                side_by_side.code(row.windows), row.time("windows"),
                " ".join(windows_page.marks(row)), row.where,
            ]  # fmt: skip
            table.add_row(*map(Text, cells[: len(table.columns)]))
        console.out.print(table, soft_wrap=False)
    console.out.print(Text(windows_page.LEGEND))


def keep(found: Mapping[str, Document], here: Engine, tag: str, *, whole: bool) -> None:
    """Put what was measured into the JSON and write the page anew.

    Some scenarios alone are put into what is there: without it nothing is written.
    """
    if not (whole or DOCUMENT.is_file()):
        say(f"{DOCUMENT.name} is not there yet: `make windows` without names writes it")
        return
    known = windows_page.load()["scenarios"] if DOCUMENT.is_file() else {}
    document = {
        "schema": SCHEMA, "kernel": platform.release(), "engine": f"{here.name} {here.version}",
        "wine": wine_version(here, tag), "images": {"host": images.host_tag(), HOST: tag},
        "scenarios": merged(known, found),
    }  # fmt: skip
    DOCUMENT.write_text(written(document), encoding="utf-8")
    windows_page.write()


def merged(known: Mapping[str, Document], new: Mapping[str, Document]) -> dict[str, Document]:
    """Return what is known of all scenarios with what is new, by name; of those that are gone none.

    One that passes no more, or cannot be moved any more, is kept until somebody looks why.
    """
    there, all_of_them = {*scenarios.names()}, {**known, **new}
    return {name: all_of_them[name] for name in sorted(all_of_them) if name in there}


def wine_version(here: Engine, tag: str) -> str:
    """Return what Wine says of itself: "wine-8.0 (Debian 8.0~repack-4)"."""
    argv = [here.cli, "run", "--rm", "--network=none", f"--entrypoint={WINE}", tag, "--version"]
    return shell.run(argv).strip()


def written(document: Document) -> str:
    """Return the JSON with a line for each call, so that a difference is one of lines."""
    head = {key: value for key, value in document.items() if key != "scenarios"}
    parts = [f" {_line(key)}: {_line(value)}" for key, value in head.items()]
    body = ",\n".join(_scenario(name, one) for name, one in document["scenarios"].items())
    return "{\n" + ",\n".join([*parts, f' "scenarios": {{\n{body}\n }}']) + "\n}\n"


def _scenario(name: str, one: Mapping[str, Any]) -> str:
    runs = ",\n".join(
        f"   {_line(family)}: [\n" + ",\n".join(f"    {_line(call)}" for call in calls) + "\n   ]"
        for family, calls in one["runs"].items()
    )
    head = f'  {_line(name)}: {{"measured": {_line(one["measured"])}, "runs": {{\n'
    return f"{head}{runs}\n  }}}}"


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
