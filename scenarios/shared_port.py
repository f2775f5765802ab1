"""Several processes share one port, and the kernel deals the clients out among them.

A second bind(2) to a port that listens is EADDRINUSE, and so one takes a port for the name of
a process. It is not. With SO_REUSEPORT on each of them, sockets of several processes listen on
the same address and port, and the kernel chooses one for each connection by a hash of its
addresses and ports. And after fork(2) parent and child hold the same listening socket: either
may close it or end, and the port is served as long as one is left.

TCP and UDP have ports of their own: the same number may belong to two programs.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    close,
    connect,
    connects,
    data,
    end_child,
    fork,
    listen,
    recv,
    rst,
    send,
    sendto,
    ss,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="nothing",
    cases=[
        Case(
            # Forty connections. That all of them go to one listener has a chance of one in 2**39.
            "reuseport",
            claims={"C1": "wrong"},
            calls=[
                bind(
                    on="server",
                    to="server",
                    port=17480,
                    options={"SO_REUSEPORT": 1, "SO_RCVTIMEO": 2.0},
                ),
                listen(on="server"),
                bind(
                    on="server",
                    to="server",
                    port=17480,
                    options={"SO_REUSEPORT": 1, "SO_RCVTIMEO": 2.0},
                ).by("second"),
                listen(on="server").by("second"),
                ss(on="server", port=17480, state="LISTEN").returns(2),
                connects(on="client", to="server", port=17480, count=40),
                accept(on="server").tells("{client:url}:…"),
                accept(on="server").tells("{client:url}:…").by("second"),
                ss(on="server", port=17480, state="ESTAB").returns(40),
            ],
            seen=[syn(at="server", count=40), syn_ack(at="client", count=40)],
            absent=[rst(at="client")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=40),
                Counted("server", "TcpExt.ListenOverflows", exactly=0),
            ],
        ),
        Case(
            # Without it on both, the second is refused.
            "one_without",
            claims={"C1": "true"},
            calls=[
                bind(on="server", to="server", port=17481, options={"SO_REUSEPORT": 1}),
                listen(on="server"),
                bind(on="server", to="server", port=17481).fails("EADDRINUSE").by("second"),
                connect(on="client", to="server", port=17481),
                accept(on="server").tells("{client:url}:…"),
            ],
            seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            # The parent closes its descriptor, and the child's keeps the socket.
            "forked",
            claims={"C1": "wrong"},
            calls=[
                bind(on="server", to="server", port=17482, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                fork(on="server"),
                connect(on="client", to="server", port=17482, socket="first"),
                accept(on="server").tells("{client:url}:…"),
                close(on="server"),
                ss(on="server", port=17482, state="LISTEN").tells("LISTEN 0/128"),
                connect(on="client", to="server", port=17482, socket="second"),
                ss(on="server", port=17482, state="LISTEN").tells("LISTEN 1/128"),
                # Now nobody has it, and what waited in its queue is reset.
                end_child(on="server"),
                recv(on="client", socket="second").fails(
                    "ECONNRESET",
                ),
                connect(on="client", to="server", port=17482, socket="third").fails("ECONNREFUSED"),
            ],
            seen=[
                syn(at="server", count=3),
                syn_ack(at="client", count=2),
                rst(at="client", sender="server", count=2),
            ],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=3),
                Counted("client", "Tcp.AttemptFails", exactly=1),
                Counted("client", "Tcp.EstabResets", exactly=1),
            ],
        ),
        Case(
            "two_protocols",
            claims={"C1": "true"},
            calls=[
                bind(on="server", to="server", port=17483, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                bind(on="server", to="server", port=17483, proto="udp").by("second"),
                connect(on="client", to="server", port=17483),
                send(on="client", data=b"stream").returns(6),
                sendto(on="client", to="server", port=17483, data=b"datagram", socket="u"),
                accept(on="server"),
                recv(on="server", socket="c").gives(b"stream"),
                recv(on="server").gives(b"datagram").by("second"),
            ],
            seen=[
                syn(at="server", count=1),
                data(at="server", sender="client", count=1),
                data(at="server", sender="client", proto="udp", count=1),
            ],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
    ],
    look=(
        "`ss -ltnp sport = :PORT` shows every listener of a port, and in `users:` every process "
        "that holds each: several lines are SO_REUSEPORT, several processes on one line a fork. "
        "An old process that still listens so takes its share of the clients."
    ),
    source=(
        "socket(7) SO_REUSEPORT; fork(2); bind(2) EADDRINUSE; Linux net/core/sock_reuseport.c "
        "reuseport_select_sock(), net/ipv4/inet_hashtables.c inet_lookup_reuseport()"
    ),
)
