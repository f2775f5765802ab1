"""`errnolab report`: one page on the newest runs, with nothing to load from elsewhere."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import claims, evidence, scenario, sequence
from lab.calls import IN_PROGRESS
from lab.errors import LabError, ScenarioError
from lab.proofs import duration, meaning
from lab.result import SCHEMA, VERDICTS, where
from lab.tutorial import CLAIMS
from lab.wire import ICMP_NAMES

TEMPLATE = "report.html.j2"
# The axis on which waiting times are compared, in milliseconds.
AXIS_MS = (0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0)

Document = Mapping[str, Any]


def write() -> Path:
    """Write `runs/latest/report.html` from the results that are there; return where it is.

    Raises: LabError if there are none, or one cannot be read.
    """
    folder = evidence.RUNS / "latest"
    runs = load(folder)
    path = folder / "report.html"
    path.write_text(page(runs), encoding="utf-8")
    return path


def load(folder: Path) -> list[Document]:
    """Read every `result.json` of a folder of runs, each with its ladder and where it is."""
    runs = []
    for path in sorted(folder.glob("*/*/result.json")):
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as why:
            raise LabError(f"{path} is not JSON ({why}); run that scenario again") from why
        if run.get("schema") != SCHEMA:
            raise LabError(
                f"{path}: wanted schema {SCHEMA}, got {run.get('schema')}; run that scenario again"
            )
        ladder = path.with_name("ladder.txt")
        run["ladder"] = ladder.read_text(encoding="utf-8") if ladder.exists() else ""
        run["folder"] = str(path.parent.relative_to(folder))
        runs.append(run)
    if not runs:
        raise LabError(
            f"no runs to report on in {evidence.shown(folder)}; "
            "`errnolab run --all` or `make scenarios` makes some"
        )
    return runs


def page(runs: Sequence[Document]) -> str:
    """Return the page as HTML."""
    import jinja2  # noqa: PLC0415  # only this command needs it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"duration": duration, "meaning": _meaning, "axis": axis, "code": _code}
    environment.globals |= {"outcome": sequence.outcome}
    return environment.get_template(TEMPLATE).render(
        totals=totals(runs), scenarios=_scenarios(runs), axis_ms=AXIS_MS,
        families=sorted({_where(run) for run in runs}), icmp_tables=icmp_tables(runs),
    )  # fmt: skip


def totals(runs: Sequence[Document]) -> dict[str, Any]:
    """Return what stands at the head of the page."""
    proofs = [proof for run in runs for proof in run.get("proofs", [])]
    verdicts = [run["verdict"] for run in runs]
    return {
        "runs": len(runs),
        "verdicts": {name: verdicts.count(name) for name in VERDICTS if name in verdicts},
        "proofs": len(proofs),
        "held": sum(proof["ok"] for proof in proofs),
        "kernels": _distinct(runs, "kernel"),
        "engines": _distinct(runs, "engine"),
        "labs": _distinct(runs, "lab"),
        "started": min(run["started"] for run in runs),
        "took_s": sum(run["elapsed_ms"] for run in runs) / 1e3,
    }


def _distinct(runs: Sequence[Document], name: str) -> list[str]:
    return sorted({run[name] for run in runs if run[name]})


def _scenarios(runs: Sequence[Document]) -> list[dict[str, Any]]:
    """Return the runs by scenario, each with its explanation."""
    found = []
    for name in sorted({run["scenario"] for run in runs}):
        mine = {_where(run): _run(run) for run in runs if run["scenario"] == name}
        found.append({"name": name, "runs": mine, **_explanation(name)})
    return found


def _where(run: Document) -> str:
    return where(run["family"], run.get("from", "client"))


def _explanation(name: str) -> dict[str, Any]:
    """Return what the scenario's file says; nothing if it is gone or was broken since."""
    try:
        told = scenario.load(name)
    except ScenarioError:
        return {"title": "", "paragraphs": [], "claims": "", "source": ""}
    title, _, rest = told.text.strip().partition("\n")
    paragraphs = [" ".join(part.split()) for part in rest.split("\n\n") if part.strip()]
    return {
        "title": title, "paragraphs": paragraphs, "claims": _claimed(told), "source": told.source,
    }  # fmt: skip


