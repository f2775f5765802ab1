"""After a time-out the socket is as new, and a late answer to it gets a RST.

The kernel has given up: the socket is closed (UNCONN), the SYN is not sent any more, and
send, recv, getpeername and shutdown say EPIPE and ENOTCONN. Another connect() on the same
descriptor begins anew, with a new port and all its retransmissions; the options stay.

Whatever answers the old SYN after that finds nobody there: the caller's kernel sends a
RST, as for any segment of a connection that it does not know.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    answer,
    any_icmp,
    connect,
    drop,
    exchange,
    getpeername,
    given,
    pipe,
    poll,
    recv,
    rst,
    segment,
    send,
    shutdown,
    so_error,
    socket,
    ss,
    state,
    syn,
    syn_ack,
    syn_timeout,
)

SCENARIO = Scenario(
    cause="caller",
    claims={"C68": "wrong", "C69": "true", "C79": "wrong"},
    fault=drop(on="router", to="server"),
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    # TCP_USER_TIMEOUT makes it short: two SYNs a second apart, and then the error.
    seen=[syn(at="client", count=given("syns")), syn(at="router", count=given("syns"))],
    absent=[syn(at="server"), rst(at="client"), any_icmp(at="client")],
    counted=[
        Counted("client", "Tcp.AttemptFails", exactly=given("attempts")),
        Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=given("attempts")),
    ],
    cases=[
        Case(
            "calls",
            calls=[
                socket(on="client", options={"TCP_USER_TIMEOUT": 500}),
                state(on="client").tells("UNCONN"),
                connect(on="client", to="server").fails(
                    "ETIMEDOUT", within_s=syn_timeout(user_timeout_ms=500)
                ),
                state(on="client").tells("UNCONN"),
                ss(on="client", state="SYN-SENT").returns(0),
                so_error(on="client").reports(""),
                poll(on="client").tells("POLLOUT|POLLHUP", within_s=(0.0, 0.5)),
                getpeername(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                recv(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                send(on="client", data=b"hi").fails("EPIPE", within_s=(0.0, 0.5)),
                shutdown(on="client", how="SHUT_RDWR").fails("ENOTCONN", within_s=(0.0, 0.5)),
            ],
            given={"syns": 2, "attempts": 1},
        ),
        # The option that was set for the first attempt holds for the second.
        Case(
            "again",
            calls=[
                connect(on="client", to="server", options={"TCP_USER_TIMEOUT": 500}).fails(
                    "ETIMEDOUT", within_s=syn_timeout(user_timeout_ms=500)
                ),
                connect(on="client", to="server").fails(
                    "ETIMEDOUT", within_s=syn_timeout(user_timeout_ms=500)
                ),
            ],
            given={"syns": 4, "attempts": 2},
        ),
        # The first SYN is answered 1.5 s later, by a program on the router.
        Case(
            "late_answer",
            fault=[
                drop(on="router", to="server"),
                answer(to="server", by=[segment("SYN,ACK")], times=1, delay_s=1.5),
            ],
            calls=[
                connect(on="client", to="server", options={"TCP_USER_TIMEOUT": 500}).fails(
                    "ETIMEDOUT", within_s=syn_timeout(user_timeout_ms=500)
                ),
                # A pipe that nobody writes to: wait until the answer has come.
                pipe(on="client", socket="wait"),
                poll(on="client", events="POLLIN", timeout_s=1.0, socket="wait").returns(0),
                state(on="client").tells("UNCONN"),
            ],
            seen=[
                syn(at="client", count=2),
                syn_ack(at="client", count=1),
                rst(at="client", sender="client", count=1),
                rst(at="server", sender="client", count=1),
            ],
            absent=[syn(at="server"), any_icmp(at="client")],
            counted=[
                Counted("client", "Tcp.OutRsts", exactly=1),
                Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
            ],
        ),
    ],
    look=(
        "`strace` shows the connect() that ended with ETIMEDOUT before an EPIPE or ENOTCONN. A "
        "capture at the caller that shows a SYN-ACK after the last SYN, and the caller's own RST "
        "behind it (`nstat TcpOutRsts`), tells a slow path from a silent one: the program's "
        "patience is shorter than the way is long."
    ),
    source=(
        "connect(2) NOTES; tcp(7) TCP_USER_TIMEOUT; RFC 9293 3.10.7.1; send(2) EPIPE; Linux "
        "net/ipv4/tcp_timer.c, tcp_write_err(); net/ipv4/af_inet.c, __inet_stream_connect(); "
        "net/ipv4/tcp.c, tcp_disconnect(); net/ipv4/tcp_ipv4.c, tcp_v4_send_reset()"
    ),
)
