"""A signal comes while read(2) waits: EINTR, or nothing at all.

A read that has no data yet is ended by a signal that has a handler. It returns -1 with
EINTR, the connection is as well as before, and the next read gets what comes. If data were
there, it would have returned them; so EINTR also means that nothing was read.

A handler that was set with SA_RESTART lets the kernel begin the call again: signal(3) of
glibc sets it, and a program that waits in recv(2) never sees EINTR. A socket with
SO_RCVTIMEO is the exception, for the time would begin again as well: it gets EINTR even
then. poll(2) always does.

A recv(2) that has a part of what it waits for (MSG_WAITALL) returns that part.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    data,
    listen,
    pipe,
    poll,
    read,
    recv,
    rst,
    send,
    state,
    write,
)

SCENARIO = Scenario(
    cause="caller",
    before=[
        bind(on="server", to="server", port=17420, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17420),
        accept(on="server"),
    ],
    # The signal is meant to come 0.2 s into each call; a busy machine delivers it late, never
    # early but by the time from the timer's start to the call.
    seen=[data(at="client", sender="server", count=1)],
    absent=[rst(at="client"), data(at="server", sender="client")],
    counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
    cases=[
        Case(
            "handler",
            claims={"C85": "true"},
            calls=[
                read(on="client")
                .interrupted(after_s=0.2)
                .fails("EINTR", within_s=(0.1, 1.5), signal="SIGALRM"),
                recv(on="client")
                .interrupted(after_s=0.2)
                .fails("EINTR", within_s=(0.1, 1.5), signal="SIGALRM"),
                state(on="client").tells("ESTAB"),
                send(on="server", socket="c", data=b"hello").returns(5),
                read(on="client").gives(b"hello"),
            ],
        ),
        Case(
            # The data come 0.5 s later, and read() has slept through the signal.
            "restart",
            calls=[
                read(on="client")
                .interrupted(after_s=0.2, restart=True)
                .returns(5, within_s=(0.4, 3.0), signal="SIGALRM")
                .in_background(),
                poll(on="server", socket="c", events="POLLPRI", timeout_s=0.5).returns(0),
                send(on="server", socket="c", data=b"hello").returns(5),
            ],
        ),
        Case(
            "restart_with_time_limit",
            claims={"C85": "true"},
            before=[
                bind(on="server", to="server", port=17420, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17420, options={"SO_RCVTIMEO": 5.0}),
                accept(on="server"),
            ],
            calls=[
                read(on="client")
                .interrupted(after_s=0.2, restart=True)
                .fails("EINTR", within_s=(0.1, 1.5), signal="SIGALRM"),
                send(on="server", socket="c", data=b"hello").returns(5),
                read(on="client").gives(b"hello"),
            ],
        ),
        Case(
            "part",
            calls=[
                send(on="server", socket="c", data=b"hello").returns(5),
                recv(on="client", size=10, flags="MSG_WAITALL")
                .interrupted(after_s=0.2)
                .returns(5, within_s=(0.1, 1.5), signal="SIGALRM"),
                recv(on="client", flags="MSG_DONTWAIT").fails("EAGAIN"),
            ],
        ),
        Case(
            # There are data: the call does not wait, and the signal comes to nobody.
            "data_there",
            calls=[
                send(on="server", socket="c", data=b"hello").returns(5),
                poll(on="client", events="POLLIN", timeout_s=1.0).returns(1),
                read(on="client").interrupted(after_s=2.0).returns(5, signal="none"),
            ],
        ),
        Case(
            "poll",
            calls=[
                poll(on="client", events="POLLIN", timeout_s=3.0)
                .interrupted(after_s=0.2, restart=True)
                .fails("EINTR", within_s=(0.1, 1.5), signal="SIGALRM"),
                send(on="server", socket="c", data=b"hello").returns(5),
                read(on="client").gives(b"hello"),
            ],
        ),
        Case(
            # What is no socket is ended as well.
            "pipe",
            claims={"C85": "true"},
            calls=[
                pipe(on="client", socket="out", other="in"),
                read(on="client", socket="out")
                .interrupted(after_s=0.2)
                .fails("EINTR", within_s=(0.1, 1.5), signal="SIGALRM"),
                write(on="client", socket="in", data=b"hello").returns(5),
                read(on="client", socket="out").gives(b"hello"),
            ],
            absent=[data(at="client"), rst(at="client")],
            counted=[Counted("client", "Tcp.OutSegs", exactly=0)],
        ),
    ],
    look=(
        "`strace -e trace=read,recvfrom -e signal=all -p PID` shows the signal beside the call: "
        "`= ? ERESTARTSYS (To be restarted if SA_RESTART is set)` or `= -1 EINTR`, and whether the "
        "program takes EINTR for the end of the connection. `SigCgt` in /proc/PID/status are the "
        "signals that have a handler."
    ),
    source=(
        "signal(7) on SA_RESTART and SO_RCVTIMEO; recv(2) EINTR, MSG_WAITALL; POSIX read(); Linux "
        "net/ipv4/tcp.c tcp_recvmsg_locked(), include/net/sock.h sock_intr_errno()"
    ),
)
