"""Nobody answers a non-blocking connect(), and the kernel stops in its own time.

The socket stays in SYN-SENT, neither readable nor writable, for as long as a blocking
call would wait. When the kernel gives up, poll says POLLOUT, POLLERR and POLLHUP, and
SO_ERROR tells ETIMEDOUT, once.

A program that waits with a time-out of its own learns something else: that poll returned
0. That is no errno, and SO_ERROR, asked then, says 0. The SYNs go on until the socket is
closed.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_icmp,
    close,
    connect,
    drop,
    epoll,
    exchange,
    getpeername,
    given,
    pipe,
    poll,
    select,
    so_error,
    ss,
    state,
    syn,
)

SCENARIO = Scenario(
    cause="caller",
    fault=drop(on="router", to="server"),
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    # TCP_USER_TIMEOUT makes it short: two SYNs a second apart, and then the error.
    seen=[syn(at="client", count=given("syns")), syn(at="router", count=given("syns"))],
    absent=[syn(at="server"), any_icmp(at="client")],
    counted=[
        Counted("client", "Tcp.AttemptFails", exactly=given("attempts")),
        Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=given("attempts")),
    ],
    cases=[
        Case(
            "one_attempt",
            claims={"C68": "wrong", "C69": "true", "C78": "true", "C79": "wrong"},
            calls=[
                connect(
                    on="client", to="server", blocking=False, options={"TCP_USER_TIMEOUT": 500}
                ).fails("EINPROGRESS", within_s=(0.0, 0.5)),
                state(on="client").tells("SYN-SENT"),
                ss(on="client", state="SYN-SENT").tells("SYN-SENT 0/1"),
                # A second from the first SYN, of which the calls before took some.
                poll(on="client").returns(1, within_s=(0.5, 1.3)),
                # Kernels without tcp_done_with_error() may wake the first one before they
                # close the socket, and it sees POLLERR alone.
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP", within_s=(0.0, 0.5)),
                epoll(on="client").tells("EPOLLOUT|EPOLLERR|EPOLLHUP", within_s=(0.0, 0.5)),
                select(on="client").tells("readable|writable", within_s=(0.0, 0.5)),
                state(on="client").tells("UNCONN"),
                ss(on="client", state="SYN-SENT").returns(0),
                so_error(on="client").reports("ETIMEDOUT"),
                so_error(on="client").reports(""),
                # As a socket that was never connected.
                poll(on="client").tells("POLLOUT|POLLHUP", within_s=(0.0, 0.5)),
            ],
            given={"syns": 2, "attempts": 1},
        ),
        # The errno is told once; the connect() after it begins anew.
        Case(
            "connect_again",
            claims={"C68": "wrong", "C69": "true", "C79": "wrong"},
            calls=[
                connect(
                    on="client", to="server", blocking=False, options={"TCP_USER_TIMEOUT": 500}
                ).fails("EINPROGRESS"),
                poll(on="client").returns(1, within_s=(0.5, 1.3)),
                connect(on="client", to="server", blocking=False).fails(
                    "ETIMEDOUT", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="server", blocking=False).fails(
                    "EINPROGRESS", within_s=(0.0, 0.5)
                ),
                poll(on="client").returns(1, within_s=(0.5, 1.3)),
                connect(on="client", to="server", blocking=False).fails("ETIMEDOUT"),
            ],
            given={"syns": 4, "attempts": 2},
        ),
        # The program gives up before the kernel does. What ends the SYNs is close().
        Case(
            "own_patience",
            claims={"C78": "true"},
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client", timeout_s=0.3).returns(0, within_s=(0.3, 0.7)),
                so_error(on="client").reports(""),
                getpeername(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                state(on="client").tells("SYN-SENT"),
                close(on="client"),
                ss(on="client", state="SYN-SENT").returns(0),
                # A pipe that nobody writes to: wait past the time of the second SYN.
                pipe(on="client", socket="wait"),
                poll(on="client", events="POLLIN", timeout_s=1.2, socket="wait").returns(0),
            ],
            seen=[syn(at="client", count=1), syn(at="router", count=1)],
            absent=[syn(at="server"), any_icmp(at="client")],
            counted=[
                Counted("client", "TcpExt.TCPSynRetrans", exactly=0),
                Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=0),
            ],
        ),
    ],
    look=(
        "`ss -tno state syn-sent` shows the attempt with its timer and the number of "
        "retransmissions. No errno, but a poll() that returned 0 (`strace`), is the program's "
        "own time-out. Where the SYNs get lost is looked for as in `timeout`."
    ),
    source=(
        "connect(2) EINPROGRESS; socket(7) SO_ERROR; tcp(7) TCP_SYNCNT, TCP_USER_TIMEOUT; "
        "Linux net/ipv4/tcp_timer.c, tcp_write_timeout(), tcp_write_err(); net/ipv4/tcp.c, "
        "tcp_poll(); net/ipv4/af_inet.c, __inet_stream_connect()"
    ),
)
