"""The router has a `blackhole` route for the destination, and tells nobody.

It discards the SYN without an ICMP error, so that the caller repeats it until the
retries in force are used up: ETIMEDOUT. Routers discard the traffic of an attack in
this way, and routing daemons put such a route under what they announce. For the
caller it is `timeout`; on the router no firewall rule counts.
"""

from lab import (
    Counted,
    Scenario,
    any_icmp,
    connect,
    per_family,
    route,
    syn,
    syn_retransmissions,
    syn_schedule,
    syn_timeout,
)

SCENARIO = Scenario(
    cause="route",
    claims={"C68": "wrong", "C69": "true"},
    fault=route(on="router", kind="blackhole", to="elsewhere"),
    calls=[
        connect(on="client", to="elsewhere", options={"TCP_SYNCNT": 1}).fails(
            "ETIMEDOUT", within_s=syn_timeout(retries=1)
        ),
    ],
    seen=[
        syn(at="client", schedule=syn_schedule(retries=1)),
        syn(at="router", schedule=syn_schedule(retries=1)),
    ],
    absent=[syn(at="server"), any_icmp(at="client")],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
        # A blackhole is a route too: none is missing, as it would be with a `throw`.
        Counted("router", per_family(ipv4="IpExt.InNoRoutes", ipv6="Ip6.InNoRoutes"), exactly=0),
    ],
    look=(
        "Follow the SYN with `tcpdump` to the last hop that sees it: `ip route get ADDRESS` "
        "there fails with `Invalid argument`, `ip route show table all` has a `blackhole`, and "
        "no firewall rule counts it."
    ),
    source=(
        "ip-route(8); RFC 5635; RFC 9293 3.8.3; Linux net/ipv4/route.c ip_error(), "
        "net/ipv6/route.c ip6_rt_init_dst_reject()"
    ),
)
