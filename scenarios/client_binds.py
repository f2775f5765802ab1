"""A client may call bind(2) before connect(2), to choose its port or its address.

The tutorial lets servers alone call it. Without bind() the kernel takes the address of the
interface that the route leads to, and a port of its range; mostly that is right. A client
chooses when a firewall or the server wants to see a certain source, or when a host has several
addresses and the answer must come by a certain way. Port 0 with an address leaves the port to
the kernel, and the wildcard with a port leaves the address.

The price is that the source port is one, so that a connection to the same peer is not to be had
twice, nor again within the 60 s of TIME-WAIT. An address that is not the host's is refused by
bind() (EADDRNOTAVAIL), and one that does not lead to the peer by connect() (wrong_arguments:
from 127.0.0.1, EINVAL).
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
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
    cause="nothing",
    cases=[
        Case(
            "chosen_port",
            before=[
                bind(on="server", port=17450, socket="l", options={"SO_REUSEADDR": 1}),
                listen(on="server", socket="l"),
            ],
            calls=[
                # With SO_LINGER of 0 nothing is left of it that would be in the way.
                bind(on="client", port=17451, options={"SO_LINGER": 0}),
                getsockname(on="client").tells(per_family(ipv4="0.0.0.0:17451", ipv6="[::]:17451")),
                connect(on="client", to="server", port=17450),
                # connect() filled in the address.
                getsockname(on="client").tells("{client:url}:17451"),
                accept(on="server", socket="l").tells("{client:url}:17451"),
            ],
            seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
            claims={"C51": "wrong"},
        ),
        Case(
            # The server's host has two addresses, and is a client this time.
            "chosen_address",
            before=[
                bind(on="client", port=17452, socket="l", options={"SO_REUSEADDR": 1}),
                listen(on="client", socket="l"),
            ],
            calls=[
                bind(on="server", to="elsewhere", port=0, options={"SO_LINGER": 0}),
                connect(on="server", to="client", port=17452),
                accept(on="client", socket="l").tells("{elsewhere:url}:…"),
                connect(on="server", to="client", port=17452, socket="left_to_the_route"),
                accept(on="client", socket="l", new="d").tells("{server:url}:…"),
            ],
            seen=[syn(at="client", count=2), syn_ack(at="server", count=2)],
            absent=[rst(at="server")],
            counted=[Counted("client", "Tcp.PassiveOpens", exactly=2)],
            claims={"C51": "wrong"},
        ),
        Case(
            # The second one would have the same two addresses and the same two ports.
            "port_used_twice",
            before=[
                bind(on="server", port=17453, socket="l", options={"SO_REUSEADDR": 1}),
                listen(on="server", socket="l"),
            ],
            calls=[
                bind(on="client", port=17454, options={"SO_LINGER": 0, "SO_REUSEADDR": 1}),
                bind(on="client", port=17454, socket="b", options={"SO_REUSEADDR": 1}),
                connect(on="client", to="server", port=17453),
                connect(on="client", to="server", port=17453, socket="b").fails(
                    "EADDRNOTAVAIL", within_s=(0.0, 0.5)
                ),
            ],
            seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
    ],
    look=(
        "`ss -tan` on the client: local ports outside of net.ipv4.ip_local_port_range, or one "
        "port again and again, were chosen by the program; `strace -e trace=bind,connect` shows "
        "the bind() before the connect()."
    ),
    source=(
        "bind(2), connect(2), ip(7); RFC 1122 3.3.4.2, 4.2.3.7; Linux net/ipv4/tcp_ipv4.c "
        "tcp_v4_connect(), net/ipv4/inet_hashtables.c __inet_check_established()"
    ),
)
