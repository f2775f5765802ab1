"""The caller itself has shut down half of its connection.

After shutdown(2) with SHUT_WR, send(2) fails with EPIPE, with the signal SIGPIPE unless
MSG_NOSIGNAL is given, and nothing leaves: the peer is well, and its reply is still read.

After SHUT_RD, recv(2) gives 0 where it would have waited. No packet says so to the peer,
who goes on; Linux takes its data, acknowledges it, and recv(2) gives it. POSIX and
shutdown(2) have it that nothing more can be received.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    data,
    fin,
    listen,
    recv,
    rst,
    send,
    shutdown,
    state,
)

SCENARIO = Scenario(
    cause="local",
    before=[
        bind(on="server", to="server", port=17212, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17212),
        accept(on="server"),
    ],
    counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
    cases=[
        Case(
            "writing",
            claims={"C90": "wrong", "C110": "wrong"},
            calls=[
                shutdown(on="client", how="SHUT_WR"),
                send(on="client", data=b"more").fails("EPIPE", within_s=(0.0, 0.5)),
                send(on="client", data=b"more", sigpipe=True).fails("EPIPE", signal="SIGPIPE"),
                recv(on="server", socket="c").returns(0, within_s=(0.0, 0.5)),
                send(on="server", data=b"reply", socket="c").returns(5),
                recv(on="client").gives(b"reply", within_s=(0.0, 0.5)),
                state(on="client").tells("FIN-WAIT-2"),
            ],
            seen=[
                fin(at="server", sender="client", count=1),
                data(at="client", sender="server", count=1),
            ],
            absent=[data(at="client", sender="client"), rst(at="client")],
        ),
        Case(
            "reading",
            calls=[
                shutdown(on="client", how="SHUT_RD"),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                send(on="server", data=b"reply", socket="c").returns(5),
                recv(on="client").gives(b"reply", within_s=(0.0, 0.5)),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                send(on="client", data=b"more").returns(4),
                recv(on="server", socket="c").gives(b"more", within_s=(0.0, 0.5)),
                state(on="client").tells("ESTAB"),
            ],
            seen=[
                data(at="client", sender="server", count=1),
                data(at="server", sender="client", count=1),
            ],
            absent=[fin(at="client"), rst(at="client")],
        ),
    ],
    look=(
        "`strace -e trace=shutdown,sendto,recvfrom` shows the shutdown(2) before it, and `ss -tn` "
        "FIN-WAIT-2 here: an EPIPE with no RST in the capture was made by this program."
    ),
    source=(
        "RFC 9293 3.6; shutdown(2), send(2) EPIPE, signal(7); Linux net/ipv4/tcp.c "
        "tcp_sendmsg_locked(), tcp_recvmsg_locked(), net/core/stream.c sk_stream_error()"
    ),
)
