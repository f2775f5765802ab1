"""The Chinese of what the tutorial's claims are judged by is whole and says the same."""

from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest

from lab import tutorial

FILE = Path(tutorial.__file__).parent / "locale" / "zh" / "claims.po"
ENTRIES = {entry.msgid: entry for entry in polib.pofile(str(FILE))}


def texts() -> dict[str, None]:
    """Return every text that is translated, in the tutorial's order."""
    found: dict[str, None] = {}
    for section in tutorial.SECTIONS:
        found |= dict.fromkeys(
            (section.title, section.text, *(claim.truth for claim in section.claims))
        )
    return found


def test_every_text_has_a_translation_and_none_is_left_over() -> None:
    assert list(ENTRIES) == list(texts())


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.comment)
def test_a_translation_is_whole(entry: polib.POEntry) -> None:
    assert entry.msgstr.strip()
    assert not entry.obsolete and not entry.fuzzy
    assert entry.msgid.count("\n\n") == entry.msgstr.count("\n\n")


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.comment)
def test_commands_errnos_and_figures_are_those_of_the_english(entry: polib.POEntry) -> None:
    for kept in (r"`[^`]+`", r"\b(?:E[A-Z0-9]{3,}|SO_\w+|SOCK_\w+|AF_\w+)\b", r"\d+(?:\.\d+)*"):
        wanted, got = (
            sorted(set(re.findall(kept, text, re.ASCII))) for text in (entry.msgid, entry.msgstr)
        )
        assert got == wanted
