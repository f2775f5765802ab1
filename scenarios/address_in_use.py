"""The port is taken on this host: bind(2), or listen(2), says EADDRINUSE.

A port is free for bind(2) if no socket of this host holds it on an address that
overlaps. SO_REUSEADDR lets two sockets share it while neither listens, and both must
have set it; so the second listen(2) is what fails then. SO_REUSEPORT lets several
listen; here too every one of them must have set it. A caller's own connection holds
its local port as well.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_packet,
    bind,
    close,
    connect,
    exchange,
    listen,
    rst,
    ss,
    syn,
    sysctl,
)

SCENARIO = Scenario(
    cause="local",
    # Most calls are made on the client: there, nothing else listens or is counted.
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=0),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            # The echo service listens on [::]:16555, which is every address of either family.
            "service_runs",
            claims={"C1": "true", "C28": "true"},
            calls=[
                ss(on="server", state="LISTEN").returns(1),
                bind(on="server", to="any", port=16555, socket="all").fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
                bind(on="server", to="loopback", port=16555, socket="one").fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
                # The service has set SO_REUSEADDR too; it listens, and that decides.
                bind(
                    on="server", to="any", port=16555, socket="r", options={"SO_REUSEADDR": 1}
                ).fails("EADDRINUSE", within_s=(0.0, 0.5)),
                # The one that has the port serves on.
                connect(on="client", to="server"),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            seen=[syn(at="server", count=1)],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            # Two addresses of one host are two; "any" is all of them.
            "bound",
            claims={"C27": "true", "C28": "true"},
            calls=[
                bind(on="client", to="loopback", port=17100, socket="a"),
                bind(on="client", to="client", port=17100, socket="b"),
                bind(on="client", to="any", port=17100, socket="c").fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
                bind(on="client", to="client", port=17100, socket="d").fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "listen",
            calls=[
                bind(on="client", port=17101, socket="a", options={"SO_REUSEADDR": 1}),
                bind(on="client", port=17101, socket="b", options={"SO_REUSEADDR": 1}),
                listen(on="client", socket="a"),
                listen(on="client", socket="b").fails("EADDRINUSE", within_s=(0.0, 0.5)),
                ss(on="client", port=17101, state="LISTEN").returns(1),
            ],
        ),
        Case(
            "reuseport",
            claims={"C28": "true"},
            calls=[
                bind(on="client", port=17102, socket="a", options={"SO_REUSEPORT": 1}),
                listen(on="client", socket="a"),
                bind(on="client", port=17102, socket="b", options={"SO_REUSEPORT": 1}),
                listen(on="client", socket="b"),
                ss(on="client", port=17102, state="LISTEN").returns(2),
                bind(on="client", port=17102, socket="c", options={"SO_REUSEADDR": 1}).fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "udp",
            claims={"C28": "true"},
            calls=[
                bind(on="client", port=17103, proto="udp", socket="a"),
                bind(on="client", port=17103, proto="udp", socket="b").fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
                # TCP has ports of its own.
                bind(on="client", port=17103, socket="c"),
            ],
        ),
        Case(
            # The listener is closed, and a connection that it accepted lives on.
            "connection_lives",
            claims={"C28": "true"},
            needs=["sock_destroy"],
            calls=[
                bind(on="server", port=17104),
                listen(on="server"),
                connect(on="client", to="server", port=17104),
                accept(on="server"),
                close(on="server"),
                ss(on="server", port=17104).tells("ESTAB 0/0"),
                bind(on="server", port=17104, socket="again").fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
                # An accepted socket has its listener's options: that one had none.
                bind(on="server", port=17104, socket="late", options={"SO_REUSEADDR": 1}).fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
            ],
            seen=[syn(at="client", count=1)],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "connection_lives_reuseaddr",
            calls=[
                bind(on="server", port=17105, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17105),
                accept(on="server"),
                close(on="server"),
                bind(on="server", port=17105, socket="again", options={"SO_REUSEADDR": 1}),
                listen(on="server", socket="again"),
                ss(on="server", port=17105, state="ESTAB").returns(1),
            ],
            seen=[syn(at="client", count=1)],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            # A service's port that lies in ip_local_port_range may be a caller's today.
            "taken_by_a_caller",
            claims={"C28": "true"},
            needs=["sock_destroy"],
            fault=sysctl(on="client", values={"net.ipv4.ip_local_port_range": "17106 17106"}),
            control=[connect(on="client", to="server"), exchange(on="client", data=b"hi")],
            calls=[
                connect(on="client", to="server"),
                ss(on="client", port=17106).tells("ESTAB 0/0"),
                bind(on="client", port=17106, socket="service").fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
                bind(on="client", port=17106, socket="r", options={"SO_REUSEADDR": 1}).fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
            ],
            seen=[syn(at="client", count=1)],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
    ],
    look=(
        "`ss -tanp sport = :PORT` (-u for UDP) on the host shows who holds the port and in which "
        "state: LISTEN, ESTAB, or TIME-WAIT (then see address_in_use_time_wait). A bound socket "
        "that does not listen is in none of these; `ss -tanpB` (iproute2 6.8 on Linux 6.8) "
        "shows it. Keep a service's port in net.ipv4.ip_local_reserved_ports, or out of the range."
    ),
    source=(
        "bind(2), listen(2) EADDRINUSE; ip(7), socket(7) SO_REUSEADDR, SO_REUSEPORT; Linux "
        "net/ipv4/inet_connection_sock.c inet_csk_get_port(), inet_bind_conflict(), "
        "inet_csk_listen_start()"
    ),
)
