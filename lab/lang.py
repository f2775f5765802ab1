"""The language of explanations: English as it is written, or a translation of it.

Translations are gettext catalogues, `lab/locale/<language>/*.po`, whose `msgid` is the
English paragraph with its lines joined. One that was not translated stays English.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).with_name("locale")
LANGUAGES = ("en", *sorted(path.name for path in LOCALE.glob("*") if path.is_dir()))
_chosen = ["en"]


def choose(language: str) -> None:
    """Let `tr` translate into one of LANGUAGES from now on."""
    _chosen[:] = [language]


def chosen() -> str:
    """Return the language in use."""
    return _chosen[0]


def default() -> str:
    """Return the language that the environment asks for (ERRNOLAB_LANG), English if none."""
    wanted = os.environ.get("ERRNOLAB_LANG", "en")
    return wanted if wanted in LANGUAGES else "en"


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, each with its lines joined: the `msgid`s of it."""
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def tr(text: str) -> str:
    """Return a text in the language in use; its paragraphs are apart by an empty line."""
    if _chosen[0] == "en":
        return text
    known = catalogue(_chosen[0])
    return "\n\n".join(known.get(part, part) for part in paragraphs(text))


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return English paragraph to translation, of all catalogues of a language."""
    import polib  # noqa: PLC0415  # only a translation needs it

    return {
        entry.msgid: entry.msgstr
        for path in sorted((LOCALE / language).glob("*.po"))
        for entry in polib.pofile(str(path))
        if entry.msgstr and not entry.obsolete
    }
