"""Explanations in another language: complete, current, and true to their code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

from lab import lang, texts, walk

TRANSLATIONS = [language for language in lang.LANGUAGES if language != "en"]
CATALOGUES = sorted(lang.LOCALE.glob("*/*.po"))
ENTRIES = [(path, entry) for path in CATALOGUES for entry in polib.pofile(str(path))]
ERRNO = re.compile(r"\bE[A-Z]{3,}[A-Z0-9]*\b")


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    """Leave the language as other tests expect it."""
    yield
    lang.choose("en")


def test_there_is_chinese() -> None:
    assert "zh" in TRANSLATIONS


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_every_text_is_translated(language: str) -> None:
    """`python -m lab.texts zh` prints what is missing."""
    assert texts.missing(language) == {}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_has_nothing_that_no_text_needs(path: Path) -> None:
    needed = {paragraph for _, paragraph in texts.texts()}
    assert [entry.msgid for entry in polib.pofile(str(path)) if entry.msgid not in needed] == []


def test_a_text_stands_in_one_catalogue_alone() -> None:
    count = Counter((path.parent.name, entry.msgid) for path, entry in ENTRIES)
    assert [msgid for msgid, number in count.items() if number > 1] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_commands_and_errnos_stay_as_they_are(path: Path) -> None:
    for entry in polib.pofile(str(path)):
        for piece in re.findall(r"`[^`]+`", entry.msgid):
            assert piece in entry.msgstr
        assert set(ERRNO.findall(entry.msgid)) <= set(ERRNO.findall(entry.msgstr)), entry.msgid


def test_a_text_without_translation_stays_english() -> None:
    lang.choose("zh")
    assert lang.tr("No such text.") == "No such text."


def test_paragraphs_are_translated_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lang, "catalogue", lambda language: {"One two.": "一二。"})
    lang.choose("zh")
    assert lang.tr("One\ntwo.\n\nThree.") == "一二。\n\nThree."


def test_english_is_left_as_it_is_written() -> None:
    assert lang.tr("One\ntwo.") == "One\ntwo."


def test_the_walks_are_current() -> None:
    """`make docs` writes them."""
    for path, text in walk.pages().items():
        assert path.read_text(encoding="utf-8") == text, path.name
