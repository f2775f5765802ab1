"""docs/windows.md: errno beside WSA code for the same packets, from docs/windows.json.

What Wine cannot show is from `lab.callers`, where Windows is known to differ from
`lab.real_windows`, and what does not apply, with the reasons, from the scenarios.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lab import atlas, callers, moving, places, side_by_side
from lab import scenario as scenarios
from lab.markdown import pipe_table
from lab.real_windows import DIFFERENCES
from lab.scenario import Scenario
from lab.side_by_side import Row
from lab.topology import FAMILIES, Family

Document = dict[str, Any]

HOST = "windows"
DOCUMENT, PAGE = places.DOCS / "windows.json", places.DOCS / "windows.md"
MADE = "<!-- Made from docs/windows.json by `make docs`; `make windows` measures anew. -->"
OTHER = "≠"
LEGEND = f"{OTHER}  not the code of that errno's meaning; (name)  a limit of Wine: docs/windows.md"
INTRODUCTION = f"""Each scenario here was run twice: its calls made by a Linux program in the host
`client`, and by a Winsock program in the host `windows`, with the same fault and the same proofs
on the wire. A row is a call, the errno that Linux gives, and the code that WSAGetLastError gives
(or SO_ERROR, where that was asked); times are of the call alone, over all cases of the row.
{OTHER} marks a code that is not the one of the errno's meaning: a program that is ported must
look for another there. A name in brackets is a limit of the host, below.

`errnolab run refused --from {HOST}` runs one from there, with its packets and proofs;
`make windows NAMES=refused` prints its rows of this table from your machine, and
`errnolab explain 10061` says what a code means."""
LIMITS = """The Windows host is Wine on this Linux kernel, not Windows. What it cannot show is in
each result, as `limits`, by these names; a call that met one says so in `limit`."""
DIFFERS = """None of this was measured here. Each line has its source."""
APPLIES = """A case is not made from the Windows host if Winsock has no such call or option, or
if it is about something else than the client's calls."""


def load() -> Document:
    """Return what was measured."""
    document: Document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return document


def write() -> None:
    """Write the page of what was measured, if something was."""
    if DOCUMENT.is_file():
        every = scenarios.load_many(scenarios.names())
        PAGE.write_text(page(load(), every), encoding="utf-8")


def page(document: Mapping[str, Any], loaded: Sequence[Scenario]) -> str:
    """Return the page of what was measured, and of what of all scenarios does not apply."""
    measured = document["scenarios"]
    parts = [MADE, "# Errno and WSA code", INTRODUCTION, _when(document)]
    parts += ["## What Wine cannot show", LIMITS, _limits()]
    parts += ["## Where a real Windows is known to differ", DIFFERS, _differences()]
    grouped = atlas.by_cause(one for one in loaded if one.name in measured)
    for cause, group in grouped.items():
        parts += [f"## {cause[0].upper()}{cause[1:]}", _table_of(group, measured)]
    parts += ["## What does not apply", APPLIES, *_not_applying(loaded)]
    return "\n\n".join(parts) + "\n"


def _when(document: Mapping[str, Any]) -> str:
    days = sorted({one["measured"] for one in document["scenarios"].values()})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    images = ", ".join(f"`{tag}`" for tag in document["images"].values())
    return (
        f"Measured {span} on Linux {document['kernel']}, {document['engine']}, with"
        f" {document['wine']}; images {images}. All that was seen of each case is in"
        " [windows.json](windows.json)."
    )


def _limits() -> str:
    limits = callers.of(HOST).limits
    return "\n".join(f"- `{name}`: {text}." for name, text in limits.items())


def _differences() -> str:
    rows = [
        [one.calls, one.text, "; ".join(f"[{s.title}]({s.url})" for s in one.sources)]
        for one in DIFFERENCES
    ]
    return pipe_table(["call", "on Windows", "source"], rows)


# --- The tables -----------------------------------------------------------------------------


def marks(row: Row) -> Iterator[str]:
    """Yield what a reader must know of a row beside what came."""
    if not row.alike:
        yield OTHER
    if row.limit:
        yield f"({row.limit})"


def _table_of(group: Iterable[Scenario], measured: Mapping[str, Document]) -> str:
    rows = []
    for one in group:
        for number, row in enumerate(side_by_side.rows(one.name, measured[one.name]["runs"])):
            link = f"[`{one.name}`](../scenarios/{one.name}.py)" if not number else ""
            rows.append([
                link, row.call, row.where, side_by_side.code(row.linux),
                side_by_side.code(row.windows), *(_times(row, family) for family in FAMILIES),
                " ".join(marks(row)),
            ])  # fmt: skip
    titles = ["scenario", "call", "cases", "errno", "WSA code", "IPv4: Linux, Winsock",
              "IPv6: Linux, Winsock", ""]  # fmt: skip
    return pipe_table(titles, rows)


def _times(row: Row, family: Family) -> str:
    both = [row.time(side, [family]) for side in ("linux", "windows")]
    return ", ".join(both) if all(both) else "-"


# --- What does not apply --------------------------------------------------------------------


def _not_applying(loaded: Sequence[Scenario]) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    applying, whole = 0, 0
    for one in loaded:
        found = moving.judged(one, HOST, FAMILIES)
        applying += sum(not why for _, why in found)
        whole += any(not why for _, why in found)
        for _, why in found:
            if why:
                # The same is missing, whichever call asked for it.
                reasons.setdefault(why.rpartition(": ")[2], []).append(one.name)
    left = sum(map(len, reasons.values()))
    yield (
        f"Of {len(loaded)} scenarios {whole} have a case that applies; of their cases"
        f" {applying} apply and {left} do not."
    )
    ordered = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    yield pipe_table(
        ["why not", "cases", "of scenarios"],
        [[why, str(len(names)), ", ".join(f"`{name}`" for name in dict.fromkeys(names))]
         for why, names in ordered],
    )  # fmt: skip


if __name__ == "__main__":
    write()
