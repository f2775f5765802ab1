"""A fault reads, plans, and says how to undo itself; planning changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import pytest

from lab import drop, drop_reply, drop_tc, no_route, per_family, reject, route, stop
from lab.faults import REJECT_REPLIES, Fault
from lab.known import Facts, resolve
from lab.topology import FAMILIES, Block, Family

ROUTES = {
    "ipv4": "203.0.113.0/24 via 198.18.2.10 dev eth1\ndefault via 198.18.2.1 dev eth1\n",
    "ipv6": "2001:db8:ffff::/48 via 2001:db8:0:2::10 dev eth1 metric 1024 pref medium\n",
}


@dataclass
class Site:
    """A lab as a plan sees it; it remembers what was looked at."""

    family: Family = "ipv4"
    flavour: str = "nft"
    looked: list[tuple[str, ...]] = field(default_factory=list)

    def address(self, role: str) -> str:
        return Block(0).address(role, self.family)

    def interface(self, host: str, toward: str) -> str:
        return f"{host}-to-{toward}"

    def look(self, host: str, *argv: str) -> str:
        self.looked.append((host, *argv))
        return "1000\n" if argv[0] == "cat" else ROUTES[self.family]


FAULTS = [
    stop(),
    drop(on="router", to="server"),
    drop_reply(on="router", sender="server"),
    reject(on="router", to="server", reply="tcp-reset"),
    drop_tc(on="router", to="server"),
    route(on="router", kind="unreachable", to="elsewhere"),
    no_route(on="router", to="elsewhere"),
    no_route(on="client", to="server"),
]
EACH = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}-{fault.on}")
BOTH = pytest.mark.parametrize("family", FAMILIES)


@EACH
@BOTH
def test_plan_says_how_to_make_undo_and_count_it(fault: Fault, family: Family) -> None:
    plan = fault.plan(Site(family))
    assert plan.host == fault.on
    assert plan.commands
    assert plan.undo
    assert plan.hits.counters or plan.hits.command


@EACH
@BOTH
def test_planning_only_looks(fault: Fault, family: Family) -> None:
    site = Site(family)
    fault.plan(site)
    for _host, *argv in site.looked:
        assert argv[0] == "cat" or argv[0::2][:2] == ["ip", "route"]
        assert not {"add", "del", "replace", "flush"} & set(argv)


@BOTH
def test_rule_is_taken_out_as_it_was_put_in(family: Family) -> None:
    plan = drop(on="router", to="server").plan(Site(family))
    ((made,), (undone,)) = plan.commands, plan.undo
    assert made[0] == ("iptables-nft" if family == "ipv4" else "ip6tables-nft")
    assert made == ["-I" if word == "-D" else word for word in undone]
    assert "-F" not in undone


def test_rule_carries_our_comment_and_matches_the_flow_alone() -> None:
    ((made),) = drop(on="router", to="server").plan(Site()).commands
    text = " ".join(made)
    assert "--comment errnolab:drop" in text
    assert "-s 198.18.0.10 -d 198.18.2.10 -p tcp --dport 16555" in text
    assert "--tcp-flags SYN,ACK,RST,FIN SYN" in text


def test_reply_is_matched_by_its_source_port() -> None:
    ((made),) = drop_reply(on="router", sender="server").plan(Site()).commands
    text = " ".join(made)
    assert "-s 198.18.2.10 -d 198.18.0.10 -p tcp --sport 16555" in text
    assert "--tcp-flags SYN,ACK,RST,FIN SYN,ACK" in text


def test_flavour_of_the_host_is_used() -> None:
    plan = drop(on="router", to="server").plan(Site(flavour="legacy"))
    assert plan.commands[0][0] == plan.undo[0][0] == plan.hits.command[0] == "iptables-legacy"


def test_hits_are_those_of_our_rule() -> None:
    listing = (
        "    pkts      bytes target     prot opt in     out     source     destination\n"
        "      90      540 ACCEPT     tcp  --  *      *       0.0.0.0/0  0.0.0.0/0\n"
        "       3      180 DROP       tcp  --  *      *       198.18.0.10  198.18.2.10"
        "  tcp dpt:16555 flags:0x17/0x02 /* errnolab:drop */\n"
    )
    assert drop(on="router", to="server").plan(Site()).hits.read(listing) == 3
    assert drop_reply(on="router", sender="server").plan(Site()).hits.read(listing) == 0


def test_tc_hits_are_the_qdiscs_drops() -> None:
    listing = (
        "qdisc clsact ffff: parent ffff:fff1\n"
        " Sent 220 bytes 3 pkt (dropped 3, overlimits 0 requeues 0)\n"
    )
    assert drop_tc(on="router", to="server").plan(Site()).hits.read(listing) == 3


def test_tc_gives_back_the_queue_length() -> None:
    """The kernel changes it with the first qdisc; it goes back after the qdisc is gone."""
    plan = drop_tc(on="router", to="server").plan(Site())
    assert plan.undo[0] == ["ip", "link", "set", "dev", "router-to-client", "txqueuelen", "1000"]


@BOTH
def test_routes_that_are_taken_away_come_back_whole(family: Family) -> None:
    plan = no_route(on="client", to="server").plan(Site(family))
    ways = [line.split() for line in ROUTES[family].splitlines()]
    assert [argv[4:] for argv in plan.commands] == ways
    assert [argv[4:] for argv in plan.undo] == ways
    assert {argv[3] for argv in plan.undo} == {"add"}


@BOTH
def test_only_errors_that_the_kernel_limits_are_rested_for(family: Family) -> None:
    """The limit on errors from routes is IPv4's, and not a setting of the namespace."""
    limited = family == "ipv4"
    site = Site(family)
    assert (no_route(on="router", to="elsewhere").plan(site).rest_s > 1.1) is limited
    assert no_route(on="client", to="server").plan(site).rest_s == 0


