"""The peer closes its socket while data that it was sent lies there unread.

close(2) then sends a RST and no FIN, for data was lost (RFC 2525 2.17). So does a process
that is killed with a request in its receive buffer, and a server that answers early and
does not read the rest. The caller gets ECONNRESET, once, from whichever call comes first:
recv(2), or send(2). After it recv(2) gives 0 and send(2) fails with EPIPE.

A reply that came before the RST can still be read on Linux. One that was still on its way
would be lost: a server that wants its reply read must read to the end before it closes.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    close,
    connect,
    fin,
    listen,
    recv,
    rst,
    send,
)

SCENARIO = Scenario(
    cause="peer",
    before=[
        bind(on="server", to="server", port=17204, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17204),
        accept(on="server"),
        send(on="client", data=b"request").returns(7),
    ],
    seen=[
        rst(at="server", sender="server", count=1),
        rst(at="router", sender="server", count=1),
        rst(at="client", sender="server", count=1),
    ],
    absent=[fin(at="client", sender="server")],
    counted=[
        Counted("server", "TcpExt.TCPAbortOnClose", at_least=1),
        Counted("client", "Tcp.EstabResets", exactly=1),
    ],
    cases=[
        Case(
            "receiving",
            claims={"C6": "wrong", "C86": "wrong", "C91": "wrong", "C110": "wrong"},
            calls=[
                close(on="server", socket="c"),
                recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
                recv(on="client").returns(0),
                send(on="client", data=b"more").fails("EPIPE", within_s=(0.0, 0.5)),
            ],
        ),
        Case(
            "sending",
            claims={"C6": "wrong", "C86": "wrong", "C91": "wrong"},
            calls=[
                close(on="server", socket="c"),
                send(on="client", data=b"more").fails("ECONNRESET", within_s=(0.0, 0.5)),
                send(on="client", data=b"more").fails("EPIPE", within_s=(0.0, 0.5)),
                recv(on="client").returns(0),
            ],
        ),
        Case(
            "after_a_reply",
            claims={"C6": "wrong", "C86": "wrong", "C91": "wrong"},
            calls=[
                send(on="server", data=b"reply", socket="c").returns(5),
                close(on="server", socket="c"),
                recv(on="client").gives(b"reply", within_s=(0.0, 0.5)),
                recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
            ],
        ),
    ],
    look=(
        "On the peer `nstat TcpExtTCPAbortOnClose` grows, and a capture shows a RST with ACK from "
        "it, not in answer to a segment of ours. A RST without ACK answers a segment that the "
        "peer had no connection for."
    ),
    source=(
        "RFC 9293 3.10.4; RFC 2525 2.17; RFC 1122 4.2.2.13; Linux net/ipv4/tcp.c __tcp_close(), "
        "net/ipv4/tcp_input.c tcp_reset(); recv(2), send(2)"
    ),
)
