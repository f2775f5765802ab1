"""The rows of `errnolab try`: which faults a program can meet, and how it is run in each."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import rows, scenario
from lab.errors import ScenarioError, UnknownScenario
from lab.known import AS_IT_COMES, Facts, resolve
from lab.program import Program
from lab.rows import HEALTH, USUAL, Row, Service, load, load_all, load_usual
from lab.topology import FAMILIES, host_names

PROGRAM = Program(("client", "{SERVER}", "{PORT}", "{URL}"))
PORTS = (16555, 8080)
WEB = Service("tcp", 8080)


@pytest.fixture(scope="module")
def everything() -> list[Row]:
    """Every row that there is."""
    return load_all("client", FAMILIES)


def only(name: str, host: str = "client") -> Row:
    """Return the one row that a name stands for over IPv4."""
    (row,) = load([name], host, ["ipv4"])
    return row


def test_usual_rows_are_there_in_both_families() -> None:
    found = load_usual("client", FAMILIES)
    assert {row.name for row in found} == set(USUAL)
    assert {row.host_name for row in found} <= set(host_names())


def test_program_takes_the_place_of_the_calls_and_is_told_where_to_go() -> None:
    made = only("timeout").scenario(PROGRAM, PORTS, [WEB])
    (call,) = made.calls
    assert call.name == "supervise"
    assert call.arguments["argv"] == ["client", "server4", "16555", "http://server4:8080/"]
    told = call.arguments["env"]
    assert told["SERVER4"] == "{server:ipv4}"
    assert {"PATH", "HOME", "LANG"} < set(told)
    assert [call.to for call in made.control] == ["server"]
    assert made.control[0].arguments["port"] == 8080


def test_image_of_the_users_keeps_its_own_environment() -> None:
    program = Program(("client",), image="theirs", env={"X": "1"})
    (call,) = only("timeout").scenario(program, PORTS, [WEB]).calls
    assert call.name == "contain"
    assert set(call.arguments["env"]) == {"SERVER", "SERVER4", "SERVER6", "PORT", "URL", "X"}


def test_faults_are_aimed_at_every_service_that_the_program_talks_to() -> None:
    made = only("timeout").scenario(PROGRAM, PORTS, [WEB, Service("tcp", 16555)])
    assert [fault.arguments["port"][1] for fault in made.faults] == ["8080", "16555"]
    assert [fault.group for fault in made.faults] == [0, 0]
    routed = only("net_unreachable").scenario(PROGRAM, PORTS, [WEB, Service("tcp", 16555)])
    assert len(routed.faults) == 1


def test_program_is_sent_where_the_fault_is() -> None:
    assert only("net_unreachable").host_name == "elsewhere4"
    assert only("host_absent.behind_router").host_name == "absent4"
    assert only("timeout").host_name == "server4"


def test_cases_with_the_same_fault_are_one_row() -> None:
    assert len(scenario.load("prohibited").as_cases("ipv4")) > 1
    assert only("prohibited").name == "prohibited"
    assert only("prohibited.non_blocking").name == "prohibited"


def test_cases_with_faults_of_their_own_have_rows_of_their_own() -> None:
    names = [row.name for row in load(["rejected"], "client", ["ipv4"])]
    assert len(names) > 1
    assert all(name.startswith("rejected.") for name in names)
    assert [row.name for row in load([names[0]], "client", ["ipv4"])] == [names[0]]


def test_hyphens_are_underscores() -> None:
    assert only("host-unreachable").name == only("host_unreachable").name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("echo", "has no fault"),
        ("silent_peer", "has no fault"),
        ("gateway_502", "is about gateway"),
        ("rejected.nonsense", "no case nonsense"),
    ],
)
def test_scenario_that_no_program_can_meet_says_why(name: str, why: str) -> None:
    with pytest.raises(ScenarioError, match=why):
        load([name], "client", FAMILIES)


def test_unknown_scenario_has_a_suggestion() -> None:
    with pytest.raises(UnknownScenario, match="did you mean 'timeout'"):
        load(["timeot"], "client", FAMILIES)


def test_all_are_those_that_are_quick_and_can_be_met(everything: list[Row]) -> None:
    names = {row.name.partition(".")[0] for row in everything}
    assert {"refused", "timeout", "host_unreachable", "reset"} < names
    assert not names & {"echo", "timeout_default", "gateway_502", HEALTH}
    assert len({(row.name, row.family) for row in everything}) == len(everything)


def test_every_row_is_a_whole_scenario(everything: list[Row]) -> None:
    """What a row is made of is right as far as a scenario's own check can tell."""
    for row in everything:
        made = row.scenario(PROGRAM, PORTS, [WEB])
        case = resolve(made, Facts(row.family, AS_IT_COMES, row.case.given))
        assert [m for fault in case.faults for m in fault.mistakes()] == []
        assert [m for call in case.control for m in call.mistakes()] == []


def test_health_breaks_nothing() -> None:
    made = rows.health("ipv6").scenario(PROGRAM, PORTS, [])
    assert made.faults == []
    assert made.calls[0].arguments["env"]["SERVER"] == "server6"


def test_row_is_named_as_the_evidence_folder_can_be(everything: list[Row], tmp_path: Path) -> None:
    for row in everything:
        (tmp_path / row.name / row.family).mkdir(parents=True)
