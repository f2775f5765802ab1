"""Faults of a link and of what is on it: down, a smaller MTU, a neighbour, an address."""

from __future__ import annotations

from lab.faults.plan import IP_VERSION, ONE_HOST, Fault, Hits, Plan, Site
from lab.faults.routes import ICMP_SENT, NO_ROUTE_HERE, ROUTE_ERROR_REST_S
from lab.topology import CALLERS, home

# Their links are none of the bystander's way.
CALLERS_NETS = {home(role) for role in CALLERS}
# Locally administered, and nobody's.
NOBODYS_MAC = "02:00:5e:00:00:99"


def link_down(*, on: str, toward: str) -> Fault:
    """Take down a host's link on the network that leads to a role, and its routes with it.

    Its hits are the look-ups that find no route any more: on the router the ICMP
    errors that it sends, on the client OutNoRoutes. Where packets only get lost (the
    server's link, the router's toward the client) nothing counts them.
    """
    return Fault(
        on, "link_down", "link", _plan_link_down, {}, toward,
        spares=("tcp", "udp") if CALLERS_NETS & {home(on), home(toward)} else (),
    )  # fmt: skip


def _plan_link_down(site: Site, *, on: str, to: str) -> Plan:
    """Plan it with an undo for what the kernel takes away with a link: routes, IPv6 addresses."""
    device = site.interface(on, toward=to)
    again = [["ip", "link", "set", "dev", device, "up"]]
    listing = site.look(on, "ip", "-6", "-o", "address", "show", "dev", device)
    addresses = [line.split()[3] for line in listing.splitlines()]
    # The kernel makes a link-local address of its own, which is tentative for a second.
    again += [["ip", "-6", "address", "flush", "dev", device]]
    again += [["ip", "-6", "address", "add", a, "dev", device, "nodad"] for a in addresses]
    for version in IP_VERSION.values():
        listing = site.look(on, "ip", version, "route", "show", "dev", device)
        ways = [line.split() for line in listing.splitlines() if "proto kernel" not in line]
        again += [["ip", version, "route", "replace", *way, "dev", device] for way in ways]
    counters = {"router": ICMP_SENT, **dict.fromkeys(CALLERS, NO_ROUTE_HERE)}
    counter = counters.get(on) if to not in CALLERS else None
    return Plan(
        on, "link",
        commands=[["ip", "link", "set", "dev", device, "down"]],
        undo=again[::-1],
        hits=Hits(on, counters=(counter[site.family],)) if counter else None,
        rest_s=ROUTE_ERROR_REST_S if counter is ICMP_SENT and site.family == "ipv4" else 0.0,
    )  # fmt: skip


def mtu(*, on: str, toward: str, size: int) -> Fault:
    """Give a host's link on the network that leads to a role a smaller MTU, in bytes."""
    return Fault(on, "mtu", "link", _plan_mtu, {"size": size}, toward)


def _plan_mtu(site: Site, *, on: str, to: str, size: int) -> Plan:
    device = site.interface(on, toward=to)
    before = site.look(on, "cat", f"/sys/class/net/{device}/mtu").strip()
    return Plan(
        on, "link",
        commands=[["ip", "link", "set", "dev", device, "mtu", str(size)]],
        undo=[["ip", "link", "set", "dev", device, "mtu", before]],
    )  # fmt: skip


def wrong_neighbour(*, on: str, to: str) -> Fault:
    """Give a host a permanent neighbour entry for a destination, with a MAC that nobody has."""
    return Fault(
        on, "wrong_neighbour", "neighbour", _plan_wrong_neighbour, {}, to,
        spares=() if "server_net" in (home(on), home(to)) else ("tcp", "udp"),
    )  # fmt: skip


def _plan_wrong_neighbour(site: Site, *, on: str, to: str) -> Plan:
    device, version = site.interface(on, toward=to), IP_VERSION[site.family]
    way = [site.address(to, on=home(on) if to == "router" else ""), "dev", device]
    return Plan(
        on, "neighbour",
        commands=[["ip", version, "neighbour", "replace", *way, "lladdr", NOBODYS_MAC,
                   "nud", "permanent"]],
        undo=[["ip", version, "neighbour", "del", *way]],
    )  # fmt: skip


def forget_neighbour(*, on: str, to: str) -> Fault:
    """Let a host forget who has an address, so that it must ask; and again when all is over.

    What a host still knows of a neighbour, or waits for, would decide how a call ends.
    """
    return Fault(on, "forget_neighbour", "neighbour", _plan_forget_neighbour, {}, to)


def _plan_forget_neighbour(site: Site, *, on: str, to: str) -> Plan:
    way = ["to", site.address(to), "dev", site.interface(on, toward=to)]
    forget = ["ip", IP_VERSION[site.family], "neighbour", "flush", *way]
    return Plan(on, "neighbour", commands=[forget], undo=[forget])


def no_address(*, on: str, to: str = "elsewhere") -> Fault:
    """Take an address of a host away from its loopback interface."""
    return Fault(on, "no_address", "address", _plan_no_address, {}, to)


def _plan_no_address(site: Site, *, on: str, to: str) -> Plan:
    version, length = IP_VERSION[site.family], ONE_HOST[site.family]
    what = [f"{site.address(to)}/{length}", "dev", "lo"]
    return Plan(
        on, "address",
        commands=[["ip", version, "address", "del", *what]],
        undo=[["ip", version, "address", "add", *what]],
    )  # fmt: skip
