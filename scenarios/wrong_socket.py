"""The descriptor is not what the call needs: EBADF, ENOTSOCK, EOPNOTSUPP, EINVAL.

A number that is not open is EBADF: in a program with threads, often one that another
thread has closed. An open file that is no socket is ENOTSOCK. A socket may be of the
wrong kind (UDP has no connections to listen for: EOPNOTSUPP) or in the wrong state
(EINVAL), and an option may belong to another protocol (ENOPROTOOPT).
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_packet,
    close,
    connect,
    data,
    fin,
    getpeername,
    getsockname,
    listen,
    pipe,
    recv,
    send,
    setsockopt,
    socket,
    syn,
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
            "closed",
            claims={"C102": "true"},
            calls=[
                connect(on="client", to="server"),
                close(on="client"),
                send(on="client", data=b"hi").fails("EBADF", within_s=(0.0, 0.5)),
                recv(on="client").fails("EBADF", within_s=(0.0, 0.5)),
                getpeername(on="client").fails("EBADF", within_s=(0.0, 0.5)),
                close(on="client").fails("EBADF", within_s=(0.0, 0.5)),
                # The caller does not look at what socket(2) returns, and goes on with -1.
                socket(on="client", socket="never", domain=99).fails("EAFNOSUPPORT"),
                listen(on="client", socket="never").fails("EBADF", within_s=(0.0, 0.5)),
            ],
            seen=[syn(at="client", count=1), fin(at="client", sender="client", count=1)],
            absent=[data(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "no_socket",
            claims={"C95": "true"},
            calls=[
                pipe(on="client"),
                connect(on="client", to="server").fails("ENOTSOCK", within_s=(0.0, 0.5)),
                listen(on="client").fails("ENOTSOCK", within_s=(0.0, 0.5)),
                accept(on="client").fails("ENOTSOCK", within_s=(0.0, 0.5)),
                send(on="client", data=b"hi").fails("ENOTSOCK", within_s=(0.0, 0.5)),
                recv(on="client").fails("ENOTSOCK", within_s=(0.0, 0.5)),
                getsockname(on="client").fails("ENOTSOCK", within_s=(0.0, 0.5)),
                setsockopt(on="client", option="SO_KEEPALIVE", value=1).fails(
                    "ENOTSOCK", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "udp",
            claims={"C95": "true"},
            calls=[
                socket(on="client", type="SOCK_DGRAM"),
                listen(on="client").fails("EOPNOTSUPP", within_s=(0.0, 0.5)),
                accept(on="client").fails("EOPNOTSUPP", within_s=(0.0, 0.5)),
                setsockopt(on="client", option="TCP_NODELAY", value=1).fails(
                    "ENOPROTOOPT", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "not_listening",
            claims={"C53": "true", "C95": "true"},
            calls=[
                socket(on="client", socket="new"),
                accept(on="client", socket="new").fails("EINVAL", within_s=(0.0, 0.5)),
                connect(on="client", to="server"),
                accept(on="client").fails("EINVAL", within_s=(0.0, 0.5)),
                listen(on="client").fails("EINVAL", within_s=(0.0, 0.5)),
            ],
            seen=[syn(at="client", count=1)],
            absent=[any_packet(at="client", proto="udp"), data(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            # An option of IPv6 on a socket of IPv4.
            "option",
            family="ipv4",
            calls=[
                socket(on="client"),
                setsockopt(on="client", option="IPV6_V6ONLY", value=1).fails(
                    "ENOPROTOOPT", within_s=(0.0, 0.5)
                ),
            ],
        ),
    ],
    look=(
        "`ls -l /proc/PID/fd` shows what each descriptor is now; `strace -f -e "
        "trace=network,close,dup` shows who closed the number, and who got it next."
    ),
    source=(
        "listen(2), accept(2), send(2), setsockopt(2); Linux net/socket.c sock_from_file(), "
        "net/ipv4/af_inet.c inet_listen(), net/core/sock.c sock_no_listen(), "
        "net/ipv4/inet_connection_sock.c inet_csk_accept(), net/ipv4/ip_sockglue.c "
        "ip_setsockopt()"
    ),
)
