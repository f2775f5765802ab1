"""write(2) takes a part of what it is given, and that is no error.

A count that is less than asked for says that the kernel's buffer has no more room. Nothing is
wrong with the connection, and the rest is the caller's: it is sent when there is room, which
poll(2) tells, and the peer gets one stream without a gap. Whoever sends all again sends the
part twice, for it is on its way. Here, with buffers of 8 KiB, a write of 1400000 bytes took
13032.

A blocking write returns a part only if a signal or SO_SNDTIMEO ends it; else it waits until
all is taken. With O_NONBLOCK any write may be one. The call that finds no room at all says
EAGAIN, so a part is never 0.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    data,
    exchange,
    fcntl,
    fill,
    listen,
    poll,
    rst,
    send,
    send_rest,
    setsockopt,
    shutdown,
    state,
    write,
)

SCENARIO = Scenario(
    cause="nothing",
    before=[
        bind(
            on="server",
            to="server",
            port=17440,
            options={"SO_REUSEADDR": 1, "SO_RCVBUF": 8192},
        ),
        listen(on="server"),
        connect(on="client", to="server", port=17440, options={"SO_SNDBUF": 8192}),
        accept(on="server"),
    ],
    seen=[data(at="server", sender="client")],
    absent=[rst(at="client"), data(at="client", sender="server")],
    counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
    cases=[
        Case(
            # 1.4 MB through buffers of some kilobytes: it waits until the peer has read.
            "all",
            claims={"C87": "true", "C88": "true"},
            calls=[
                exchange(on="server", socket="c", data=b"")
                .gives(b"abcdefg" * 200_000)
                .in_background(),
                write(on="client", data=b"abcdefg" * 200_000).returns(1_400_000),
                shutdown(on="client", how="SHUT_WR"),
            ],
        ),
        Case(
            "part",
            claims={"C87": "true", "C88": "true"},
            calls=[
                fcntl(on="client", blocking=False),
                write(on="client", data=b"abcdefg" * 200_000).returns_between(1, 1_399_999),
                # What is on its way arrives, and makes room once more.
                poll(on="client", events="POLLPRI", timeout_s=0.3).returns(0),
                fill(on="client"),
                write(on="client", data=b"x").fails("EAGAIN"),
                state(on="client").tells("ESTAB"),
            ],
        ),
        Case(
            "rest_is_sent",
            claims={"C88": "true", "C100": "wrong"},
            calls=[
                send(on="client", data=b"abcdefg" * 200_000, flags="MSG_DONTWAIT").returns_between(
                    1, 1_399_999
                ),
                exchange(on="server", socket="c", data=b"")
                .gives(b"abcdefg" * 200_000)
                .in_background(),
                poll(on="client", events="POLLOUT", timeout_s=2.0).tells("POLLOUT"),
                send_rest(on="client").returns_between(1, 1_399_999),
                shutdown(on="client", how="SHUT_WR"),
            ],
        ),
        Case(
            # Taken for an error, and done again: the peer gets the part, and then all of it.
            "all_again",
            claims={"C100": "wrong"},
            calls=[
                send(on="client", data=b"abcdefg" * 200_000, flags="MSG_DONTWAIT").returns_between(
                    1, 1_399_999
                ),
                exchange(on="server", socket="c", data=b"")
                .returns_between(1_400_001, 2_799_999)
                .in_background(),
                send(on="client", data=b"abcdefg" * 200_000).returns(1_400_000),
                shutdown(on="client", how="SHUT_WR"),
            ],
        ),
        Case(
            # The time is counted in ticks, and may end one early.
            "time_limit",
            claims={"C88": "true", "C100": "wrong"},
            calls=[
                setsockopt(on="client", option="SO_SNDTIMEO", value=0.3),
                write(on="client", data=b"abcdefg" * 200_000).returns_between(
                    1, 1_399_999, within_s=(0.28, 1.5)
                ),
                # The last segment may have room for a few bytes more.
                fill(on="client"),
                write(on="client", data=b"x").fails("EAGAIN", within_s=(0.28, 1.5)),
                setsockopt(on="client", option="SO_SNDTIMEO", value=0.0),
                exchange(on="server", socket="c", data=b"").in_background(),
                send(on="client", data=b"the connection lives").returns(20),
                shutdown(on="client", how="SHUT_WR"),
            ],
        ),
    ],
    look=(
        "`strace -e trace=write,sendto -p PID` shows the size asked for and the count returned; a "
        "part is `= 65536` of 1400000, say, and the next call must begin behind it. A file that "
        "arrives too long, with a stretch of it twice, or too short, was sent by a program that "
        "does not look."
    ),
    source=(
        "write(2), send(2); POSIX write(); socket(7) SO_SNDTIMEO; Linux net/ipv4/tcp.c "
        "tcp_sendmsg_locked(), net/core/stream.c sk_stream_wait_memory()"
    ),
)
