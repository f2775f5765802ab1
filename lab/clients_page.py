"""docs/clients.md: what real clients do under each failure, from docs/clients.json alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import places
from lab.clients_list import CLIENTS, COLUMNS, Client, Column
from lab.markdown import pipe_table

DOCUMENT, PAGE = places.DOCS / "clients.json", places.DOCS / "clients.md"
MADE = "<!-- Made from docs/clients.json by `make docs`; `make clients` measures anew. -->"
INTRODUCTION = """Each client here was run by `errnolab try`, as its library or program comes:
no time-out, no retry and no option of ours beyond where to go. It ran in health, where each of
them ends with status 0, and then under each failure, over IPv4 and over IPv6. Times are from its
first packet to its end. The errnos are those that its system calls got, as strace saw them.

`errnolab try --scenario timeout -- curl -sS {URL}` shows a row of it on your machine, and the
same command with your own program in curl's place gives its row. `make clients` measures all."""
UNKNOWN = "-"
AT_ONCE_MS = 500.0
SAID_LENGTH = 140
SOON_MS = 2000.0

Document = dict[str, Any]
Run = Mapping[str, Any]
Families = Mapping[str, Run]


def load() -> Document:
    """Return what was measured."""
    document: Document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return document


def write() -> None:
    """Write the page of what was measured."""
    PAGE.write_text(page(load()), encoding="utf-8")


def page(document: Mapping[str, Any]) -> str:
    """Return the page."""
    rows = [Row(one, document["clients"][one.name]) for one in CLIENTS
            if one.name in document["clients"]]  # fmt: skip
    parts = [MADE, "# What real clients do", INTRODUCTION, _when(document, rows)]
    parts += ["## What is notable", *_notable(rows)]
    parts += ["## Who gives up when", GIVES_UP, _gives_up(rows)]
    for title, text, table, column in (
        ("Who falls back from IPv6 to IPv4", FALLBACK, _fallback, BLACK_HOLE),
        ("Who tries the next address", NEXT, _next, FIRST_DEAD),
        ("Who tries again after a refusal", RETRY, _retries, HEALS),
    ):
        parts += [f"## {title}", text, table(rows, column)]
    parts += ["## What they say", SAYS]
    for column in FAILURES:
        parts += [f"### {column.title[0].upper()}{column.title[1:]}", _says(rows, column)]
    parts += ["## The clients", _clients(rows)]
    return "\n\n".join(parts) + "\n"


class Row:
    """A client and what was measured of it."""

    def __init__(self, client: Client, measured: Mapping[str, Any]) -> None:
        """Take both."""
        self.client = client
        self.measured = measured

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.client.name

    def families(self, column: Column) -> Families:
        """Return the runs under a failure that prove something, by family.

        Who never meets it, since it takes the other of two ways, shows that.
        """
        runs: Families = self.measured["runs"].get(column.scenario, {})
        shown = column.table != "failure"
        return {family: run for family, run in runs.items()
                if not run["invalid"] and (shown or not run["unmet"])}  # fmt: skip

    def patience_s(self, column: Column) -> float:
        """Return how long it was waited for."""
        return float(self.measured["patience_s"].get(column.scenario, column.patience_s))


def _column(scenario: str) -> Column:
    (found,) = (column for column in COLUMNS if column.scenario == scenario)
    return found


FAILURES = [column for column in COLUMNS if column.table == "failure"]
REFUSED, TIMEOUT, SILENT = map(_column, ("refused", "timeout", "service_silent"))
CLOSES, HEALS = map(_column, ("service_closes.after_request", "heals.refused_new_sockets"))
BLACK_HOLE, FIRST_DEAD = map(_column, ("ipv6_black_hole", "first_address_dead"))


def _when(document: Mapping[str, Any], rows: Sequence[Row]) -> str:
    days = sorted({row.measured["measured"] for row in rows})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return (
        f"Measured {span} on Linux {document['kernel']}, {document['engine']}. Dates, versions and"
        " all that was seen are in [clients.json](clients.json)."
    )


# --- What is notable ------------------------------------------------------------------


