"""A fault reads, plans, and says how to undo itself; planning changes nothing."""

from __future__ import annotations

import importlib
import json
from ipaddress import ip_address
from itertools import combinations
from pathlib import Path
from types import ModuleType
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
    duplicate,
    forget_neighbour,
    icmp_error,
    join,
    link_down,
    lose,
    misbehave,
    mtu,
    no_address,
    no_route,
    per_family,
    reject,
    reorder,
    route,
    route_via,
    routing_rule,
    segment,
    shut,
    silence_icmp,
    slow_link,
    stop,
    sysctl,
    wrong_neighbour,
)
from lab.faults import Fault, Hits, Plan
from lab.faults.crafted import ANSWERED
from lab.faults.firewall import FLAG_MATCHES, REJECT_REPLIES
from lab.faults.misbehaving import HOW, MISBEHAVING, SHUT, free_port
from lab.known import Facts, resolve
from lab.topology import FAMILIES, Block, Family
from tests.unit.site import ROUTES, Site

HOST_IMAGE = Path(__file__).parents[2] / "images" / "host"
NO_SUCH_HOST = per_family(ipv4=(3, 1), ipv6=(1, 3))
ERROR_NAME = per_family(ipv4="fragmentation-needed", ipv6="packet-too-big")
RULES = [
    drop(on="router", to="server"),
    drop(on="server", to="server", proto="udp"),
    drop_reply(on="router", sender="server"),
    drop_untracked(on="router", to="server"),
    reject(on="router", to="server", reply="tcp-reset"),
    silence_icmp(on="router", error=ERROR_NAME),
]
OF_THE_PATH = [
    delay(to="server", ms=100),
    delay(to="server", ms=100, replies=True, flags="SYN,ACK", times=1),
    lose(to="server", nth=[2, 5], proto="udp"),
    duplicate(to="server", every=3, copies=2),
    reorder(to="elsewhere", nth=(1,), after=2, replies=True),
    cut(to="server", at=[1, 3]),
    cut(to="server", every=1, sender="bystander"),
    join(to="server", ms=50, port=17000),
    bad_path(lose(to="server", nth=[1]), cut(to="server", every=2)),
]
MISBEHAVING_SERVICES = [
    *(misbehave(how=how) for how in HOW),
    misbehave(how="close", to="elsewhere", times=2),
    misbehave(how="close", port=8080, sender="browser"),
    shut(),
    shut(to="elsewhere", port=5432),
]
COUNTED = [
    *RULES,
    *OF_THE_PATH,
    *MISBEHAVING_SERVICES,
    answer(to="server", by=[icmp_error(NO_SUCH_HOST), segment("RST,ACK", ack_add=1)]),
    stop(),
    stop(service="echo_udp"),
    drop_tc(on="router", to="server"),
    route(on="router", kind="unreachable", to="elsewhere"),
    no_route(on="router", to="elsewhere"),
    no_route(on="client", to="server"),
    link_down(on="client", toward="server"),
    link_down(on="router", toward="server"),
    slow_link(on="client", toward="server", rate_kbit=64, burst_bytes=1600, queue_bytes=3000),
]
SETTINGS = [
    route(on="client", kind="prohibit", to="server"),
    route(on="router", kind="blackhole", to="elsewhere"),
    route_via(on="client", to="server", via="absent_near"),
    routing_rule(on="client", kind="prohibit", to="server"),
    link_down(on="server", toward="router"),
    link_down(on="router", toward="client"),
    forget_neighbour(on="router", to="server"),
    mtu(on="router", toward="server", size=1280),
    wrong_neighbour(on="client", to="absent_near"),
    no_address(on="server"),
    sysctl(values={"net.ipv4.tcp_syncookies": 0}),
]
FAULTS = [*COUNTED, *SETTINGS]


def name_of(fault: Fault) -> str:
    return f"{fault.kind}-{fault.on}"


EACH = pytest.mark.parametrize("fault", FAULTS, ids=name_of)
BOTH = pytest.mark.parametrize("family", FAMILIES)


def planned(fault: Fault, family: Family = "ipv4", **changes: Any) -> Plan:
    """Return the plan of a fault as a run makes it, on a lab that has no host."""
    return resolve(fault, Facts(family, {})).plan(Site(family, **changes))


def hits_of(plan: Plan) -> Hits:
    assert plan.hits is not None
    return plan.hits


@EACH
@BOTH
def test_plan_says_how_to_make_it_and_how_to_undo_it(fault: Fault, family: Family) -> None:
    plan = planned(fault, family)
    assert plan.host == fault.on
    # Sysctls are read before they are written, and that is their undo.
    assert plan.sysctls or (plan.commands and plan.undo)
    assert all(isinstance(word, str) for argv in (*plan.commands, *plan.undo) for word in argv)


