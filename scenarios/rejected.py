"""A firewall on the way refuses the SYN with an ICMP error, and its kind decides the errno.

A REJECT rule (iptables and nftables have the same kinds) drops the packet and answers in
the router's own name. Linux translates type and code with a table for each family: over
IPv4 even "prohibited" is EHOSTUNREACH or ENETUNREACH, as if a route were missing, and
only IPv6 says EACCES; "port unreachable" is ECONNREFUSED, as if the service were down.
RFC 1122 calls 3/0, 3/1 and 3/5 soft errors, which must not end a connection; while it is
being opened, Linux lets every one of them end it (RFC 5461).
"""

from lab import (
    ICMP_REPORTED,
    Case,
    Counted,
    Scenario,
    connect,
    given,
    icmp,
    per_family,
    reject,
    rst,
    syn,
)

SCENARIO = Scenario(
    cause="firewall",
    fault=reject(on="router", to="server", reply=given("reply")),
    calls=[
        connect(on="client", to="server").fails(given("errno"), within_s=(0.0, 1.3)),
    ],
    seen=[syn(at="router"), icmp(at="client", error=given("error"))],
    absent=[syn(at="server"), rst(at="client")],
    counted=[
        Counted("client", "Tcp.AttemptFails", exactly=1),
        Counted(
            "client",
            per_family(ipv4="Icmp.InDestUnreachs", ipv6="Icmp6.InDestUnreachs"),
            at_least=1,
        ),
    ],
    pictures=ICMP_REPORTED,
    cases=[
        Case(
            "net_unreachable",
            claims={"C74": "true", "C75": "wrong"},
            family="ipv4",
            given={"reply": "icmp-net-unreachable", "error": (3, 0), "errno": "ENETUNREACH"},
        ),
        Case(
            "host_unreachable",
            claims={"C74": "true", "C75": "wrong"},
            family="ipv4",
            given={"reply": "icmp-host-unreachable", "error": (3, 1), "errno": "EHOSTUNREACH"},
        ),
        Case(
            "proto_unreachable",
            claims={"C74": "wrong", "C75": "wrong"},
            family="ipv4",
            given={"reply": "icmp-proto-unreachable", "error": (3, 2), "errno": "ENOPROTOOPT"},
        ),
        # What REJECT answers when its rule does not say with what.
        Case(
            "port_unreachable",
            claims={"C73": "wrong", "C74": "wrong", "C75": "wrong"},
            given={
                "reply": per_family(ipv4="icmp-port-unreachable", ipv6="icmp6-port-unreachable"),
                "error": per_family(ipv4=(3, 3), ipv6=(1, 4)),
                "errno": "ECONNREFUSED",
            },
        ),
        Case(
            "net_prohibited",
            claims={"C74": "true", "C75": "wrong", "C76": "wrong"},
            family="ipv4",
            given={"reply": "icmp-net-prohibited", "error": (3, 9), "errno": "ENETUNREACH"},
        ),
        Case(
            "host_prohibited",
            claims={"C74": "true", "C75": "wrong", "C76": "wrong"},
            family="ipv4",
            given={"reply": "icmp-host-prohibited", "error": (3, 10), "errno": "EHOSTUNREACH"},
        ),
        Case(
            "admin_prohibited",
            claims={"C74": per_family(ipv4="true", ipv6="wrong"), "C75": "wrong", "C76": "wrong"},
            given={
                "reply": per_family(ipv4="icmp-admin-prohibited", ipv6="icmp6-adm-prohibited"),
                "error": per_family(ipv4=(3, 13), ipv6=(1, 1)),
                "errno": per_family(ipv4="EHOSTUNREACH", ipv6="EACCES"),
            },
        ),
        Case(
            "no_route",
            claims={"C74": "true", "C75": "wrong"},
            family="ipv6",
            given={"reply": "icmp6-no-route", "error": (1, 0), "errno": "ENETUNREACH"},
        ),
        Case(
            "addr_unreachable",
            claims={"C74": "true", "C75": "wrong"},
            family="ipv6",
            given={"reply": "icmp6-addr-unreachable", "error": (1, 3), "errno": "EHOSTUNREACH"},
        ),
        Case(
            "policy_fail",
            claims={"C74": "wrong", "C75": "wrong"},
            family="ipv6",
            given={"reply": "icmp6-policy-fail", "error": (1, 5), "errno": "EACCES"},
        ),
        Case(
            "reject_route",
            claims={"C74": "wrong", "C75": "wrong"},
            family="ipv6",
            given={"reply": "icmp6-reject-route", "error": (1, 6), "errno": "EACCES"},
        ),
    ],
    look=(
        "`tcpdump icmp or icmp6` at the caller shows who answers and with which code; on that "
        "host `iptables -nvL` (ip6tables) or `nft list ruleset` has a REJECT rule whose "
        "counter grows. The routes are well: `ip route get ADDRESS` there finds one."
    ),
    source=(
        "iptables-extensions(8) REJECT; RFC 1122 4.2.3.9; RFC 5461 4.1; RFC 1812 5.2.7.1; RFC 4443 "
        "3.1; Linux net/ipv4/icmp.c icmp_err_convert[], net/ipv6/icmp.c icmpv6_err_convert(), "
        "tcp_v4_err(), tcp_v6_err()"
    ),
)
