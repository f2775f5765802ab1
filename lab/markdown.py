"""Tables of the pages that are made, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def pipe_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, a line a row, in which a cell may hold a pipe."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