def _notable(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a paragraph for each thing that a reader may not guess, counted."""
    yield _counted(rows, TIMEOUT, "leave it to the kernel when nobody answers a SYN, which takes"
                   " more than two minutes", _by_the_kernel)  # fmt: skip
    yield _counted(rows, TIMEOUT, "limit that time themselves", _limited, _after)
    yield _counted(rows, TIMEOUT, "were still waiting, or trying again, when we ended them",
                   _late, _tries)  # fmt: skip
    yield _counted(rows, SILENT, "wait without end for the answer of a server that has accepted,"
                   " or for longer than we waited for them", _late)  # fmt: skip
    yield _counted(rows, SILENT, "limit that time", _own_end, _after)
    yield _counted(rows, CLOSES, "end with status 0, as if all were well, when the server closes"
                   " without an answer (to a plain socket that is the end of what it reads, and no"
                   " error)", _well)  # fmt: skip
    yield _counted(rows, BLACK_HOLE, "try IPv4 within two seconds when IPv6 is a black hole",
                   _falls_back_soon, _fell_back)  # fmt: skip
    yield _counted(rows, BLACK_HOLE, "try it later: when the kernel, or their own limit, has ended"
                   " the first", _falls_back_late, _fell_back)  # fmt: skip
    yield _counted(rows, BLACK_HOLE, "do not try it, as long as we waited", _never_falls_back)
    yield _counted(rows, REFUSED, "try more than once when they are refused", _again, _tries)
    yield _counted(rows, REFUSED, "fail without a word when they are refused", _is_mute)


def _counted(
    rows: Sequence[Row], column: Column, what: str, holds: Callable[[Run], bool],
    told: Callable[[Run], str] = lambda _run: "",
) -> str:  # fmt: skip
    """Say of how many clients something holds, and of which; `told` adds to a name.

    It is asked of the run in IPv4, or of the only one.
    """
    runs = [(row.name, next(iter(row.families(column).values()), None)) for row in rows]
    known = [(name, run) for name, run in runs if run is not None]
    named = [name + (f" ({told(run)})" if told(run) else "") for name, run in known if holds(run)]
    return f"**{len(named)} of {len(known)}** {what}" + (f": {', '.join(named)}." if named else ".")


def _late(run: Run) -> bool:
    return bool(run["late"])


def _well(run: Run) -> bool:
    return bool(run["status"] == 0 and not run["late"])


def _own_end(run: Run) -> bool:
    return not run["late"] and run["status"] != 0


def _by_the_kernel(run: Run) -> bool:
    return not run["late"] and "ETIMEDOUT" in _errnos(run)


def _limited(run: Run) -> bool:
    return not run["late"] and "ETIMEDOUT" not in _errnos(run)


def _falls_back_soon(run: Run) -> bool:
    turned_ms = _turned_ms(run, "family", "ipv4")
    return turned_ms is not None and turned_ms < SOON_MS


def _falls_back_late(run: Run) -> bool:
    turned_ms = _turned_ms(run, "family", "ipv4")
    return turned_ms is not None and turned_ms >= SOON_MS


def _never_falls_back(run: Run) -> bool:
    return _turned_ms(run, "family", "ipv4") is None


def _fell_back(run: Run) -> str:
    return _turned(run, "family", "ipv4").removeprefix("after ")


def _again(run: Run) -> bool:
    return bool(run["attempts"] > 1)


def _is_mute(run: Run) -> bool:
    return not run["said"]


def _tries(run: Run) -> str:
    return f"{run['attempts']} attempts" if run["attempts"] > 1 else ""


# --- The tables -----------------------------------------------------------------------

GIVES_UP = """From the first packet to the end; "at once" is less than half a second. Where the
families differ it is IPv4 / IPv6. "Over" means that it was still waiting when we ended it; "no
error", that its exit status was 0."""
FALLBACK = """The name has an IPv6 address, where every packet is dropped, and an IPv4 address where
all is well. RFC 8305 has clients start with the second address after 250 ms."""
NEXT = """The name has two addresses of one family: nobody is at the first, and the second is the
server's."""
RETRY = """The first connects are refused; after that all is well. It is the default that is shown:
most can be told to try again."""
SAYS = """The last line that each printed (of psql and rsync the first), in IPv4, or in both
families where they differ in more than that line, and the errnos that its calls got. HOST and
ADDRESS stand for what the lab calls them. "SYNs" counts what it sent to begin a connection, the
kernel's retransmissions among it, or its datagrams."""


def _gives_up(rows: Iterable[Row]) -> str:
    return pipe_table(
        ["client", *(column.title for column in FAILURES)],
        [[row.name, *(_both(row, column) for column in FAILURES)] for row in rows],
    )


def _both(row: Row, column: Column) -> str:
    """Return after what time it ended in IPv4 and IPv6, once if that is the same."""
    patience_s, runs = row.patience_s(column), row.families(column)
    texts = [_ended(runs[family], patience_s) for family in ("ipv4", "ipv6") if family in runs]
    times = [run["ms"] for run in runs.values() if not run["late"]]
    alike = len(times) == len(runs) and len({run["status"] == 0 for run in runs.values()}) == 1
    if alike and times and max(times) - min(times) < 0.1 * max(times):
        texts = texts[:1]
    return " / ".join(dict.fromkeys(texts)) or UNKNOWN


def _ended(run: Run, patience_s: float) -> str:
    if run["late"]:
        return f"over {patience_s:.0f} s"
    if run["status"] == 0:
        return "no error" + ("" if run["ms"] < AT_ONCE_MS else f", {_after(run)}")
    return _after(run)


def _after(run: Run) -> str:
    return _time(run["ms"])


def _time(ms: float) -> str:
    if ms < AT_ONCE_MS:
        return "at once"
    seconds = ms / 1e3
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"


def _fallback(rows: Iterable[Row], column: Column) -> str:
    lines = []
    for row in rows:
        for run in list(row.families(column).values())[:1]:
            lines.append([row.name, _turned(run, "family", "ipv4"), _order(run, "family"),
                          _outcome(run, row.patience_s(column))])  # fmt: skip
    return pipe_table(["client", "IPv4 is tried", "tried in this order", "ends"], lines)


def _next(rows: Iterable[Row], column: Column) -> str:
    lines = []
    for row in rows:
        for family, run in row.families(column).items():
            lines.append([row.name, _family(family), _turned(run, "to", "server"),
                          _outcome(run, row.patience_s(column))])  # fmt: skip
    return pipe_table(["client", "family", "the next address is tried", "ends"], lines)


def _turned(run: Run, key: str, good: str) -> str:
    waited_ms = _turned_ms(run, key, good)
    if waited_ms is None:
        return "never"
    return f"after {_exactly(waited_ms)}" if waited_ms else "first"


def _turned_ms(run: Run, key: str, good: str) -> float | None:
    """Return after what time the good one of two was tried, from the first attempt on."""
    for one in run["tried"]:
        if one.get(key) == good:
            return float(one["t_ms"] - run["tried"][0]["t_ms"])
    return None


def _exactly(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1e3 else f"{ms / 1e3:.1f} s"


def _order(run: Run, key: str) -> str:
    return ", ".join(_family(one[key]) for one in run["tried"]) or UNKNOWN


def _family(name: str) -> str:
    return {"ipv4": "IPv4", "ipv6": "IPv6"}.get(name, name)


def _outcome(run: Run, patience_s: float) -> str:
    if run["late"]:
        return f"still waiting after {patience_s:.0f} s"
    well = "well" if run["status"] == 0 else f"status {_status(run)}"
    return f"{well}, {_after(run)}"


def _retries(rows: Iterable[Row], column: Column) -> str:
    lines = []
    for row in rows:
        for run in list(row.families(column).values())[:1]:
            lines.append([row.name, str(run["attempts"]), _outcome(run, row.patience_s(column)),
                          _said(run)])  # fmt: skip
    return pipe_table(["client", "attempts", "ends", "says"], lines)


def _says(rows: Iterable[Row], column: Column) -> str:
    lines = []
    for row in rows:
        runs = row.families(column)
        for family in ("ipv4", "ipv6")[: 1 if _same(runs) else 2]:
            if family in runs:
                run = runs[family]
                only = "" if _same(runs) else f" ({_family(family)})"
                lines.append([row.name + only, _status(run), _ended(run, row.patience_s(column)),
                              str(run["packets"]), _errnos(run), _said(run)])  # fmt: skip
    return pipe_table(
        ["client", "exit status", "after", "SYNs", "errno of its calls", "says"], lines
    )


def _same(runs: Families) -> bool:
    """Tell whether a client did the same in both families."""
    if set(runs) != {"ipv4", "ipv6"}:
        return False
    four, six = runs["ipv4"], runs["ipv6"]
    return all(four[key] == six[key] for key in ("status", "signal", "late")) and (
        _errnos(four) == _errnos(six)
    )


def _status(run: Run) -> str:
    if run["late"]:
        return "ended by us"
    return str(run["signal"] or run["status"])


def _errnos(run: Run) -> str:
    if run["untraced"]:
        return "not traced"
    names = dict.fromkeys(name for _call, name, _count in run["errnos"])
    return ", ".join(names) or UNKNOWN


def _said(run: Run) -> str:
    """Return its last line without what differs from run to run."""
    text = re.sub(r"\b(server|elsewhere)[46]\b", r"HOST", run["said"])
    text = re.sub(r"\b(\d{1,3}\.){3}\d{1,3}\b|\b2001:0?db8[0-9a-f:]+[0-9a-f]\b", "ADDRESS", text)
    text = re.sub(r"\d{4}/\d\d/\d\d [\d:]{8} (\w+)\[\d+\]", r"DATE \1[N]", text)
    text = re.sub(r"(ADDRESS\]?):\d{5}->", r"\1:N->", text)
    text = text if len(text) <= SAID_LENGTH else text[: SAID_LENGTH - 1] + "…"
    if not text:
        return UNKNOWN
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _clients(rows: Iterable[Row]) -> str:
    return pipe_table(
        ["client", "version", "from", "measured", "run as", "its service"],
        [[row.name + (f" ({row.client.note})" if row.client.note else ""),
          row.measured["version"], row.client.source, row.measured["measured"],
          _command(row.client), row.client.service.name] for row in rows],
    )  # fmt: skip


def _command(client: Client) -> str:
    """Return its command, with a link to its program if it is one of ours."""
    found = re.search(r"\S+/(python|node|perl|php|ruby|lua|tcl|bash)_\S+", client.command)
    if not found:
        return f"`{client.command}`"
    name = Path(found[0]).name
    return f"[{name}](../images/clients/programs/{name})"


if __name__ == "__main__":
    write()