def _claimed(told: scenario.Scenario) -> str:
    """Return what a scenario's cases say of claims: "C74 true and wrong, C75 wrong"."""
    says: dict[str, list[str]] = {}
    for _family, _case, claim, word in claims.said(told):
        says[claim] = sorted({*says.get(claim, []), word})
    return ", ".join(f"{claim} {' and '.join(says[claim])}" for claim in CLAIMS if claim in says)


def _run(run: Document) -> dict[str, Any]:
    cases = run.get("cases") or [{**run, "name": ""}]
    ladders = split_ladder(run["ladder"])
    return {**run, "cases": [_case(case, ladders.get(case["name"], "")) for case in cases]}


def _case(case: Document, ladder: str) -> dict[str, Any]:
    waited = max((call["elapsed_ms"] for call in case["calls"]), default=None)
    return {
        **case, "ladder": ladder, "got": got(case["calls"]), "waited_ms": waited,
        "drawing": sequence.draw(case["wire"], case["calls"], case.get("states", ())),
    }  # fmt: skip


def split_ladder(text: str) -> dict[str, str]:
    """Return the ladders of a `ladder.txt` by case; one without a heading is case ""."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("# "):
            name = line[2:]
        else:
            found.setdefault(name, []).append(line)
    return {name: "\n".join(lines).rstrip() for name, lines in found.items()}


def got(calls: Sequence[Document]) -> list[str]:
    """Return what the caller was told: the errnos of its calls, in order, or "ok"."""
    names = []
    for call in calls:
        name = sequence.outcome(call)
        name = call.get("reported", name)
        if name not in ("ok", *IN_PROGRESS):
            names.append(name)
    return list(dict.fromkeys(names)) or (["ok"] if calls else [])


def icmp_tables(runs: Sequence[Document]) -> list[dict[str, Any]]:
    """Return a table a family: what each ICMP error is to each kind of socket.

    The scenarios are those whose name begins with "icmp_" and whose cases are named
    for type and code ("3_1"); a cell is (errno or "ignored", verdict), or None.
    """
    found = []
    for family in sorted({run["family"] for run in runs}):
        mine = [
            run for run in runs if run["family"] == family and run["scenario"].startswith("icmp_")
        ]
        cells = {
            (case["name"], run["scenario"]): (_told(case["calls"]), case["verdict"])
            for run in mine
            for case in run.get("cases", [])
            if re.fullmatch(r"\d+_\d+", case["name"])
        }
        columns = sorted({scenario for _, scenario in cells})
        codes = sorted({tuple(map(int, name.split("_"))) for name, _ in cells})
        rows = [
            {"code": f"{kind}/{code}", "name": ICMP_NAMES.get((family == "ipv6", kind, code), ""),
             "cells": [cells.get((f"{kind}_{code}", column)) for column in columns]}
            for kind, code in codes
        ]  # fmt: skip
        if rows:
            found.append({"family": family, "columns": columns, "rows": rows})
    return found


def _told(calls: Sequence[Document]) -> str:
    """Return the errno that an ICMP error became; a wait that ended by itself is none."""
    errnos = [name for name in got(calls) if name not in ("ok", "EAGAIN")]
    return errnos[0] if errnos else "ignored"


def axis(ms: float) -> float:
    """Return where a time stands on the logarithmic axis, 0 to 100."""
    first, last = math.log10(AXIS_MS[0]), math.log10(AXIS_MS[-1])
    at = (math.log10(max(ms, AXIS_MS[0])) - first) / (last - first)
    return round(100 * min(at, 1.0), 1)


def _meaning(name: str) -> str:
    """Return the C library's words for an errno, nothing for "ok" and the like."""
    try:
        return meaning(name)
    except AttributeError:
        return ""


def _code(text: str) -> Any:
    """Return text as HTML, with what stands in `backticks` as code."""
    import markupsafe  # noqa: PLC0415  # jinja2 brings it

    return markupsafe.Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(markupsafe.escape(text))))
