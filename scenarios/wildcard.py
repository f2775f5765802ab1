"""A listener on 0.0.0.0 or :: is bound to every address of its host, not to one that is chosen.

The tutorial says that with INADDR_ANY the kernel chooses the address. It chooses nothing: the
listener stays at 0.0.0.0, and a client reaches it at the loopback address, at the address of
the interface, and at any other that the host has. Only the connection has one address, and it
is the client that chose it: getsockname(2) of the accepted socket tells which one it dialled.

A listener that is bound to one address is there and nowhere else. A client that dials another
address of the same host gets ECONNREFUSED, although the service runs and the port is right.
Over IPv6 the wildcard takes IPv4 as well (v4_mapped).
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_packet,
    bind,
    connect,
    getsockname,
    listen,
    per_family,
    rst,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="service",
    before=[
        bind(on="server", to="any", port=17410, socket="l", options={"SO_REUSEADDR": 1}),
        listen(on="server", socket="l"),
    ],
    cases=[
        Case(
            "loopback",
            calls=[
                connect(on="server", to="loopback", port=17410),
                accept(on="server", socket="l"),
                getsockname(on="server", socket="c").tells(
                    per_family(ipv4="127.0.0.1:17410", ipv6="[::1]:17410")
                ),
                getsockname(on="server", socket="l").tells(
                    per_family(ipv4="0.0.0.0:17410", ipv6="[::]:17410")
                ),
            ],
            absent=[any_packet(at="client"), any_packet(at="router")],
            # 1 and no more: the lab's own echo is another service's.
            counted=[Counted("server", "Tcp.ActiveOpens", exactly=1)],
            claims={"C22": "wrong"},
        ),
        Case(
            "own_address",
            calls=[
                connect(on="client", to="server", port=17410),
                accept(on="server", socket="l"),
                getsockname(on="server", socket="c").tells("{server:url}:17410"),
                getsockname(on="server", socket="l").tells(
                    per_family(ipv4="0.0.0.0:17410", ipv6="[::]:17410")
                ),
            ],
            seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
            claims={"C22": "wrong", "C63": "true"},
        ),
        Case(
            # An address of the server's that is on its loopback interface.
            "elsewhere",
            calls=[
                connect(on="client", to="elsewhere", port=17410),
                accept(on="server", socket="l"),
                getsockname(on="server", socket="c").tells("{elsewhere:url}:17410"),
                getsockname(on="server", socket="l").tells(
                    per_family(ipv4="0.0.0.0:17410", ipv6="[::]:17410")
                ),
            ],
            seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
            claims={"C22": "wrong"},
        ),
        Case(
            "one_address",
            before=[
                bind(on="server", to="server", port=17411, socket="l", options={"SO_REUSEADDR": 1}),
                listen(on="server", socket="l"),
            ],
            calls=[
                connect(on="client", to="server", port=17411),
                connect(on="client", to="elsewhere", port=17411, socket="other").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
                connect(on="server", to="loopback", port=17411).fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
            ],
            seen=[
                syn(at="server", count=2),
                rst(at="client", count=1),
                syn_ack(at="client", count=1),
            ],
            counted=[
                Counted("client", "Tcp.AttemptFails", exactly=1),
                Counted("server", "Tcp.AttemptFails", exactly=1),
            ],
        ),
    ],
    look=(
        "`ss -ltn` on the server shows 0.0.0.0:PORT, [::]:PORT or *:PORT for all addresses, and an "
        "address for that one alone. 127.0.0.1:PORT there is the common reason for ECONNREFUSED "
        "from other hosts while a client on the server itself is served."
    ),
    source=(
        "ip(7) INADDR_ANY, ipv6(7), getsockname(2); RFC 1122 4.2.3.7; Linux "
        "net/ipv4/inet_hashtables.c compute_score(), net/ipv4/tcp_ipv4.c tcp_v4_syn_recv_sock()"
    ),
)
