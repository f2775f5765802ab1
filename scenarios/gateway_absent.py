"""The gateway of a route does not answer: the route leads nowhere.

The kernel that uses the route asks three times who has the gateway's address, gives up
after 3 s and answers EHOSTUNREACH: to its own socket if it is the caller's host, with ICMP
3/1 (1/3 over IPv6) if it is a router. IPv4 goes on in this way for good. An IPv6 host
remembers that the gateway does not answer, and tries another route, if it has one: the
second connect() works over the default router.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_icmp,
    connect,
    exchange,
    forget_neighbour,
    icmp,
    per_family,
    route_via,
    syn,
    who_has,
)

SCENARIO = Scenario(
    cause="route",
    cases=[
        Case(
            "of_the_client",
            family="ipv4",
            fault=[
                forget_neighbour(on="client", to="absent_near"),
                route_via(on="client", to="server", via="absent_near"),
            ],
            calls=[
                # Three questions, 1 s each, by timers of the kernel; and all of it again.
                connect(on="client", to="server", options={"TCP_SYNCNT": 3}).fails(
                    "EHOSTUNREACH", within_s=(2.9, 3.6)
                ),
                connect(on="client", to="server", options={"TCP_SYNCNT": 3}, socket="again").fails(
                    "EHOSTUNREACH", within_s=(2.9, 3.6)
                ),
            ],
            seen=[who_has(at="client", to="absent_near", count=6)],
            absent=[syn(at="client"), any_icmp(at="client")],
            counted=[
                Counted("client", "Icmp.OutDestUnreachs", exactly=2),
                Counted("client", "Tcp.AttemptFails", exactly=2),
            ],
        ),
        Case(
            "of_the_client_but_once",
            family="ipv6",
            fault=[
                forget_neighbour(on="client", to="absent_near"),
                route_via(on="client", to="server", via="absent_near"),
            ],
            calls=[
                connect(on="client", to="server", options={"TCP_SYNCNT": 3}).fails(
                    "EHOSTUNREACH", within_s=(2.9, 3.6)
                ),
                connect(on="client", to="server", socket="again"),
                exchange(on="client", data=b"hi", socket="again").gives(b"abc"),
            ],
            seen=[
                who_has(at="client", to="absent_near", count=3),
                syn(at="router", count=1),
                syn(at="server", count=1),
            ],
            absent=[any_icmp(at="client")],
            counted=[
                Counted("client", "Icmp6.OutDestUnreachs", exactly=1),
                Counted("client", "Tcp.AttemptFails", exactly=1),
                Counted("client", "Tcp.ActiveOpens", exactly=2),
            ],
        ),
        Case(
            "of_the_router",
            claims={"C74": "true", "C76": "wrong"},
            fault=[
                forget_neighbour(on="router", to="absent"),
                route_via(on="router", to="elsewhere", via="absent"),
            ],
            calls=[
                connect(on="client", to="elsewhere", options={"TCP_SYNCNT": 3}).fails(
                    "EHOSTUNREACH", within_s=(2.9, 3.6)
                ),
            ],
            seen=[
                syn(at="router"),
                # Three, and one more if a SYN comes at the moment when it gives up.
                who_has(at="router", to="absent"),
                icmp(at="client", error=per_family(ipv4=(3, 1), ipv6=(1, 3))),
            ],
            absent=[syn(at="server")],
            counted=[
                Counted(
                    "router",
                    per_family(ipv4="Icmp.OutDestUnreachs", ipv6="Icmp6.OutDestUnreachs"),
                    at_least=1,
                ),
            ],
        ),
    ],
    look=(
        "`ip route get ADDRESS` names the gateway (`via`), and `ip neighbour show` has it as "
        "FAILED or INCOMPLETE; if that is well on the caller's own host, look on the router that "
        "sent the ICMP error. Destinations on the same network as the caller still work."
    ),
    source=(
        "RFC 1122 3.3.1.4; RFC 4861 6.3.6; RFC 4191 3.2; Linux net/core/neighbour.c "
        "neigh_timer_handler(), net/ipv4/route.c ipv4_link_failure(), net/ipv6/route.c "
        "ip6_link_failure(), rt6_check_neigh()"
    ),
)