@BOTH
@pytest.mark.parametrize("fault", COUNTED, ids=name_of)
def test_hits_are_counted_where_something_counts_them(fault: Fault, family: Family) -> None:
    hits = hits_of(planned(fault, family))
    assert hits.counters or hits.command


@BOTH
@pytest.mark.parametrize("fault", SETTINGS, ids=name_of)
def test_nothing_counts_how_often_a_setting_was_met(fault: Fault, family: Family) -> None:
    assert planned(fault, family).hits is None


@EACH
@BOTH
def test_planning_only_looks(fault: Fault, family: Family) -> None:
    site = Site(family)
    resolve(fault, Facts(family, {})).plan(site)
    for _host, *argv in site.looked:
        assert argv[0] == "cat" or (argv[0] == "ip" and "show" in argv)
        assert not {"add", "del", "replace", "flush", "set"} & set(argv)


@EACH
@BOTH
def test_fault_written_rightly_has_no_mistakes(fault: Fault, family: Family) -> None:
    assert resolve(fault, Facts(family, {})).mistakes() == []


# --- rules ---------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("fault", RULES, ids=name_of)
def test_rule_is_taken_out_as_it_was_put_in(fault: Fault, family: Family) -> None:
    plan = planned(fault, family)
    made, (undone,) = plan.commands[0], plan.undo
    assert made[0] == ("iptables-nft" if family == "ipv4" else "ip6tables-nft")
    assert made == ["-I" if word == "-D" else word for word in undone]
    assert "-F" not in undone


def rule(fault: Fault, family: Family = "ipv4") -> str:
    return " ".join(planned(fault, family).commands[0])


def test_rule_carries_our_comment_and_matches_the_flow_alone() -> None:
    text = rule(drop(on="router", to="server"))
    assert "--comment errnolab:drop" in text
    assert "-s 198.18.0.10 -d 198.18.2.10 -p tcp --dport 16555" in text
    assert "--tcp-flags SYN,ACK,RST,FIN SYN" in text


def test_reply_is_matched_by_its_source_port() -> None:
    text = rule(drop_reply(on="router", sender="server"))
    assert "-s 198.18.2.10 -d 198.18.0.10 -p tcp --sport 16555" in text
    assert "--tcp-flags SYN,ACK,RST,FIN SYN,ACK" in text


@pytest.mark.parametrize("flags", FLAG_MATCHES)
def test_rule_looks_at_the_flags_that_it_was_given(flags: str) -> None:
    text = rule(drop(on="router", to="server", flags=flags))
    assert ("--tcp-flags " + " ".join(FLAG_MATCHES[flags]) in text) is bool(flags)


def test_datagrams_have_no_flags() -> None:
    text = rule(drop(on="router", to="server", proto="udp", flags="SYN"))
    assert "-p udp" in text
    assert "--tcp-flags" not in text


def test_rule_for_the_first_packets_alone_lets_be_what_follows() -> None:
    """A token bucket that holds so many, and is filled too slowly to matter."""
    text = rule(drop(on="router", to="server", times=2))
    assert "-m limit --limit 1/hour --limit-burst 2 -m comment" in text
    assert "limit" not in rule(drop(on="router", to="server"))


def test_untracked_segments_are_those_of_no_connection_and_begin_none() -> None:
    text = rule(drop_untracked(on="router", to="server"))
    assert "! --syn -m conntrack --ctstate NEW,INVALID" in text
    assert "--tcp-flags" not in text


def test_what_was_tracked_is_forgotten_once_the_rule_is_there() -> None:
    plan = planned(drop_untracked(on="router", to="server"))
    assert plan.commands[1:] == [["conntrack", "-F"]]


@pytest.mark.parametrize(
    ("family", "said"),
    [
        ("ipv4", "-p icmp --icmp-type fragmentation-needed"),
        ("ipv6", "-p icmpv6 --icmpv6-type packet-too-big"),
    ],
)
def test_silence_is_for_one_type_of_error_on_its_way_out(family: Family, said: str) -> None:
    text = rule(silence_icmp(on="router", error=ERROR_NAME), family)
    assert "-I OUTPUT" in text
    assert said in text


CHAINS = [
    (drop(on="router", to="server"), "FORWARD"),
    (drop(on="router", to="elsewhere"), "FORWARD"),
    (drop(on="client", to="server"), "OUTPUT"),
    (drop(on="server", to="server"), "INPUT"),
    (drop(on="server", to="elsewhere"), "INPUT"),
    (drop(on="router", to="router"), "INPUT"),
    (drop_reply(on="client", sender="server"), "INPUT"),
    (drop_reply(on="server", sender="server"), "OUTPUT"),
    (drop_reply(on="server", sender="elsewhere"), "OUTPUT"),
    (drop_reply(on="router", sender="elsewhere"), "FORWARD"),
]


