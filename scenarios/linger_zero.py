"""The peer closes its socket with SO_LINGER set to 0 seconds.

close(2) then aborts the connection: a RST and no FIN, and what was not sent yet is thrown
away. Some programs do it to have no TIME-WAIT. The caller cannot tell an end from a
failure: recv(2) fails with ECONNRESET, where it would have given 0 after a FIN.

What came before the RST can be read first. In the second case the caller's receive buffer
is full and most of the data still waits at the peer: recv(2) gives a part, and then
ECONNRESET.
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
    fill,
    fin,
    listen,
    recv,
    rst,
    setsockopt,
)

SCENARIO = Scenario(
    cause="peer",
    counted=[
        Counted("server", "TcpExt.TCPAbortOnData", at_least=1),
        Counted("client", "Tcp.EstabResets", exactly=1),
    ],
    cases=[
        Case(
            "idle",
            claims={"C86": "wrong", "C91": "wrong", "C110": "wrong"},
            before=[
                bind(on="server", to="server", port=17205, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17205),
                accept(on="server"),
            ],
            calls=[
                setsockopt(on="server", option="SO_LINGER", value=0, socket="c"),
                close(on="server", socket="c"),
                recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
                recv(on="client").returns(0),
            ],
            seen=[
                rst(at="server", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            absent=[fin(at="client", sender="server")],
        ),
        Case(
            "unsent",
            claims={"C6": "wrong", "C86": "wrong"},
            before=[
                bind(on="server", to="server", port=17205, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17205, options={"SO_RCVBUF": 4096}),
                accept(on="server"),
                fill(on="server", socket="c"),
            ],
            calls=[
                setsockopt(on="server", option="SO_LINGER", value=0, socket="c"),
                close(on="server", socket="c"),
                recv(on="client", size=1000000),
                recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
            ],
            seen=[
                data(at="client", sender="server"),
                rst(at="server", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            absent=[fin(at="client", sender="server")],
        ),
    ],
    look=(
        "On the peer `nstat TcpExtTCPAbortOnData` grows and `strace` shows SO_LINGER with l_linger "
        "0. A capture shows a RST with ACK where a FIN is due, and no data of ours before it: "
        "unread data (TcpExtTCPAbortOnClose) looks the same otherwise."
    ),
    source=(
        "RFC 9293 3.10.5; RFC 1122 4.2.2.13; socket(7) SO_LINGER; Linux net/ipv4/tcp.c "
        "__tcp_close(), tcp_disconnect()"
    ),
)