def test_stopping_tcp_spares_only_udp() -> None:
    assert stop().spares == ("udp",)
    assert drop(on="router", to="server").spares == ("tcp", "udp")


# --- the BPF program -----------------------------------------------------------------


def run_bpf(text: str, packet: bytes) -> int:
    """Interpret the few classic BPF instructions that the filter is made of."""
    lines = [tuple(map(int, line.split())) for line in text.split(",")[1:]]
    a = x = at = 0
    while True:
        code, if_true, if_false, k = lines[at]
        at += 1
        if code == 0x06:
            return k
        if code == 0x15:
            at += if_true if a == k else if_false
        elif code == 0x54:
            a &= k
        elif code == 0xB1:
            x = (packet[k] & 15) * 4
        else:
            begin = k + (x if code in (0x48, 0x50) else 0)
            size = {0x20: 4, 0x28: 2, 0x48: 2}.get(code, 1)
            a = int.from_bytes(packet[begin : begin + size], "big")


def frame(
    family: Family, *, flags: int = 0x02, port: int = 16555, protocol: int = 6,
    sender: str = "client", to: str = "server",
) -> bytes:  # fmt: skip
    tcp = b"\x9c\x40" + port.to_bytes(2, "big") + bytes(9) + bytes([flags]) + bytes(6)
    ends = b"".join(ip_address(Block(0).address(role, family)).packed for role in (sender, to))
    if family == "ipv4":
        option = bytes(4)
        return bytes(14) + b"\x46" + bytes(8) + bytes([protocol]) + bytes(2) + ends + option + tcp
    return bytes(14) + b"\x60" + bytes(5) + bytes([protocol]) + bytes(1) + ends + tcp


@BOTH
@pytest.mark.parametrize(
    ("changes", "dropped"),
    [
        ({}, True),
        ({"flags": 0x12}, False),
        ({"flags": 0x10}, False),
        ({"port": 8080}, False),
        ({"protocol": 17}, False),
        ({"to": "elsewhere"}, False),
        ({"sender": "bystander"}, False),
    ],
    ids=["SYN", "SYN-ACK", "ACK", "other port", "UDP", "other server", "other client"],
)
def test_filter_shoots_the_syn_of_the_flow_alone(
    family: Family, changes: dict[str, Any], dropped: bool
) -> None:
    """IPv4 with an option in its header, so that its length counts."""
    filter_ = drop_tc(on="router", to="server").plan(Site(family)).commands[1]
    verdict = run_bpf(filter_[-1], frame(family, **changes))
    assert (verdict == 2) is dropped


# --- mistakes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (drop(on="nobody", to="server"), "no host 'nobody'"),
        (drop(on="router", to="nowhere"), "no destination 'nowhere'"),
        (drop(on="router", to="server", flags="FIN"), "flags 'FIN'"),
        (drop(on="router", to="server", sender="me"), "no sender 'me'"),
        (reject(on="router", to="server", reply="no"), "no reply 'no'"),
        (route(on="router", kind="local", to="server"), "no kind 'local'"),
    ],
)
def test_fault_written_wrong_says_what(fault: Fault, said: str) -> None:
    (mistake,) = fault.mistakes()
    assert said in mistake


@BOTH
def test_reply_may_depend_on_the_family(family: Family) -> None:
    for name in REJECT_REPLIES[family]:
        fault = reject(on="router", to="server", reply=per_family(ipv4=name, ipv6=name))
        plan = resolve(fault, Facts(family, {})).plan(Site(family))
        assert plan.commands[0][-2:] == ["--reject-with", name]


def test_reply_that_one_family_lacks_is_a_mistake() -> None:
    (mistake,) = reject(on="router", to="server", reply="icmp6-no-route").mistakes()
    assert "'icmp6-no-route' is of one family" in mistake


def test_misspelt_reply_of_one_family_is_a_mistake() -> None:
    fault = reject(on="router", to="server", reply=per_family(ipv4="tcp-reset", ipv6="icmp6-no"))
    (mistake,) = resolve(fault, Facts("ipv6", {})).mistakes()
    assert "no reply 'icmp6-no'" in mistake
