"""A scenario is loaded by its name, and all its mistakes are named before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import Case, Counted, Scenario, connect, drop, per_family, rst, scenario, syn
from lab.errors import ScenarioError, UnknownScenario

CALL = connect(on="client", to="server").fails("ETIMEDOUT")
SOUND = '''"""One line.

More lines.
"""
from lab import Scenario, connect, drop, syn

SCENARIO = Scenario(
    fault=drop(on="router", to="server"),
    calls=[connect(on="client", to="server").fails("ETIMEDOUT")],
    seen=[syn(at="client")],
    source="RFC 9293",
)
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "timeout_router.py").write_text(SOUND)
    return tmp_path


# --- files -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["timeout_router", "timeout-router"])
def test_the_files_name_is_the_scenarios(folder: Path, name: str) -> None:
    loaded = scenario.load(name, folder)
    assert (loaded.name, loaded.title) == ("timeout_router", "One line.")


def test_files_that_begin_with_an_underscore_are_no_scenarios(folder: Path) -> None:
    (folder / "_shared.py").write_text("")
    assert scenario.names(folder) == ["timeout_router"]


def test_unknown_name_suggests_the_nearest(folder: Path) -> None:
    with pytest.raises(UnknownScenario, match="did you mean 'timeout_router'"):
        scenario.load("timeout-ruoter", folder)


@pytest.mark.parametrize("name", ["zzz", "../etc/passwd", ""])
def test_name_like_none_is_refused_without_a_guess(folder: Path, name: str) -> None:
    with pytest.raises(UnknownScenario) as refused:
        scenario.load(name, folder)
    assert "did you mean" not in str(refused.value)
    assert "errnolab list" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SCENARIO = 1", "has no SCENARIO"),
        ("", "has no SCENARIO"),
        ("import nothing_of_the_kind", "cannot be read"),
        ("def", "cannot be read"),
    ],
)
def test_file_that_is_no_scenario_says_why(folder: Path, text: str, said: str) -> None:
    (folder / "broken.py").write_text(text)
    with pytest.raises(ScenarioError, match=said):
        scenario.load("broken", folder)


def test_three_mistakes_in_a_file_are_all_named(folder: Path) -> None:
    wrong = SOUND.replace('on="router"', 'on="ruoter"').replace("ETIMEDOUT", "ETIMEOUT")
    (folder / "wrong.py").write_text(wrong.replace('"RFC 9293"', '""'))
    with pytest.raises(ScenarioError) as refused:
        scenario.load("wrong", folder)
    assert len(refused.value.mistakes) == 3
    for word in ("wrong: 3 mistakes", "'ruoter'", "'ETIMEOUT'", "no source"):
        assert word in str(refused.value)


def test_mistakes_of_several_scenarios_are_reported_together(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenario, "FOLDER", folder)
    with pytest.raises(ScenarioError) as refused:
        scenario.load_many(["one", "timeout_router", "two"])
    assert [text.partition(":")[0] for text in refused.value.mistakes] == ["one", "two"]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [('[syn(at="client")]', 'syn(at="client")'), ('"router"', "1"), ('"ETIMEDOUT"', "110")],
)
def test_value_of_the_wrong_kind_is_a_mistake(folder: Path, right: str, wrong: str) -> None:
    (folder / "wrong.py").write_text(SOUND.replace(right, wrong))
    with pytest.raises(ScenarioError, match="wrong: 1 mistake"):
        scenario.load("wrong", folder)


# --- mistakes ----------------------------------------------------------------------


def whole(**changes: object) -> Scenario:
    fields = {
        "fault": drop(on="router", to="server"), "calls": [CALL], "seen": [syn(at="client")],
        "source": "RFC 9293", "text": "Text.",
    }  # fmt: skip
    return Scenario(**{**fields, **changes})  # type: ignore[arg-type]


def test_sound_scenario_has_no_mistakes() -> None:
    assert whole().mistakes() == []


WRONG = [
    ({"calls": []}, "there are no calls"),
    ({"seen": []}, "no proof on the wire"),
    ({"fault": None}, "no proof by a counter"),
    ({"text": " "}, "no explanation"),
    ({"calls": [connect(on="nobody", to="server")]}, "no host 'nobody'"),
    ({"calls": [connect(on="client", to="nowhere")]}, "no destination 'nowhere'"),
    ({"calls": [connect(on="client", to="server", port=0)]}, "port 0 is not 1 to 65535"),
    ({"calls": [CALL.fails("EPIPE", within_s=(2, 1))]}, "is not (first, last)"),
    ({"seen": [rst(at="bystander")]}, "no capture at 'bystander'"),
    ({"counted": [Counted("client", "TCPTimeouts", exactly=1)]}, "not written Group.Name"),
    ({"counted": [Counted("client", "Tcp.X")]}, "at_least or exactly"),
    ({"counted": [Counted("client", "Tcp.X", 1, 1)]}, "at_least or exactly"),
    ({"cases": [Case("a"), Case("a")]}, "same name"),
    ({"cases": [Case("a", fault=drop(on="b", to="server"))]}, "case a: drop: no host 'b'"),
]


@pytest.mark.parametrize(("changes", "said"), WRONG)
def test_mistake_is_named(changes: dict[str, object], said: str) -> None:
    (mistake,) = whole(**changes).mistakes()
    assert said in mistake


def test_mistake_in_one_family_alone_is_found() -> None:
    word = per_family(ipv4="EHOSTUNREACH", ipv6="ENETUNREAHC")
    (mistake,) = whole(calls=[CALL.fails(word)]).mistakes()
    assert mistake == "connect: errno has no 'ENETUNREAHC'"


def test_values_that_depend_on_the_run_are_fine() -> None:
    word = per_family(ipv4="EHOSTUNREACH", ipv6="ENETUNREACH")
    counter = per_family(ipv4="Ip.OutNoRoutes", ipv6="Ip6.OutNoRoutes")
    fine = whole(calls=[CALL.fails(word)], counted=[Counted("client", counter, at_least=1)])
    assert fine.mistakes() == []


# --- cases -------------------------------------------------------------------------


def test_case_takes_from_its_scenario_what_it_leaves_out() -> None:
    fault = drop(on="router", to="server")
    own = Case("own", absent=[rst(at="client")])
    first, second = whole(fault=fault, cases=[Case("bare"), own]).as_cases()
    assert (first.fault, first.calls, first.seen) == (fault, [CALL], [syn(at="client")])
    assert (second.fault, second.calls) == (fault, [CALL])


def test_seen_and_absent_go_together() -> None:
    """A case that says what must be absent takes no packets from its scenario."""
    (case,) = whole(cases=[Case("own", absent=[rst(at="client")])]).as_cases()
    assert (list(case.seen), case.absent) == ([], [rst(at="client")])


def test_scenario_without_cases_is_one_without_a_name() -> None:
    (case,) = whole().as_cases()
    assert case.name == ""
