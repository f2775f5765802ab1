"""The fault passes, and connect() succeeds, on the same socket as on a new one.

The router refuses (or loses) the first few SYNs and lets the next one through. A program
that tries again gets its connection with the attempt that the fault no longer meets. On
Linux it may use the same descriptor; that it must be closed first, as the tutorial has
it, is not so. What each attempt costs is another matter: a refusal is told at once, a
loss only when the kernel's own retransmissions are used up.

The kernel tries again by itself too. What is lost for less than a second is no error at
all, but a connect() that takes a second.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    answer,
    connect,
    drop,
    exchange,
    given,
    icmp_error,
    per_family,
    poll,
    recv,
    reject,
    send,
    so_error,
    state,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="caller",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    seen=[
        syn(at="client", count=given("syns")),
        syn(at="server", count=1),
        syn_ack(at="client", count=1),
    ],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=given("attempts")),
        Counted("client", "Tcp.AttemptFails", exactly=given("failed")),
    ],
    cases=[
        Case(
            "refused_same_socket",
            claims={"C71": "true", "C79": "wrong"},
            fault=reject(on="router", to="server", reply="tcp-reset", times=3),
            calls=[
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                state(on="client").tells("UNCONN"),
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                state(on="client").tells("ESTAB"),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            given={"syns": 4, "attempts": 4, "failed": 3},
        ),
        Case(
            "refused_new_sockets",
            fault=reject(on="router", to="server", reply="tcp-reset", times=3),
            calls=[
                connect(on="client", to="server", socket="first").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="server", socket="second").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="server", socket="third").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="server", socket="fourth").returns(0, within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi", socket="fourth").gives(b"abc"),
            ],
            given={"syns": 4, "attempts": 4, "failed": 3},
        ),
        # The errno is told by one connect(); the next one tries again.
        Case(
            "refused_non_blocking",
            claims={"C79": "wrong"},
            fault=reject(on="router", to="server", reply="tcp-reset", times=1),
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP", within_s=(0.0, 0.5)),
                connect(on="client", to="server", blocking=False).fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").tells("POLLOUT", within_s=(0.0, 0.5)),
                so_error(on="client").reports(""),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            given={"syns": 2, "attempts": 2, "failed": 1},
        ),
        # With TCP_USER_TIMEOUT below a second an attempt is two SYNs, a second apart.
        Case(
            "timeout_same_socket",
            claims={"C69": "true", "C79": "wrong"},
            fault=drop(on="router", to="server", times=2),
            calls=[
                connect(on="client", to="server", options={"TCP_USER_TIMEOUT": 500}).fails(
                    "ETIMEDOUT", within_s=(0.9, 1.3)
                ),
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            given={"syns": 3, "attempts": 2, "failed": 1},
        ),
        Case(
            "timeout_new_socket",
            claims={"C69": "true"},
            fault=drop(on="router", to="server", times=2),
            calls=[
                connect(
                    on="client", to="server", socket="first", options={"TCP_USER_TIMEOUT": 500}
                ).fails("ETIMEDOUT", within_s=(0.9, 1.3)),
                connect(on="client", to="server", socket="second").returns(0, within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi", socket="second").gives(b"abc"),
            ],
            given={"syns": 3, "attempts": 2, "failed": 1},
        ),
        # A program on the router answers. send and recv, for `exchange` would wait with
        # select, and that returns at once here (see `after_icmp`).
        Case(
            "icmp_same_socket",
            claims={"C75": "wrong", "C79": "wrong"},
            fault=answer(
                to="server",
                by=[icmp_error(per_family(ipv4=(3, 1), ipv6=(1, 3)))],
                times=3,
                delay_s=0.05,
            ),
            calls=[
                connect(on="client", to="server").fails("EHOSTUNREACH", within_s=(0.0, 0.4)),
                connect(on="client", to="server").fails("EHOSTUNREACH", within_s=(0.0, 0.4)),
                connect(on="client", to="server").fails("EHOSTUNREACH", within_s=(0.0, 0.4)),
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                send(on="client", data=b"one").returns(3),
                recv(on="client").gives(b"one"),
            ],
            given={"syns": 4, "attempts": 4, "failed": 3},
        ),
        Case(
            "icmp_new_sockets",
            fault=answer(
                to="server",
                by=[icmp_error(per_family(ipv4=(3, 1), ipv6=(1, 3)))],
                times=3,
                delay_s=0.05,
            ),
            calls=[
                connect(on="client", to="server", socket="first").fails(
                    "EHOSTUNREACH", within_s=(0.0, 0.4)
                ),
                connect(on="client", to="server", socket="second").fails(
                    "EHOSTUNREACH", within_s=(0.0, 0.4)
                ),
                connect(on="client", to="server", socket="third").fails(
                    "EHOSTUNREACH", within_s=(0.0, 0.4)
                ),
                connect(on="client", to="server", socket="fourth").returns(0, within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi", socket="fourth").gives(b"abc"),
            ],
            given={"syns": 4, "attempts": 4, "failed": 3},
        ),
        # The router's kernel answers three SYNs, not three calls. It does so while
        # connect() holds the socket, so the first error of each attempt is only noted:
        # the second call's second SYN gets through.
        Case(
            "icmp_counted_in_syns",
            fault=reject(
                on="router",
                to="server",
                reply=per_family(ipv4="icmp-host-unreachable", ipv6="icmp6-addr-unreachable"),
                times=3,
            ),
            calls=[
                connect(on="client", to="server", socket="first").fails(
                    "EHOSTUNREACH", within_s=(0.9, 1.3)
                ),
                connect(on="client", to="server", socket="second").returns(0, within_s=(0.9, 1.3)),
                send(on="client", data=b"one", socket="second").returns(3),
                recv(on="client", socket="second").gives(b"one"),
            ],
            given={"syns": 4, "attempts": 2, "failed": 1},
        ),
        Case(
            "within_one_call",
            claims={"C105": "true"},
            fault=drop(on="router", to="server", times=1),
            calls=[
                connect(on="client", to="server").returns(0, within_s=(0.9, 1.3)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            given={"syns": 2, "attempts": 1, "failed": 0},
        ),
    ],
    look=(
        "`nstat TcpActiveOpens TcpAttemptFails TcpExtTCPSynRetrans`: attempts, those that failed, "
        "and SYNs that the kernel repeated by itself. A connect() that succeeds after whole "
        "seconds lost SYNs on the way. A capture shows whether the program or the kernel tried "
        "again: the kernel keeps the port and the sequence number."
    ),
    source=(
        "connect(2) NOTES; RFC 9293 3.8.3 and 3.10.7.3; RFC 6298 5.7; Linux net/ipv4/af_inet.c, "
        "__inet_stream_connect(); net/ipv4/tcp.c, tcp_disconnect(); net/ipv4/tcp_timer.c, "
        "tcp_write_timeout()"
    ),
)
