"""`make bench`: the lab's speed, measured in one run and judged as ratios.

Each figure is compared with what the same machine does at the same moment without
us (a bare `docker compose up`, a bare `docker exec`), so that a slow machine does
not make it fail. Results go to `runs/bench.json`, and the last ones are shown
beside them.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from lab import (
    breaking,
    compose,
    engine,
    evidence,
    guests,
    images,
    runner,
    scenario,
    unpackers,
    windows_bench,
)
from lab import lab as labs
from lab.console import out, say, step
from lab.errors import ImageError
from lab.figures import Figure
from lab.lab import Lab, LabSite
from lab.session import Session, sibling_names
from lab.topology import CORE_HOSTS, FAMILIES, Block

ROUNDS = 3
JOBS = 4


def run(lab_name: str) -> int:
    """Measure everything, print and keep it; return 0 if every aim is met, else 1."""
    bench_lab = f"{lab_name}-bench"
    figures = [_measure_up(bench_lab)]
    with labs.hold(bench_lab) as lab:
        figures.append(_measure_fault(lab))
        figures += [_measure_refused(lab, position) for position in range(len(FAMILIES))]
        figures += _measure_windows(lab)
    figures.append(_measure_set(bench_lab))
    figures.append(_measure_unpacking())
    here = engine.connect()
    for name in sibling_names(bench_lab, JOBS):
        labs.remove(here, name)
    _show(figures)
    unpackers.show()
    return 0 if all(figure.met for figure in figures) else 1


def _timed(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1e3


def _median(action: Callable[[], float]) -> float:
    return statistics.median(action() for _ in range(ROUNDS))


# --- the figures ----------------------------------------------------------------


def _measure_up(name: str) -> Figure:
    """Measure `up` until echoes cross the router, against containers that only sleep."""
    here, binary = engine.ensure(), compose.ensure()
    image = images.ensure(here)

    def ours() -> float:
        labs.remove(here, name)
        begun = time.perf_counter()
        with labs.hold(name):
            return (time.perf_counter() - begun) * 1e3

    def theirs(override: str) -> float:
        labs.remove(here, name)
        block = next(labs.free_blocks(here))
        return _timed(
            lambda: binary.run(f"errnolab-{name}", "-f", override, "up", "--detach",
                               env=Block(block).environment(name, {"host": image}))
        )  # fmt: skip

    with step("measuring up"), _sleeping() as override:
        pairs = [(ours(), theirs(override)) for _ in range(ROUNDS)]
        labs.remove(here, name)
    return Figure(
        "lab up until healthy", statistics.median(p[0] for p in pairs),
        "compose up of the same hosts, asleep", statistics.median(p[1] for p in pairs), 1.5,
    )  # fmt: skip


def _open_and_close(name: str) -> None:
    with labs.hold(name):
        pass


@contextmanager
def _sleeping() -> Iterator[str]:
    """Yield a Compose file that lets every host only sleep."""
    asleep = {"entrypoint": ["sleep", "infinity"], "command": [], "healthcheck": {"disable": True}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sleep.json"
        path.write_text(json.dumps({"services": dict.fromkeys(CORE_HOSTS, asleep)}))
        yield str(path)


def _measure_fault(lab: Lab) -> Figure:
    """Measure a firewall rule put in and taken out, against two `docker exec true`."""
    plan = scenario.load("timeout").faults[0].plan(LabSite(lab, "ipv4"))
    router = labs.find(lab.engine, lab.name).containers["router"]["Id"]

    def ours() -> float:
        begun = time.perf_counter()
        breaking.put_in(lab, plan, "bench", "timeout")
        lab.fault_out(plan.host, "bench")
        return (time.perf_counter() - begun) * 1e3

    def theirs() -> float:
        begun = time.perf_counter()
        for argv in (*plan.commands, *plan.undo):
            subprocess.run([lab.engine.cli, "exec", str(router), *argv], check=True)
        return (time.perf_counter() - begun) * 1e3

    with step("measuring a fault"):
        pairs = [(ours(), theirs()) for _ in range(4 * ROUNDS)]
    ours_ms, theirs_ms = (statistics.median(side) for side in zip(*pairs))
    return Figure("fault in and out", ours_ms, "the same by docker exec", theirs_ms, 0.1)


def _measure_refused(lab: Lab, position: int) -> Figure:
    """Measure one whole run of `refused` on a warm lab, against its 400 ms."""
    family = FAMILIES[position]
    refused = scenario.load("refused")
    with step(f"measuring refused ({family})"):
        ours = _median(lambda: runner.run(lab, refused, family)[0].elapsed_ms)
    return Figure(f"refused, {family}, all proofs", ours, "400 ms", 400.0, 1.0)


def _measure_set(name: str) -> Figure:
    """Measure the whole set in parallel labs, against what its runs took, shared out evenly."""
    everything = [s for s in scenario.load_many(scenario.names()) if not s.slow]
    work = [(s, family) for s in everything for family in s.families]
    lab_names = sibling_names(name, JOBS)
    with step(f"measuring {len(work)} runs on {JOBS} labs"):
        for lab_name in lab_names:
            _open_and_close(lab_name)
        session = Session(work, lambda _result, _captured: None)
        ours = _timed(lambda: session.run(lab_names))
    shared = sum(result.elapsed_ms for result in session.results) / JOBS
    return Figure(f"{len(work)} runs on {JOBS} labs", ours, "a fair share of them", shared, 1.2)


def _measure_unpacking() -> Figure:
    """Measure a long frame that comes byte by byte against short ones: the same for each byte."""
    with step("measuring frames cut byte by byte"):
        ours, theirs = unpackers.bytewise_ms(1 << 18), 4 * unpackers.bytewise_ms(1 << 16)
    return Figure("256 KiB frame, byte by byte", ours, "four times 64 KiB", theirs, 1.5)


def _measure_windows(lab: Lab) -> list[Figure]:
    """Measure the Windows host, where there can be one."""
    try:
        guests.invite(lab, ["windows"])
    except ImageError as why:
        say(f"windows is not measured: {why}")
        return []
    with step("measuring the Windows host"):
        return list(windows_bench.measure(lab))


# --- what is shown and kept -----------------------------------------------------------


def _show(figures: list[Figure]) -> None:
    path = evidence.RUNS / "bench.json"
    last = {f["name"]: f["ratio"] for f in json.loads(path.read_text())} if path.exists() else {}
    table = Table(box=None, pad_edge=False)
    for column in ("figure", "ours", "held against", "theirs", "ratio", "aim", "last"):
        table.add_column(column)
    for f in figures:
        before = f"{last[f.name]:.2f}" if f.name in last else "-"
        verdict = f"{f.ratio:.2f}" + ("" if f.met else " MISSED")
        table.add_row(f.name, f"{f.ours:.0f} {f.unit}", f.against, f"{f.theirs:.0f} {f.unit}",
                      verdict, f"{f.aim:g}", before)  # fmt: skip
    out.print(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    document = [{**asdict(f), "ratio": round(f.ratio, 3), "met": f.met} for f in figures]
    path.write_text(json.dumps(document, indent=1) + "\n")
    say(f"kept in {path.name}, beside the runs")
