"""A scenario's fault is made to meet a program's own flow, or says why it cannot be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import (
    answer,
    bad_path,
    cut,
    delay,
    drop,
    drop_reply,
    drop_tc,
    drop_untracked,
    forget_neighbour,
    given,
    icmp_error,
    join,
    link_down,
    lose,
    misbehave,
    mtu,
    no_route,
    per_family,
    reject,
    route,
    route_via,
    scenario,
    segment,
    shut,
    silence_icmp,
    stop,
    sysctl,
)
from lab.aim import CALLERS, aimed
from lab.errors import CannotAim
from lab.faults import Fault, Plan
from lab.known import Facts, resolve
from lab.topology import FAMILIES, Family
from tests.unit.site import BLOCK, Site

NO_SUCH_HOST = per_family(ipv4=(3, 1), ipv6=(1, 3))


def plan_of(fault: Fault, family: Family = "ipv4", **given: Any) -> Plan:
    """Return the plan of a fault as a run makes it, and see that nothing is wrong with it."""
    whole = resolve(fault, Facts(family, {}, given))
    assert whole.mistakes() == []
    return whole.plan(Site(family))


def said(fault: Fault, family: Family = "ipv4") -> str:
    return json.dumps(plan_of(fault, family).commands)


def all_faults() -> list[tuple[str, Fault, Any]]:
    """Return every fault of every scenario, with what its case was given."""
    return [
        (name, fault, case)
        for name in scenario.names()
        for case in scenario.load(name).as_cases()
        for fault in case.faults
    ]


@pytest.mark.parametrize(
    ("caller", "proto", "port"),
    [("client", "tcp", 16555), ("browser", "tcp", 8080), ("client", "udp", 16555),
     ("bystander", "udp", 5353), ("workshop", "tcp", 5432)],
)  # fmt: skip
def test_every_fault_of_every_scenario_is_aimed_and_planned_or_says_why_not(
    caller: str, proto: str, port: int
) -> None:
    counted = {True: 0, False: 0}
    for name, fault, case in all_faults():
        try:
            ours = aimed(fault, caller=caller, proto=proto, port=port)
        except CannotAim as refused:
            assert str(refused).startswith(f"{fault.kind} on {fault.on}: "), name
            counted[False] += 1
            continue
        counted[True] += 1
        for family in FAMILIES:
            if case.family not in ("", family):
                continue
            plan = plan_of(ours, family, **case.given)
            text = json.dumps([plan.commands, plan.undo])
            if caller != "client":
                assert plan.host != "client", name
                # Only of the caller's own kind of place: nothing is left of the client's.
                assert f'"{BLOCK.address("client", family)}"' not in text, name
    assert min(counted.values()) > 20


def test_aimed_as_it_was_written_a_fault_is_the_same() -> None:
    for fault in (
        drop(on="router", to="server"), drop_reply(on="router", sender="server"), stop(),
        answer(to="server", by=[icmp_error(NO_SUCH_HOST, sender="server")], times=1),
        delay(to="elsewhere", ms=5, replies=True), drop_tc(on="router", to="server"),
        misbehave(how="silent", times=2), route(on="client", kind="throw", to="server"),
    ):  # fmt: skip
        assert aimed(fault, caller="client", proto="tcp", port=16555) == fault


@pytest.mark.parametrize(
    "fault",
    [
        drop(on="router", to="server"),
        drop(on="client", to="server"),
        reject(on="server", to="server", reply="tcp-reset"),
        drop_reply(on="router", sender="server"),
        drop_untracked(on="router", to="server"),
        answer(to="server", by=[icmp_error((3, 1))]),
        delay(to="server", ms=5),
        lose(to="server", nth=[1], replies=True),
        bad_path(lose(to="server", nth=[1]), cut(to="server", at=[1])),
        misbehave(how="reset"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.on}",
)
def test_caller_and_port_stand_wherever_the_clients_and_the_echos_stood(fault: Fault) -> None:
    text = said(aimed(fault, caller="browser", proto="tcp", port=8080))
    assert BLOCK.address("browser", "ipv4") in text
    assert BLOCK.address("client", "ipv4") + '"' not in text
    assert "8080" in text
    assert "16555" not in text


def test_tc_looks_for_the_callers_packets_to_the_port() -> None:
    ours = aimed(drop_tc(on="router", to="server"), caller="bystander", proto="tcp", port=8080)
    assert (ours.arguments["sender"], ours.arguments["port"]) == ("bystander", 8080)
    plan_of(ours)


def test_fault_that_names_no_flow_gets_the_caller_and_is_otherwise_as_it_was() -> None:
    def roles(fault: Fault) -> tuple[str, str]:
        ours = aimed(fault, caller="browser", proto="udp", port=53)
        assert (ours.kind, ours.arguments) == (fault.kind, fault.arguments)
        return ours.on, ours.to

    assert roles(route(on="client", kind="throw", to="server")) == ("browser", "server")
    assert roles(route(on="router", kind="throw", to="elsewhere")) == ("router", "elsewhere")
    assert roles(no_route(on="client", to="server")) == ("browser", "server")
    assert roles(link_down(on="router", toward="client")) == ("router", "browser")
    assert roles(mtu(on="router", toward="server", size=1300)) == ("router", "server")
    assert roles(silence_icmp(on="router", error="host-unreachable")) == ("router", "browser")
    assert roles(forget_neighbour(on="client", to="absent_near")) == ("browser", "absent_near")
    timestamps = sysctl(on="client", values={"net.ipv4.tcp_timestamps": 0})
    assert roles(timestamps) == ("browser", "browser")
    assert roles(sysctl(values={"net.ipv4.tcp_syncookies": 0})) == ("server", "server")
    via = aimed(route_via(on="client", to="server", via="absent_near"),
                caller="browser", proto="tcp", port=80)  # fmt: skip
    assert (via.on, via.arguments) == ("browser", {"via": "absent_near"})


def test_icmp_error_from_a_stranger_is_not_from_the_caller() -> None:
    fault = answer(to="server", by=[icmp_error((3, 1), sender="bystander")])
    (by,) = aimed(fault, caller="bystander", proto="tcp", port=80).arguments["by"]
    assert by["source"] == "client"
    own = answer(to="server", by=[icmp_error((3, 1), sender="client")])
    (by,) = aimed(own, caller="browser", proto="tcp", port=80).arguments["by"]
    assert by["source"] == "browser"


def test_bystander_is_asked_for_nothing_where_it_is_the_caller() -> None:
    for fault in (drop(on="router", to="server"), stop(), shut()):
        assert aimed(fault, caller="bystander", proto="tcp", port=16555).spares == ()
        assert aimed(fault, caller="browser", proto="tcp", port=16555).spares != ()


# --- the protocol ----------------------------------------------------------------------


def test_first_segment_becomes_any_datagram() -> None:
    for flags in ("SYN", ""):
        fault = drop(on="router", to="server", flags=flags)
        text = said(aimed(fault, caller="client", proto="udp", port=53))
        assert '"udp", "--dport", "53"' in text
        assert "--tcp-flags" not in text
    (path,) = aimed(
        lose(to="server", nth=[2]), caller="client", proto="udp", port=53
    ).arguments["steps"]  # fmt: skip
    assert (path["flags"], path["nth"]) == ("", [2])


def test_fault_on_datagrams_becomes_one_on_segments() -> None:
    fault = drop(on="client", to="server", proto="udp")
    assert '"tcp", "--dport", "80"' in said(aimed(fault, caller="client", proto="tcp", port=80))


STOPPED = [
    (stop(), "tcp", 16555, "stop", "echo"),
    (stop(), "udp", 16555, "stop", "echo_udp"),
    (stop(service="echo_udp"), "tcp", 16555, "stop", "echo"),
    (stop(), "tcp", 8080, "shut", 8080),
    (stop(service="echo_udp"), "tcp", 8080, "shut", 8080),
    (stop(), "udp", 53, "reject", "53"),
    (shut(), "tcp", 16555, "shut", 16555),
    (shut(to="elsewhere"), "udp", 16555, "reject", "16555"),
]


@pytest.mark.parametrize(("fault", "proto", "port", "kind", "what"), STOPPED)
def test_service_that_is_not_ours_to_stop_is_shut_for_the_caller(
    fault: Fault, proto: str, port: int, kind: str, what: Any
) -> None:
    ours = aimed(fault, caller="client", proto=proto, port=port)
    assert (ours.kind, ours.on, ours.to) == (kind, "server", fault.to)
    assert what in ours.arguments.values() or what in ours.arguments["port"]
    for family in FAMILIES:
        plan_of(ours, family)


# --- what cannot be ----------------------------------------------------------------------

CANNOT: list[tuple[Fault, dict[str, Any], str]] = [
    (drop(on="router", to="server", port=17110), {}, "a port of its own, 17110"),
    (delay(to="server", ms=5, port=8080), {}, "a port of its own, 8080"),
    (drop(on="server", to="server", sender="workshop"), {}, "what workshop sends to server"),
    (drop(on="router", to="gateway"), {}, "what client sends to gateway"),
    (answer(to="client", sender="server", by=[]), {}, "what server sends to client"),
    (shut(sender="bystander"), {}, "what bystander sends to server"),
    (route(on="workshop", kind="throw", to="server"), {}, "workshop is not on the way"),
    (drop(on="router", to="server", sender=given("x")), {}, "known only in a run"),
    (drop(on="router", to="server", flags=given("x")), {}, "known only in a run"),
    (drop(on="router", to="server"), {"caller": "workshop"}, "passes no router"),
    (link_down(on="router", toward="client"), {"caller": "gateway"}, "passes no router"),
    (forget_neighbour(on="client", to="absent_near"), {"caller": "bystander"}, "absent_near"),
    (route_via(on="client", to="server", via="absent_near"), {"caller": "workshop"}, "absent_near"),
    (drop(on="router", to="server", flags="PSH"), {"proto": "udp"}, "with PSH"),
    (drop_reply(on="router", sender="server"), {"proto": "udp"}, "with SYN,ACK"),
    (drop_untracked(on="router", to="server"), {"proto": "udp"}, "TCP alone"),
    (drop_tc(on="router", to="server"), {"proto": "udp"}, "TCP alone"),
    (misbehave(how="close"), {"proto": "udp"}, "TCP alone"),
    (reject(on="router", to="server", reply="tcp-reset"), {"proto": "udp"}, "with a RST"),
    (answer(to="server", by=[segment("RST")]), {"proto": "udp"}, "with a segment"),
    (answer(to="server", by=[given("segment")]), {"proto": "udp"}, "with a segment"),
    (answer(to="server", by=[icmp_error((3, 1), quote_seq_add=1)]), {"proto": "udp"}, "sequence"),
    (delay(to="server", ms=5, flags="FIN"), {"proto": "udp"}, "with FIN"),
    (cut(to="server", every=1), {"proto": "udp"}, "a stream"),
    (join(to="server"), {"proto": "udp"}, "a stream"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "flow", "why"), CANNOT)
def test_fault_that_cannot_meet_the_flow_says_why(
    fault: Fault, flow: dict[str, Any], why: str
) -> None:
    with pytest.raises(CannotAim, match=why):
        aimed(fault, **{"caller": "client", "proto": "tcp", "port": 80, **flow})


def test_router_is_on_the_way_to_elsewhere_from_anywhere() -> None:
    fault = route(on="router", kind="unreachable", to="elsewhere")
    for caller in CALLERS:
        assert aimed(fault, caller=caller, proto="tcp", port=80) == fault or caller == "bystander"


@pytest.mark.parametrize(
    "flow", [{"caller": "server"}, {"caller": "me"}, {"proto": "icmp"}, {"port": 0}]
)
def test_flow_that_nobody_can_have_is_refused(flow: dict[str, Any]) -> None:
    with pytest.raises(CannotAim, match="is not one of client, bystander, gateway"):
        aimed(stop(), **{"caller": "client", "proto": "tcp", "port": 80, **flow})


def test_where_the_echos_port_is_a_users_own_the_echo_is_not_what_is_stopped() -> None:
    own = aimed(stop(), caller="client", proto="tcp", port=16555, own=True)
    assert own.kind == "shut"
    own = aimed(stop(), caller="client", proto="udp", port=16555, own=True)
    assert own.kind == "reject"