@pytest.mark.parametrize(("fault", "chain"), CHAINS)
def test_rule_stands_where_its_host_meets_the_packets(fault: Fault, chain: str) -> None:
    plan = planned(fault)
    assert plan.commands[0][2:4] == ["-I", chain]
    assert hits_of(plan).command[-1] == chain


def test_flavour_of_the_host_is_used() -> None:
    plan = planned(drop(on="router", to="server"), flavour="legacy")
    tools = {plan.commands[0][0], plan.undo[0][0], hits_of(plan).command[0]}
    assert tools == {"iptables-legacy"}


def label_of(plan: Plan) -> str:
    return plan.commands[0][plan.commands[0].index("--comment") + 1]


def listing(*counted: tuple[int, str]) -> str:
    """Return what `iptables -nvxL` prints of rules with these packets and comments."""
    rules = (
        f"  {packets:8} {packets * 60:8} DROP       tcp  --  *      *       198.18.0.10"
        f"  198.18.2.10  tcp dpt:16555 flags:0x17/0x02 /* {label} */\n"
        for packets, label in counted
    )
    return (
        "Chain FORWARD (policy ACCEPT 12 packets, 720 bytes)\n"
        "    pkts      bytes target     prot opt in     out     source     destination\n"
        "      90      540 ACCEPT     tcp  --  *      *       0.0.0.0/0  0.0.0.0/0\n"
    ) + "".join(rules)


def test_hits_are_those_of_our_rule() -> None:
    ours, other = (planned(drop(on="router", to="server", times=n)) for n in (None, 3))
    text = listing((3, label_of(ours)), (4, label_of(other)))
    assert hits_of(ours).read(text) == 3
    assert hits_of(other).read(text) == 4
    assert hits_of(planned(drop_reply(on="router", sender="server"))).read(text) == 0


BESIDE = [
    drop(on="router", to="server"),
    drop(on="router", to="server", times=1),
    drop(on="router", to="server", times=11),
    drop(on="router", to="server", flags="SYN,ACK"),
    drop(on="router", to="server", flags="ACK"),
    drop(on="router", to="server", flags=""),
    drop(on="router", to="server", port=17001),
    drop(on="router", to="server", proto="udp"),
    drop(on="router", to="elsewhere"),
    drop(on="router", to="server", sender="bystander"),
    drop_reply(on="router", sender="server"),
    drop_untracked(on="router", to="server"),
    reject(on="router", to="server", reply="tcp-reset"),
    reject(on="router", to="server", reply="icmp-port-unreachable"),
    reject(on="router", to="server", reply="icmp-port-unreachable", times=1),
    silence_icmp(on="router", error="fragmentation-needed"),
    silence_icmp(on="router", error="host-unreachable"),
    silence_icmp(on="router", error="host-unreachable", to="bystander"),
    shut(),
    shut(port=17001),
    shut(sender="bystander"),
]


def test_rules_beside_each_other_are_told_apart_by_their_comments() -> None:
    """Or the hits of one would count for the other."""
    labels = [label_of(planned(fault)) for fault in BESIDE]
    assert [pair for pair in combinations(labels, 2) if pair[0] == pair[1]] == []
    # xt_comment holds 255 characters; what stands in a comment must need no quotes.
    assert all(len(label) < 256 and not set(label) & set(" '\"*/,") for label in labels)


# --- tc ------------------------------------------------------------------------------


def test_tc_hits_are_the_qdiscs_drops() -> None:
    shown = (
        "qdisc clsact ffff: parent ffff:fff1\n"
        " Sent 220 bytes 3 pkt (dropped 3, overlimits 0 requeues 0)\n"
    )
    assert hits_of(planned(drop_tc(on="router", to="server"))).read(shown) == 3


def test_tc_gives_back_the_queue_length() -> None:
    """The kernel changes it with the first qdisc; it goes back after the qdisc is gone."""
    plan = planned(drop_tc(on="router", to="server"))
    assert plan.undo[0] == ["ip", "link", "set", "dev", "router-to-client", "txqueuelen", "1000"]


def test_slow_link_gives_back_the_queue_length_too() -> None:
    plan = planned(
        slow_link(on="client", toward="server", rate_kbit=64, burst_bytes=1600, queue_bytes=3000)
    )
    assert " ".join(plan.commands[0]).endswith("tbf rate 64kbit burst 1600 limit 3000")
    assert [argv[0] for argv in undone(plan)] == ["tc", "ip"]
    assert plan.undo[0][-2:] == ["txqueuelen", "1000"]


# --- routes --------------------------------------------------------------------------


