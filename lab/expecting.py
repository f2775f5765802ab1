"""What a user declares of a program in `errnolab.toml`: read, checked, proven, recorded.

```
[try]                             # how it is run, where the command line does not say
command = ["curl", "-sS", "{URL}"]
scenarios = ["refused", "timeout"]

[expect.refused]                  # a row, in both families
status = 7
within_s = [0.0, 1.0]
text = "Couldn't connect to server"
attempts = 1
errnos = ["ECONNREFUSED"]

[expect.timeout.ipv6]             # what holds in one family alone
timed_out = true
```
Only what is declared is checked.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError

from lab import scenario as scenarios
from lab.errors import LabError
from lab.program import plain
from lab.proofs import duration
from lab.result import Proof, Result, family_of
from lab.rows import HEALTH
from lab.topology import FAMILIES, Family

FILE = "errnolab.toml"
# How a program is run: the names of `errnolab try`'s options, with what they are.
RUN: Mapping[str, type] = {
    "command": list, "scenarios": list, "image": str, "mounts": list, "from": str,
    "family": str, "timeout_s": (int, float),  # type: ignore[dict-item]
    "server_image": str, "server_command": str, "port": int, "udp": bool, "jobs": int,
}  # fmt: skip
FAMILY_WORDS = ("4", "6", "both")
# First and last of what the command line takes too.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "timeout_s": (0.1, 3600.0), "port": (1, 65535), "jobs": (1, 16),
}  # fmt: skip
# What can be expected of a row.
KEYS = ("status", "timed_out", "within_s", "text", "attempts", "errnos")
# A recorded time is a range, for the next machine is another: a share of it, and a little.
SLACK, SLACK_S = 0.25, 1.0


@dataclass(frozen=True)
class RowExpectation:
    """What is declared of one row: some of `KEYS`."""

    declared: Mapping[str, Any] = field(default_factory=dict)

    def prove(self, program: Mapping[str, Any]) -> list[Proof]:
        """Return a proof for each thing that is declared of a program's description.

        Who says how it ends says that it does: one that hung, and ended well when it was
        told to, has not.
        """
        declared = dict(self.declared)
        if program["timed_out"] and "status" in declared:
            declared.setdefault("timed_out", False)
        return [_PROVERS[key](wanted, program) for key, wanted in declared.items()]


@dataclass(frozen=True)
class Expectation:
    """What a file declares: `run` is how the program is run, `rows` what is expected."""

    run: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, name: str, family: Family) -> RowExpectation:
        """Return what is expected of a row in a family: its own, over what holds in both."""
        row = self.rows.get(name, {})
        both = {key: value for key, value in row.items() if key not in FAMILIES}
        return RowExpectation({**both, **row.get(family, {})})

    def declares(self, results: Iterable[Result]) -> bool:
        """Tell whether anything is expected of any of some results."""
        return any(self.of(r.scenario, family_of(r)).declared for r in results)

    def untried(self, results: Iterable[Result]) -> list[str]:
        """Return the rows of which something is expected, and that none of some results is of."""
        there = {result.scenario for result in results}
        return [name for name in self.rows if name not in there]


def load(path: Path) -> Expectation:
    """Read and check a file. Raises: LabError with every mistake in it."""
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8")).unwrap()
    except (OSError, UnicodeDecodeError, ParseError) as error:
        raise LabError(f"{path}: {error}") from error
    found = mistakes(document)
    if found:
        raise LabError(f"{path} is not right:\n" + "\n".join(f"  - {one}" for one in found))
    return Expectation(document.get("try", {}), document.get("expect", {}))


def mistakes(document: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a document."""
    found = [f"there is no [{key}]: there are [try] and [expect.<scenario>]"
             for key in document if key not in ("try", "expect")]  # fmt: skip
    run, expect = document.get("try", {}), document.get("expect", {})
    no_tables = [
        f"{key} = {value!r}: it is a table, [{key}…]"
        for key, value in (("try", run), ("expect", expect))
        if not isinstance(value, Mapping)
    ]
    if no_tables:
        return found + no_tables
    for key, value in run.items():
        if key not in RUN:
            found.append(f"[try] has no '{key}': it has {', '.join(RUN)}")
        elif not _is_right(key, value):
            found.append(f"[try] {key} = {value!r} is of the wrong kind")
    known = {HEALTH, *scenarios.names()}
    for name, row in expect.items():
        if name.partition(".")[0] not in known:
            found.append(f'[expect."{name}"]: no scenario has that name; `errnolab list` shows all')
        for part, keys in _tables(name, row):
            if not isinstance(keys, Mapping):
                found.append(f'[expect."{part}"]: wanted a table, got {keys!r}')
                continue
            found += [
                f'[expect."{part}"] {key} = {value!r}: {why}'
                for key, value in keys.items()
                if key not in FAMILIES and (why := _wrong(key, value))
            ]
    return found


