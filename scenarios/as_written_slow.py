"""One silent client, and the tutorial's server serves nobody else.

It has one thread, which waits in recv() for the client that it accepted. The next client
connects at once, for the kernel finishes handshakes by itself, and may send: its bytes are
acknowledged. Nobody reads them. Its recv() waits, here until SO_RCVTIMEO ends it with
EAGAIN, and its connection stands in the accept queue. It is answered when the first has
sent something, or has left.

The server has no time limit, so a client that connects and falls silent stops the service
for all, on purpose or because its network went away.

The lab's server answers the second while the first is silent: it waits for all its sockets
at once.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    close,
    connect,
    data,
    fin,
    output,
    recv,
    rst,
    send,
    shutdown,
    ss,
    start,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="peer",
    cases=[
        Case(
            "second_waits",
            family="ipv4",
            claims={"C20": "wrong"},
            before=[
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    until="Listening...",
                ),
                # At its end the socket resets what is left: no TIME-WAIT for the next run.
                connect(on="client", to="workshop", socket="first", options={"SO_LINGER": 0}),
            ],
            calls=[
                connect(
                    on="client",
                    to="workshop",
                    socket="second",
                    options={"SO_LINGER": 0, "SO_RCVTIMEO": 0.5},
                ).returns(0, within_s=(0.0, 0.9)),
                send(on="client", data=b"hi", socket="second").returns(2),
                recv(on="client", socket="second").fails("EAGAIN", within_s=(0.45, 2.0)),
                # The first was accepted, the second waits.
                ss(on="workshop", port=16555, state="LISTEN").tells("LISTEN 1/2048"),
                output(on="workshop").gives(b"Listening...\n"),
                send(on="client", data=b"first", socket="first").returns(5),
                recv(on="client", socket="first").gives(b"first"),
                recv(on="client", socket="second").gives(b"abc"),
                recv(on="client", socket="second").returns(0),
                output(on="workshop").gives(b"Listening...\nRecv: first\nRecv: hi\n"),
            ],
            seen=[
                syn_ack(at="client", count=2),
                data(at="workshop", sender="client", count=2),
                data(at="client", sender="workshop", count=2),
                fin(at="client", sender="workshop", count=2),
            ],
            absent=[rst(at="client")],
            counted=[
                Counted("workshop", "Tcp.PassiveOpens", exactly=1),
                Counted("workshop", "TcpExt.ListenOverflows", exactly=0),
                Counted("client", "Tcp.RetransSegs", exactly=0),
            ],
        ),
        Case(
            "first_leaves",
            family="ipv4",
            before=[
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    until="Listening...",
                ),
                connect(on="client", to="workshop", socket="first"),
            ],
            calls=[
                connect(
                    on="client",
                    to="workshop",
                    socket="second",
                    options={"SO_LINGER": 0, "SO_RCVTIMEO": 0.5},
                ),
                send(on="client", data=b"hi", socket="second").returns(2),
                recv(on="client", socket="second").fails("EAGAIN", within_s=(0.45, 2.0)),
                close(on="client", socket="first"),
                recv(on="client", socket="second").gives(b"abc"),
                output(on="workshop").gives(b"Listening...\nRecv: \nRecv: hi\n"),
            ],
            seen=[
                syn(at="workshop", count=2),
                fin(at="workshop", sender="client", count=1),
                data(at="client", sender="workshop", count=1),
            ],
            absent=[rst(at="client")],
            counted=[Counted("workshop", "Tcp.PassiveOpens", exactly=1)],
        ),
        Case(
            "robust",
            before=[connect(on="client", to="server", socket="first")],
            calls=[
                connect(on="client", to="server", socket="second", options={"SO_RCVTIMEO": 0.5}),
                send(on="client", data=b"hi", socket="second").returns(2),
                shutdown(on="client", socket="second"),
                recv(on="client", socket="second").gives(b"abc"),
                recv(on="client", socket="second").returns(0),
                send(on="client", data=b"first", socket="first").returns(5),
                shutdown(on="client", socket="first"),
                recv(on="client", socket="first").gives(b"first"),
            ],
            seen=[
                syn(at="server", count=2),
                data(at="server", sender="client", count=2),
                data(at="client", sender="server"),
            ],
            absent=[rst(at="client")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=1),
                Counted("client", "Tcp.RetransSegs", exactly=0),
            ],
        ),
    ],
    look=(
        "`ss -ltn` on the server: Recv-Q of the listener is not 0 and stays so, far below its "
        "backlog. `ss -tnp` there shows one connection with a process, and those without one wait "
        "for accept(). `strace -p` shows the process in recv()."
    ),
    source=(
        "accept(2), recv(2), socket(7) SO_RCVTIMEO; Linux net/ipv4/inet_connection_sock.c "
        "inet_csk_accept(), net/ipv4/tcp_diag.c tcp_diag_get_info()"
    ),
)