@BOTH
def test_routes_that_are_taken_away_come_back_whole(family: Family) -> None:
    plan = planned(no_route(on="client", to="server"), family)
    ways = [line.split() for line in ROUTES[family].splitlines()]
    assert [argv[4:] for argv in plan.commands] == ways
    assert [argv[4:] for argv in plan.undo] == ways
    assert {argv[3] for argv in plan.undo} == {"add"}


@BOTH
def test_only_errors_that_the_kernel_limits_are_rested_for(family: Family) -> None:
    """The limit on errors from routes is IPv4's, and not a setting of the namespace."""
    limited = family == "ipv4"
    for fault in (
        no_route(on="router", to="elsewhere"),
        route(on="router", kind="unreachable", to="elsewhere"),
    ):
        assert (planned(fault, family).rest_s > 1.0) is limited
    for fault in (
        no_route(on="client", to="server"),
        route(on="client", kind="unreachable", to="server"),
        route(on="router", kind="blackhole", to="elsewhere"),
    ):
        assert planned(fault, family).rest_s == 0


@BOTH
def test_way_over_another_host_goes_before_what_is_there(family: Family) -> None:
    """It is added, not put in the place of another, so that taking it out is all its undo."""
    plan = planned(route_via(on="client", to="server", via="absent_near"), family)
    ((made,), (undone,)) = plan.commands, plan.undo
    assert made[-2:] == ["metric", "1"]
    assert made[3] == "add"
    assert undone == ["del" if word == "add" else word for word in made]
    assert made[4] == Site(family).address("server") + ("/32" if family == "ipv4" else "/128")


# --- links ---------------------------------------------------------------------------


def undone(plan: Plan) -> list[list[str]]:
    """Return the undo in the order in which a host does it: the last step first."""
    return plan.undo[::-1]


def test_link_comes_up_before_what_the_kernel_took_away_with_it() -> None:
    """First the link, then IPv6 addresses, then routes, which need both."""
    plan = planned(link_down(on="client", toward="server"))
    device = "client-to-server"
    assert plan.commands == [["ip", "link", "set", "dev", device, "down"]]
    steps = undone(plan)
    assert steps[0] == ["ip", "link", "set", "dev", device, "up"]
    assert steps[1] == ["ip", "-6", "address", "flush", "dev", device]
    kinds = [argv[2] for argv in steps[1:]]
    assert kinds == sorted(kinds)
    assert set(kinds) == {"address", "route"}


def test_addresses_are_usable_at_once_when_the_link_is_back() -> None:
    """The kernel's own link-local one would be tentative for a second."""
    added = [argv for argv in undone(planned(link_down(on="client", toward="server")))
             if argv[2:4] == ["address", "add"]]  # fmt: skip
    assert [argv[4] for argv in added] == ["2001:db8::10/64", "fe80::42:c6ff:fe12:a/64"]
    assert {argv[-1] for argv in added} == {"nodad"}


@BOTH
def test_routes_that_the_kernel_makes_with_the_address_are_left_to_it(family: Family) -> None:
    steps = undone(planned(link_down(on="client", toward="server"), family))
    ways = [" ".join(argv[4:]) for argv in steps if argv[2:4] == ["route", "replace"]]
    # Both families have theirs taken away with the link, whichever the run is in.
    assert len(ways) == 2 * len(ROUTES[family].splitlines())
    assert not any("proto kernel" in way for way in ways)
    assert all(way.endswith("dev client-to-server") for way in ways)


@BOTH
def test_link_that_is_down_is_hit_where_a_look_up_finds_no_route(family: Family) -> None:
    client, router = (
        planned(link_down(on=on, toward="server"), family) for on in ("client", "router")
    )
    assert [name.split(".")[1] for name in hits_of(client).counters] == ["OutNoRoutes"]
    assert [name.split(".")[1] for name in hits_of(router).counters] == ["OutDestUnreachs"]
    assert (client.rest_s, router.rest_s > 1.0) == (0.0, family == "ipv4")


def test_mtu_goes_back_to_what_it_was() -> None:
    plan = planned(mtu(on="router", toward="server", size=1280))
    assert plan.commands == [["ip", "link", "set", "dev", "router-to-server", "mtu", "1280"]]
    assert plan.undo == [["ip", "link", "set", "dev", "router-to-server", "mtu", "1000"]]


@BOTH
def test_wrong_neighbour_is_one_that_the_kernel_does_not_ask_about(family: Family) -> None:
    plan = planned(wrong_neighbour(on="client", to="absent_near"), family)
    ((made,), (gone,)) = plan.commands, plan.undo
    assert made[-2:] == ["nud", "permanent"]
    # Neither multicast nor a maker's: nobody on the network can have it.
    assert int(made[made.index("lladdr") + 1].split(":")[0], 16) & 3 == 2
    assert Site(family).address("absent_near") in gone


