"""The router's best route to the destination is a `throw`, and no other table has one.

A `throw` route ends the look-up in its own table and lets the next routing rule go on
with the next table. Where none is left, the router behaves as if it had no route: ICMP
3/0 (1/0 over IPv6), ENETUNREACH. The wire is that of `net_unreachable`, though a
route to the whole network stands behind it in the same table.
"""

from lab import ICMP_REPORTED, Counted, Scenario, any_packet, connect, icmp, per_family, route

SCENARIO = Scenario(
    cause="route",
    claims={"C74": "true", "C75": "wrong", "C76": "true"},
    fault=route(on="router", kind="throw", to="elsewhere"),
    calls=[
        connect(on="client", to="elsewhere").fails("ENETUNREACH", within_s=(0.0, 1.3)),
    ],
    seen=[icmp(at="client", error=per_family(ipv4=(3, 0), ipv6=(1, 0)))],
    absent=[any_packet(at="server")],
    counted=[
        Counted("router", per_family(ipv4="IpExt.InNoRoutes", ipv6="Ip6.InNoRoutes"), at_least=1),
    ],
    pictures=ICMP_REPORTED,
    look=(
        "`tcpdump icmp or icmp6` at the caller shows a router that answers 3/0 (1/0 over "
        "IPv6); `ip route show table all | grep throw` and `ip rule` there show that the "
        "look-up leaves a table and finds no other."
    ),
    source=(
        "ip-route(8), ip-rule(8); RFC 1812 4.3.3.1; RFC 4443 3.1; Linux net/ipv4/fib_rules.c "
        "fib4_rule_action() and fib_props[] (EAGAIN), net/ipv4/route.c ip_error(), "
        "net/ipv6/route.c ip6_pkt_discard()"
    ),
)
