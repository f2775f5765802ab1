"""A service is found by three values, and a connection is told from others by four.

Address, protocol and port say where a service listens, and change one of them and nobody
answers. They do not say which connection is meant: all of a server's have its own address and
port in common. What tells them apart is the other end, so a connection is the pair of both,
address and port of each.

The client's port need not be bound for that: connect(2) chooses one, another for each
connection to the same place. To two different places the same local port can serve at the same
time, for the pairs differ; a second connection of the same pair is EADDRNOTAVAIL.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    connects,
    data,
    getpeername,
    getsockname,
    listen,
    recv,
    rst,
    send,
    ss,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="nothing",
    before=[
        bind(on="server", to="server", port=17485, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
    ],
    cases=[
        Case(
            # The triple finds it; another port or another address of the same host does not.
            "where_it_listens",
            claims={"C2": "true"},
            calls=[
                connect(on="client", to="server", port=17485),
                accept(on="server"),
                send(on="client", data=b"hi").returns(2),
                recv(on="server", socket="c").gives(b"hi"),
                connect(on="client", to="server", port=17486, socket="port").fails("ECONNREFUSED"),
                connect(on="client", to="elsewhere", port=17485, socket="address").fails(
                    "ECONNREFUSED"
                ),
            ],
            seen=[
                syn(at="server", count=3),
                syn_ack(at="client", count=1),
                rst(at="client", count=2),
            ],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=3),
                Counted("client", "Tcp.AttemptFails", exactly=2),
            ],
        ),
        Case(
            # None of the clients calls bind().
            "many_clients",
            claims={"C2": "wrong", "C51": "true"},
            calls=[
                connect(on="client", to="server", port=17485, socket="first"),
                connect(on="client", to="server", port=17485, socket="second"),
                accept(on="server", new="one"),
                accept(on="server", new="two"),
                # The same triple here, and two clients.
                getsockname(on="server", socket="one").tells("{server:url}:17485"),
                getsockname(on="server", socket="two").tells("{server:url}:17485"),
                getpeername(on="server", socket="one").tells("{client:url}:…"),
                getpeername(on="server", socket="two").tells("{client:url}:…"),
                send(on="client", socket="second", data=b"second").returns(6),
                send(on="client", socket="first", data=b"first").returns(5),
                recv(on="server", socket="one").gives(b"first"),
                recv(on="server", socket="two").gives(b"second"),
                connects(on="client", to="server", port=17485, count=10),
                ss(on="server", port=17485, state="ESTAB").returns(12),
            ],
            seen=[
                syn(at="server", count=12),
                syn_ack(at="client", count=12),
                data(at="server", sender="client", count=2),
            ],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=12)],
        ),
        Case(
            # The same two ports, and two addresses of the server.
            "one_local_port",
            needs=["sock_destroy"],
            before=[
                bind(on="server", to="any", port=17487, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                bind(on="client", port=17488, socket="a", options={"SO_REUSEADDR": 1}),
                connect(on="client", to="server", port=17487, socket="a"),
                bind(on="client", port=17488, socket="b", options={"SO_REUSEADDR": 1}),
                connect(on="client", to="elsewhere", port=17487, socket="b"),
                getsockname(on="client", socket="a").tells("{client:url}:17488"),
                getsockname(on="client", socket="b").tells("{client:url}:17488"),
                accept(on="server", new="one").tells("{client:url}:17488"),
                accept(on="server", new="two").tells("{client:url}:17488"),
                getsockname(on="server", socket="one").tells("{server:url}:17487"),
                getsockname(on="server", socket="two").tells("{elsewhere:url}:17487"),
                # A third one, to where the first went.
                bind(on="client", port=17488, socket="c", options={"SO_REUSEADDR": 1}),
                connect(on="client", to="server", port=17487, socket="c").fails("EADDRNOTAVAIL"),
            ],
            seen=[syn(at="server", count=2), syn_ack(at="client", count=2)],
            absent=[rst(at="client")],
            counted=[
                Counted("client", "Tcp.EstabResets", exactly=0),
            ],
        ),
    ],
    look=(
        "`ss -tan sport = :PORT` on the server: one local address and port in all rows, and a peer "
        "of its own in each. `conntrack -L` and a capture name connections by the same four."
    ),
    source=(
        "RFC 9293 3.3.1; tcp(7); connect(2) EADDRNOTAVAIL; Linux net/ipv4/inet_hashtables.c "
        "__inet_lookup_established(), __inet_hash_connect(), __inet_check_established()"
    ),
)
