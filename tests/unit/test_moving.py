"""A scenario's calls are made from another host: what is renamed, which cases can be moved."""

from __future__ import annotations

from typing import Any

import pytest

from lab import (
    Case,
    Counted,
    Picture,
    Scenario,
    bind,
    connect,
    drop,
    given,
    icmp,
    moving,
    per_family,
    recv,
    run,
    send,
    since,
    socket,
    syn,
    syn_timeout,
    went_through,
)
from lab import scenario as scenarios
from lab.errors import LabError
from lab.known import AS_IT_COMES, Facts, resolve
from lab.topology import ABSENT_NEAR, FAMILIES

WINDOWS = "windows"
# A host of the client's side whose calls are Linux's, and to which nothing else happens.
OTHER = "clients"


def case(**parts: Any) -> Case:
    """A case of a client that connects."""
    return Case(**{"calls": [connect(on="client", to="server")], **parts})


def scenario(*cases: Case, **parts: Any) -> Scenario:
    return Scenario(name="one", text="One.", cases=list(cases), **parts)


def words(one: Case) -> str:
    return repr([one.fault, one.calls, one.before, one.control, one.seen, one.absent, one.counted,
                 one.pictures, one.states])  # fmt: skip


# --- what is renamed ------------------------------------------------------------------------


def test_calls_of_the_client_are_the_other_hosts() -> None:
    moved = moving.moved(case(before=[bind(on="client", port=1)], control=[send(on="client",
                         data=b"x")]), OTHER)  # fmt: skip
    assert {call.on for call in (*moved.all_calls, *moved.control)} == {OTHER}


def test_calls_of_other_hosts_stay() -> None:
    calls = [connect(on="bystander", to="client"), recv(on="server")]
    moved = moving.moved(case(calls=calls), OTHER)
    assert [(call.on, call.to) for call in moved.calls] == [("bystander", OTHER), ("server", "")]


@pytest.mark.parametrize(
    ("part", "word"),
    [
        ("fault", drop(on="client", to="server", port=1)),
        ("fault", [drop(on="router", to="server", port=1), drop(on="client", to="server", port=2)]),
        ("seen", [syn(at="client")]),
        ("seen", [icmp(at="server", sender="client", error=(3, 3))]),
        ("absent", [syn(at="client")]),
        ("counted", [Counted("client", "TcpExt.TCPTimeouts", at_least=1)]),
        ("states", [went_through(on="client", states=["SYN-SENT"])]),
        ("pictures", [Picture("a", "b", (0.0, 1.0), [syn(at="client")],
                              [Counted("client", "Tcp.OutRsts", exactly=1)])]),
        ("calls", [recv(on="client").after(syn(at="client"))]),
    ],
)  # fmt: skip
def test_every_kind_of_word_names_the_other_host(part: str, word: Any) -> None:
    here = case(**{part: word})
    moved = moving.moved(here, OTHER)
    assert OTHER in words(moved)
    assert "'client'" not in words(moved)
    # The words themselves are left as they are: the scenario may be run from the client next.
    assert "'client'" in words(here)


def test_names_in_braces_are_renamed_and_nothing_else_in_a_text() -> None:
    told = "[{client}]:5 is the client of {server}, {client:url}:…"
    moved = moving.moved(case(calls=[recv(on="client").tells(told)]), OTHER)
    assert moved.calls[0].wanted.told == "[{clients}]:5 is the client of {server}, {clients:url}:…"


def test_a_case_keeps_its_name() -> None:
    assert moving.moved(case(name="client"), WINDOWS).name == "client"


def test_data_is_left_alone() -> None:
    moved = moving.moved(case(calls=[send(on="client", data=b"client")]), OTHER)
    assert moved.calls[0].arguments["data"] == b"client"


def test_what_is_not_near_the_client_is_not_near_the_other() -> None:
    """It must be on the caller's own network, where nobody answers its ARP."""
    calls = [connect(on="client", to="absent_near"), connect(on="client", to="absent")]
    assert [one.to for one in moving.moved(case(calls=calls), WINDOWS).calls] == [
        ABSENT_NEAR[WINDOWS], "absent"
    ]  # fmt: skip
    # Another on the client's network has the same neighbours.
    assert moving.moved(case(calls=calls), OTHER).calls[0].to == "absent_near"


def test_a_case_of_the_client_is_itself() -> None:
    here = case()
    assert moving.moved(here, "client") is here


