"""The router has no route to the destination.

It answers ICMP type 3, code 0 (IPv4) or type 1, code 0 (IPv6): ENETUNREACH. This
is the tutorial's case of a look-up in the forwarding table that finds nothing.
"""

from lab import (
    ICMP_REPORTED,
    Scenario,
    any_packet,
    connect,
    icmp,
    no_route,
    per_family,
)

SCENARIO = Scenario(
    cause="route",
    claims={"C74": "true", "C75": "wrong", "C76": "true"},
    fault=no_route(on="router", to="elsewhere"),
    calls=[
        connect(on="client", to="elsewhere").fails("ENETUNREACH", within_s=(0.0, 1.3)),
    ],
    seen=[icmp(at="client", error=per_family(ipv4=(3, 0), ipv6=(1, 0)))],
    absent=[any_packet(at="server")],
    pictures=ICMP_REPORTED,
    look=(
        "`tcpdump icmp or icmp6` at the caller shows a router that answers 3/0 (1/0 over "
        "IPv6); `ip route get ADDRESS` there finds no route."
    ),
    source=(
        "RFC 1812 4.3.3.1; RFC 4443 3.1; RFC 1122 4.2.3.9; Linux net/ipv4/route.c ip_error(), "
        "net/ipv6/route.c ip6_pkt_discard()"
    ),
)
