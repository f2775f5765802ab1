"""What a person reads of `errnolab try`: a line a row as it comes, and one table of all."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab import console
from lab.markdown import pipe_table
from lab.proofs import duration
from lab.render import COLOURS
from lab.result import Result

FAMILY_NAMES: Mapping[str, str] = {"ipv4": "IPv4", "ipv6": "IPv6"}
# A table wants room: where nobody's terminal says how wide it is, it is this wide.
WIDE = 160
SHOWN_ERRNOS = 3
# Of a last line; it may be a whole document. All of it is in result.json.
SHOWN_CHARACTERS = 200
TITLES = ("fault", "over", "ended", "after", "attempts", "tried", "errno of its calls",
          "bytes out/in", "last line")  # fmt: skip


def headline(result: Result) -> Text:
    """Return a row in one line: verdict, name, how the program ended and when, its errnos."""
    line = Text()
    line.append(f"{result.verdict:8}", style=COLOURS[result.verdict])
    line.append(f"{result.scenario} ({result.family})  ")
    program = result.cases[0].program
    if not program or result.verdict in ("invalid", "skip"):
        return line.append(result.reason.splitlines()[0] if result.reason else "")
    told = f"{ended(program)} after {duration(program['elapsed_ms'])}"
    return line.append(told + (f", {errnos(program)}" if program["errnos"] else ""))


def ended(program: Mapping[str, Any]) -> str:
    """Return how a program ended: "status 7", "SIGSEGV", "hung (SIGKILL)"."""
    if program["missing"]:
        return "not started"
    if program["out_of_memory"]:
        return "out of memory"
    if program["timed_out"]:
        return "hung" if program["ended_with"] == "SIGTERM" else f"hung ({program['ended_with']})"
    return program["signal"] or f"status {program['status']}"


def errnos(program: Mapping[str, Any]) -> str:
    """Return the errnos that a program's calls got, with how often: "ECONNREFUSED x3"."""
    if not program["traced"]:
        return "not traced"
    counts: dict[str, int] = {}
    for one in program["errnos"]:
        counts[one["errno_name"]] = counts.get(one["errno_name"], 0) + one["times"]
    names = [name + (f" x{count}" if count > 1 else "") for name, count in counts.items()]
    more = [*(["…"] if names[SHOWN_ERRNOS:] else []), *(["?"] if program["unseen"] else [])]
    return ", ".join([*names[:SHOWN_ERRNOS], *more])


def attempts(program: Mapping[str, Any]) -> str:
    """Return how many connections were tried, and the packets if the kernel sent some again."""
    tried, packets = program["attempts"], program["packets"]
    kinds = {one["proto"] for one in program["tried"]}
    kind = {"tcp": "SYNs", "udp": "datagrams"}[kinds.pop()] if len(kinds) == 1 else "packets"
    return f"{tried}, {packets} {kind}" if packets > tried else str(tried)


def order(program: Mapping[str, Any]) -> str:
    """Return the addresses that were tried, in order, if there were several."""
    called = [(one["family"], one["address"]) for one in program["called"] or program["tried"]]
    several = list(dict.fromkeys(called))
    return ", ".join(address for _family, address in several) if len(several) > 1 else ""


def cells(result: Result) -> list[str]:
    """Return a row of the table, without its verdict."""
    program, name = result.cases[0].program, result.scenario
    over = FAMILY_NAMES[result.family]
    if not program or result.verdict in ("invalid", "skip"):
        why = result.reason.splitlines()[0] if result.reason else ""
        return [name, over, result.verdict, "", "", "", "", "", why]
    left = f"; left {program['left']} processes behind" if program["left"] else ""
    return [
        name, over, ended(program) + left, duration(program["elapsed_ms"]), attempts(program),
        order(program), errnos(program),
        f"{program['bytes_sent']}/{program['bytes_received']}", _shortened(program["last_line"]),
    ]  # fmt: skip


def _shortened(line: str) -> str:
    return line if len(line) <= SHOWN_CHARACTERS else line[: SHOWN_CHARACTERS - 2] + " …"


def _told(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """Return titles and rows of the table, without columns in which no row has anything."""
    rows = [cells(result) for result in results]
    kept = [n for n in range(len(TITLES)) if any(row[n] for row in rows)]
    return [TITLES[n] for n in kept], [[row[n] for n in kept] for row in rows]


def show(results: Sequence[Result], judged: bool) -> None:
    """Print the table, with verdicts if something was `judged`, and why rows are not well."""
    titles, rows = _told(results)
    table = Table(box=None, pad_edge=False)
    for title in (*(("verdict",) if judged else ()), *titles):
        long = title in ("last line", "tried")
        table.add_column(title, overflow="fold", no_wrap=not long)
    for result, row in zip(results, rows):
        verdict = [Text(result.verdict, style=COLOURS[result.verdict])] if judged else []
        table.add_row(*verdict, *map(Text, row))
    page = console.out if console.out.is_terminal else Console(width=WIDE, highlight=False)
    page.print(table)
    for result in results:
        if result.verdict in ("fail", "invalid"):
            _show_trouble(result)
    if judged:
        counts = {v: sum(r.verdict == v for r in results) for v in COLOURS}
        console.out.print(Text(", ".join(f"{n} {v}" for v, n in counts.items() if n)))


def _show_trouble(result: Result) -> None:
    console.out.print(Text(f"\n{result.scenario} ({result.family}): {result.verdict}"))
    # What makes a row invalid is why its proofs do not hold either.
    if result.verdict == "invalid":
        console.out.print(Text(f"  {result.reason}"))
    proofs = [proof for proof in result.cases[0].proofs if not proof.ok]
    for proof in proofs:
        console.out.print(Text(f"  {proof.what}: wanted {proof.wanted}, got {proof.got}"))
    console.out.print(Text(f"  evidence: {result.evidence}"))
    console.out.print(Text(f"  again:    {_again(result)}"))


def _again(result: Result) -> str:
    """Return the command that tries one row again, as far as the row knows it."""
    this, program = console.this_command(), result.cases[0].program
    row = f"{this} try --scenario {result.scenario} --family {result.family[-1]}"
    if not program:
        return row
    image = f" --image {shlex.quote(program['image'])}" if program["image"] else ""
    host = f" --from {program['host']}" if program["host"] != "client" else ""
    return f"{row}{image}{host}" + (f" -- {shlex.join(program['argv'])}" if program["argv"] else "")


def markdown(results: Sequence[Result], judged: bool, title: str) -> str:
    """Return the table in Markdown, for a page or a job's summary."""
    told, rows = _told(results)
    titles = [*(["verdict"] if judged else []), *told]
    lines = [
        [_safe(word) for word in (*([result.verdict] if judged else []), *row)]
        for result, row in zip(results, rows)
    ]
    troubles = [
        f"- `{r.scenario}` ({r.family}): "
        + _safe(f"{proof.what}: wanted {proof.wanted}, got {proof.got}")
        for r in results
        for proof in r.cases[0].proofs
        if not proof.ok
    ]
    below = ["", *troubles] if troubles else []
    return "\n".join([f"### {title}", "", pipe_table(titles, lines), *below]) + "\n"


def _safe(text: str) -> str:
    """Return a text of which a page takes nothing for a mark of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
