"""ECONNRESET is told once; the next recv() gives 0, as after an orderly end.

A RST leaves its error in the socket. Whichever call comes first takes it away with it: recv(2)
or send(2) fails with ECONNRESET, or getsockopt(2) SO_ERROR has it as its value. After that
there is no error any more, only a socket that is closed: recv() gives 0 for ever, send() fails
with EPIPE. A program that asks SO_ERROR first, or looks at the result of its last recv() alone,
takes the reset for the peer's end.

Nor does the error come before the data. What had arrived before the RST is read first, on Linux;
the recv() behind it gets ECONNRESET. The peer makes the RST here by closing with SO_LINGER of
0 seconds.
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
    poll,
    recv,
    rst,
    send,
    setsockopt,
    so_error,
)

SCENARIO = Scenario(
    cause="peer",
    before=[
        bind(on="server", to="server", port=17380, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17380),
        accept(on="server"),
        setsockopt(on="server", option="SO_LINGER", value=0, socket="c"),
    ],
    seen=[
        rst(at="server", sender="server", count=1),
        rst(at="client", sender="server", count=1),
    ],
    absent=[fin(at="client"), data(at="client", sender="client")],
    counted=[
        Counted("client", "Tcp.EstabResets", exactly=1),
        Counted("client", "Tcp.OutRsts", exactly=0),
    ],
    cases=[
        Case(
            "recv",
            calls=[
                close(on="server", socket="c"),
                recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                send(on="client", data=b"more").fails("EPIPE", within_s=(0.0, 0.5)),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
            ],
            claims={"C91": "wrong"},
        ),
        Case(
            "send_takes_it",
            calls=[
                close(on="server", socket="c"),
                poll(on="client", events="POLLPRI", timeout_s=1.0).tells("POLLERR|POLLHUP"),
                send(on="client", data=b"more").fails("ECONNRESET", within_s=(0.0, 0.5)),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                send(on="client", data=b"more").fails("EPIPE", within_s=(0.0, 0.5)),
            ],
            claims={"C91": "wrong"},
        ),
        Case(
            "so_error_takes_it",
            calls=[
                close(on="server", socket="c"),
                poll(on="client", events="POLLPRI", timeout_s=1.0).tells("POLLERR|POLLHUP"),
                so_error(on="client").reports("ECONNRESET"),
                so_error(on="client").reports(""),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
            ],
            claims={"C91": "wrong"},
        ),
        Case(
            "data_first",
            calls=[
                send(on="server", socket="c", data=b"last").returns(4),
                close(on="server", socket="c"),
                # The RST has come before the first recv().
                poll(on="client", events="POLLPRI", timeout_s=1.0).tells("POLLERR|POLLHUP"),
                recv(on="client")
                .gives(b"last", within_s=(0.0, 0.5))
                .after(rst(at="client", sender="server")),
                recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
            ],
            seen=[
                data(at="client", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            absent=[fin(at="client"), data(at="client", sender="client")],
            claims={"C91": "wrong"},
        ),
    ],
    look=(
        "`strace -e trace=network` shows one ECONNRESET and zeros behind it. `nstat "
        "TcpEstabResets` grows by one for each connection, however many calls failed."
    ),
    source=(
        "RFC 9293 3.10.7.4; recv(2), socket(7) SO_ERROR; Linux net/ipv4/tcp.c "
        "tcp_recvmsg_locked(), net/ipv4/tcp_input.c tcp_reset(), include/net/sock.h sock_error()"
    ),
)
