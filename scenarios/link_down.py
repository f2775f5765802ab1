"""A link is down, and where it is decides what the caller meets.

On the caller's own host the routes go with the link: ENETUNREACH, at once. On a router
too, which then says so: ICMP 3/0 (1/0 over IPv6), ENETUNREACH. At the other end of a link
nothing is known of it. A host that still remembers the neighbour behind it sends into
the void, ETIMEDOUT; one that must ask gets no answer and gives up after 3 s: EHOSTUNREACH.
So a host that has just died is ETIMEDOUT, and one that is dead for long EHOSTUNREACH.
"""

from lab import (
    ICMP_REPORTED,
    Case,
    Counted,
    Scenario,
    any_icmp,
    any_packet,
    connect,
    forget_neighbour,
    icmp,
    link_down,
    per_family,
    syn,
    syn_retransmissions,
    syn_schedule,
    syn_timeout,
    who_has,
)

SCENARIO = Scenario(
    cause="route",
    cases=[
        Case(
            "of_the_client",
            fault=link_down(on="client", toward="router"),
            # The kernel looks up a route and nothing else; the margin is for a busy machine.
            calls=[connect(on="client", to="server").fails("ENETUNREACH", within_s=(0.0, 0.5))],
            absent=[
                any_packet(at="client"),
                any_packet(at="router"),
                who_has(at="client", to="router"),
                any_icmp(at="client"),
            ],
            counted=[Counted("client", "Tcp.OutSegs", exactly=0)],
        ),
        Case(
            "of_the_router_toward_client",
            fault=link_down(on="router", toward="client"),
            calls=[
                # The client's own link is up, and it remembers the router.
                connect(on="client", to="server", options={"TCP_SYNCNT": 1}).fails(
                    "ETIMEDOUT", within_s=syn_timeout(retries=1)
                ),
            ],
            seen=[syn(at="client", schedule=syn_schedule(retries=1))],
            absent=[syn(at="router"), any_icmp(at="client")],
            counted=[
                Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
            ],
        ),
        Case(
            "of_the_router_toward_server",
            claims={"C74": "true", "C76": "true"},
            fault=link_down(on="router", toward="server"),
            calls=[connect(on="client", to="server").fails("ENETUNREACH", within_s=(0.0, 1.3))],
            seen=[icmp(at="client", error=per_family(ipv4=(3, 0), ipv6=(1, 0)))],
            absent=[any_packet(at="server")],
            pictures=ICMP_REPORTED,
        ),
        Case(
            "of_the_server",
            fault=link_down(on="server", toward="router"),
            calls=[
                # The router remembers the server, from the calls before the link went down.
                connect(on="client", to="server", options={"TCP_SYNCNT": 1}).fails(
                    "ETIMEDOUT", within_s=syn_timeout(retries=1)
                ),
            ],
            seen=[syn(at="router", schedule=syn_schedule(retries=1))],
            absent=[syn(at="server"), any_icmp(at="client")],
            counted=[
                Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
            ],
        ),
        Case(
            "of_the_server_for_long",
            claims={"C74": "true", "C76": "wrong"},
            fault=[
                link_down(on="server", toward="router"),
                forget_neighbour(on="router", to="server"),
            ],
            calls=[
                # The router asks three times, 1 s each, by timers of the kernel.
                connect(on="client", to="server", options={"TCP_SYNCNT": 3}).fails(
                    "EHOSTUNREACH", within_s=(2.9, 3.6)
                ),
            ],
            seen=[
                syn(at="router"),
                icmp(at="client", error=per_family(ipv4=(3, 1), ipv6=(1, 3))),
            ],
            absent=[syn(at="server")],
            counted=[
                Counted(
                    "router",
                    per_family(ipv4="Icmp.OutDestUnreachs", ipv6="Icmp6.OutDestUnreachs"),
                    at_least=1,
                ),
                Counted("client", "Tcp.AttemptFails", exactly=1),
            ],
        ),
    ],
    look=(
        "`ip link` on the caller's host and on the router that answers: `state DOWN`. Where the "
        "SYN leaves one host and does not come to the next (`tcpdump` on both), the link is down "
        "at the far end: `ip neighbour` turns from REACHABLE to STALE and FAILED in a minute."
    ),
    source=(
        "connect(2); RFC 1812 4.3.3.1; RFC 4861 7.3.2; Linux net/ipv4/fib_frontend.c "
        "fib_netdev_event(), net/ipv6/addrconf.c addrconf_ifdown(), net/core/neighbour.c "
        "neigh_timer_handler()"
    ),
)
