"""The peer of a connection vanishes: nothing that it is sent arrives any more.

send(2) succeeds, for it only fills a buffer. The kernel sends the data again: first as a
tail loss probe, then each time after twice the wait (RFC 6298). Meanwhile recv(2) waits,
and tells ETIMEDOUT when the kernel gives up. That is where a timer expires and more than
(2^(tcp_retries2 + 1) - 1) x 200 ms went by since the first retransmission: 1.4 s for the
2 set here, 924.6 s for the default of 15.

TCP_USER_TIMEOUT takes the place of that number. Its clock, too, begins with the first
retransmission and not with the data, so it ends about 0.4 s later than it says.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_icmp,
    bind,
    connect,
    data,
    drop,
    exchange,
    listen,
    recv,
    send,
    sysctl,
)

SCENARIO = Scenario(
    cause="peer",
    claims={"C99": "wrong"},
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi")],
    # "one", "two", the probe, and "two" three times again.
    seen=[
        data(at="client", sender="client", count=6),
        data(at="router", sender="client", count=6),
        data(at="server", sender="client", count=1),
    ],
    absent=[any_icmp(at="client")],
    # The last of the four time-outs sends nothing: it gives up.
    counted=[
        Counted("client", "TcpExt.TCPLossProbes", exactly=1),
        Counted("client", "Tcp.RetransSegs", exactly=4),
        Counted("client", "TcpExt.TCPTimeouts", exactly=4),
        Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
    ],
    cases=[
        Case(
            "retries",
            fault=[
                sysctl(on="client", values={"net.ipv4.tcp_retries2": 2}),
                drop(on="router", to="server", port=17200, flags=""),
            ],
            before=[
                bind(on="server", to="server", port=17200, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17200),
                accept(on="server"),
                send(on="client", data=b"one").returns(3),
                recv(on="server", socket="c").gives(b"one"),
            ],
            calls=[
                send(on="client", data=b"two").returns(3),
                # R is 0.2 s and a round trip, in ticks. The probe leaves after R, the
                # retransmissions after 2R, 4R and 8R. After 16R, 14R behind the first, it
                # gives up: 3.2 s and more, but for what lies between the two calls.
                recv(on="client").fails("ETIMEDOUT", within_s=(2.5, 3.8)),
            ],
        ),
        Case(
            "user_timeout",
            fault=drop(on="router", to="server", port=17200, flags=""),
            before=[
                bind(on="server", to="server", port=17200, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17200, options={"TCP_USER_TIMEOUT": 1500}),
                accept(on="server"),
                send(on="client", data=b"one").returns(3),
                recv(on="server", socket="c").gives(b"one"),
            ],
            calls=[
                send(on="client", data=b"two").returns(3),
                # 2R, which is 0.4 s and more, and 1.5 s behind it.
                recv(on="client").fails("ETIMEDOUT", within_s=(1.55, 2.4)),
            ],
        ),
    ],
    look=(
        "`ss -tino` at the caller shows `timer:(on,…)`, `unacked` and a backoff that grows; a "
        "capture shows the same data again and again and nothing back. `nstat "
        "TcpExtTCPAbortOnTimeout` grows. If the peer is alive, look for the hop behind which "
        "the data is not seen."
    ),
    source=(
        "RFC 9293 3.8.3; RFC 6298 5; RFC 8985 7; tcp(7) tcp_retries2, TCP_USER_TIMEOUT; Linux "
        "net/ipv4/tcp_timer.c tcp_write_timeout(), retransmits_timed_out(), tcp_model_timeout()"
    ),
)
