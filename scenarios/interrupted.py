"""A signal ends a blocking connect() with EINTR, but not the attempt behind it.

The socket stays in SYN-SENT and the kernel goes on: EINTR says nothing about the
connection. Whoever closes the socket now throws away an attempt that may succeed. POSIX
says to wait with poll and to read SO_ERROR. On Linux a second blocking connect() does as
well: it waits for the attempt under way, and sends no SYN of its own. A non-blocking one
says EALREADY.

With SA_RESTART the program notices nothing: the kernel calls connect() again by itself.
Only a socket with SO_SNDTIMEO gets EINTR even then.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    connect,
    drop,
    exchange,
    given,
    poll,
    reject,
    rst,
    so_error,
    state,
    syn,
)

SCENARIO = Scenario(
    cause="caller",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    # One attempt in all, however often connect() was called: the second SYN is the first
    # one again.
    seen=[syn(at="client", schedule=(0.0, 1.0)), syn(at="server", count=given("arrive"))],
    absent=[rst(at="server")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=1),
        Counted("client", "TcpExt.TCPSynRetrans", exactly=1),
        Counted("client", "Tcp.AttemptFails", exactly=given("failed")),
    ],
    cases=[
        # The first SYN is lost; the second gets through, 1 s after it. The signal's timer
        # starts right before the call, so that the call takes a little less.
        Case(
            "late_success",
            claims={"C67": "wrong"},
            fault=drop(on="router", to="server", times=1),
            calls=[
                connect(on="client", to="server", interrupted_after_s=0.2).fails(
                    "EINTR", within_s=(0.1, 0.7), signal="SIGALRM"
                ),
                state(on="client").tells("SYN-SENT"),
                poll(on="client").tells("POLLOUT", within_s=(0.1, 1.1)),
                so_error(on="client").reports(""),
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                connect(on="client", to="server").fails("EISCONN", within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            given={"arrive": 1, "failed": 0},
        ),
        # The loop `while (connect(…) == -1 && errno == EINTR)`, and two signals.
        Case(
            "called_again",
            claims={"C67": "wrong"},
            fault=drop(on="router", to="server", times=1),
            calls=[
                connect(on="client", to="server", interrupted_after_s=0.2).fails(
                    "EINTR", within_s=(0.1, 0.7), signal="SIGALRM"
                ),
                connect(on="client", to="server", interrupted_after_s=0.2).fails(
                    "EINTR", within_s=(0.1, 0.7), signal="SIGALRM"
                ),
                connect(on="client", to="server").returns(0, within_s=(0.1, 0.9)),
                connect(on="client", to="server").fails("EISCONN", within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            given={"arrive": 1, "failed": 0},
        ),
        Case(
            "no_answer",
            fault=drop(on="router", to="server"),
            calls=[
                connect(
                    on="client",
                    to="server",
                    interrupted_after_s=0.2,
                    options={"TCP_USER_TIMEOUT": 500},
                ).fails("EINTR", within_s=(0.1, 0.7), signal="SIGALRM"),
                state(on="client").tells("SYN-SENT"),
                connect(on="client", to="server", blocking=False).fails(
                    "EALREADY", within_s=(0.0, 0.5)
                ),
                poll(on="client").returns(1, within_s=(0.1, 1.1)),
                so_error(on="client").reports("ETIMEDOUT"),
                so_error(on="client").reports(""),
                state(on="client").tells("UNCONN"),
            ],
            given={"arrive": 0, "failed": 1},
        ),
        # The errno of an attempt that fails later is kept for the next call.
        Case(
            "refused_later",
            fault=[
                reject(on="router", to="server", reply="tcp-reset"),
                drop(on="router", to="server", times=1),
            ],
            calls=[
                connect(on="client", to="server", interrupted_after_s=0.2).fails(
                    "EINTR", within_s=(0.1, 0.7), signal="SIGALRM"
                ),
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.1, 1.1)),
            ],
            given={"arrive": 0, "failed": 1},
        ),
        Case(
            "restarted",
            fault=drop(on="router", to="server", times=1),
            calls=[
                connect(on="client", to="server", interrupted_after_s=0.2, restart=True).returns(
                    0, within_s=(0.9, 1.3), signal="SIGALRM"
                ),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            given={"arrive": 1, "failed": 0},
        ),
        Case(
            "restart_with_time_limit",
            claims={"C67": "wrong"},
            fault=drop(on="router", to="server", times=1),
            calls=[
                connect(
                    on="client",
                    to="server",
                    interrupted_after_s=0.2,
                    restart=True,
                    options={"SO_SNDTIMEO": 5.0},
                ).fails("EINTR", within_s=(0.1, 0.7), signal="SIGALRM"),
                connect(on="client", to="server").returns(0, within_s=(0.1, 1.1)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            given={"arrive": 1, "failed": 0},
        ),
    ],
    look=(
        "`strace -e trace=connect,poll,getsockopt -e signal=all` shows the signal beside the "
        "call: `= ? ERESTARTSYS` or `= -1 EINTR`, and whether the program then closes the "
        "socket. `ss -tn state syn-sent` shows the attempt that goes on."
    ),
    source=(
        "POSIX connect() EINTR, EALREADY; signal(7) on SA_RESTART and SO_SNDTIMEO; connect(2) "
        "EINTR; Linux net/ipv4/af_inet.c, __inet_stream_connect(), inet_wait_for_connect(); "
        "include/net/sock.h, sock_intr_errno()"
    ),
)
