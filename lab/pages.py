"""A page for each errno, and an index of them, made from the scenarios: `make docs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lab import atlas, explain, places
from lab.atlas import Atlas, Sight
from lab.markdown import pipe_table
from lab.says import Said

FOLDER = places.DOCS / "errors"
# What tells a page from a file that somebody wrote; it is not seen where Markdown is shown.
MADE = "<!-- Made from scenarios/ by `make docs`: edit those, not this. -->"
INDEX = "README.md"


def pages(seen: Atlas) -> dict[str, str]:
    """Return file name to text: a page for each errno that is shown, and the index."""
    return {INDEX: _index(seen)} | {f"{name}.md": _page(name, seen[name]) for name in seen}


def write(folder: Path, made: Mapping[str, str]) -> list[str]:
    """Write pages into a folder and remove those of errnos no longer shown; return what changed."""
    changed = differences(folder, made)
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in made:
            (folder / name).write_text(made[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


def differences(folder: Path, made: Mapping[str, str]) -> list[str]:
    """Return the names of pages that are missing in a folder, not current, or too many."""
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    ours = {name: text for name, text in there.items() if name in made or text.startswith(MADE)}
    return sorted(name for name in {*ours, *made} if ours.get(name) != made.get(name))


def _index(seen: Atlas) -> str:
    rows = [
        (
            f"[{name}]({name}.md)",
            str(explain.number(name)),
            explain.text(name),
            str(len(seen[name])),
        )
        for name in seen
    ]
    return _joined(
        "# Errors of socket calls",
        "For each errno that a scenario shows: what it means, what can be at fault, how to tell the"
        " causes apart on one's own machine, and what programs print. `errnolab explain` prints"
        " the same for a name, a number, or a message, Linux's or Windows': `errnolab explain No"
        " route to host`, `errnolab explain WinError 10061`.",
        pipe_table(("errno", "number", "text", "scenarios"), rows),
    )


def _page(name: str, sights: Sequence[Sight]) -> str:
    parts = [
        f"# {name}",
        f"Errno {explain.number(name)}: “{explain.text(name)}”. {explain.meaning(name)}".strip(),
        *_on_windows(name),
    ]
    for cause, group in atlas.by_cause(sights).items():
        parts += [f"## {cause[0].upper()}{cause[1:]}", _causes(group)]
    parts.append(
        "`make scenario-NAME` runs a scenario, and `errnolab show NAME` says what it does."
    )
    programs = explain.said(name)
    if programs:
        parts += ["## What programs print", _programs(programs), _stands_for()]
    return _joined(*parts)


def _on_windows(name: str) -> list[str]:
    """Return the paragraph on what Windows says instead, if it has a code for it."""
    codes = [
        f"{code} ({explain.number(code)}){when and ' '}{when}: “{explain.text(code)}”"
        for code, when in explain.on_windows(name)
    ]
    return ["On Windows: " + "; ".join(codes)] if codes else []


def _causes(sights: Iterable[Sight]) -> str:
    rows = []
    for sight in sights:
        one = sight.scenario
        slow = " (slow)" if one.slow else ""
        rows.append(
            (f"[`{one.name}`](../../scenarios/{one.name}.py){slow}: {one.title}",
             f"{', '.join(sight.calls)}; {sight.where}", one.look)
        )  # fmt: skip
    return pipe_table(("scenario", "calls and cases", "how to tell it"), rows)


def _programs(programs: Iterable[Said]) -> str:
    rows = [(f"{one.program} {one.version}", _code(one.text), one.when) for one in programs]
    if not any(when for _, _, when in rows):
        return pipe_table(("program", "message"), [row[:2] for row in rows])
    return pipe_table(("program", "message", "when"), rows)


def _stands_for() -> str:
    return "HOST, PORT, FILE and N (a number) stand for what differs from run to run."


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _joined(*parts: str) -> str:
    return "\n\n".join([MADE, *parts]) + "\n"
