"""Guests: hosts that a lab has once they are asked for, as closed in as the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import testinfra

from lab import engine, guests
from lab import lab as labs
from lab.lab import Lab
from lab.topology import FAMILIES, GUESTS, home
from tests.lab.test_baseline import NET_ADMIN_AND_NET_RAW

INVITED = "test-guests"
# The clients' image takes minutes to make: `make test CLIENTS=1` has it too.
ROLES = [pytest.param(r, marks=[pytest.mark.clients] * (r == "clients")) for r in GUESTS]


@pytest.fixture(scope="module")
def lab(here: engine.Engine) -> Iterator[Lab]:
    """A lab to which guests are invited; their images are made if they are not there."""
    with labs.hold(INVITED, heal=True) as held:
        yield held
    labs.remove(here, INVITED)


@pytest.mark.parametrize("role", ROLES)
def test_a_guest_has_two_capabilities_and_no_way_out_but_the_router(lab: Lab, role: str) -> None:
    guests.invite(lab, [role])
    host = testinfra.get_host(f"docker://{lab.containers[role]['Id']}")
    status = host.file("/proc/1/status").content_string
    assert f"CapBnd:\t{NET_ADMIN_AND_NET_RAW:016x}" in status
    assert "NoNewPrivs:\t1" in status
    for family in FAMILIES:
        routes = host.check_output(f"ip -{family[-1]} route show default").splitlines()
        gateways = [line.split()[2] for line in routes]
        assert gateways == [lab.block.address("router", family, on=home(role))]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_guest_reaches_the_server(lab: Lab, role: str, family: str) -> None:
    guests.invite(lab, [role])
    address = lab.block.address("server", "ipv4" if family == "ipv4" else "ipv6")
    assert lab.hosts[role].do("echo", proto="tcp", address=address, port=16555) == ""


def test_a_guest_that_was_changed_is_started_anew(here: engine.Engine, lab: Lab) -> None:
    """As a run leaves it that was killed in the middle of a fault on it."""
    guests.invite(lab, ["workshop"])
    before = lab.containers["workshop"]["Id"]
    lab.hosts["workshop"].run("ip", "route", "add", "blackhole", "198.19.255.1")
    lab.hosts.pop("workshop").close()
    guests.invite(lab, ["workshop"])
    assert lab.containers["workshop"]["Id"] != before
    assert lab.changes(["workshop"]) == []


def test_a_guest_that_is_well_is_taken_as_it_is(lab: Lab) -> None:
    guests.invite(lab, ["gateway"])
    before = lab.containers["gateway"]["Id"]
    lab.hosts.pop("gateway").close()
    guests.invite(lab, ["gateway"])
    assert lab.containers["gateway"]["Id"] == before
