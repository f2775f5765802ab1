"""The page on every word that a scenario is written in, made from the words' own docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lab
from lab import places
from lab.calls import Call

PAGE = places.DOCS / "words.md"
HEAD = """# The words of a scenario

Made from the words' own docstrings by `make docs`; how they go together is in
[scenarios.md](scenarios.md). All arguments are given by name, but where there is no `=`.
"""
PARTS: dict[str, tuple[str, ...]] = {
    "The parts": ("lab.scenario",),
    "Faults": ("lab.faults.",),
    "Calls": ("lab.calls",),
    "Packets": ("lab.wire",),
    "States": ("lab.states",),
    "Values that only a run knows": ("lab.known", "lab.icmp"),
}
# What the file itself gives.
FILLED_IN = ("self", "text")
EXPECTATIONS = (
    "fails", "returns", "returns_between", "gives", "reports", "tells", "after", "before",
)  # fmt: skip
WAYS = ("by", "in_background", "interrupted")


def page() -> str:
    """Return the page as Markdown."""
    words = {name: getattr(lab, name) for name in lab.__all__ if callable(getattr(lab, name))}
    lines = [HEAD]
    for title, modules in PARTS.items():
        lines.append(f"## {title}\n")
        for name, word in words.items():
            if word.__module__.startswith(modules):
                lines += _entry(name, word)
        if title == "Calls":
            lines += _expectations()
    return "\n".join(lines)


def write() -> Path:
    """Write the page; return where it is."""
    PAGE.write_text(page(), encoding="utf-8")
    return PAGE


def _expectations() -> Iterator[str]:
    yield "### What a call must give\n"
    yield 'Said behind the call, as in `recv(on="client").gives(b"abc")`; without it the call'
    yield "must succeed.\n"
    for name in EXPECTATIONS:
        yield from _entry(f".{name}", getattr(Call, name))
    yield "### How a call is made\n"
    yield 'Said behind it too: `accept(on="server").in_background()`.\n'
    for name in WAYS:
        yield from _entry(f".{name}", getattr(Call, name))


def _entry(name: str, word: Callable[..., Any]) -> list[str]:
    text = inspect.cleandoc(word.__doc__ or "")
    return [f"**`{name}({_arguments(word)})`**\n", *(f"{text}\n",)]


def _arguments(word: Callable[..., Any]) -> str:
    parameters = inspect.signature(word).parameters.values()
    return ", ".join(_argument(p) for p in parameters if p.name not in FILLED_IN)


def _argument(parameter: inspect.Parameter) -> str:
    if parameter.default is inspect.Parameter.empty:
        named = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        return f"{parameter.name}=" if named else parameter.name
    if not isinstance(parameter.default, (str, int, float, bool, tuple, type(None))):
        return f"{parameter.name}="
    return f"{parameter.name}={parameter.default!r}"


if __name__ == "__main__":
    write()
