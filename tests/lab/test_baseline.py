"""What a lab is before anything is broken, host by host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import engine
from lab import lab as labs
from lab.lab import Lab
from lab.topology import CORE_HOSTS, ECHO_PORT, FAMILIES, LABEL, NETWORKS, Family, home

Hosts = dict[str, Any]
NET_ADMIN_AND_NET_RAW = (1 << 12) | (1 << 13)
END_HOSTS = [role for role in CORE_HOSTS if role != "router"]


def defaults(host: Any, family: Family) -> list[dict[str, Any]]:
    flag = "-4" if family == "ipv4" else "-6"
    found: list[dict[str, Any]] = json.loads(host.check_output(f"ip -j {flag} route show default"))
    return found


@pytest.mark.parametrize("proto", ["tcp", "udp"])
def test_the_server_listens_on_the_echo_port(hosts: Hosts, proto: str) -> None:
    assert hosts["server"].socket(f"{proto}://:::{ECHO_PORT}").is_listening


@pytest.mark.parametrize("role", ["router", "client", "bystander"])
def test_nobody_else_listens_there(hosts: Hosts, role: str) -> None:
    assert not hosts[role].socket(f"tcp://:::{ECHO_PORT}").is_listening


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("role", END_HOSTS)
def test_the_only_default_route_of_a_host_is_the_router(
    lab: Lab, hosts: Hosts, role: str, family: Family
) -> None:
    gateways = [route["gateway"] for route in defaults(hosts[role], family)]
    assert gateways == [lab.block.address("router", family, on=home(role))]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_router_has_no_default_route_so_that_nothing_leaves(
    hosts: Hosts, family: Family
) -> None:
    assert defaults(hosts["router"], family) == []


@pytest.mark.parametrize("name", ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"])
def test_only_the_router_forwards(hosts: Hosts, name: str) -> None:
    assert {role: hosts[role].sysctl(name) for role in CORE_HOSTS} == {
        role: int(role == "router") for role in CORE_HOSTS
    }


def test_the_router_does_not_limit_icmp_errors(hosts: Hosts) -> None:
    assert hosts["router"].sysctl("net.ipv4.icmp_ratelimit") == 0
    assert hosts["router"].sysctl("net.ipv6.icmp.ratelimit") == 0


@pytest.mark.parametrize("role", CORE_HOSTS)
def test_a_host_has_two_capabilities_and_can_gain_none(hosts: Hosts, role: str) -> None:
    status = dict(
        line.split(":\t", 1)
        for line in hosts[role].file("/proc/1/status").content_string.splitlines()
    )
    assert int(status["CapBnd"], 16) == NET_ADMIN_AND_NET_RAW
    assert int(status["CapEff"], 16) == NET_ADMIN_AND_NET_RAW
    assert status["NoNewPrivs"] == "1"


@pytest.mark.parametrize("role", CORE_HOSTS)
def test_a_host_can_write_to_run_and_tmp_alone(hosts: Hosts, role: str) -> None:
    assert hosts[role].run("touch /opt/errnolab/x /usr/x /etc/x").rc != 0
    assert hosts[role].run("touch /run/x /tmp/x && rm /run/x /tmp/x").rc == 0


def test_tcpdump_captures_in_a_host(hosts: Hosts) -> None:
    """It would give up if it had to become somebody else: a host may not."""
    result = hosts["client"].run("timeout 1 tcpdump -i lo")
    assert "listening on lo" in result.stderr
    assert "Operation not permitted" not in result.stderr
    assert result.rc == 124  # ended by timeout(1)


def test_no_host_is_privileged_or_sees_the_engine(lab: Lab, here: engine.Engine) -> None:
    for container in labs.find(here, lab.name).containers.values():
        config = here.client.api.inspect_container(container["Id"])["HostConfig"]
        assert not config["Privileged"]
        assert not config["Binds"]
        assert config["NetworkMode"].startswith("errnolab-")
        # The engine's resolver would ask the machine's own servers.
        assert config["Dns"] == ["127.0.0.1"]


def test_the_bridges_hide_nobody_and_have_no_address(lab: Lab, here: engine.Engine) -> None:
    networks = here.client.api.networks(filters={"label": f"{LABEL}={lab.name}"})
    assert len(networks) == len(NETWORKS)
    for network in networks:
        prefix = "com.docker.network.bridge."
        assert network["Options"][f"{prefix}enable_ip_masquerade"] == "false"
        assert network["Options"][f"{prefix}inhibit_ipv4"] == "true"


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("role", CORE_HOSTS)
def test_the_addresses_that_ipv6_bridges_keep_are_closed_to_hosts(
    lab: Lab, role: str, network: str
) -> None:
    """Neither the bridge of one's own network nor, through the router, any other answers."""
    bridge = f"{lab.block.prefix6(network)}::1"
    said = lab.hosts[role].run("ping", "-6", "-c1", "-W0.3", bridge, check=False)
    assert "1 packets transmitted, 0 received" in said or "not permitted" in said, said


@pytest.mark.parametrize("address", ["203.0.113.99", "2001:db8:eeee::1"])
@pytest.mark.parametrize("role", CORE_HOSTS)
def test_a_packet_for_an_address_outside_is_not_answered(lab: Lab, role: str, address: str) -> None:
    trouble = lab.hosts[role].do("echo", proto="tcp", address=address, port=9, timeout_s=1.5)
    assert ": connect: " in trouble


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("proto", ["tcp", "udp"])
@pytest.mark.parametrize("role", ["client", "bystander"])
def test_an_echo_crosses_the_router(lab: Lab, role: str, proto: str, family: Family) -> None:
    address = lab.block.address("server", family)
    assert lab.hosts[role].do("echo", proto=proto, address=address, port=ECHO_PORT) == ""


@pytest.mark.parametrize("family", FAMILIES)
def test_elsewhere_is_reached_by_the_routers_route_alone(
    lab: Lab, hosts: Hosts, family: Family
) -> None:
    address = lab.block.address("elsewhere", family)
    assert lab.hosts["client"].do("echo", proto="tcp", address=address, port=ECHO_PORT) == ""
    via = json.loads(hosts["router"].check_output(f"ip -j route get {address}"))[0]["gateway"]
    assert via == lab.block.address("server", family)
