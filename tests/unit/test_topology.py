"""Who is where: no two labs share an address, and Compose is told the same as the runner."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from itertools import combinations

import pytest

from lab import compose
from lab.topology import (
    ADDRESSES,
    BLOCKS,
    DESTINATIONS,
    ELSEWHERE,
    ELSEWHERE_NET,
    FAMILIES,
    GUESTS,
    HOSTS,
    NETWORKS,
    SPECIAL,
    Block,
    Family,
    home,
    host_names,
)

POOLS = {"ipv4": ip_network("198.18.0.0/15"), "ipv6": ip_network("2001:db8::/32")}


@pytest.mark.parametrize("number", range(BLOCKS))
def test_block_lies_in_the_range_for_tests(number: int) -> None:
    for network in Block(number).networks():
        pool = POOLS[f"ipv{network.version}"]
        assert network.network_address in pool
        assert network.broadcast_address in pool


def test_no_two_blocks_overlap() -> None:
    used = [network for number in range(BLOCKS) for network in Block(number).networks()]
    used += [ip_network(text) for text in ELSEWHERE_NET.values()]
    assert not any(a.overlaps(b) for a, b in combinations(used, 2) if a.version == b.version)


@pytest.mark.parametrize("family", FAMILIES)
def test_elsewhere_is_in_its_own_network(family: Family) -> None:
    assert ip_address(ELSEWHERE[family]) in ip_network(ELSEWHERE_NET[family])


def test_every_address_has_its_role() -> None:
    block = Block(3)
    names = block.names()
    # One for each destination and the router's more networks, in each family.
    assert len(names) == 2 * (len(DESTINATIONS) + len(NETWORKS) - 1)
    for family in FAMILIES:
        for role in DESTINATIONS:
            assert names[block.address(role, family)] == role


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("role", "network"),
    [("absent", "server"), ("absent_near", "client"), ("absent_windows", "windows")],
)
def test_nobody_is_a_neighbour_of_those_on_its_network(
    role: str, network: str, family: Family
) -> None:
    block = Block(5)
    assert home(role) == home(network)
    (net,) = (net for net in block.networks() if ip_address(block.address(network, family)) in net)
    assert ip_address(block.address(role, family)) in net
    hosts = {block.address(host, family) for host in HOSTS}
    assert block.address(role, family) not in hosts


@pytest.mark.parametrize("family", FAMILIES)
def test_special_addresses_are_what_they_are_called(family: Family) -> None:
    any_, loopback, all_ = (
        ip_address(Block(5).address(role, family)) for role in ("any", "loopback", "broadcast")
    )
    assert any_.is_unspecified
    assert loopback.is_loopback
    assert all_.is_multicast or str(all_) == "255.255.255.255"


def test_calls_may_go_to_special_addresses_and_faults_may_not() -> None:
    assert set(SPECIAL) == set(ADDRESSES) - set(DESTINATIONS)


def test_router_has_an_address_on_every_network() -> None:
    found = {Block(0).address("router", "ipv4", on=network) for network in NETWORKS}
    assert found == {"198.18.0.2", "198.18.1.2", "198.18.2.2", "198.18.3.2"}


def test_ipv6_addresses_are_written_as_the_kernel_writes_them() -> None:
    """Packets are told apart by their text."""
    for family in FAMILIES:
        for role in HOSTS:
            address = Block(0).address(role, family)
            assert str(ip_address(address)) == address


def test_compose_gets_every_variable_that_its_file_asks_for() -> None:
    text = compose.FILE.read_text()
    given = Block(1).environment("mine", {"host": "image:tag", **dict.fromkeys(GUESTS, "tag")})
    asked = {part.split(":-")[0] for part in text.replace("$$", "").split("${")[1:]}
    assert asked == set(given)
    assert given["ERRNOLAB_BLOCK"] == "1"


def test_composes_defaults_are_those_of_block_0() -> None:
    text = compose.FILE.read_text()
    images = {role: f"errnolab/{role}:latest" for role in ("host", *GUESTS)}
    for name, value in Block(0).environment("default", images).items():
        assert f"${{{name}:-{value}}}" in text


def test_compose_gives_the_hosts_every_name_with_its_addresses_in_order() -> None:
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", compose.FILE.read_text())
    listed: dict[str, list[str]] = {}
    for name, address in re.findall(r'^    - "(\w+):([^"]+)"$', text, re.MULTILINE):
        listed.setdefault(name, []).append(str(ip_address(address)))
    block = Block(0)
    assert listed == {
        name: [block.address(role, family) for role, family in addresses]
        for name, addresses in host_names().items()
    }


@pytest.mark.parametrize(("family", "digit"), [("ipv4", "4"), ("ipv6", "6")])
def test_name_with_a_digit_is_of_that_family_alone(family: Family, digit: str) -> None:
    with_digit = {n: at for n, at in host_names().items() if n.endswith(digit)}
    assert {f for addresses in with_digit.values() for _, f in addresses} == {family}
    assert [role for role, _ in with_digit[f"twofold{digit}"]] == ["absent", "server"]
