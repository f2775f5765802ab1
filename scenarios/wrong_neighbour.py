"""A permanent neighbour entry has the wrong hardware address: packets go to nobody.

Whoever has the entry sends at once, to a MAC address that no host has, and the network
drops the frame or floods it to hosts that do not want it. Nobody answers and no kernel
notices: ETIMEDOUT after the full schedule. An absent neighbour looks alike from afar, but
there is asked three times who has the address, no SYN leaves, and the errno is
EHOSTUNREACH after 3 s; a permanent entry is never asked about.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_icmp,
    connect,
    syn,
    syn_ack,
    syn_retransmissions,
    syn_schedule,
    syn_timeout,
    who_has,
    wrong_neighbour,
)

SCENARIO = Scenario(
    cause="route",
    claims={"C68": "wrong", "C69": "true"},
    calls=[
        connect(on="client", to="server", options={"TCP_SYNCNT": 1}).fails(
            "ETIMEDOUT", within_s=syn_timeout(retries=1)
        ),
    ],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
        Counted("client", "TcpExt.TCPTimeouts", at_least=1),
    ],
    cases=[
        Case(
            "of_the_client",
            fault=wrong_neighbour(on="client", to="router"),
            seen=[syn(at="client", schedule=syn_schedule(retries=1))],
            absent=[
                syn(at="router"),
                who_has(at="client", to="router"),
                any_icmp(at="client"),
            ],
        ),
        Case(
            "of_the_router",
            fault=wrong_neighbour(on="router", to="server"),
            seen=[syn(at="router", schedule=syn_schedule(retries=1))],
            absent=[syn(at="server"), any_icmp(at="client")],
        ),
        # The SYN arrives, and its answer goes to nobody.
        Case(
            "of_the_server",
            fault=wrong_neighbour(on="server", to="router"),
            seen=[syn(at="server", schedule=syn_schedule(retries=1)), syn_ack(at="server")],
            absent=[syn_ack(at="router"), any_icmp(at="client")],
        ),
    ],
    look=(
        "`tcpdump -e` on the last host that sends the packet shows the destination's MAC "
        "address: compare it with `ip link` on the next host. `ip neighbour show nud permanent` "
        "lists the entries that a person or a program made."
    ),
    source=(
        "ip-neighbour(8); RFC 826; RFC 4861 7.3.3; RFC 9293 3.8.3; Linux net/core/neighbour.c "
        "neigh_resolve_output() and neigh_event_send(), net/ipv4/ip_input.c ip_rcv_core() "
        "(PACKET_OTHERHOST)"
    ),
)
