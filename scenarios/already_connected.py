"""connect(2) on a socket that has a peer, or that listens, says EISCONN.

A TCP socket connects once; the connection that is there stays as it is, and nothing is
sent. A listener cannot connect, which Linux calls EISCONN as well, where POSIX has
EOPNOTSUPP. A UDP socket may connect again: it only gets another destination.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_packet,
    bind,
    connect,
    data,
    exchange,
    listen,
    recv,
    rst,
    send,
    sendto,
    syn,
)

SCENARIO = Scenario(
    cause="local",
    seen=[syn(at="client", count=1)],
    absent=[rst(at="client")],
    counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
    cases=[
        Case(
            "twice",
            calls=[
                connect(on="client", to="server"),
                connect(on="client", to="server").fails("EISCONN", within_s=(0.0, 0.5)),
                connect(on="client", to="elsewhere").fails("EISCONN", within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
        ),
        Case(
            "listener",
            claims={"C53": "true"},
            calls=[
                bind(on="client", port=17160),
                listen(on="client"),
                connect(on="client", to="server").fails("EISCONN", within_s=(0.0, 0.5)),
            ],
            absent=[any_packet(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            # The socket that accept(2) returns has its peer from the beginning.
            "accepted",
            calls=[
                bind(on="server", port=17161, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17161),
                accept(on="server"),
                connect(on="server", to="client", port=17161, socket="c").fails(
                    "EISCONN", within_s=(0.0, 0.5)
                ),
            ],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=1),
                Counted("server", "Tcp.ActiveOpens", exactly=0),
            ],
        ),
        Case(
            # POSIX lets sendto(2) fail with EISCONN; Linux ignores the address over TCP.
            "sendto",
            calls=[
                connect(on="client", to="server"),
                sendto(on="client", to="elsewhere", port=9, data=b"hi!").returns(3),
                recv(on="client").gives(b"hi!"),
            ],
        ),
        Case(
            "udp",
            calls=[
                connect(on="client", to="absent", proto="udp"),
                connect(on="client", to="server", proto="udp"),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").gives(b"abc"),
            ],
            seen=[data(at="server", sender="client", proto="udp", count=1)],
            absent=[any_packet(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
        ),
    ],
    look=(
        "`strace -e trace=network` shows two connect() calls for one descriptor: after the first "
        "had EINPROGRESS or EINTR and succeeded meanwhile, EISCONN is good news. `ss -tanp` shows "
        "the peer."
    ),
    source=(
        "connect(2) EISCONN; POSIX connect(), sendto(); Linux net/ipv4/af_inet.c "
        "__inet_stream_connect(), net/ipv4/tcp.c tcp_sendmsg_locked(), net/ipv4/datagram.c"
    ),
)
