"""Every scenario, in both families, on a real lab."""

from __future__ import annotations

from pathlib import Path

import dpkt
import pytest

from lab import evidence, scenario
from lab.lab import Lab
from lab.runner import run
from lab.topology import FAMILIES, Family

KINDS = {"call", "wire", "counter"}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", scenario.names())
def test_a_scenario_is_proven(lab: Lab, name: str, family: Family, tmp_path: Path) -> None:
    """It passes, by three kinds of proof in each case, and its evidence can be read."""
    result, captured = run(lab, scenario.load(name), family)
    here = evidence.write(tmp_path, result, captured)
    assert result.verdict == "pass", result.reason
    for case in result.cases:
        assert {proof.kind for proof in case.proofs} == KINDS
        assert case.controls.troubles() == []
    for name_of_file in result.pcaps.values():
        with (here / name_of_file).open("rb") as file:
            assert all(stamp > 0 for stamp, _ in dpkt.pcap.UniversalReader(file))
