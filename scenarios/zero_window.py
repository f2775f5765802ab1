"""The peer does not read, and its window closes.

Its receive buffer is full, so it advertises a window of 0. The caller's send buffer fills
in turn, and then send(2) waits: for ever, or until SO_SNDTIMEO, or not at all when it is
non-blocking, and the last two tell EAGAIN. The connection is well: the kernel asks with
window probes, which the peer acknowledges, and goes on as soon as the peer reads.

TCP waits for a closed window as long as probes are answered (RFC 9293 3.8.6.1). Only
TCP_USER_TIMEOUT ends it, counted from the first probe: ETIMEDOUT with a peer that lives.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    ack,
    bind,
    connect,
    data,
    fcntl,
    fill,
    listen,
    poll,
    recv,
    rst,
    send,
)

SCENARIO = Scenario(
    cause="peer",
    before=[
        bind(
            on="server",
            to="server",
            port=17208,
            options={"SO_REUSEADDR": 1, "SO_RCVBUF": 4096},
        ),
        listen(on="server"),
        connect(
            on="client",
            to="server",
            port=17208,
            options={"SO_SNDBUF": 8192, "SO_SNDTIMEO": 0.6},
        ),
        accept(on="server"),
    ],
    seen=[
        data(at="server", sender="client"),
        ack(at="client", sender="server", window=0),
    ],
    absent=[rst(at="client")],
    cases=[
        Case(
            "send_timeout",
            claims={"C88": "true"},
            calls=[
                fill(on="client"),
                # Acknowledgments come, and make room once more.
                poll(on="client", events="POLLPRI", timeout_s=0.5).returns(0),
                fill(on="client"),
                # Ticks may make it a little shorter.
                send(on="client", data=b"more").fails("EAGAIN", within_s=(0.59, 1.1)),
            ],
            counted=[
                Counted("client", "TcpExt.TCPWinProbe", at_least=1),
                Counted("server", "TcpExt.TCPToZeroWindowAdv", at_least=1),
            ],
        ),
        Case(
            "non_blocking",
            claims={"C88": "true"},
            calls=[
                fill(on="client"),
                poll(on="client", events="POLLPRI", timeout_s=0.5).returns(0),
                fill(on="client"),
                fcntl(on="client", blocking=False),
                send(on="client", data=b"more").fails("EAGAIN", within_s=(0.0, 0.5)),
                poll(on="client", events="POLLOUT", timeout_s=0.2).returns(0),
                # The peer reads, and all is well again.
                recv(on="server", socket="c", size=1000000),
                recv(on="server", socket="c", size=1000000),
                recv(on="server", socket="c", size=1000000),
                poll(on="client", events="POLLOUT", timeout_s=5.0).tells("POLLOUT"),
            ],
            counted=[
                Counted("server", "TcpExt.TCPToZeroWindowAdv", at_least=1),
                Counted("server", "TcpExt.TCPFromZeroWindowAdv", at_least=1),
            ],
        ),
        Case(
            "user_timeout",
            before=[
                bind(
                    on="server",
                    to="server",
                    port=17208,
                    options={"SO_REUSEADDR": 1, "SO_RCVBUF": 4096},
                ),
                listen(on="server"),
                connect(
                    on="client",
                    to="server",
                    port=17208,
                    options={"SO_SNDBUF": 8192, "TCP_USER_TIMEOUT": 1500},
                ),
                accept(on="server"),
            ],
            calls=[
                fill(on="client"),
                poll(on="client", events="POLLPRI", timeout_s=0.5).returns(0),
                fill(on="client"),
                # 1.5 s after the first probe, which leaves 0.2 s after the window has closed, or
                # later: so at most 0.3 s before send().
                send(on="client", data=b"more").fails("ETIMEDOUT", within_s=(0.5, 2.0)),
                send(on="client", data=b"more").fails("EPIPE", within_s=(0.0, 0.5)),
            ],
            counted=[
                Counted("client", "TcpExt.TCPWinProbe", at_least=2),
                Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
                Counted("server", "TcpExt.TCPToZeroWindowAdv", at_least=1),
            ],
        ),
    ],
    look=(
        "`ss -tno` here shows Send-Q full and `timer:(persist,…)`; on the peer Recv-Q is full: its "
        "program does not read. A capture shows `win 0` from the peer; `nstat "
        "TcpExtTCPToZeroWindowAdv` grows there, TcpExtTCPWinProbe here."
    ),
    source=(
        "RFC 9293 3.8.6.1; RFC 1122 4.2.2.17; socket(7) SO_SNDTIMEO, tcp(7) TCP_USER_TIMEOUT; "
        "Linux net/ipv4/tcp_timer.c tcp_probe_timer(), net/core/stream.c sk_stream_wait_memory()"
    ),
)
