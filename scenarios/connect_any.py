"""connect(2) to 0.0.0.0 or :: reaches the caller's own host, by way of loopback.

"Any" is an address to listen on. As a destination, Linux takes it for the loopback
address; so does a name that is resolved wrongly to it. Whoever listens there answers,
and if nobody does, the caller's own kernel refuses: ECONNREFUSED, with nothing on the
wire. `localhost` in a container or a network namespace is that container alone.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_packet,
    bind,
    connect,
    getpeername,
    listen,
    per_family,
    recv,
    send,
)

SCENARIO = Scenario(
    cause="local",
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    cases=[
        Case(
            "answered",
            claims={"C63": "wrong"},
            calls=[
                bind(
                    on="client",
                    to="loopback",
                    port=17200,
                    socket="l",
                    options={"SO_REUSEADDR": 1},
                ),
                listen(on="client", socket="l"),
                connect(on="client", to="any", port=17200),
                getpeername(on="client").tells(
                    per_family(ipv4="127.0.0.1:17200", ipv6="[::1]:17200")
                ),
                accept(on="client", socket="l"),
                send(on="client", data=b"hi"),
                recv(on="client", socket="c").gives(b"hi"),
            ],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=1),
                Counted("client", "Tcp.PassiveOpens", exactly=1),
            ],
        ),
        Case(
            "refused",
            claims={"C72": "true"},
            calls=[
                connect(on="client", to="any").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
            ],
            # Its own kernel sends the reset, and gets it.
            counted=[
                Counted("client", "Tcp.AttemptFails", exactly=1),
                Counted("client", "Tcp.OutRsts", exactly=1),
            ],
        ),
        Case(
            # The service runs, on another host.
            "localhost",
            claims={"C72": "true"},
            calls=[
                connect(on="client", to="loopback").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                connect(on="client", to="client", socket="own").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
            ],
            counted=[
                Counted("client", "Tcp.AttemptFails", exactly=2),
                Counted("client", "Tcp.OutRsts", exactly=2),
            ],
        ),
        Case(
            "udp",
            calls=[
                connect(on="client", to="any", proto="udp"),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
            ],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Icmp.OutDestUnreachs", ipv6="Icmp6.OutDestUnreachs"),
                    exactly=1,
                ),
            ],
        ),
    ],
    look=(
        "`tcpdump -i lo` shows the SYN and the reset, and no other interface does; `ss -ltn` on "
        "this very host shows nobody on the port. `nstat TcpOutRsts` grows on the caller's host."
    ),
    source=(
        "RFC 1122 3.2.1.3; ip(7) INADDR_ANY; Linux net/ipv4/route.c "
        "ip_route_output_key_hash_rcu(), net/ipv6/tcp_ipv6.c tcp_v6_connect()"
    ),
)
