"""The Chinese of the walk through the tutorial is whole and says the same as the English."""

from __future__ import annotations

import re

import polib
import pytest

from lab import lang
from lab.tutorial import CLAIMS, SECTIONS
from lab.walk import INTRODUCTION

ENTRIES = polib.pofile(str(lang.LOCALE / "zh" / "claims.po"))
KEPT = {
    "commands": r"`[^`]+`",
    "names": r"\b(?:E[A-Z0-9]{3,}|SO_\w+|SOCK_\w+|AF_\w+|TIME-WAIT)\b",
    "figures": r"\d+(?:\.\d+)*",
}


def test_its_catalogue_is_complete_and_has_the_tutorials_order() -> None:
    texts = [INTRODUCTION]
    for section in SECTIONS:
        texts += [section.title, section.text, *(claim.truth for claim in section.claims)]
    wanted = [paragraph for text in texts for paragraph in lang.paragraphs(text)]
    assert [entry.msgid for entry in ENTRIES] == list(dict.fromkeys(wanted))


def test_every_truth_is_marked_with_its_claim() -> None:
    marked = [entry.comment for entry in ENTRIES if entry.comment in CLAIMS]
    assert marked == list(CLAIMS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.comment)
def test_a_translation_is_there_and_done(entry: polib.POEntry) -> None:
    assert entry.msgstr.strip()
    assert not entry.obsolete and not entry.fuzzy


@pytest.mark.parametrize("kind", KEPT)
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.comment)
def test_it_has_what_the_english_has(entry: polib.POEntry, kind: str) -> None:
    wanted, got = (
        set(re.findall(KEPT[kind], text, re.ASCII)) for text in (entry.msgid, entry.msgstr)
    )
    assert got == wanted
