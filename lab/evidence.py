"""The folder of a run: `runs/<UTC stamp>/<scenario>/<family>/`, and `runs/latest`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from lab import places
from lab.result import Result
from lab.runner import Captured
from lab.wire import write_pcap

RUNS = places.RUNS


def new_folder() -> Path:
    """Return the folder of this command's runs; it is made when the first run is over."""
    return RUNS / datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")


def _point_latest_at(folder: Path) -> None:
    link = folder.parent / f".latest-{os.getpid()}"
    link.symlink_to(folder.name)
    link.replace(folder.parent / "latest")


def write(folder: Path, result: Result, captured: Captured) -> Path:
    """Write `result.json`, a pcap for each vantage, and the ladder; return their folder."""
    here = folder / result.scenario / result.where
    if not folder.exists():
        folder.mkdir(parents=True)
        _point_latest_at(folder)
    here.mkdir(parents=True, exist_ok=True)
    for at, packets in captured.items():
        write_pcap(here / f"{at}.pcap", packets)
        result.pcaps[at] = f"{at}.pcap"
    result.evidence = shown(here)
    ladders = [
        (f"# {case.name}\n" if case.name else "") + case.ladder
        for case in result.cases
        if case.ladder
    ]
    (here / "ladder.txt").write_text("\n".join(ladders), encoding="utf-8")
    text = json.dumps(result.document(), indent=1, ensure_ascii=False)
    (here / "result.json").write_text(text + "\n", encoding="utf-8")
    return here


def shown(folder: Path) -> str:
    """Return a folder as a person would type it from where they are."""
    try:
        return str(folder.relative_to(Path.cwd())) + "/"
    except ValueError:
        return f"{folder}/"


def document(results: Sequence[Result], verdict: str) -> dict[str, object]:
    """Return what `--json` prints: the result of one run, or {schema, verdict, results}."""
    if len(results) == 1:
        return results[0].document()
    return {"schema": 1, "verdict": verdict, "results": [r.document() for r in results]}


def write_junit(path: Path, results: Sequence[Result], kind: str = "scenarios") -> None:
    """Write JUnit XML: a test case of a kind for each scenario, case and family."""
    suite = TestSuite("errnolab")
    for result in results:
        for case in result.cases:
            name = f"{result.scenario}[{result.where}]" + (f".{case.name}" if case.name else "")
            test = TestCase(name, kind, result.elapsed_ms / 1e3 / len(result.cases))
            kinds = {"fail": Failure, "invalid": Error, "skip": Skipped}
            if case.verdict in kinds:
                test.result = [kinds[case.verdict](case.reason)]
            suite.add_testcase(test)
    xml = JUnitXml()
    xml.add_testsuite(suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    xml.write(str(path), pretty=True)
