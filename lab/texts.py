"""Every text that `--lang` translates, and the entries that a language still lacks.

`python -m lab.texts zh` prints them as a catalogue to fill in.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain

from lab import explain, lang, lookup, scenario, winsock
from lab.scenario import CAUSES
from lab.tutorial import CLAIMS, SECTIONS
from lab.walk import INTRODUCTION

# What the commands and pages themselves say in the language in use.
WORDS = (
    "That can be any of these; `errnolab explain` and the name says more.",
    "To tell it", "no error", "no cause is named", "what programs print",
    "claim", "verdict", "evidence", "expected", "no verdict",
    "true", "wrong", "imprecise", "not on this system", "not here",
    "on Linux", "on Windows", "no errno says it", lookup.FROM_WINDOWS,
    "on today's Linux", "see it", "The tutorial, with the lab beside it",
)  # fmt: skip


def texts() -> Iterator[tuple[str, str]]:
    """Yield where a paragraph comes from, and the paragraph, as a catalogue's `msgid` has it."""
    for where, text in _sources():
        for paragraph in lang.paragraphs(text):
            yield where, paragraph


def _sources() -> Iterator[tuple[str, str]]:
    for text in (*WORDS, *CAUSES.values()):
        yield "words", text
    for name in dict.fromkeys(explain.names().values()):
        yield "errnos", explain.meaning(name)
    for code in winsock.CODES:
        yield "errnos", explain.meaning(code.name)
    for _, when in chain.from_iterable(winsock.ELSE.values()):
        yield "errnos", when
    yield "tutorial", INTRODUCTION
    for section in SECTIONS:
        yield "tutorial", section.title
        yield "tutorial", section.text
    for claim in CLAIMS.values():
        yield "tutorial", claim.truth
    for name in scenario.names():
        one = scenario.load(name)
        yield f"scenarios/{name}.py", one.text
        yield f"scenarios/{name}.py", one.look


def missing(language: str) -> dict[str, list[str]]:
    """Return the paragraphs that a language lacks, by where they come from."""
    known = lang.catalogue(language)
    found: dict[str, list[str]] = {}
    for where, paragraph in dict.fromkeys(texts()):
        if paragraph not in known:
            found.setdefault(where, []).append(paragraph)
    return found


def skeleton(language: str) -> str:
    """Return a catalogue with an empty entry for each paragraph that a language lacks."""
    import polib  # noqa: PLC0415

    file = polib.POFile(wrapwidth=0)
    entries: dict[str, polib.POEntry] = {}
    for where, paragraphs in missing(language).items():
        for paragraph in paragraphs:
            entry = entries.setdefault(paragraph, polib.POEntry(msgid=paragraph, msgstr=""))
            entry.occurrences.append((where, ""))
    file.extend(entries.values())
    return str(file)


if __name__ == "__main__":
    print(skeleton(sys.argv[1]))
