"""The page on the words is what their docstrings say."""

from __future__ import annotations

import lab
from lab import words


def test_the_page_is_current() -> None:
    assert words.PAGE.read_text(encoding="utf-8") == words.page(), "run `make docs`"


def test_every_public_word_that_takes_arguments_is_on_it() -> None:
    page = words.page()
    named = [name for name in lab.__all__ if callable(getattr(lab, name))]
    assert [name for name in named if f"**`{name}(" not in page] == []


def test_a_word_shows_what_must_be_given_and_what_may_be() -> None:
    assert "**`poll(on=, events='POLLOUT', timeout_s=None, socket='s')`**" in words.page()
