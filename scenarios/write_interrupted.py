"""A signal comes while write(2) waits for room: EINTR, or a count.

A blocking write returns when the kernel has taken all. While the peer does not read, the
buffers of both ends are full and it waits. A signal that has a handler ends that: if nothing
of this write was taken, it returns -1 with EINTR; if a part was, it returns how much, and
nothing says that a signal came. So the same program sees the one or the other, as the buffers
were.

In both cases the connection is well: when the peer reads, the rest can be sent, and the
stream has no gap. With SA_RESTART a write that took nothing begins again by itself. A part is
returned all the same, for to begin again would be to send it twice. And as with read(2), a
socket with SO_SNDTIMEO gets EINTR whatever the handler says.
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
    send_rest,
    setsockopt,
    shutdown,
    state,
    write,
)

SCENARIO = Scenario(
    cause="caller",
    before=[
        bind(
            on="server",
            to="server",
            port=17430,
            options={"SO_REUSEADDR": 1, "SO_RCVBUF": 8192},
        ),
        listen(on="server"),
        connect(on="client", to="server", port=17430, options={"SO_SNDBUF": 8192}),
        accept(on="server"),
    ],
    seen=[data(at="server", sender="client")],
    absent=[rst(at="client"), data(at="client", sender="server")],
    counted=[
        Counted("client", "Tcp.EstabResets", exactly=0),
        # The server told the client that it takes no more.
        Counted("server", "TcpExt.TCPToZeroWindowAdv", at_least=1),
    ],
    # A signal is meant to come 0.2 s into the call; a busy machine delivers it late, never
    # early but by the time from the timer's start to the call.
    cases=[
        Case(
            "nothing_written",
            claims={"C89": "true"},
            calls=[
                fill(on="client"),
                # What is on its way arrives, and makes room once more.
                poll(on="client", events="POLLPRI", timeout_s=0.3).returns(0),
                fill(on="client"),
                write(on="client", data=b"x" * 100_000)
                .interrupted(after_s=0.2)
                .fails("EINTR", within_s=(0.1, 1.5), signal="SIGALRM"),
                state(on="client").tells("ESTAB"),
            ],
        ),
        Case(
            # A million bytes do not fit: a part is taken, then it waits.
            "some_written",
            calls=[
                write(on="client", data=b"abcdefg" * 200_000)
                .interrupted(after_s=0.2)
                .returns_between(1, 1_399_999, within_s=(0.1, 1.5), signal="SIGALRM"),
                # The peer reads now, and the rest goes the same way.
                exchange(on="server", socket="c", data=b"")
                .gives(b"abcdefg" * 200_000)
                .in_background(),
                send_rest(on="client").returns_between(1, 1_399_999),
                shutdown(on="client", how="SHUT_WR"),
            ],
        ),
        Case(
            # With SA_RESTART it is a part as well.
            "some_written_restart",
            calls=[
                write(on="client", data=b"abcdefg" * 200_000)
                .interrupted(after_s=0.2, restart=True)
                .returns_between(1, 1_399_999, within_s=(0.1, 1.5), signal="SIGALRM"),
            ],
        ),
        Case(
            # The server reads 0.5 s later, and write() has slept through the signal.
            "restart",
            calls=[
                fill(on="client"),
                poll(on="client", events="POLLPRI", timeout_s=0.3).returns(0),
                fill(on="client"),
                write(on="client", data=b"x" * 1000)
                .interrupted(after_s=0.2, restart=True)
                .returns(1000, within_s=(0.4, 3.0), signal="SIGALRM")
                .in_background(),
                poll(on="server", socket="c", events="POLLPRI", timeout_s=0.5).returns(0),
                exchange(on="server", socket="c", data=b"").in_background(),
                shutdown(on="client", how="SHUT_WR"),
            ],
        ),
        Case(
            "restart_with_time_limit",
            claims={"C89": "true"},
            calls=[
                fill(on="client"),
                poll(on="client", events="POLLPRI", timeout_s=0.3).returns(0),
                fill(on="client"),
                setsockopt(on="client", option="SO_SNDTIMEO", value=5.0),
                write(on="client", data=b"x" * 1000)
                .interrupted(after_s=0.2, restart=True)
                .fails("EINTR", within_s=(0.1, 1.5), signal="SIGALRM"),
            ],
        ),
        Case(
            # Who does not wait is not interrupted.
            "non_blocking",
            calls=[
                fcntl(on="client", blocking=False),
                write(on="client", data=b"x" * 1_000_000)
                .interrupted(after_s=2.0)
                .returns_between(1, 999_999, signal="none"),
                poll(on="client", events="POLLPRI", timeout_s=0.3).returns(0),
            ],
        ),
    ],
    look=(
        "`strace -e trace=write,sendto -e signal=all -p PID` shows the call, the signal and what "
        "was returned; a count that is less than asked for beside a signal is this. `ss -tn` shows "
        "the Send-Q that it waited for, and the peer's Recv-Q."
    ),
    source=(
        "signal(7); write(2), send(2) EINTR; POSIX write(); Linux net/ipv4/tcp.c "
        "tcp_sendmsg_locked(), net/core/stream.c sk_stream_wait_memory()"
    ),
)
