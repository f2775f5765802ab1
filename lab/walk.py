"""The walk through the tutorial, section by section: `make docs` writes it in each language.

What it says is in `lab.tutorial`, and its Chinese in `lab/locale/zh`; which scenario shows
a claim is read from the scenarios.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab import atlas, claims, lang, places
from lab.claims import Judged
from lab.console import say
from lab.lang import tr
from lab.markdown import pipe_table
from lab.tutorial import SECTIONS, Claim, Section

DOCS = places.DOCS
PAGES = {"en": DOCS / "tutorial.md", "zh": DOCS / "tutorial.zh-CN.md"}
MADE = "<!-- Made from lab/tutorial.py and scenarios/ by `make docs`: edit those, not this. -->"
INTRODUCTION = """This is a walk through a tutorial on sockets, from top to bottom, with the
lab beside it: what the tutorial says, what is so on today's Linux, and which scenario shows it.
`make lab-up` brings the lab up (a minute or two, once), `errnolab run NAME` runs a scenario, and
`errnolab show NAME` says beforehand what it breaks, calls and expects.

Each claim of the tutorial has a number. The verdict is not an opinion: cases of scenarios say of
a claim that it holds in them, or that it does not, and both together make it imprecise.
`errnolab claims` prints the table for the newest runs on this machine, `errnolab claims C59` one
claim with its evidence, and `make claims` runs all that is needed."""
MARKS = {"true": "✔", "wrong": "✘", "imprecise": "≈", "not on this system": "∅"}


def write() -> None:
    """Write the page of each language, and say what changed."""
    for path, text in pages().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            say(f"changed {path}")


def pages() -> dict[Path, str]:
    """Return the page of each language, by its path."""
    loaded, _broken = atlas.load()
    judged = {one.claim.id: one for one in claims.judge(loaded, {})}
    before, made = lang.chosen(), {}
    for language, path in PAGES.items():
        lang.choose(language)
        made[path] = _page(judged)
    lang.choose(before)
    return made


def _page(judged: Mapping[str, Judged]) -> str:
    parts = [MADE, f"# {tr('The tutorial, with the lab beside it')}", tr(INTRODUCTION), _legend()]
    for section in SECTIONS:
        parts += _section(section, judged)
    return "\n\n".join(parts) + "\n"


def _legend() -> str:
    return "; ".join(f"{mark} {tr(word)}" for word, mark in MARKS.items())


def _section(section: Section, judged: Mapping[str, Judged]) -> list[str]:
    sample = [f"```\n{section.sample.strip(chr(10))}\n```"] if section.sample else []
    titles = [tr(title) for title in ("claim", "verdict", "on today's Linux", "see it")]
    rows = [_row(judged[claim.id]) for claim in section.claims]
    return [f"## {tr(section.title)}", tr(section.text), *sample, pipe_table(titles, rows)]


def _row(one: Judged) -> list[str]:
    claim = one.claim
    return [f"**{claim.id}** {_text(claim)}", f"{MARKS[claim.verdict]} {tr(claim.verdict)}",
            tr(claim.truth), _links(one)]  # fmt: skip


def _text(claim: Claim) -> str:
    return claim.text if lang.chosen() == "en" else f"“{claim.quote}”"


def _links(one: Judged) -> str:
    names = sorted({bound.scenario for bound in one.bound})
    return ", ".join(f"[`{name}`](../scenarios/{name}.py)" for name in names)


if __name__ == "__main__":
    write()
