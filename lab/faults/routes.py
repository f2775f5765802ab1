"""Faults of routing: a route that says no, a route that is missing, a wrong one."""

from __future__ import annotations

from lab.faults.plan import IP_VERSION, ONE_HOST, Fault, Hits, Plan, Site
from lab.topology import DESTINATIONS, Family

ROUTE_KINDS = ("unreachable", "prohibit", "throw", "blackhole")
RULE_KINDS = ("unreachable", "prohibit", "blackhole")
# What the kernel counts when it answers a packet that it cannot route.
ICMP_SENT: dict[Family, str] = {"ipv4": "Icmp.OutDestUnreachs", "ipv6": "Icmp6.OutDestUnreachs"}
NO_ROUTE_HERE: dict[Family, str] = {"ipv4": "Ip.OutNoRoutes", "ipv6": "Ip6.OutNoRoutes"}
# IPv4 errors made from routes have a token bucket for each peer, which a container cannot
# set: one a second. With icmp_ratelimit 0 it is emptied by every ICMP error of any kind
# (inet_peer_xrlim_allow(), which ip_error() shares it with), so nothing is saved up.
ROUTE_ERROR_REST_S = 1.1


def route(*, on: str, kind: str, to: str) -> Fault:
    """Give a host a route that says no: `unreachable`, `prohibit`, `throw` or `blackhole`.

    On the router its hits are the ICMP errors sent. A `blackhole` sends none, and on
    the caller's own host nothing counts them.
    """
    return Fault(on, f"route {kind}", "route", _plan_route, {"kind": kind}, to, check=_wrong_kind)


def _wrong_kind(kind: str) -> list[str]:
    return [] if kind in ROUTE_KINDS else [f"no kind '{kind}': {', '.join(ROUTE_KINDS)}"]


def _version(site: Site) -> tuple[str, int]:
    """Return ip(8)'s option for a family, and the length of a host's prefix."""
    return IP_VERSION[site.family], ONE_HOST[site.family]


def _plan_route(site: Site, *, on: str, to: str, kind: str) -> Plan:
    version, length = _version(site)
    way = [kind, f"{site.address(to)}/{length}"]
    hits, rest_s = None, 0.0
    if on == "router" and kind != "blackhole":
        hits = Hits(on, counters=(ICMP_SENT[site.family],))
        rest_s = ROUTE_ERROR_REST_S if site.family == "ipv4" else 0.0
    return Plan(
        on, "route",
        commands=[["ip", version, "route", "add", *way]],
        undo=[["ip", version, "route", "del", *way]],
        hits=hits, rest_s=rest_s,
    )  # fmt: skip


def routing_rule(*, on: str, kind: str, to: str) -> Fault:
    """Give a host a rule that says no before any table is looked into (ip-rule(8)).

    `kind` is `unreachable`, `prohibit` or `blackhole`. Nothing counts it.
    """
    return Fault(on, f"rule {kind}", "rule", _plan_rule, {"kind": kind}, to, check=_wrong_rule)


def _wrong_rule(kind: str) -> list[str]:
    return [] if kind in RULE_KINDS else [f"rule: no kind '{kind}': {', '.join(RULE_KINDS)}"]


def _plan_rule(site: Site, *, on: str, to: str, kind: str) -> Plan:
    version, length = _version(site)
    # Before the rules for the tables main and default, behind the one for local.
    rule = ["to", f"{site.address(to)}/{length}", "priority", "100", "type", kind]
    return Plan(
        on, "rule",
        commands=[["ip", version, "rule", "add", *rule]],
        undo=[["ip", version, "rule", "del", *rule]],
    )  # fmt: skip


def no_route(*, on: str, to: str) -> Fault:
    """Take away every route of a host that leads to a destination.

    On the caller's own host the kernel counts OutNoRoutes; on a router, the ICMP
    errors that it sends.
    """
    return Fault(on, "no_route", "route", _plan_no_route, {}, to)


def _plan_no_route(site: Site, *, on: str, to: str) -> Plan:
    version, _ = _version(site)
    ways = _ways(site, on, to)
    counter = (ICMP_SENT if on == "router" else NO_ROUTE_HERE)[site.family]
    return Plan(
        on, "route",
        commands=[["ip", version, "route", "del", *way] for way in ways],
        undo=[["ip", version, "route", "add", *way] for way in ways],
        hits=Hits(on, counters=(counter,)),
        rest_s=ROUTE_ERROR_REST_S if on == "router" and site.family == "ipv4" else 0.0,
    )  # fmt: skip


def _ways(site: Site, on: str, to: str) -> list[list[str]]:
    """Return the routes of a host that lead to a destination, as `ip route add` takes them."""
    listing = site.look(on, "ip", _version(site)[0], "route", "show", "match", site.address(to))
    return [line.split() for line in listing.splitlines()]


def route_via(*, on: str, to: str, via: str) -> Fault:
    """Send what is meant for a destination by way of another host (or of nobody).

    Nothing counts how often the route was taken: what it changes must be proven.
    """
    return Fault(on, "route_via", "route", _plan_route_via, {"via": via}, to, check=_wrong_via)


def _wrong_via(via: str) -> list[str]:
    return [] if via in DESTINATIONS else [f"no host '{via}': there are {', '.join(DESTINATIONS)}"]


def _plan_route_via(site: Site, *, on: str, to: str, via: str) -> Plan:
    version, length = _version(site)
    destination = f"{site.address(to)}/{length}"
    # Routes are told apart by their metric: this one goes before what may be there.
    way = [destination, "via", site.address(via), "metric", "1"]
    return Plan(
        on, "route",
        commands=[["ip", version, "route", "add", *way]],
        undo=[["ip", version, "route", "del", *way]],
    )  # fmt: skip
