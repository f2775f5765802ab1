"""Nobody has the destination's address, and whoever should deliver the packet finds that out.

On the caller's own network that is its own kernel: it asks three times, a second apart,
who has the address (ARP, neighbour discovery), gives up after 3 s and tells the socket
EHOSTUNREACH. No SYN ever leaves. Behind a router it is the router that asks; the SYNs
wait there, and are answered with ICMP 3/1 (1/3 over IPv6). A wrong address and a host
that is off are "No route to host" on Linux, and ETIMEDOUT only where somebody is silent.
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
    rst,
    syn,
    syn_timeout,
    who_has,
)

SCENARIO = Scenario(
    cause="route",
    # Nothing is broken but that the host is not there, so that its calls cannot work.
    control=[
        connect(on="client", to="server"),
        exchange(on="client", data=b"hi").gives(b"abc"),
    ],
    cases=[
        Case(
            "near",
            claims={"C70": "wrong"},
            fault=forget_neighbour(on="client", to="absent_near"),
            calls=[
                # Three questions, 1 s each, by timers of the kernel; and retries enough,
                # for with TCP_SYNCNT=1 the SYN's own timer wins at 3 s (ETIMEDOUT).
                connect(on="client", to="absent_near", options={"TCP_SYNCNT": 3}).fails(
                    "EHOSTUNREACH", within_s=(2.9, 3.6)
                ),
            ],
            seen=[who_has(at="client", to="absent_near", count=3)],
            absent=[syn(at="client"), any_icmp(at="client")],
            counted=[
                # The client's kernel sends itself the ICMP error that a router would send.
                Counted(
                    "client",
                    per_family(ipv4="Icmp.OutDestUnreachs", ipv6="Icmp6.OutDestUnreachs"),
                    exactly=1,
                ),
                Counted("client", "Tcp.AttemptFails", exactly=1),
                # The SYN waits for its neighbour: a copy is not sent behind it.
                Counted("client", "TcpExt.TCPSynRetrans", exactly=0),
            ],
        ),
        Case(
            "near_impatient",
            claims={"C70": "true"},
            fault=forget_neighbour(on="client", to="absent_near"),
            calls=[
                # Whose patience ends before the kernel's questions do gets the other errno.
                connect(on="client", to="absent_near", options={"TCP_USER_TIMEOUT": 1500}).fails(
                    "ETIMEDOUT", within_s=syn_timeout(user_timeout_ms=1500)
                ),
            ],
            seen=[who_has(at="client", to="absent_near")],
            absent=[syn(at="client"), any_icmp(at="client")],
            counted=[
                Counted("client", "TcpExt.TCPSynRetrans", exactly=0),
                Counted("client", "TcpExt.TCPTimeouts", at_least=1),
            ],
        ),
        Case(
            "behind_router",
            claims={"C70": "wrong", "C74": "true", "C76": "wrong"},
            fault=forget_neighbour(on="router", to="absent"),
            calls=[
                connect(on="client", to="absent", options={"TCP_SYNCNT": 3}).fails(
                    "EHOSTUNREACH", within_s=(2.9, 3.6)
                ),
            ],
            seen=[
                syn(at="router"),
                # Three, and one more if a SYN comes at the moment when it gives up.
                who_has(at="router", to="absent"),
                icmp(at="client", error=per_family(ipv4=(3, 1), ipv6=(1, 3))),
            ],
            absent=[syn(at="server"), rst(at="client")],
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
        "After 3 s: `ip neighbour show ADDRESS` says FAILED or INCOMPLETE, on the caller's host "
        "if the address is on its own network (`ip route get ADDRESS` without `via`), else on "
        "the last router, which a capture of the ICMP error (3/1, over IPv6 1/3) names."
    ),
    source=(
        "RFC 1122 2.3.2.1; RFC 4861 7.2.2; arp(7) mcast_solicit; Linux net/core/neighbour.c "
        "neigh_timer_handler(), neigh_invalidate(), net/ipv4/route.c ipv4_link_failure(), "
        "net/ipv6/route.c ip6_link_failure(), net/ipv4/tcp_output.c skb_still_in_host_queue()"
    ),
)
