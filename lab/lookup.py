"""What the commands `list` and `explain` do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from lab import atlas, explain, pages, scenario, winsock
from lab.atlas import Sight
from lab.calls import IN_PROGRESS
from lab.console import lines, out, say
from lab.errors import NotUnderstood
from lab.explain import Found
from lab.lang import tr
from lab.scenario import Scenario

FROM_WINDOWS = (
    "From a Linux caller the same packets give that errno;"
    " `errnolab run NAME --from windows` shows the code itself."
)


def list_names() -> None:
    """Print the names of the scenarios, for programs."""
    for name in scenario.names():
        click.echo(name)


def list_by_cause() -> None:
    """Print every scenario under what is at fault, with the errnos it shows."""
    for cause, found in atlas.by_cause(_load()).items():
        _heading(tr(cause))
        for one in found:
            lines(f"{_name(one)}  {atlas.errnos_shown(one) or tr('no error')}", indent=2, hang=6)
            lines(title(one), indent=6)


def list_by_errno() -> None:
    """Print every errno but EINPROGRESS, which is no failure, with what shows it."""
    for name, sights in atlas.atlas(_load()).items():
        if name in IN_PROGRESS:
            continue
        _heading(explain.heading(name))
        for sight in sights:
            lines(f"{_name(sight.scenario)}  {sight.where}", indent=2, hang=6)


def explain_(message: str, *, as_json: bool = False) -> None:
    """Print what a message means and what can be at fault.

    Raises: NotUnderstood if it names no errno.
    """
    try:
        found = explain.find(message)
    except NotUnderstood:
        if as_json:
            click.echo(json.dumps({"asked": message, "found": []}, indent=1))
        raise
    seen = atlas.atlas(_load())
    if as_json:
        documents = [_document(one, _sights(one, seen)) for one in found]
        click.echo(json.dumps({"asked": message, "found": documents}, indent=1))
    elif len(found) > 1:
        _show_several(found, seen)
    else:
        _show(found[0], _sights(found[0], seen))


def write_pages(folder: Path) -> None:
    """Write the pages of all errnos into a folder, and say what changed."""
    changed = pages.write(folder, pages.pages(atlas.atlas(_load())))
    for name in changed:
        say(f"changed {folder / name}")
    if not changed:
        say(f"{folder} is current")


def _load() -> list[Scenario]:
    loaded, broken = atlas.load()
    for error in broken:
        say(f"{error.name} is left out, for it cannot be run: {error.mistakes[0]}")
    return loaded


def _sights(found: Found, seen: atlas.Atlas) -> Sequence[Sight]:
    """Return what shows an errno; for a code of Windows, the errno of the same meaning."""
    return seen.get(explain.linux_name(found.name), ())


def _document(found: Found, sights: Sequence[Sight]) -> dict[str, Any]:
    """Return what is known of an errno, or of a code of Windows, as plain data."""
    return {
        "errno_name": found.name,
        "errno": explain.number(found.name),
        "text": explain.text(found.name),
        "meaning": explain.meaning(found.name),
        "why": found.why,
        "linux": explain.linux_name(found.name),
        "windows": [
            {"name": name, "number": explain.number(name), "when": when}
            for name, when in explain.on_windows(found.name)
        ],
        "causes": [
            {
                "cause": sight.scenario.cause,
                "scenario": sight.scenario.name,
                "title": sight.scenario.title,
                "cases": {family: list(cases) for family, cases in sight.cases.items()},
                "calls": list(sight.calls),
                "look": sight.scenario.look,
                "source": sight.scenario.source,
                "slow": sight.scenario.slow,
                "command": atlas.command_of(sight.scenario),
            }
            for sight in sights
        ],
        "programs": [
            {"program": one.program, "version": one.version, "text": one.text, "when": one.when}
            for one in explain.said(found.name)
        ],
    }


def _show_several(found: Sequence[Found], seen: atlas.Atlas) -> None:
    lines(tr("That can be any of these; `errnolab explain` and the name says more."))
    for one in found:
        _heading(explain.heading(one.name))
        lines(tr(explain.meaning(one.name)), indent=2)
        _show_elsewhere(one.name)
        lines(f"Found by: {one.why}; {_count(one.name, _sights(one, seen))}.", indent=2)


def _show(found: Found, sights: Sequence[Sight]) -> None:
    out.print(Text(explain.heading(found.name), style="bold"))
    lines(tr(explain.meaning(found.name)), indent=2)
    _show_elsewhere(found.name)
    lines(f"Found by: {found.why}; {_count(found.name, sights)}.", indent=2)
    if sights and winsock.number_of(found.name):
        lines(tr(FROM_WINDOWS), indent=2)
    for cause, group in atlas.by_cause(sights).items():
        _heading(tr(cause))
        for sight in group:
            _show_sight(sight)
    programs = explain.said(found.name)
    if programs:
        _heading(tr("what programs print"))
    for one in programs:
        when = f"  ({one.when})" if one.when else ""
        lines(f"{one.program} {one.version}: {one.text}{when}", indent=2, hang=6)


def _show_elsewhere(name: str) -> None:
    """Print what the other system calls it."""
    if not winsock.number_of(name):
        codes = explain.on_windows(name)
        shown = [f"{code} ({explain.number(code)}) {tr(when)}".rstrip() for code, when in codes]
        if shown:
            lines(f"{tr('on Windows')}: {'; '.join(shown)}", indent=2)
        return
    errno_name = explain.linux_name(name)
    shown_there = explain.heading(errno_name) if errno_name else tr("no errno says it")
    lines(f"{tr('on Linux')}: {shown_there}", indent=2)


def _show_sight(sight: Sight) -> None:
    one = sight.scenario
    slow = "  (slow)" if one.slow else ""
    lines(f"{atlas.command_of(one)}{slow}  {', '.join(sight.calls)}; {sight.where}", 2, hang=6)
    lines(title(one), indent=4)
    lines(f"{tr('To tell it')}: {tr(one.look)}", indent=4)


def _count(name: str, sights: Sequence[Sight]) -> str:
    it = explain.linux_name(name) if winsock.number_of(name) else "it"
    if not sights:
        return "no scenario of the lab shows it"
    return f"{len(sights)} scenario{'s show' if len(sights) > 1 else ' shows'} {it}"


def title(one: Scenario) -> str:
    """Return the first paragraph of an explanation, which is one line, in the language in use."""
    return tr(one.title)


def _name(one: Scenario) -> str:
    return f"{one.name} (slow)" if one.slow else one.name


def _heading(text: str) -> None:
    out.print()
    out.print(Text(text, style="bold"))
