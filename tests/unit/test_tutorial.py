"""What the tutorial claims is written down whole, in its order and in its words."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from lab.tutorial import CLAIMS, SECTIONS, VERDICTS, Claim, Section

IDS = [*[f"C{n}" for n in range(1, 119)], "C118b", "C119", "C120", "C121"]
TUTORIAL = os.environ.get("ERRNOLAB_TUTORIAL", "")


def test_every_claim_is_there_once_and_in_order() -> None:
    assert [claim.id for section in SECTIONS for claim in section.claims] == IDS
    assert list(CLAIMS) == IDS


def test_no_two_sections_have_one_key_or_title() -> None:
    assert len({section.key for section in SECTIONS}) == len(SECTIONS)
    assert len({section.title for section in SECTIONS}) == len(SECTIONS)


def test_a_verdict_is_one_of_four_words() -> None:
    assert {claim.verdict for claim in CLAIMS.values()} == set(VERDICTS)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=IDS)
def test_a_proposition_is_one_sentence_and_the_truth_is_short(claim: Claim) -> None:
    assert re.fullmatch(r"[A-Za-z1-5].+\.", claim.text)
    assert claim.truth.endswith(".") and len(claim.truth) <= 330


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.key)
def test_a_section_names_runs_to_try_in_whole_commands(section: Section) -> None:
    commands = re.findall(r"`(errnolab [^`]+)`", section.text)
    assert commands
    assert all(re.fullmatch(r"errnolab (run|explain) \w+", command) for command in commands)


@pytest.mark.skipif(not TUTORIAL, reason="ERRNOLAB_TUTORIAL names no file")
def test_every_quote_stands_in_the_tutorial() -> None:
    text = Path(TUTORIAL).read_text(encoding="utf-8")
    assert [claim.id for claim in CLAIMS.values() if claim.quote not in text] == []