def test_values_that_only_a_run_knows_are_found_out_before() -> None:
    wanted = connect(on="client", to="server").fails(
        per_family(ipv4="EHOSTUNREACH", ipv6="EACCES"), within_s=syn_timeout(retries=1)
    )
    here = case(calls=[wanted], seen=[syn(at=given("at"))], given={"at": "client"})
    codes = {}
    for family in FAMILIES:
        known = resolve(here, Facts(family, AS_IT_COMES, here.given))
        moved = moving.moved(known, WINDOWS)
        assert WINDOWS in repr(moved.seen)
        codes[family] = moved.calls[0].wanted.errno_name
    assert codes == {"ipv4": "WSAEHOSTUNREACH", "ipv6": "WSAEACCES"}


# --- which can be moved ---------------------------------------------------------------------


def why(one: Case, host: str = WINDOWS) -> str:
    ((_, reason),) = moving.judged(scenario(one), host, FAMILIES)
    return reason


def test_a_case_of_plain_calls_can_be_moved() -> None:
    assert why(case()) == ""
    assert why(case(calls=[run(on="client", argv=["true"])]), OTHER) == ""


def test_what_winsock_lacks_is_said() -> None:
    assert "Linux program" in why(case(calls=[run(on="client", argv=["true"])]))


def test_what_it_lacks_of_a_control_counts_too() -> None:
    assert "Linux program" in why(case(control=[run(on="client", argv=["true"])]))


def test_a_server_may_call_what_it_likes() -> None:
    assert why(case(before=[run(on="server", argv=["true"])])) == ""


def test_where_the_client_makes_no_call_there_is_nothing_to_move() -> None:
    assert why(case(calls=[connect(on="bystander", to="server")])) == (
        "the client makes no call in it"
    )


def test_what_is_about_the_other_host_cannot_be_moved_there() -> None:
    about = case(calls=[connect(on="client", to="server"), connect(on=OTHER, to="server")])
    assert why(about, OTHER) == f"it is about {OTHER} itself"
    assert why(about, WINDOWS) == ""


def test_a_case_that_can_be_moved_in_one_family_is_that_familys() -> None:
    options = per_family(ipv4={}, ipv6={"IPV6_RECVERR": 1})
    one = case(calls=[connect(on="client", to="server", options=options)])
    ((moved, reason),) = moving.judged(scenario(one), WINDOWS, FAMILIES)
    assert (moved.family, reason) == ("ipv4", "")
    assert "IPV6_RECVERR" in moving.judged(scenario(one), WINDOWS, ["ipv6"])[0][1]


def test_a_case_of_another_family_is_not_asked() -> None:
    assert moving.judged(scenario(case(family="ipv6")), WINDOWS, ["ipv4"]) == []


def test_what_depends_on_the_kernel_is_judged_as_the_newest() -> None:
    flags = since((6, 0), then="MSG_PEEK", before="MSG_MORE")
    assert why(case(calls=[socket(on="client"), recv(on="client", flags=flags)])) == ""


# --- loading ---------------------------------------------------------------------------------


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, Scenario]:
    """Scenarios that are there, by name."""
    cannot = case(name="cannot", calls=[run(on="client", argv=["true"])])
    found = {
        "whole": scenario(case(name="a"), case(name="b")),
        "part": scenario(case(name="a"), cannot),
        "none": scenario(cannot),
        "slow": scenario(case(name="a"), slow=True),
        "alone": scenario(calls=[connect(on="client", to="server")]),
    }
    monkeypatch.setattr(scenarios, "names", lambda: [*found])
    monkeypatch.setattr(scenarios, "load_many", lambda names: [found[name] for name in names])
    return found


def test_a_scenario_has_the_cases_that_can_be_moved(known: dict[str, Scenario]) -> None:
    loaded = moving.load(["whole", "part", "alone"], WINDOWS, FAMILIES)
    assert [[one.name for one in s.as_cases()] for s in loaded] == [["a", "b"], ["a"], [""]]
    assert {s.host for s in loaded} == {WINDOWS}


def test_one_that_has_none_is_refused_with_the_reason(known: dict[str, Scenario]) -> None:
    with pytest.raises(LabError, match="cannot be run from windows") as refused:
        moving.load(["whole", "none", "none"], WINDOWS, FAMILIES)
    lines = [line for line in str(refused.value).splitlines() if "Linux program" in line]
    assert len(lines) == 2
    assert all(line.endswith("(case cannot)") for line in lines)


def test_of_all_those_that_have_none_are_left_out(known: dict[str, Scenario]) -> None:
    def count(**how: bool) -> int:
        return len(moving.load_all(WINDOWS, FAMILIES, **how))

    assert (count(), count(slow=True)) == (3, 4)


def test_from_the_client_a_scenario_is_itself(known: dict[str, Scenario]) -> None:
    assert moving.load(["part"], "client", FAMILIES) == [known["part"]]
    assert moving.load_all("client", FAMILIES, slow=True) == [*known.values()]