def _is_right(key: str, value: Any) -> bool:
    """Tell whether something that [try] says is of the kind that it must be."""
    if isinstance(value, bool) and RUN[key] is not bool:
        return False
    if key == "family":
        return value in FAMILY_WORDS
    if RUN[key] is list:
        return isinstance(value, list) and all(isinstance(word, str) for word in value)
    first, last = BOUNDS.get(key, (value, value))
    return isinstance(value, RUN[key]) and bool(first <= value <= last)


def _tables(name: str, row: Any) -> list[tuple[str, Any]]:
    """Return what is expected of a row, and of it in one family, by name."""
    own = (
        [(f"{name}.{f}", row[f]) for f in FAMILIES if f in row] if isinstance(row, Mapping) else []
    )
    return [(name, row), *own]


def _wrong(key: str, value: Any) -> str:
    """Return what is wrong with one expectation, "" if nothing is."""
    if key not in KEYS:
        return f"it can be {', '.join(KEYS)}"
    right = {
        "status": _is_number(value) or (isinstance(value, str) and value.startswith("SIG")),
        "timed_out": isinstance(value, bool),
        "within_s": _is_range(value),
        "text": isinstance(value, str),
        "attempts": _is_number(value) or _is_range(value),
        "errnos": isinstance(value, list) and all(isinstance(name, str) for name in value),
    }[key]
    wanted = {
        "status": "a number, or a signal's name (\"SIGSEGV\")", "timed_out": "true or false",
        "within_s": "[first, last] in seconds", "text": "a text", "errnos": "a list of names",
        "attempts": "a number, or [first, last]",
    }[key]  # fmt: skip
    return "" if right else f"wanted {wanted}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_range(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in value)
        and 0 <= value[0] <= value[1]
    )


# --- proofs -----------------------------------------------------------------------------


def _prove_status(wanted: Any, program: Mapping[str, Any]) -> Proof:
    got = program["signal"] or program["status"]
    return Proof("call", "exit status", str(wanted), str(got), got == wanted)


def _prove_timed_out(wanted: bool, program: Mapping[str, Any]) -> Proof:
    words = {True: "ended at the time-out", False: "ends by itself"}
    got = program["timed_out"]
    return Proof("call", "its end", words[wanted], words[got], got == wanted)


def _prove_within(wanted: Sequence[float], program: Mapping[str, Any]) -> Proof:
    first, last = wanted
    got_s = program["elapsed_ms"] / 1e3
    return Proof("call", "time to its end", f"{first:g} to {last:g} s",
                 duration(program["elapsed_ms"]), first <= got_s <= last)  # fmt: skip


def _prove_text(wanted: str, program: Mapping[str, Any]) -> Proof:
    printed = program["stderr"], program["stdout"]
    ok = any(wanted in text or wanted in plain(text) for text in printed)
    return Proof("call", "what it printed", repr(wanted), repr(program["last_line"]), ok)


def _prove_attempts(wanted: Any, program: Mapping[str, Any]) -> Proof:
    first, last = wanted if isinstance(wanted, list) else (wanted, wanted)
    got = program["attempts"]
    shown = str(wanted) if not isinstance(wanted, list) else f"{first} to {last}"
    return Proof("wire", "connections that it tried", shown, str(got), first <= got <= last)


