"""The socket has no peer: ENOTCONN, but EPIPE from send(2), EDESTADDRREQ over UDP.

Reading, shutdown(2) and getpeername(2) need a connection and say ENOTCONN. send(2) on
a TCP socket without one says EPIPE (and raises SIGPIPE), as it does after the
connection has ended. A UDP socket needs no connection, but a destination: EDESTADDRREQ.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    bind,
    connect,
    data,
    getpeername,
    listen,
    per_family,
    recv,
    send,
    sendto_nowhere,
    shutdown,
    socket,
)

SCENARIO = Scenario(
    cause="local",
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=0),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            "tcp",
            claims={"C90": "wrong"},
            calls=[
                socket(on="client"),
                recv(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                getpeername(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                shutdown(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                send(on="client", data=b"hi").fails("EPIPE", within_s=(0.0, 0.5)),
                send(on="client", data=b"hi", sigpipe=True).fails("EPIPE", within_s=(0.0, 0.5)),
            ],
        ),
        Case(
            # A listener is never connected itself; accept(2) returns another socket for that.
            "listener",
            claims={"C90": "wrong"},
            calls=[
                bind(on="client", port=17150),
                listen(on="client"),
                recv(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                getpeername(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                send(on="client", data=b"hi").fails("EPIPE", within_s=(0.0, 0.5)),
            ],
        ),
        Case(
            "udp",
            calls=[
                socket(on="client", type="SOCK_DGRAM"),
                send(on="client", data=b"hi").fails("EDESTADDRREQ", within_s=(0.0, 0.5)),
                sendto_nowhere(on="client", data=b"hi").fails("EDESTADDRREQ", within_s=(0.0, 0.5)),
                getpeername(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                shutdown(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
            ],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=0,
                ),
            ],
        ),
        Case(
            # connect(2) with AF_UNSPEC takes a socket's destination away again.
            "udp_dissolved",
            calls=[
                connect(on="client", to="server", proto="udp"),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").gives(b"abc"),
                connect(on="client", to="any", proto="udp", sockaddr_family=0),
                send(on="client", data=b"hi").fails("EDESTADDRREQ", within_s=(0.0, 0.5)),
            ],
            seen=[data(at="client", sender="client", proto="udp", count=1)],
            absent=[any_packet(at="client")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=1,
                ),
            ],
        ),
    ],
    look=(
        "`ss -tanp` shows the socket's state: UNCONN or LISTEN here; after a reset the same calls "
        "fail on a socket that once was ESTAB. `strace` shows whether connect(2) had failed before "
        "and was not looked at."
    ),
    source=(
        "recv(2), send(2), shutdown(2), getpeername(2), connect(2) AF_UNSPEC; Linux "
        "net/ipv4/tcp.c tcp_recvmsg_locked(), net/ipv4/af_inet.c inet_shutdown(), "
        "net/core/stream.c sk_stream_wait_connect(), net/ipv4/udp.c udp_sendmsg()"
    ),
)
