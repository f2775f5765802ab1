"""What a person sees while the lab works: progress on standard error.

On a terminal a step turns while it runs; elsewhere it is one plain line when it
ends, without colour or cursor codes. Standard output is left to results.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.text import Text

# Steps that end sooner than this are not worth a line where nothing turns.
WORTH_A_LINE_S = 1.0
# Longer lines are hard to read, however wide the terminal is.
WIDEST = 100


def _encodes(stream: object, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


UNICODE = _encodes(sys.stdout, "└─→✓") and _encodes(sys.stderr, "└─→✓")
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
out = Console(highlight=False, soft_wrap=True, emoji=False)


def takes_utf8() -> bool:
    """Tell whether what reads standard output takes any character."""
    return (sys.stdout.encoding or "ascii").lower().replace("-", "") == "utf8"


def this_command() -> str:
    """Return what a person types to run this command again: on the PATH, or from here."""
    if shutil.which("errnolab"):
        return "errnolab"
    beside = Path(sys.executable).with_name("errnolab")
    return os.path.relpath(beside) if beside.exists() else f"{sys.executable} -m lab"


def option(lab_name: str) -> str:
    """Return the option that names a lab, "" for the default one."""
    return "" if lab_name == "default" else f" --lab {lab_name}"


def say(text: str) -> None:
    """Print one line of progress as it is."""
    err.print(text, markup=False)


def lines(text: str, indent: int = 0, *, hang: int = 0) -> None:
    """Print text, wrapped; lines after the first are indented by `hang` if it is more."""
    width, later = min(out.width, WIDEST), max(indent, hang)
    if text.isascii():
        wrapped = textwrap.wrap(
            text, width, initial_indent=" " * indent, subsequent_indent=" " * later,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    else:
        # What has wide characters, and no spaces between words, is wrapped by its cells.
        pieces = [line.plain.rstrip() for line in Text(text).wrap(out, width - later)]
        wrapped = [" " * (later if n else indent) + piece for n, piece in enumerate(pieces)]
    for line in wrapped:
        out.print(Text(line))


@contextmanager
def step(text: str) -> Iterator[Callable[[str], None]]:
    """Show that `text` is being done, and how long it took if it took long.

    Yields: a function that replaces the detail behind the text (one short line).
    """
    start = time.monotonic()
    if not err.is_terminal:
        yield lambda _detail: None
    else:
        with err.status(escape(text), spinner="dots" if UNICODE else "line") as status:
            yield lambda detail: status.update(f"{escape(text)}  [dim]{escape(detail)}[/dim]")
    took = time.monotonic() - start
    if took >= WORTH_A_LINE_S:
        say(f"{text}: done in {took:.1f} s")