@BOTH
def test_neighbour_is_forgotten_again_when_all_is_over(family: Family) -> None:
    """What the calls taught the host, or left waiting, must not reach the next case."""
    plan = planned(forget_neighbour(on="router", to="absent"), family)
    assert plan.commands == plan.undo
    assert Site(family).address("absent") in plan.undo[0]


def test_bystander_is_spared_where_the_fault_is_not_on_its_way() -> None:
    spared = [
        link_down(on="client", toward="router"),
        link_down(on="router", toward="client"),
        wrong_neighbour(on="client", to="router"),
        wrong_neighbour(on="router", to="client"),
    ]
    hurt = [
        link_down(on="server", toward="router"),
        link_down(on="router", toward="bystander"),
        wrong_neighbour(on="router", to="server"),
    ]
    assert {fault.spares for fault in spared} == {("tcp", "udp")}
    assert {fault.spares for fault in hurt} == {()}


@BOTH
def test_address_comes_back_as_it_was(family: Family) -> None:
    plan = planned(no_address(on="server"), family)
    assert plan.undo == [["add" if word == "del" else word for word in plan.commands[0]]]


# --- the service, settings -------------------------------------------------------------


def test_stopping_a_service_spares_the_other_protocol() -> None:
    assert stop().spares == ("udp",)
    assert stop(service="echo_udp").spares == ("tcp",)
    assert drop(on="router", to="server").spares == ("tcp", "udp")
    assert link_down(on="router", toward="server").spares == ()


@BOTH
def test_stopped_service_is_hit_by_what_the_kernel_answers(family: Family) -> None:
    assert hits_of(planned(stop(), family)).counters == ("Tcp.OutRsts",)
    (counter,) = hits_of(planned(stop(service="echo_udp"), family)).counters
    assert counter == ("Icmp" if family == "ipv4" else "Icmp6") + ".OutDestUnreachs"


def test_sysctls_are_written_as_text() -> None:
    plan = planned(sysctl(on="client", values={"net.ipv4.tcp_syncookies": 0}))
    assert plan.sysctls == {"net.ipv4.tcp_syncookies": "0"}
    assert (plan.host, plan.commands, plan.undo) == ("client", [], [])


# --- a service that misbehaves -----------------------------------------------------------


@BOTH
@pytest.mark.parametrize("fault", MISBEHAVING_SERVICES, ids=name_of)
def test_new_connections_of_one_caller_are_led_to_another_port(
    fault: Fault, family: Family
) -> None:
    plan, site = planned(fault, family), Site(family)
    rule = next(argv for argv in plan.commands if "-I" in argv)
    assert rule[:5] == [f"{'iptables' if family == 'ipv4' else 'ip6tables'}-nft", "-w", "-I",
                        "PREROUTING", "-t"]  # fmt: skip
    said = {word: rule[rule.index(word) + 1] for word in ("-t", "-s", "-d", "-p", "--dport", "-j")}
    assert said == {
        "-t": "nat", "-s": site.address(fault.arguments["sender"]), "-d": site.address(fault.to),
        "-p": "tcp", "--dport": str(fault.arguments["port"]), "-j": "REDIRECT",
    }  # fmt: skip
    (gone,) = (argv for argv in plan.undo if "-D" in argv)
    assert gone == ["-D" if word == "-I" else word for word in rule]
    assert "-F" not in gone


@BOTH
@pytest.mark.parametrize("fault", MISBEHAVING_SERVICES, ids=name_of)
def test_what_is_known_of_connections_goes_with_the_rule(fault: Fault, family: Family) -> None:
    """A port that is used again would go where its last connection went."""
    plan = planned(fault, family)
    there = plan.commands[-1][-1]
    assert undone(plan)[-1] == ["errnolab-misbehave", "forget", "-f", family, "-p", "tcp",
                                "--reply-port-src", there]  # fmt: skip


@BOTH
@pytest.mark.parametrize("how", HOW)
def test_nobody_is_sent_where_nobody_misbehaves(family: Family, how: str) -> None:
    plan = planned(misbehave(how=how), family)
    program, verb, name, spec = plan.commands[0]
    assert (program, verb) == ("errnolab-misbehave", "start")
    assert [argv[:3] for argv in undone(plan)[1:2]] == [["errnolab-misbehave", "stop", name]]
    assert "-D" in undone(plan)[0]
    assert name in hits_of(plan).command[-1]
    assert json.loads(spec) == {"port": MISBEHAVING + 16555 % 4000, "how": how}
    assert plan.commands[1][-1] == str(json.loads(spec)["port"])


def test_program_understands_how_it_is_to_misbehave(respond: ModuleType) -> None:
    program = importlib.import_module("misbehave")
    for how in HOW:
        assert program.read_spec(planned(misbehave(how=how)).commands[0][3])["how"] == how


