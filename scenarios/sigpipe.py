"""EPIPE brings a signal along, SIGPIPE, which ends a program that does not expect it.

Whoever writes into a stream that takes no more gets EPIPE, and before the call returns the
kernel sends SIGPIPE. What that does by default is to end the process without a message:
status 141 in a shell, which is 128 and 13. A server goes down with one client that left.

There are three ways around it: MSG_NOSIGNAL in each send(2), which sendmsg(2) knows too;
ignoring the signal for the whole process; a handler. The errno is the same with all of them.
write(2) has no flags, so only the last two help there.

The signal goes with EPIPE alone. A connection that a RST ended says ECONNRESET at the first
send(2) and raises none, and neither does a datagram socket.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    close,
    connect,
    data,
    fin,
    listen,
    pipe,
    poll,
    recv,
    rst,
    run,
    send,
    sendmsg,
    setsockopt,
    shutdown,
    write,
    writev,
)

SCENARIO = Scenario(
    cause="peer",
    before=[
        bind(on="server", to="server", port=17450, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17450),
        accept(on="server"),
    ],
    seen=[
        fin(at="client", sender="server", count=1),
        data(at="server", sender="client", count=1),
        # One for the data, and another if the ACK of the FIN comes behind them.
        rst(at="client", sender="server"),
    ],
    counted=[
        Counted("client", "Tcp.EstabResets", exactly=1),
        Counted("server", "Tcp.OutRsts", at_least=1),
    ],
    cases=[
        Case(
            "signal",
            calls=[
                close(on="server", socket="c"),
                recv(on="client").returns(0),
                send(on="client", data=b"one").returns(3),
                # It waits for the RST: there is no urgent data, and an error is always told.
                poll(on="client", events="POLLPRI", timeout_s=1.0).tells("POLLERR|POLLHUP"),
                send(on="client", data=b"two", sigpipe=True).fails("EPIPE", signal="SIGPIPE"),
                write(on="client", data=b"two").fails("EPIPE", signal="SIGPIPE"),
                writev(on="client", data=[b"t", b"wo"]).fails("EPIPE", signal="SIGPIPE"),
                sendmsg(on="client", data=[b"two"], sigpipe=True).fails("EPIPE", signal="SIGPIPE"),
            ],
        ),
        Case(
            "no_signal",
            calls=[
                close(on="server", socket="c"),
                recv(on="client").returns(0),
                send(on="client", data=b"one").returns(3),
                poll(on="client", events="POLLPRI", timeout_s=1.0).tells("POLLERR|POLLHUP"),
                send(on="client", data=b"two").fails("EPIPE", signal="none"),
                sendmsg(on="client", data=[b"two"]).fails("EPIPE", signal="none"),
                # It holds for that call alone.
                write(on="client", data=b"two").fails("EPIPE", signal="SIGPIPE"),
            ],
        ),
        Case(
            # SO_LINGER of 0 s: the server resets.
            "reset",
            calls=[
                setsockopt(on="server", socket="c", option="SO_LINGER", value=0),
                close(on="server", socket="c"),
                poll(on="client", events="POLLPRI", timeout_s=1.0).tells("POLLERR|POLLHUP"),
                send(on="client", data=b"one", sigpipe=True).fails("ECONNRESET", signal="none"),
                # The errno was told; from now on it is EPIPE.
                send(on="client", data=b"two", sigpipe=True).fails("EPIPE", signal="SIGPIPE"),
            ],
            seen=[rst(at="client", sender="server", count=1)],
            absent=[data(at="server", sender="client"), fin(at="client", sender="server")],
        ),
        Case(
            # Its own half is shut: no peer is needed.
            "own_shutdown",
            calls=[
                shutdown(on="client", how="SHUT_WR"),
                send(on="client", data=b"one", sigpipe=True).fails("EPIPE", signal="SIGPIPE"),
                send(on="client", data=b"one").fails("EPIPE", signal="none"),
            ],
            seen=[fin(at="server", sender="client", count=1)],
            absent=[data(at="server", sender="client"), rst(at="client")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            "datagrams",
            calls=[
                connect(on="client", to="server", port=17450, proto="udp", socket="u"),
                shutdown(on="client", how="SHUT_WR", socket="u"),
                send(on="client", socket="u", data=b"one", sigpipe=True).fails(
                    "EPIPE", signal="none"
                ),
                write(on="client", socket="u", data=b"one").fails("EPIPE", signal="none"),
            ],
            absent=[data(at="client", sender="client", proto="udp"), data(at="client")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            # A pipe without a reader, where the signal has its name from.
            "pipe",
            calls=[
                pipe(on="client", socket="out", other="in"),
                write(on="client", socket="in", data=b"one").returns(3),
                close(on="client", socket="out"),
                write(on="client", socket="in", data=b"two").fails("EPIPE", signal="SIGPIPE"),
            ],
            absent=[data(at="client"), rst(at="client")],
            counted=[Counted("client", "Tcp.OutSegs", exactly=0)],
        ),
        Case(
            # A program in which nobody has thought of it. Python has, so it is told not to.
            "program_ends",
            calls=[
                run(
                    on="client",
                    argv=[
                        "python3",
                        "-c",
                        "import signal, socket; signal.signal(signal.SIGPIPE, signal.SIG_DFL); "
                        "s = socket.create_connection(('{server}', 16555)); "
                        "s.shutdown(socket.SHUT_WR); s.send(b'hi'); print('still here')",
                    ],
                ).returns(-13),
                run(
                    on="client",
                    argv=[
                        "python3",
                        "-c",
                        "import signal, socket; signal.signal(signal.SIGPIPE, signal.SIG_IGN); "
                        "s = socket.create_connection(('{server}', 16555)); "
                        "s.shutdown(socket.SHUT_WR); s.send(b'hi'); print('still here')",
                    ],
                )
                .returns(1)
                .tells("BrokenPipeError: [Errno 32] Broken pipe"),
            ],
            seen=[fin(at="server", sender="client", count=2)],
            absent=[data(at="server", sender="client"), rst(at="client")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
        ),
    ],
    look=(
        "Status 141 in a shell, `signal=PIPE` in `systemctl status`, and no message: SIGPIPE. "
        "`strace -e signal=SIGPIPE` shows it behind the call. `SigIgn` in /proc/PID/status has bit "
        "12 (0x1000) if the program ignores it."
    ),
    source=(
        "signal(7) SIGPIPE; send(2) MSG_NOSIGNAL, EPIPE; pipe(7); Linux net/core/stream.c "
        "sk_stream_error(), net/socket.c, fs/pipe.c pipe_write()"
    ),
)
