"""A blocking connect() says EINPROGRESS when the socket's send time-out runs out.

SO_SNDTIMEO bounds the call, not the connection: the handshake goes on. Another
connect() on the socket waits as long again and says EALREADY, and send() EAGAIN. Once
the handshake has ended, the next connect() tells how: 0 or ETIMEDOUT. If SO_ERROR was
read before, the errno is gone and connect() says ECONNABORTED.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    connect,
    drop,
    exchange,
    poll,
    send,
    setsockopt,
    so_error,
    state,
    syn,
    syn_ack,
    syn_retransmissions,
    syn_schedule,
)

SCENARIO = Scenario(
    cause="caller",
    control=[
        connect(on="client", to="server", options={"SO_SNDTIMEO": 0.3}),
        exchange(on="client", data=b"hi").gives(b"abc"),
    ],
    cases=[
        Case(
            "unanswered",
            fault=drop(on="router", to="server"),
            calls=[
                # The timer is never early; 0.2 s are for a busy machine.
                connect(
                    on="client",
                    to="server",
                    options={"SO_SNDTIMEO": 0.3, "TCP_USER_TIMEOUT": 2500},
                ).fails("EINPROGRESS", within_s=(0.3, 0.6)),
                state(on="client").tells("SYN-SENT"),
                connect(on="client", to="server").fails("EALREADY", within_s=(0.3, 0.6)),
                send(on="client", data=b"hi").fails("EAGAIN", within_s=(0.3, 0.6)),
                # 0 is: no time-out. This one waits until the kernel gives up, 2.5 s after
                # the first call began (and 0.3 s late at most), of which the calls before
                # took 0.9 s or more.
                setsockopt(on="client", option="SO_SNDTIMEO", value=0),
                connect(on="client", to="server").fails("ETIMEDOUT", within_s=(0.2, 1.9)),
                state(on="client").tells("UNCONN"),
            ],
            seen=[syn(at="client", schedule=syn_schedule(user_timeout_ms=2500))],
            absent=[syn(at="server")],
            counted=[
                Counted(
                    "client",
                    "TcpExt.TCPSynRetrans",
                    exactly=syn_retransmissions(user_timeout_ms=2500),
                ),
                Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
            ],
        ),
        Case(
            "error_was_read",
            fault=drop(on="router", to="server"),
            calls=[
                connect(
                    on="client",
                    to="server",
                    options={"SO_SNDTIMEO": 0.3, "TCP_USER_TIMEOUT": 1500},
                ).fails("EINPROGRESS", within_s=(0.3, 0.6)),
                poll(on="client").returns(1, within_s=(0.5, 1.5)),
                so_error(on="client").reports("ETIMEDOUT"),
                connect(on="client", to="server").fails("ECONNABORTED", within_s=(0.0, 0.5)),
            ],
            seen=[syn(at="client", schedule=syn_schedule(user_timeout_ms=1500))],
            absent=[syn(at="server")],
            counted=[Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1)],
        ),
        # The second SYN, a second after the first, gets through while nobody waits.
        Case(
            "answered_later",
            claims={"C67": "wrong"},
            fault=drop(on="router", to="server", times=1),
            calls=[
                connect(on="client", to="server", options={"SO_SNDTIMEO": 0.3}).fails(
                    "EINPROGRESS", within_s=(0.3, 0.6)
                ),
                poll(on="client").tells("POLLOUT", within_s=(0.3, 1.0)),
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                connect(on="client", to="server").fails("EISCONN", within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            seen=[
                syn(at="client", schedule=(0.0, 1.0)),
                syn(at="server", count=1),
                syn_ack(at="client", count=1),
            ],
            counted=[
                Counted("client", "TcpExt.TCPSynRetrans", exactly=1),
                Counted("client", "Tcp.AttemptFails", exactly=0),
            ],
        ),
    ],
    look=(
        "`strace -T -e trace=setsockopt,connect` shows SO_SNDTIMEO, and a connect() that took "
        "just as long; no O_NONBLOCK in `fcntl` or `socket`. `ss -tn state syn-sent` shows that "
        "the attempt goes on behind the program's back."
    ),
    source=(
        "socket(7) SO_SNDTIMEO; connect(2) EINPROGRESS, EALREADY; Linux net/ipv4/af_inet.c, "
        "__inet_stream_connect(), inet_wait_for_connect()"
    ),
)