def test_port_that_is_shut_is_hit_by_the_packets_of_the_rule() -> None:
    plan = planned(shut())
    assert [argv[0] for argv in plan.commands] == ["iptables-nft"]
    assert plan.commands[0][-1] == str(SHUT + 16555 % 4000)
    hits = hits_of(plan)
    assert hits.command[1:] == ("-w", "-t", "nat", "-nvxL", "PREROUTING")
    assert hits.read(listing((3, label_of(plan)))) == 3


def test_only_the_first_connections_are_treated_so() -> None:
    text = " ".join(planned(misbehave(how="reset", times=2)).commands[1])
    assert "--limit 1/hour --limit-burst 2" in text
    assert ":reset:client:server:16555:2" in text


def test_port_where_somebody_listens_is_passed_over() -> None:
    """The table is the kernel's: an address and a port in hexadecimal, a state; 0A is LISTEN."""

    class Taken(Site):
        def look(self, host: str, *argv: str) -> str:
            assert (host, argv) == ("server", ("cat", "/proc/net/tcp", "/proc/net/tcp6"))
            return (
                "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
                "   0: 0100007F:4E20 00000000:0000 0A 00000000:00000000 00:00000000 00000000\n"
                "   1: 0A2212C6:4E22 0A2212C6:9C40 01 00000000:00000000 00:00000000 00000000\n"
                "  sl  local_address                         remote_address                 st\n"
                "   0: 00000000000000000000000000000000:4E21"
                " 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000\n"
            )

    assert free_port(Taken(), "server", 20000) == 20002
    assert free_port(Taken(), "server", 20005) == 20005


# --- crafted packets -------------------------------------------------------------------


