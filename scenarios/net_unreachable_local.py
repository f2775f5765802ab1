"""The caller's own host has no route to the destination.

connect(2) fails before anything is sent: no packet, no ARP, no wait. The same
errno from a router is `net_unreachable`; only the wire tells them apart.
"""

from lab import (
    Counted,
    Scenario,
    any_icmp,
    any_packet,
    connect,
    no_route,
    per_family,
    who_has,
)

SCENARIO = Scenario(
    cause="local",
    claims={"C74": "wrong"},
    fault=no_route(on="client", to="server"),
    calls=[
        # The kernel looks up a route and nothing else; the margin is for a busy machine.
        connect(on="client", to="server").fails("ENETUNREACH", within_s=(0.0, 0.1)),
    ],
    absent=[
        any_packet(at="client"),
        any_packet(at="router"),
        who_has(at="client", to="router"),
        any_icmp(at="client"),
    ],
    counted=[
        Counted("client", per_family(ipv4="Ip.OutNoRoutes", ipv6="Ip6.OutNoRoutes"), at_least=1),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    look=(
        "`ip route get ADDRESS` on the caller's own host fails, and a capture shows that "
        "nothing is sent; the call fails in microseconds."
    ),
    source="connect(2); Linux net/ipv4/tcp_ipv4.c tcp_v4_connect(), net/ipv6/tcp_ipv6.c",
)
