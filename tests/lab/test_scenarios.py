"""Every scenario, in both families, on real labs side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import dpkt
import pytest

from lab import claims, engine, evidence, images, render, scenario
from lab import lab as labs
from lab.claims import Outcome
from lab.errors import ImageError
from lab.result import Result
from lab.runner import Captured
from lab.session import Session, sibling_names
from lab.tutorial import CLAIMS

ATLAS = "test-atlas"
JOBS = 5
KINDS = {"call", "wire", "counter"}
QUICK = [name for name in scenario.names() if not scenario.load(name).slow]
RUNS = [(name, family) for name in QUICK for family in scenario.load(name).families]
Results = dict[tuple[str, str], Result]


@pytest.fixture(scope="module")
def evidence_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the evidence of these runs goes."""
    return tmp_path_factory.mktemp("atlas")


@pytest.fixture(scope="module")
def atlas(
    here: engine.Engine, request: pytest.FixtureRequest, evidence_folder: Path
) -> Iterator[Results]:
    """All results, made on several labs at once, with a line for each as it comes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    wanted = {item.callspec.params["run"] for item in request.session.items if ours(item)}  # type: ignore[attr-defined]

    def report(result: Result, captured: Captured) -> None:
        evidence.write(evidence_folder, result, captured)
        with capture.global_and_fixture_disabled():
            print(f"\n{render.headline(result)}", end="", flush=True)

    work = [(scenario.load(name), family) for name, family in sorted(wanted)]
    session, names = Session(work, report), sibling_names(ATLAS, JOBS)
    make_images(here, {role for one, _ in work for case in one.as_cases() for role in case.guests})
    try:
        yield {(r.scenario, r.family): r for r in session.run(names)}
    finally:
        for name in names:
            labs.remove(here, name)


def make_images(here: engine.Engine, roles: set[str]) -> None:
    """Make the guests' images beforehand: beside the runs, that would make their timers late."""
    labs.prepare()
    for role in sorted(roles):
        with contextlib.suppress(ImageError):  # The runs that need it say so.
            images.ensure_guest(here, role)


def ours(item: pytest.Item) -> bool:
    """Tell whether a test asks for a result of the atlas."""
    return getattr(item, "originalname", "") == "test_a_scenario_is_proven"


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_of_the_tutorial_is_judged_as_before(atlas: Results, claim: str) -> None:
    """Every claim has evidence, and what the cases show together is the verdict on record."""
    outcomes = {
        key: {case.name: Outcome(case.verdict, case.claims) for case in result.cases}
        for key, result in atlas.items()
    }
    judged = claims.judge(map(scenario.load, QUICK), outcomes)
    (one,) = (one for one in judged if one.claim.id == claim)
    assert one.trouble == ""
    assert one.ok
    if one.seen != one.claim.verdict:
        pytest.skip("this system cannot show all of it")


@pytest.mark.parametrize("run", RUNS, ids="-".join)
def test_a_scenario_is_proven(atlas: Results, run: tuple[str, str], evidence_folder: Path) -> None:
    """It passes, by three kinds of proof in each case, and its evidence can be read."""
    result = atlas[run]
    if result.verdict == "skip":
        pytest.skip(result.reason)
    assert result.verdict == "pass", result.reason
    for case in result.cases:
        if case.verdict != "skip":
            assert {proof.kind for proof in case.proofs} - {"state"} == KINDS
            assert case.controls.troubles() == []
    for name_of_file in result.pcaps.values():
        with (evidence_folder.joinpath(*run) / name_of_file).open("rb") as file:
            assert all(stamp > 0 for stamp, _ in dpkt.pcap.UniversalReader(file))
