"""A fault is really there while it is in force, and really gone after."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import breaking, guests, misbehave, scenario, shut
from lab.errors import CommandFailed
from lab.faults import Fault, Plan
from lab.known import resolve
from lab.lab import Lab, LabSite
from lab.runner import missing
from lab.topology import FAMILIES, Family

Hosts = dict[str, Any]


def plan_of(lab: Lab, name: str, family: Family) -> Plan:
    return scenario.load(name).faults[0].plan(LabSite(lab, family))


def kinds_of_faults() -> dict[str, tuple[str, int, int]]:
    """Return one place (scenario, case, fault) for each kind of fault on each host."""
    return {
        f"{fault.kind} on {fault.on}": (name, number, position)
        for name in scenario.names()
        for number, case in enumerate(scenario.load(name).as_cases())
        for position, fault in enumerate(case.faults)
    }


KINDS = kinds_of_faults()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fault_changes_its_host_alone_and_is_undone(lab: Lab, kind: str, family: Family) -> None:
    name, number, position = KINDS[kind]
    case = scenario.load(name).as_cases()[number]
    if case.family not in ("", family):
        pytest.skip(f"it is a fault of {case.family}")
    whole = resolve(case, lab.facts(family, case.given))
    guests.invite(lab, case.guests)
    plan = whole.faults[position].plan(LabSite(lab, family))
    lacking = missing(lab, whole, family)
    if lacking:
        pytest.skip(lacking)
    troubles: list[str] = []
    assert lab.changes() == []
    with breaking.in_force(lab, [plan], name, troubles):
        changed = {line.split(":")[0] for line in lab.changes()}
        in_force = lab.hosts[plan.host].do("faults")
    # What a kernel learns by itself, and forgets, is no state of ours.
    assert changed == (set() if kind.startswith("forget_") else {plan.host})
    assert list(in_force) == [name]
    assert troubles == []
    assert lab.changes() == []
    assert lab.hosts[plan.host].do("faults") == {}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ["timeout", "refused_rst", "timeout_reply", "reset"])
def test_the_firewall_rule_is_there_while_in_force(
    lab: Lab, hosts: Hosts, name: str, family: Family
) -> None:
    tool = f"{'iptables' if family == 'ipv4' else 'ip6tables'}-{lab.flavour}"

    def rules() -> str:
        return str(hosts["router"].check_output(f"{tool} -w -S FORWARD"))

    with breaking.in_force(lab, [plan_of(lab, name, family)], name, []):
        assert "errnolab:" in rules()
    assert "errnolab:" not in rules()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_route_is_there_while_in_force(lab: Lab, hosts: Hosts, family: Family) -> None:
    flag = "-4" if family == "ipv4" else "-6"

    def unreachable() -> list[Any]:
        listing = hosts["router"].check_output(f"ip -j {flag} route show type unreachable")
        return [route["dst"] for route in json.loads(listing)]

    with breaking.in_force(lab, [plan_of(lab, "host_unreachable", family)], "host_unreachable", []):
        assert unreachable() == [lab.block.address("elsewhere", family)]
    assert unreachable() == []


def test_the_service_is_stopped_while_in_force(lab: Lab, hosts: Hosts) -> None:
    with breaking.in_force(lab, [plan_of(lab, "refused", "ipv4")], "refused", []):
        assert not hosts["server"].socket("tcp://:::16555").is_listening
        assert hosts["server"].socket("udp://:::16555").is_listening
    assert hosts["server"].socket("tcp://:::16555").is_listening


# Echoes "hi" from a port of its own, so that the four-tuple is the same each time.
FROM_ONE_PORT = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.socket(family) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.settimeout(3)
    s.bind(("", 17999))
    try:
        s.connect((sys.argv[1], 16555))
        s.sendall(b"hi")
        print(s.recv(9).decode() or "end")
        # A RST of ours, so that it is over at once.
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
    except OSError as error:
        print(type(error).__name__)
"""


@pytest.mark.parametrize("flavour", ["nft", "legacy"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("fault", "met"),
    [
        (shut(), "ConnectionRefusedError"),
        (misbehave(how="reset"), "ConnectionResetError"),
        (misbehave(how="close"), "end"),
    ],
    ids=["shut", "reset", "close"],
)
def test_connection_goes_where_the_fault_leads_it_though_its_port_is_used_again(
    lab: Lab, fault: Fault, met: str, family: Family, flavour: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """And the bystander's goes to the service all the while."""
    monkeypatch.setattr(lab, "flavour", flavour)
    address = lab.block.address("server", family)

    def asks(role: str = "client") -> str:
        return lab.hosts[role].run("python3", "-c", FROM_ONE_PORT, address).strip()

    plan = fault.plan(LabSite(lab, family))
    troubles: list[str] = []
    for _ in range(2):
        assert asks() == "abc"
        with breaking.in_force(lab, [plan], "x", troubles):
            counter = breaking.HitCounter(lab, plan.hits) if plan.hits else None
            assert (asks(), asks("bystander")) == (met, "abc")
            assert counter
            assert counter.count() == 1
        assert troubles == []
    assert (asks(), asks("bystander")) == ("abc", "abc")
    lab.settle()


def test_rule_that_redirects_is_seen_in_either_flavour(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for flavour in ("nft", "legacy"):
        monkeypatch.setattr(lab, "flavour", flavour)
        before = lab.snapshot(["server"])
        with breaking.in_force(lab, [shut().plan(LabSite(lab, "ipv6"))], "x", []):
            now = lab.snapshot(["server"])["server"]["filter"]
            # nft(8) does not print all of a rule of iptables.
            assert [line for line in now if "dport 16555" in line and "counter drop" not in line]
        assert lab.snapshot(["server"]) == before


def test_looking_for_what_is_there_leaves_no_chain_behind(lab: Lab) -> None:
    """A chain of the table nat would let the router track connections of IPv6."""
    before = lab.snapshot()
    assert lab.hosts["router"].do("probe")["nat-redirect"] == ""
    assert lab.snapshot() == before


def test_a_fault_that_fails_half_way_is_undone(lab: Lab) -> None:
    """The first command took effect, the second cannot: neither is left."""
    plan = plan_of(lab, "timeout", "ipv4")
    broken = Plan(plan.host, plan.mechanism, [*plan.commands, ["false"]], plan.undo, plan.hits)
    with pytest.raises(CommandFailed, match="`false` ended with status 1"):
        breaking.put_in(lab, broken, "timeout", "timeout")
    assert lab.changes() == []
