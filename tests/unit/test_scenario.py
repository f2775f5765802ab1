"""A scenario is loaded by its name, and all its mistakes are named before anything runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab import (
    ICMP_REPORTED,
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    close,
    connect,
    connects,
    drop,
    drop_reply,
    exchange,
    given,
    listen,
    per_family,
    pipe,
    recv,
    reject,
    rst,
    scenario,
    send,
    sendto,
    socket,
    ss,
    syn,
    went_through,
)
from lab.calls import Call
from lab.errors import ScenarioError, UnknownScenario
from lab.known import Facts, resolve

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
    [
        ('[syn(at="client")]', 'syn(at="client")'),
        ('"router"', "1"),
        ('"ETIMEDOUT"', "110"),
        ('fault=drop(on="router", to="server")', 'fault="drop"'),
    ],
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


def test_cause_and_look_are_for_the_atlas() -> None:
    """A scenario of one's own needs none of them; a cause that is given must be known."""
    assert (whole().cause, whole().look) == ("", "")
    assert whole(cause="firewall", look="The counter grows.").mistakes() == []


WRONG = [
    ({"calls": []}, "there are no calls"),
    ({"seen": []}, "no proof on the wire"),
    ({"fault": None}, "no proof by a counter"),
    ({"fault": []}, "no proof by a counter"),
    ({"text": " "}, "no explanation"),
    ({"cause": "wall"}, "cause 'wall' is not one of"),
    ({"source": ""}, "no source"),
    ({"family": "ipv5"}, "family 'ipv5' is not one of ipv4, ipv6"),
    ({"cases": [Case("a", family="ipv5")]}, "family 'ipv5' is not one of"),
    ({"fault": [drop(on="router", to="server"), drop(on="b", to="server")]}, "no host 'b'"),
    ({"control": [connect(on="client", to="nowhere")]}, "no destination 'nowhere'"),
    ({"before": [connect(on="nobody", to="server")]}, "no host 'nobody'"),
    ({"pictures": ICMP_REPORTED, "calls": [connect(on="client", to="server")]}, "none does"),
    ({"calls": [connect(on="nobody", to="server")]}, "no host 'nobody'"),
    ({"calls": [connect(on="client", to="nowhere")]}, "no destination 'nowhere'"),
    ({"calls": [connect(on="client", to="server", port=65536)]}, "port 65536 is not 0 to 65535"),
    ({"calls": [CALL.fails("EPIPE", within_s=(2, 1))]}, "is not (first, last)"),
    ({"seen": [rst(at="bystander")]}, "no capture at 'bystander'"),
    ({"counted": [Counted("client", "TCPTimeouts", exactly=1)]}, "not written Group.Name"),
    ({"counted": [Counted("client", "Tcp.X")]}, "at_least or exactly"),
    ({"counted": [Counted("client", "Tcp.X", 1, 1)]}, "at_least or exactly"),
    ({"claims": {"C999": "true"}}, "claims: 'C999': 'true': name a claim of the tutorial"),
    ({"claims": {"C59": "maybe"}}, "claims: 'C59': 'maybe': name a claim"),
    ({"claims": {"C59": per_family(ipv4="true", ipv6="no")}}, "claims: 'C59': 'no'"),
    ({"cases": [Case("a"), Case("a")]}, "two cases have the name a"),
    ({"cases": [Case("a"), Case("a", family="ipv6")]}, "two cases have the name a"),
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


def test_word_that_asks_for_what_its_case_was_not_given_is_a_mistake(folder: Path) -> None:
    text = SOUND.replace("drop, ", "drop, given, ").replace('"ETIMEDOUT"', 'given("errno")')
    (folder / "wrong.py").write_text(text)
    with pytest.raises(ScenarioError, match=re.escape("given('errno'), which the case was not")):
        scenario.load("wrong", folder)


# --- sockets that nobody opened ----------------------------------------------------

HI = recv(on="client").gives(b"abc")
UNOPENED = [
    [HI],
    [HI, CALL],
    [connect(on="client", to="server", socket="a"), HI],
    [connect(on="server", to="client"), HI],
    [connects(on="client", to="server", count=2), HI],
    [ss(on="client"), HI],
    [bind(on="client", socket="l"), accept(on="client", socket="l", new="c"), HI],
]
OPENED = [
    [CALL, HI],
    [socket(on="client"), HI],
    [pipe(on="client"), HI],
    [bind(on="client"), HI],
    [sendto(on="client", to="server", data=b"x"), HI],
    [bind(on="client", socket="l"), accept(on="client", socket="l", new="s"), HI],
    [CALL, close(on="client"), HI.fails("EBADF")],
    # A descriptor that never was one, on purpose.
    [HI.fails("EBADF")],
    [listen(on="client").fails(per_family(ipv4="EBADF", ipv6="EBADF"))],
]


@pytest.mark.parametrize("calls", UNOPENED)
def test_call_on_a_socket_that_no_call_before_it_opens_is_a_mistake(calls: list[Call]) -> None:
    (mistake,) = whole(calls=calls).mistakes()
    assert mistake == "recv: no call before it opens a socket 's' on client"


@pytest.mark.parametrize("calls", OPENED)
def test_call_on_a_socket_that_is_there_is_none(calls: list[Call]) -> None:
    assert whole(calls=calls).mistakes() == []


def test_what_is_opened_before_the_fault_is_there_under_it() -> None:
    assert whole(before=[CALL], calls=[HI]).mistakes() == []


def test_control_opens_its_own_sockets() -> None:
    """It runs before and after, in processes of its own."""
    (mistake,) = whole(control=[HI]).mistakes()
    assert mistake == "recv: no call before it opens a socket 's' on client"
    assert whole(control=[CALL, HI]).mistakes() == []


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
    assert type(case) is Case


INHERITED = [
    ("fault", drop_reply(on="router", sender="server")),
    ("before", [CALL]),
    ("calls", [CALL, HI]),
    ("control", [CALL, exchange(on="client", data=b"hi")]),
    ("seen", [rst(at="client")]),
    ("absent", [rst(at="server")]),
    ("counted", [Counted("client", "Tcp.X", exactly=1)]),
    ("pictures", ICMP_REPORTED),
    ("needs", ["netem"]),
    ("family", "ipv6"),
    ("given", {"errno": "EPIPE"}),
    ("states", [went_through(on="client", states=["ESTAB"])]),
    ("claims", {"C59": "wrong"}),
    ("host_name", "twofold4"),
]


@pytest.mark.parametrize(("name", "value"), INHERITED)
def test_case_has_its_scenarios_unless_it_says_its_own(name: str, value: object) -> None:
    other = whole(seen=[syn(at="server")])
    (took,) = whole(**{name: value, "cases": [Case("a")]}).as_cases()
    (own,) = whole(cases=[Case("a", **{name: value})]).as_cases()  # type: ignore[arg-type]
    (neither,) = whole(cases=[Case("a")]).as_cases()
    assert getattr(took, name) == getattr(own, name) == value
    assert getattr(neither, name) == getattr(whole(), name) != value
    assert other.as_cases()[0].seen == [syn(at="server")]


def test_name_that_a_program_is_told_is_one_that_hosts_know() -> None:
    name = per_family(ipv4="twofold4", ipv6="twofold6")
    assert whole(host_name=name).mistakes() == []
    assert whole(host_name="server").mistakes() == []
    (mistake,) = whole(host_name="twofold").mistakes()
    assert mistake == "host_name: no host has the name 'twofold'"


def test_case_may_say_that_there_is_none() -> None:
    (none,) = whole(before=[CALL], cases=[Case("a", before=[])]).as_cases()
    assert none.before == []


def test_every_word_of_a_case_is_inherited() -> None:
    """But for its name, which tells it from the others."""
    assert {name for group in scenario.GROUPS for name in group} == {name for name, _ in INHERITED}
    assert set(Case.__dataclass_fields__) - {"name"} == {name for name, _ in INHERITED}


def test_case_of_one_family_is_not_there_in_the_other() -> None:
    both = whole(cases=[Case("four", family="ipv4"), Case("six", family="ipv6"), Case("both")])
    assert [case.name for case in both.as_cases("ipv4")] == ["four", "both"]
    assert [case.name for case in both.as_cases("ipv6")] == ["six", "both"]
    assert [case.name for case in both.as_cases()] == ["four", "six", "both"]
    assert both.families == ["ipv4", "ipv6"]


def test_scenario_has_the_families_that_its_cases_have() -> None:
    assert whole(family="ipv6").families == ["ipv6"]
    assert whole(cases=[Case("a", family="ipv4"), Case("b", family="ipv4")]).families == ["ipv4"]
    assert whole().families == ["ipv4", "ipv6"]


def test_word_of_one_family_is_right_where_only_that_family_has_the_case() -> None:
    fault = reject(on="router", to="server", reply="icmp6-no-route")
    assert whole(cases=[Case("six", fault=fault, family="ipv6")]).mistakes() == []
    assert len(whole(cases=[Case("six", fault=fault)]).mistakes()) == 1


def test_same_name_in_each_family_is_one_case_a_family() -> None:
    cases = [Case("3_1", family="ipv4"), Case("3_1", family="ipv6")]
    assert whole(cases=cases).mistakes() == []


def test_words_that_cases_share_ask_each_what_it_was_given() -> None:
    shared = whole(
        calls=[CALL.fails(given("errno"))],
        cases=[Case("a", given={"errno": "EPIPE"}), Case("b", given={"errno": "ENOTAWORD"})],
    )
    assert shared.mistakes() == ["case b: connect: errno has no 'ENOTAWORD'"]
    first, _second = shared.as_cases()
    assert resolve(first, Facts("ipv4", {}, first.given)).calls[0].wanted.errno_name == "EPIPE"


# --- faults and calls ----------------------------------------------------------------


def test_one_fault_or_several_are_a_list() -> None:
    first, second = drop(on="router", to="server"), drop_reply(on="router", sender="server")
    assert whole().faults == [first]
    assert whole(fault=[first, second]).faults == [first, second]
    assert whole(fault=None).faults == []


def test_needs_are_the_cases_and_its_faults() -> None:
    assert whole(needs=["netem"]).all_needs == ["netem", "iptables"]
    assert whole(fault=None).all_needs == []


def test_calls_before_the_fault_come_first() -> None:
    talk = send(on="client", data=b"x")
    assert whole(before=[CALL], calls=[talk]).all_calls == [CALL, talk]
