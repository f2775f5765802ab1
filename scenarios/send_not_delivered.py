"""send() succeeds, and nobody ever reads what was sent.

What send(2) returns is how much the kernel took into its own buffer. On its way to a program at
the other end it can still be lost. If the path is cut the kernel sends it again and again, and
the error (ETIMEDOUT) comes with a later call, or with none if the program has ended by then. If
it arrives, the peer's kernel acknowledges it; but that is a kernel too, and the program there
need not read it. Where nobody has called accept(), or the program closes with the data unread, it
is thrown away, and a RST says so.

Not even an ACK is a proof, then. Only a reply of the program at the other end is one.
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
    drop,
    exchange,
    fill,
    fin,
    listen,
    poll,
    recv,
    rst,
    send,
    ss,
)

SCENARIO = Scenario(
    cause="peer",
    cases=[
        Case(
            # Nothing arrives. With TCP_USER_TIMEOUT the kernel gives up after 1 s, not 15 min.
            "path_cut",
            control=[
                connect(on="client", to="server"),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            fault=drop(on="router", to="server", port=17400, flags=""),
            before=[
                bind(on="server", to="server", port=17400, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17400, options={"TCP_USER_TIMEOUT": 1000}),
                accept(on="server"),
            ],
            calls=[
                send(on="client", data=bytes(1000)).returns(1000, within_s=(0.0, 0.5)),
                poll(on="server", socket="c", events="POLLIN", timeout_s=0.1).returns(0),
                recv(on="client").fails("ETIMEDOUT", within_s=(0.5, 3.5)),
                poll(on="server", socket="c", events="POLLIN", timeout_s=0.1).returns(0),
            ],
            seen=[data(at="router", sender="client")],
            absent=[data(at="server", sender="client"), rst(at="client")],
            counted=[
                Counted("client", "Tcp.RetransSegs", at_least=1),
                Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
            ],
            claims={"C6": "wrong", "C99": "wrong"},
        ),
        Case(
            # All of it arrives and is acknowledged. The listener closes, and it is gone.
            "nobody_accepts",
            before=[
                bind(on="server", to="server", port=17401, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17401),
            ],
            calls=[
                send(on="client", data=bytes(5000)).returns(5000, within_s=(0.0, 0.5)),
                poll(on="client", events="POLLIN", timeout_s=0.2).returns(0),
                ss(on="client", port=17401).tells("ESTAB 0/0"),
                ss(on="server", port=17401, state="ESTAB").tells("ESTAB 5000/0"),
                close(on="server"),
                recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
            ],
            seen=[
                data(at="server", sender="client"),
                ack(at="client", sender="server", acks=5001),
                rst(at="client", sender="server", count=1),
            ],
            absent=[fin(at="client"), data(at="client", sender="server")],
            counted=[
                Counted("client", "Tcp.EstabResets", exactly=1),
                Counted("client", "Tcp.RetransSegs", exactly=0),
            ],
            claims={"C6": "wrong", "C99": "wrong"},
        ),
        Case(
            # The peer reads 3 bytes of what it has, and ends. Most had not left this host.
            "peer_ends",
            before=[
                bind(
                    on="server",
                    to="server",
                    port=17402,
                    options={"SO_REUSEADDR": 1, "SO_RCVBUF": 4096},
                ),
                listen(on="server"),
                connect(on="client", to="server", port=17402),
                accept(on="server"),
            ],
            calls=[
                fill(on="client"),
                recv(on="server", socket="c", size=3).returns(3),
                close(on="server", socket="c"),
                recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
                send(on="client", data=b"more").fails("EPIPE", within_s=(0.0, 0.5)),
            ],
            seen=[
                data(at="server", sender="client"),
                rst(at="client", sender="server"),
            ],
            absent=[fin(at="client"), data(at="client", sender="server")],
            counted=[
                Counted("client", "Tcp.EstabResets", exactly=1),
                Counted("server", "TcpExt.TCPAbortOnClose", at_least=1),
            ],
            claims={"C6": "wrong", "C99": "wrong"},
        ),
    ],
    look=(
        "`ss -tn` here: Send-Q counts what the peer's kernel has not acknowledged (`-o` shows the "
        "timer). On the peer Recv-Q counts what it has and no program has read. If both are 0, "
        "the peer's program has it."
    ),
    source=(
        "send(2), tcp(7) TCP_USER_TIMEOUT; RFC 9293 3.9.1.2; RFC 2525 2.17; Linux "
        "net/ipv4/tcp_timer.c tcp_retransmit_timer(), net/ipv4/inet_connection_sock.c "
        "inet_csk_listen_stop(), net/ipv4/tcp.c __tcp_close()"
    ),
)
