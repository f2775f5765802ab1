"""close() returns at once, unless SO_LINGER lets it wait for what is not acknowledged.

By default close() leaves the rest to the kernel: what was written is sent, again and again if
need be, and the FIN behind it, while the program goes on or has ended long since. It cannot
learn any more whether that arrived. With SO_LINGER and a number of seconds close() waits until
all is acknowledged, the FIN too, but no longer than that; and it returns 0 in either case, so it
does not tell which it was.

Here the peer does not read, so its window is closed and some data stays. The last case has a
path of 0.2 s and nothing to wait for but an ACK: close() returns with it, long before the 5 s are
over. O_NONBLOCK makes no difference on Linux. (With 0 seconds nothing is waited for at all, and
a RST goes out: linger_zero.)
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    ack,
    bind,
    close,
    connect,
    data,
    delay,
    exchange,
    fcntl,
    fill,
    fin,
    listen,
    rst,
    send,
    setsockopt,
    ss,
)

SCENARIO = Scenario(
    cause="peer",
    seen=[data(at="server", sender="client")],
    # The FIN waits behind the data, for which there is no room.
    absent=[fin(at="client"), rst(at="client")],
    counted=[
        Counted("client", "Tcp.EstabResets", exactly=0),
        Counted("client", "TcpExt.TCPAbortOnData", exactly=0),
        Counted("client", "TcpExt.TCPAbortOnLinger", exactly=0),
    ],
    cases=[
        Case(
            "default",
            before=[
                bind(
                    on="server",
                    to="server",
                    port=17360,
                    options={"SO_REUSEADDR": 1, "SO_RCVBUF": 4096},
                ),
                listen(on="server"),
                connect(on="client", to="server", port=17360),
                accept(on="server"),
                fill(on="client"),
            ],
            calls=[
                close(on="client").returns(0, within_s=(0.0, 0.5)),
                # The kernel has the rest of it, and no program has the socket.
                ss(on="client", port=17360, state="FIN-WAIT-1").returns(1),
            ],
            claims={"C101": "true"},
        ),
        Case(
            "waits",
            before=[
                bind(
                    on="server",
                    to="server",
                    port=17361,
                    options={"SO_REUSEADDR": 1, "SO_RCVBUF": 4096},
                ),
                listen(on="server"),
                connect(on="client", to="server", port=17361),
                accept(on="server"),
                fill(on="client"),
            ],
            calls=[
                setsockopt(on="client", option="SO_LINGER", value=1),
                close(on="client").returns(0, within_s=(1.0, 1.5)),
                ss(on="client", port=17361, state="FIN-WAIT-1").returns(1),
            ],
            claims={"C101": "wrong"},
        ),
        Case(
            "waits_though_non_blocking",
            before=[
                bind(
                    on="server",
                    to="server",
                    port=17362,
                    options={"SO_REUSEADDR": 1, "SO_RCVBUF": 4096},
                ),
                listen(on="server"),
                connect(on="client", to="server", port=17362),
                accept(on="server"),
                fill(on="client"),
            ],
            calls=[
                fcntl(on="client", blocking=False),
                setsockopt(on="client", option="SO_LINGER", value=1),
                close(on="client").returns(0, within_s=(1.0, 1.5)),
                ss(on="client", port=17362, state="FIN-WAIT-1").returns(1),
            ],
            claims={"C101": "wrong"},
        ),
        Case(
            "until_acknowledged",
            control=[
                connect(on="client", to="server"),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            fault=delay(to="server", port=17363, ms=200),
            before=[
                bind(on="server", to="server", port=17363, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17363, options={"SO_LINGER": 5}),
                accept(on="server"),
            ],
            calls=[
                send(on="client", data=b"last words").returns(10),
                # 0.2 s for the way; the ACK may wait for company for 40 ms.
                close(on="client")
                .returns(0, within_s=(0.19, 1.5))
                .after(ack(at="client", sender="server", acks=12)),
            ],
            seen=[
                data(at="server", sender="client"),
                fin(at="server", sender="client"),
                ack(at="client", sender="server", acks=12),
            ],
            absent=[rst(at="client"), fin(at="client", sender="server")],
            claims={"C101": "wrong"},
        ),
    ],
    look=(
        "`strace -T -e close` shows how long close() took, and `-e setsockopt` SO_LINGER with "
        "l_linger. `ss -tano` shows FIN-WAIT-1 with Send-Q and a timer, and no process, for what "
        "the kernel still sends."
    ),
    source=(
        "socket(7) SO_LINGER; close(2); POSIX.1-2017 2.10.16; Linux net/ipv4/af_inet.c "
        "inet_release(), net/ipv4/tcp.c __tcp_close(), net/core/stream.c "
        "sk_stream_wait_close()"
    ),
)
