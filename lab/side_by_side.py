"""The same calls made by Linux's caller and by Winsock's, side by side, a row for each outcome.

What is kept of a run are the calls that tell something: those that failed on one side, or
told something else on the other. A case in which none does is told by its last call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab import winsock
from lab.atlas import FAMILY_NAMES, cases_shown
from lab.calls import number_of
from lab.proofs import duration
from lab.topology import FAMILIES, Family

NO_ERROR = "no error"
# What these tell beside their value says how a call ended: what is ready.
TELL = ("poll", "select")

# A call as docs/windows.json has it: case, call, and of each side what came and in how many ms.
Entry = Mapping[str, Any]
# Those of each family.
Runs = Mapping[str, Sequence[Entry]]


# --- from two results ---------------------------------------------------------------------


def pairs(
    linux: Mapping[str, Any], windows: Mapping[str, Any], host: str, usual: str
) -> list[dict[str, Any]]:
    """Return the telling calls of two results of a scenario, the second one from `host`.

    Args: the results as in `result.json`; `usual` is who made the calls of the first. A case
    that was skipped has none.
    """
    there = {case.get("name", ""): case for case in _cases(windows)}
    found = []
    for case in _cases(linux):
        name = case.get("name", "")
        made = [
            _entry(name, one, other)
            for one, other in _together(case["calls"], there[name]["calls"])
            if (one["host"], other["host"]) == (usual, host)
        ]
        found += [entry for entry in made if _tells(entry)] or made[-1:]
    return found


def _together(linux: Sequence[Entry], windows: Sequence[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Yield the calls of both, one by one; some of Linux's are not made on the other side."""
    others = iter(linux)
    for made in windows:
        for one in others:
            if one["call"] == made["call"]:
                yield one, made
                break


def _cases(result: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return result.get("cases") or [result]


def _entry(case: str, linux: Mapping[str, Any], windows: Mapping[str, Any]) -> dict[str, Any]:
    option = next((w for w in linux["args"] if str(w).startswith("SO_")), "")
    call = option if linux["call"] == "getsockopt" else linux["call"]
    limit = {"limit": windows["limit"]} if windows.get("limit") else {}
    return {
        "case": case, "call": call, "linux": _came(linux), "windows": _came(windows) | limit
    }  # fmt: skip


def _came(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a call gave: the name of its error, or what it told; and its time."""
    name = call["errno_name"] or call.get("reported", "")
    told = call.get("detail", "") if call["call"] in TELL else ""
    text = name or told or (f"value {call['value']}" if call["value"] else "")
    return {"came": text, "number": number_of(name), "ms": round(call["elapsed_ms"], 2)}


def _tells(entry: Entry) -> bool:
    one, other = entry["linux"], entry["windows"]
    told = entry["call"] in TELL and one["came"] != other["came"]
    return bool(one["number"] or other["number"] or other.get("limit") or told)


# --- rows ---------------------------------------------------------------------------------


@dataclass
class Row:
    """One outcome of a scenario's call: what came on both sides, in which cases and times."""

    scenario: str
    call: str
    linux: str
    windows: str
    limit: str = ""
    cases: dict[Family, list[str]] = field(default_factory=dict)
    ms: dict[tuple[str, Family], list[float]] = field(default_factory=dict)
    # Whether all the cases of a family that were run are among these.
    whole: bool = False

    @property
    def alike(self) -> bool:
        """Tell whether what came is the equivalent of what came on the other side."""
        return winsock.code_of(self.windows).errno == self.linux or self.linux == self.windows

    @property
    def where(self) -> str:
        """Return the cases in words, "" for all: "late, ICMP 3/1", "IPv4: early; IPv6: late"."""
        if self.whole:
            return ""
        shown = {family: cases_shown(names, family) for family, names in self.cases.items()}
        texts = list(dict.fromkeys(shown.values()))
        if len(texts) == 1:
            return texts[0]
        return "; ".join(f"{FAMILY_NAMES[family]}: {text}" for family, text in shown.items())

    def time(self, side: str, families: Iterable[Family] = FAMILIES) -> str:
        """Return how long the calls of a side took, a range if they differ: "0.3 to 1.2 ms"."""
        ms = [one for family in families for one in self.ms.get((side, family), ())]
        if not ms:
            return ""
        first, last = duration(min(ms)), duration(max(ms))
        if first == last:
            return first
        return f"{first.removesuffix(' ' + _unit(last))} to {last}"


def _unit(text: str) -> str:
    return text.rpartition(" ")[2]


def rows(scenario: str, runs: Runs) -> list[Row]:
    """Return the rows of a scenario, in the order in which its calls are made."""
    found: dict[tuple[str, ...], Row] = {}
    for family, entry in _entries(runs):
        linux, windows = entry["linux"], entry["windows"]
        values = [_outcome(entry["call"], *sides)
                  for sides in ((linux, windows), (windows, linux))]  # fmt: skip
        key = (entry["call"], *values, windows.get("limit", ""))
        row = found.setdefault(key, Row(scenario, *key))
        names = row.cases.setdefault(family, [])
        names += [entry["case"]] if entry["case"] not in names else []
        for side in ("linux", "windows"):
            row.ms.setdefault((side, family), []).append(entry[side]["ms"])
    for row in found.values():
        row.whole = all(
            {*row.cases[family]} == {entry["case"] for entry in runs[family]}
            for family in row.cases
        )
    return list(found.values())


def _entries(runs: Runs) -> Iterator[tuple[Family, Entry]]:
    for family in FAMILIES:
        yield from ((family, entry) for entry in runs.get(family, ()))


def _outcome(call: str, side: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Return what came: a value only where the other side has an error."""
    came = str(side["came"])
    if not side["number"] and not other["number"] and came.startswith("value"):
        return NO_ERROR
    # Of SO_ERROR, 0 is that there is none; of recv it is the end.
    fine = call == "SO_ERROR" or not other["number"]
    return came or (NO_ERROR if fine else "value 0")


def code(name: str) -> str:
    """Return what came for a person: "ECONNREFUSED (111)", "value 5"."""
    number = number_of(name)
    return f"{name} ({number})" if number else name
