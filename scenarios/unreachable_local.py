"""The caller's own host has a route that says no, and each kind has its own errno.

connect(2) looks up a route before it sends anything: `unreachable` gives EHOSTUNREACH,
`prohibit` EACCES, `blackhole` EINVAL, and `throw` goes on to the next table and finds
nothing, ENETUNREACH. A routing rule says the same, but for `unreachable`, which is
ENETUNREACH there. The call fails in microseconds and no packet leaves. Beware: EINVAL
is no matter of the arguments here, and EACCES none of permissions.
"""

from lab import Case, Counted, Scenario, any_packet, connect, per_family, route, routing_rule

SCENARIO = Scenario(
    cause="local",
    absent=[any_packet(at="client"), any_packet(at="router")],
    counted=[
        Counted("client", "Tcp.OutSegs", exactly=0),
        Counted("client", "Tcp.ActiveOpens", exactly=0),
        # Counted where no route was found at all; a route that says no is one.
        Counted("client", per_family(ipv4="Ip.OutNoRoutes", ipv6="Ip6.OutNoRoutes"), exactly=0),
    ],
    cases=[
        Case(
            "unreachable",
            claims={"C74": "wrong"},
            fault=route(on="client", kind="unreachable", to="server"),
            # The kernel looks up a route and nothing else; the margin is for a busy machine.
            calls=[connect(on="client", to="server").fails("EHOSTUNREACH", within_s=(0.0, 0.5))],
        ),
        Case(
            "prohibit",
            fault=route(on="client", kind="prohibit", to="server"),
            calls=[connect(on="client", to="server").fails("EACCES", within_s=(0.0, 0.5))],
        ),
        Case(
            "blackhole",
            fault=route(on="client", kind="blackhole", to="server"),
            calls=[connect(on="client", to="server").fails("EINVAL", within_s=(0.0, 0.5))],
        ),
        Case(
            "throw",
            claims={"C74": "wrong"},
            fault=route(on="client", kind="throw", to="server"),
            calls=[connect(on="client", to="server").fails("ENETUNREACH", within_s=(0.0, 0.5))],
            counted=[
                Counted("client", "Tcp.OutSegs", exactly=0),
                Counted(
                    "client", per_family(ipv4="Ip.OutNoRoutes", ipv6="Ip6.OutNoRoutes"), at_least=1
                ),
            ],
        ),
        Case(
            "rule_unreachable",
            claims={"C74": "wrong"},
            fault=routing_rule(on="client", kind="unreachable", to="server"),
            calls=[connect(on="client", to="server").fails("ENETUNREACH", within_s=(0.0, 0.5))],
            counted=[
                Counted("client", "Tcp.OutSegs", exactly=0),
                Counted(
                    "client", per_family(ipv4="Ip.OutNoRoutes", ipv6="Ip6.OutNoRoutes"), at_least=1
                ),
            ],
        ),
        Case(
            "rule_prohibit",
            fault=routing_rule(on="client", kind="prohibit", to="server"),
            calls=[connect(on="client", to="server").fails("EACCES", within_s=(0.0, 0.5))],
        ),
        Case(
            "rule_blackhole",
            fault=routing_rule(on="client", kind="blackhole", to="server"),
            calls=[connect(on="client", to="server").fails("EINVAL", within_s=(0.0, 0.5))],
        ),
        # There is nothing to wait for, and so no EINPROGRESS.
        Case(
            "non_blocking",
            claims={"C74": "wrong"},
            fault=route(on="client", kind="unreachable", to="server"),
            calls=[
                connect(on="client", to="server", blocking=False).fails(
                    "EHOSTUNREACH", within_s=(0.0, 0.5)
                ),
            ],
        ),
    ],
    look=(
        "The call fails in microseconds, and `tcpdump` on the caller's own host shows nothing "
        "sent: `ip route get ADDRESS` there fails with the same errno; `ip route show table "
        "all` has the route, or `ip rule` the rule (with `-6` for IPv6)."
    ),
    source=(
        "ip-route(8), ip-rule(8); Linux net/ipv4/fib_semantics.c fib_props[], net/ipv6/route.c "
        "fib6_prop[], net/ipv4/fib_rules.c fib4_rule_action(), net/ipv6/fib6_rules.c "
        "fib6_rule_action(), net/ipv4/tcp_ipv4.c tcp_v4_connect()"
    ),
)