@pytest.fixture
def respond(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program that is told what to answer."""
    monkeypatch.syspath_prepend(str(HOST_IMAGE))
    return importlib.import_module("respond")


ANSWERS = [
    [icmp_error(NO_SUCH_HOST)],
    [icmp_error(NO_SUCH_HOST, sender="server", quote_seq_add=100_000)],
    [icmp_error(per_family(ipv4=(3, 4), ipv6=(2, 0)), mtu=1280)],
    [icmp_error(per_family(ipv4=(5, 0), ipv6=(1, 0)))],
    [segment("SYN,ACK", ack_add=1), segment("RST", seq=7)],
    [segment("RST,ACK", bad_checksum=True), segment("ACK", payload="x", seq_add=-1)],
]


@BOTH
@pytest.mark.parametrize("by", ANSWERS)
def test_program_understands_what_it_is_to_answer(
    respond: ModuleType, family: Family, by: list[dict[str, Any]]
) -> None:
    plan = planned(answer(to="server", by=by, times=2, delay_s=0.1), family)
    program, verb, _name, spec = plan.commands[0]
    assert (program, verb) == ("errnolab-respond", "start")
    read = respond.read_spec(spec)
    assert (len(read["answers"]), read["times"], read["delay_s"]) == (len(by), 2, 0.1)


@pytest.mark.parametrize("flags", ANSWERED)
def test_program_knows_the_segments_that_it_is_to_answer(respond: ModuleType, flags: str) -> None:
    plan = planned(answer(to="server", by=[segment("RST")], flags=flags))
    assert respond.read_spec(plan.commands[0][3])["when"]["flags"] == flags


def test_datagram_is_answered_with_an_icmp_error_alone(respond: ModuleType) -> None:
    fault = answer(to="server", by=[icmp_error(NO_SUCH_HOST)], proto="udp")
    assert respond.read_spec(planned(fault).commands[0][3])["when"]["proto"] == "udp"


def test_what_is_answered_is_dropped_once_somebody_answers() -> None:
    plan = planned(answer(to="server", by=[segment("RST")], times=3))
    assert [argv[0] for argv in plan.commands] == ["errnolab-respond", "iptables-nft"]
    assert [argv[0] for argv in undone(plan)] == ["iptables-nft", "errnolab-respond"]
    assert json.loads(plan.commands[0][3])["times"] == 3
    assert "--limit-burst 3" in " ".join(plan.commands[1])


def test_what_is_let_pass_is_not_dropped() -> None:
    plan = planned(answer(to="server", by=[segment("RST")], lets_pass=True))
    assert [argv[0] for argv in plan.commands] == ["errnolab-respond"]
    assert [argv[:2] for argv in plan.undo] == [["errnolab-respond", "stop"]]


def test_programs_beside_each_other_have_names_of_their_own(respond: ModuleType) -> None:
    faults = [
        answer(to="server", by=[segment("RST")]),
        answer(to="server", by=[segment("RST")], flags="SYN,ACK"),
        answer(to="server", by=[segment("RST")], flags=""),
        answer(to="server", by=[segment("RST")], port=17001),
        answer(to="client", sender="server", by=[segment("RST")]),
    ]
    names = [planned(fault).commands[0][2] for fault in faults]
    assert len(set(names)) == len(names)
    for name, fault in zip(names, faults):
        respond.detached.State(name)  # It refuses a name that could lead elsewhere.
        plan = planned(fault)
        assert plan.undo[0] == ["errnolab-respond", "stop", name]
        assert name in hits_of(plan).command[-1]


# --- the path --------------------------------------------------------------------------


@pytest.fixture
def relay(respond: ModuleType) -> ModuleType:
    """The program that passes packets on."""
    return importlib.import_module("relay")


def spec_of(fault: Fault, family: Family = "ipv4") -> dict[str, Any]:
    """Return what the program is told."""
    told: dict[str, Any] = json.loads(planned(fault, family).commands[0][3])
    return told


@BOTH
@pytest.mark.parametrize("fault", OF_THE_PATH, ids=name_of)
def test_program_understands_how_it_is_to_pass_on(
    relay: ModuleType, family: Family, fault: Fault
) -> None:
    plan = planned(fault, family)
    program, verb, _name, spec = plan.commands[0]
    assert (program, verb) == ("errnolab-relay", "start")
    assert len(relay.read_spec(spec)["steps"]) == len(fault.arguments["steps"])


@pytest.mark.parametrize("fault", OF_THE_PATH, ids=name_of)
def test_flow_is_dropped_only_while_somebody_passes_it_on(fault: Fault) -> None:
    plan = planned(fault)
    assert [argv[0] for argv in plan.commands] == ["errnolab-relay", "iptables-nft"]
    assert [argv[0] for argv in undone(plan)] == ["iptables-nft", "errnolab-relay"]
    assert plan.undo[0] == ["errnolab-relay", "stop", plan.commands[0][2]]
    assert plan.commands[0][2] in hits_of(plan).command[-1]


@pytest.mark.parametrize("fault", OF_THE_PATH, ids=name_of)
def test_rule_drops_what_the_program_takes_and_nothing_else(fault: Fault) -> None:
    plan, when = planned(fault), spec_of(fault)["when"]
    rule = plan.commands[1]
    assert rule[rule.index("-I") + 1] == "FORWARD"
    assert (rule[rule.index("-s") + 1], rule[rule.index("-d") + 1]) == (when["src"], when["dst"])
    assert rule[rule.index("-p") + 1] == when["proto"]
    for port in ("sport", "dport"):
        assert (f"--{port}" in rule) is (port in when)
        if port in when:
            assert rule[rule.index(f"--{port}") + 1] == str(when[port])
    assert "--tcp-flags" not in rule
    assert "limit" not in rule


def test_replies_are_what_comes_back_from_the_port() -> None:
    when = spec_of(delay(to="server", ms=1, replies=True))["when"]
    site = Site()
    assert (when["src"], when["dst"]) == (site.address("server"), site.address("client"))
    assert (when["sport"], "dport" in when) == (16555, False)


def test_two_on_one_flow_have_one_name_so_that_the_second_is_refused() -> None:
    """Both would pass its packets on; `bad_path` is for that."""
    names = [
        planned(fault).commands[0][2]
        for fault in (delay(to="server", ms=1), lose(to="server", nth=[1]))
    ]
    others = [
        planned(fault).commands[0][2]
        for fault in (
            delay(to="server", ms=1, replies=True),
            delay(to="server", ms=1, proto="udp"),
            delay(to="server", ms=1, port=17000),
            delay(to="server", ms=1, sender="bystander"),
        )
    ]
    assert names[0] == names[1]
    assert len({names[0], *others}) == 5


def test_packets_meet_the_steps_in_the_order_in_which_they_are_written() -> None:
    fault = bad_path(lose(to="server", nth=[1]), cut(to="server", at=[2]), join(to="server"))
    assert [step["do"] for step in spec_of(fault)["steps"]] == ["lose", "cut", "join"]


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
    filter_ = planned(drop_tc(on="router", to="server"), family).commands[1]
    verdict = run_bpf(filter_[-1], frame(family, **changes))
    assert (verdict == 2) is dropped


# --- mistakes ------------------------------------------------------------------------

WRONG = [
    (drop(on="nobody", to="server"), "no host 'nobody'"),
    (drop(on="router", to="nowhere"), "no destination 'nowhere'"),
    (drop(on="router", to="loopback"), "no destination 'loopback'"),
    (drop(on="router", to="server", flags="URG"), "flags 'URG'"),
    (drop(on="router", to="server", sender="me"), "no sender 'me'"),
    (drop(on="router", to="server", proto="icmp"), "proto 'icmp'"),
    (drop(on="router", to="server", port=0), "port 0 is not"),
    (drop(on="router", to="server", times=0), "times=0"),
    (drop(on="router", to="server", times="once"), "times='once'"),
    (reject(on="router", to="server", reply="no"), "no reply 'no'"),
    (reject(on="router", to="server", reply="DROP"), "no reply 'DROP'"),
    (route(on="router", kind="local", to="server"), "no kind 'local'"),
    (route_via(on="client", to="server", via="nobody"), "no host 'nobody'"),
    (link_down(on="client", toward="nobody"), "no destination 'nobody'"),
    (stop(service="ssh"), "no service 'ssh'"),
    (misbehave(how="rudely"), "how='rudely'"),
    (misbehave(how="close", times=0), "times=0"),
    (misbehave(how="close", sender="me"), "no sender 'me'"),
    (shut(port=0), "port 0 is not"),
    (shut(to="nowhere"), "no destination 'nowhere'"),
    (sysctl(values={"net.ipv4.no_such": 1}), "no sysctl 'net.ipv4.no_such'"),
    (sysctl(values={"kernel.osrelease": "7"}), "no sysctl 'kernel.osrelease'"),
    (answer(to="server", by=[]), "nothing to answer with"),
    (answer(to="server", by=[segment("RST")], flags="RST"), "flags 'RST'"),
    (answer(to="server", by=[segment("RTS")]), "flags 'RTS'"),
    (answer(to="server", by=[segment("RST")], sender="me"), "no host 'me'"),
    (answer(to="server", by=[icmp_error((3, 1), sender="me")]), "no host 'me'"),
    (answer(to="server", by=[icmp_error((3, 1, 0))]), "is not (type, code)"),
    (delay(to="server", ms=0), "ms=0"),
    (delay(to="server", ms="1"), "ms='1'"),
    (delay(to="nowhere", ms=1), "no destination 'nowhere'"),
    (delay(to="server", ms=1, on="client"), "only the router passes packets on"),
    (delay(to="server", ms=1, sender="me"), "no sender 'me'"),
    (delay(to="server", ms=1, proto="icmp"), "proto 'icmp'"),
    (delay(to="server", ms=1, port=0), "port 0 is not"),
    (delay(to="server", ms=1, flags="RST"), "flags 'RST'"),
    (lose(to="server"), "which packets? give nth or every"),
    (lose(to="server", nth=[0]), "nth=[0]"),
    (lose(to="server", nth=3), "nth=3"),
    (lose(to="server", every=0), "every=0"),
    (duplicate(to="server", copies=0), "copies=0"),
    (reorder(to="server", times=1), "which packets? give nth or every"),
    (reorder(to="server", nth=[1], after=0), "after=0"),
    (cut(to="server"), "where? give at or every"),
    (cut(to="server", at=[0]), "at=[0]"),
    (cut(to="server", every=0), "every=0"),
    (bad_path(cut(to="server", at=[1]), lose(to="client", nth=[1])), "not of one flow"),
    (bad_path(cut(to="server", at=[1]), lose(to="server", nth=[1], port=7)), "not of one flow"),
    (bad_path(cut(to="server", at=[1]), lose(to="server")), "which packets?"),
    (bad_path(), "nothing to put together"),
    (bad_path(drop(on="router", to="server")), "drop is not of the path"),
]


@pytest.mark.parametrize(("fault", "said"), WRONG)
def test_fault_written_wrong_says_what(fault: Fault, said: str) -> None:
    (mistake,) = resolve(fault, Facts("ipv4", {})).mistakes()
    assert mistake.startswith(fault.kind)
    assert said in mistake


@BOTH
def test_reply_may_depend_on_the_family(family: Family) -> None:
    for name in REJECT_REPLIES[family]:
        fault = reject(on="router", to="server", reply=per_family(ipv4=name, ipv6=name))
        assert planned(fault, family).commands[0][-2:] == ["--reject-with", name]


@BOTH
def test_reply_that_the_family_lacks_is_a_mistake(family: Family) -> None:
    """A reset is in both, so that it needs no per_family()."""
    for names in REJECT_REPLIES.values():
        for name in names:
            fault = resolve(reject(on="router", to="server", reply=name), Facts(family, {}))
            assert bool(fault.mistakes()) is (name not in REJECT_REPLIES[family])


def test_misspelt_reply_of_one_family_is_a_mistake() -> None:
    fault = reject(on="router", to="server", reply=per_family(ipv4="tcp-reset", ipv6="icmp6-no"))
    assert resolve(fault, Facts("ipv4", {})).mistakes() == []
    (mistake,) = resolve(fault, Facts("ipv6", {})).mistakes()
    assert "no reply 'icmp6-no'" in mistake
