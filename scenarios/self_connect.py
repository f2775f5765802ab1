"""A socket connects to itself: connect(2) succeeds, and nobody is there.

If source and destination are the same address and port, the SYN meets the very socket
that sent it, which TCP takes for a simultaneous open. It then reads what it has
written. It happens by chance where a client tries again and again to reach a local
port in ip_local_port_range on which nobody listens: some day the kernel picks that port
as its own. The service that should listen there cannot start then: EADDRINUSE.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    bind,
    connect,
    exchange,
    getpeername,
    getsockname,
    per_family,
    recv,
    send,
    ss,
    sysctl,
)

SCENARIO = Scenario(
    cause="local",
    absent=[any_packet(at="client")],
    # One opening, and neither a listener's accepting nor a refusal.
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=1),
        Counted("client", "Tcp.PassiveOpens", exactly=0),
        Counted("client", "Tcp.AttemptFails", exactly=0),
        Counted("client", "Tcp.OutRsts", exactly=0),
    ],
    cases=[
        Case(
            "loopback",
            calls=[
                bind(on="client", to="loopback", port=17190),
                connect(on="client", to="loopback", port=17190),
                getsockname(on="client").tells(
                    per_family(ipv4="127.0.0.1:17190", ipv6="[::1]:17190")
                ),
                getpeername(on="client").tells(
                    per_family(ipv4="127.0.0.1:17190", ipv6="[::1]:17190")
                ),
                send(on="client", data=b"hi").returns(2),
                # An echo service would say "abc".
                recv(on="client").gives(b"hi"),
                # A connection has two sockets; this one has one.
                ss(on="client", port=17190).tells("ESTAB 0/0"),
            ],
        ),
        Case(
            "own_address",
            calls=[
                bind(on="client", to="client", port=17191),
                connect(on="client", to="client", port=17191),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").gives(b"hi"),
                ss(on="client", port=17191).tells("ESTAB 0/0"),
            ],
        ),
        Case(
            # The range has one port left, so that chance is certain.
            "local_port_range",
            fault=sysctl(on="client", values={"net.ipv4.ip_local_port_range": "17192 17192"}),
            control=[connect(on="client", to="server"), exchange(on="client", data=b"hi")],
            calls=[
                connect(on="client", to="loopback", port=17192),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").gives(b"hi"),
                ss(on="client", port=17192).tells("ESTAB 0/0"),
                bind(on="client", port=17192, socket="service", options={"SO_REUSEADDR": 1}).fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
            ],
        ),
    ],
    needs=["sock_destroy"],
    look=(
        "`ss -tanp` shows a connection whose two ends are the same address and port. Keep the "
        "service's port out of net.ipv4.ip_local_port_range (or in ip_local_reserved_ports); in "
        "a client, compare getsockname() with getpeername() after connect()."
    ),
    source=(
        "RFC 9293 3.5 (simultaneous open); Linux net/ipv4/tcp_input.c "
        "tcp_rcv_synsent_state_process(), net/ipv4/inet_hashtables.c __inet_hash_connect()"
    ),
)