def _prove_errnos(wanted: Sequence[str], program: Mapping[str, Any]) -> Proof:
    got = names_of(program)
    shown = ", ".join(got) or "none"
    if not program["traced"]:
        shown = f"not traced: {program['untraced']}"
    elif program["unseen"]:
        shown += f"; {program['unseen']}"
    ok = program["traced"] and not program["unseen"] and got == list(wanted)
    return Proof("call", "errnos that its calls got", ", ".join(wanted) or "none", shown, ok)


_PROVERS: Mapping[str, Any] = {
    "status": _prove_status, "timed_out": _prove_timed_out, "within_s": _prove_within,
    "text": _prove_text, "attempts": _prove_attempts, "errnos": _prove_errnos,
}  # fmt: skip


def names_of(program: Mapping[str, Any]) -> list[str]:
    """Return the different errnos that a program's calls got, in the order of the first."""
    return list(dict.fromkeys(one["errno_name"] for one in program["errnos"]))


# --- record -----------------------------------------------------------------------------


def record(path: Path, run: Mapping[str, Any], results: Sequence[Result]) -> None:
    """Write what was seen into a file as what is expected; what else is in it stays.

    Rows in which both families showed the same stand there once.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    document = tomlkit.parse(text) if text else tomlkit.document()
    document["try"] = {**document.get("try", {}), **run}
    expect = document.setdefault("expect", tomlkit.table(is_super_table=True))
    families = {result.family for result in results}
    for name in dict.fromkeys(result.scenario for result in results):
        seen = {r.family: _seen(r.cases[0].program) for r in results
                if r.scenario == name and r.verdict not in ("invalid", "skip")}  # fmt: skip
        if len(families) == 1 and name in expect:
            expect[name] = {**_of_others(expect[name].unwrap(), families), **seen}
        elif seen:
            expect[name] = _row(seen)
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def _of_others(row: Mapping[str, Any], families: Container[str]) -> dict[str, Any]:
    """Return what a row says of the families that were not tried now, each by itself."""
    both = {key: value for key, value in row.items() if key not in FAMILIES}
    own = {family: {**both, **row.get(family, {})} for family in FAMILIES if family not in families}
    return {family: declared for family, declared in own.items() if declared}


def _row(seen: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return one row: what is alike in its families, and then what is each one's own."""
    first = next(iter(seen.values()))
    ranges = [row["within_s"] for row in seen.values()]
    widest = [min(r[0] for r in ranges), max(r[1] for r in ranges)]
    alike = {
        key: value
        for key, value in first.items()
        if key != "within_s" and all(row.get(key) == value for row in seen.values())
    }
    close = widest[1] - widest[0] <= 2 * max(r[1] - r[0] for r in ranges)
    if close:
        alike["within_s"] = widest
    own = {
        family: {key: value for key, value in row.items() if key not in alike}
        for family, row in seen.items()
    }
    return {**alike, **{family: row for family, row in own.items() if row}}


def _seen(program: Mapping[str, Any]) -> dict[str, Any]:
    """Return what one row showed, as it would be expected: no more than will be so again."""
    took_s = program["elapsed_ms"] / 1e3
    first = max(took_s * (1 - SLACK) - SLACK_S, 0.0)
    found: dict[str, Any] = {"timed_out": program["timed_out"]}
    if not program["timed_out"]:
        found["status"] = program["signal"] or program["status"]
        text = steady_part(program["last_line"])
        if program["status"] and text:
            found["text"] = text
    found["within_s"] = [round(first, 1), round(took_s * (1 + SLACK) + SLACK_S, 1)]
    if not program["timed_out"]:
        found["attempts"] = program["attempts"]
    if program["traced"]:
        found["errnos"] = names_of(program)
    return found


def steady_part(line: str) -> str:
    """Return the longest part of a line without digits: times, ports and addresses change."""
    parts = [part.strip(" .:,()[]'\"") for part in re.split(r"\S*\d\S*", line)]
    return max(parts, key=len, default="")
