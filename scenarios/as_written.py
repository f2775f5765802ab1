"""The tutorial's server, as it is written, where it works.

It compiles with g++ 12 and one warning (a parameter is not used), listens on port 16555 and
answers: hi gets abc, and any other short text comes back. Each connection is served to its
end before the next is accepted, so two clients that come one after the other are both
answered. Its close() sends a FIN right behind the reply: the client gets 0, which is
the end, and no RST.

listen() asks for room for 2048 connections, and ss shows 2048 as the listener's Send-Q. That
is how many may wait for accept(), not how many the server can have: it has one at a time.
Where net.core.somaxconn is smaller, as the 128 of kernels before 5.4, that counts.

It listens on IPv4 alone. Over IPv6 the same host and port answer the SYN with a RST, and the
caller gets ECONNREFUSED. The lab's own server beside it is reached over both.

The cases that it does not survive are in as_written_pieces, as_written_slow,
as_written_reset, as_written_long, as_written_restart and as_written_interrupt.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    close,
    connect,
    data,
    fin,
    output,
    recv,
    rst,
    run,
    send,
    since,
    ss,
    start,
    syn,
)

SCENARIO = Scenario(
    cause="nothing",
    cases=[
        Case(
            "compiles",
            family="ipv4",
            claims={"C10": "true"},
            calls=[
                # In the callers' folder: the status, and how many warnings.
                run(
                    on="workshop",
                    argv=[
                        "sh",
                        "-c",
                        "g++ -Wall -Wextra -fsyntax-only /opt/tutorial/server.cpp 2>report;"
                        " echo $?; grep -c warning: report; grep -c unused-parameter report",
                    ],
                    timeout_s=60.0,
                ).gives(b"0\n1\n1\n"),
            ],
            absent=[any_packet(at="workshop"), any_packet(at="client")],
            counted=[Counted("workshop", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            "hi",
            family="ipv4",
            claims={"C10": "true", "C15": "true", "C16": "true", "C18": "true"},
            before=[
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    until="Listening...",
                ),
            ],
            calls=[
                # At its end the socket resets what is left: no TIME-WAIT for the next run.
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").gives(b"abc"),
                recv(on="client").returns(0),
                output(on="workshop").gives(b"Listening...\nRecv: hi\n"),
            ],
            seen=[
                data(at="client", sender="client", count=1),
                data(at="client", sender="workshop", count=1),
                fin(at="client", sender="workshop", count=1),
            ],
            absent=[rst(at="client"), rst(at="workshop"), fin(at="client", sender="client")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=1),
                Counted("workshop", "TcpExt.TCPAbortOnClose", exactly=0),
            ],
        ),
        Case(
            "text",
            family="ipv4",
            claims={"C17": "true"},
            before=[
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    until="Listening...",
                ),
            ],
            calls=[
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
                send(on="client", data=b"hello").returns(5),
                recv(on="client").gives(b"hello"),
                recv(on="client").returns(0),
                output(on="workshop").gives(b"Listening...\nRecv: hello\n"),
            ],
            seen=[
                data(at="workshop", sender="client", count=1),
                data(at="client", sender="workshop", count=1),
                fin(at="client", sender="workshop", count=1),
            ],
            absent=[rst(at="client"), rst(at="workshop")],
            counted=[Counted("workshop", "Tcp.PassiveOpens", exactly=1)],
        ),
        Case(
            "one_after_another",
            family="ipv4",
            claims={"C20": "true"},
            before=[
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    until="Listening...",
                ),
            ],
            calls=[
                connect(on="client", to="workshop", socket="first", options={"SO_LINGER": 0}),
                send(on="client", data=b"first", socket="first").returns(5),
                recv(on="client", socket="first").gives(b"first"),
                recv(on="client", socket="first").returns(0),
                connect(on="client", to="workshop", socket="second", options={"SO_LINGER": 0}),
                send(on="client", data=b"second", socket="second").returns(6),
                recv(on="client", socket="second").gives(b"second"),
                recv(on="client", socket="second").returns(0),
                output(on="workshop").gives(b"Listening...\nRecv: first\nRecv: second\n"),
            ],
            seen=[
                syn(at="workshop", count=2),
                data(at="client", sender="workshop", count=2),
                fin(at="client", sender="workshop", count=2),
            ],
            absent=[rst(at="client"), rst(at="workshop")],
            counted=[Counted("workshop", "Tcp.PassiveOpens", exactly=2)],
        ),
        Case(
            "queue_of_2048",
            family="ipv4",
            claims={"C11": since((5, 4), then="true", before="wrong")},
            before=[
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    until="Listening...",
                ),
            ],
            calls=[
                ss(on="workshop", port=16555, state="LISTEN").tells(
                    since((5, 4), then="LISTEN 0/2048", before="LISTEN 0/128")
                ),
                # A client that leaves without a word is served too, with nothing.
                connect(on="client", to="workshop"),
                close(on="client"),
                run(on="workshop", argv=["sleep", "0.1"]),
                ss(on="workshop", port=16555, state="LISTEN").returns(1),
            ],
            seen=[syn(at="workshop", count=1), fin(at="workshop", sender="client", count=1)],
            absent=[rst(at="workshop"), data(at="client", sender="workshop")],
            counted=[
                Counted("workshop", "TcpExt.ListenOverflows", exactly=0),
                Counted("workshop", "Tcp.PassiveOpens", exactly=1),
            ],
        ),
        Case(
            "over_ipv6",
            family="ipv6",
            before=[
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    until="Listening...",
                ),
            ],
            calls=[
                connect(on="client", to="workshop").fails("ECONNREFUSED", within_s=(0.0, 0.9)),
                connect(on="client", to="server", socket="robust"),
                send(on="client", data=b"hi", socket="robust").returns(2),
                recv(on="client", socket="robust").gives(b"abc"),
            ],
            seen=[
                syn(at="workshop", count=1),
                rst(at="workshop", sender="workshop", count=1),
                rst(at="client", sender="workshop", count=1),
            ],
            absent=[data(at="client", sender="workshop"), rst(at="client", sender="server")],
            counted=[
                Counted("client", "Tcp.AttemptFails", exactly=1),
                Counted("workshop", "Tcp.PassiveOpens", exactly=0),
            ],
        ),
    ],
    look=(
        "`ss -ltn` on the server shows `0.0.0.0:16555`, which is IPv4 alone (`*:16555` or "
        "`[::]:16555` would be both), and the backlog as Send-Q. Who asks over IPv6 gets "
        "ECONNREFUSED: try the IPv4 address."
    ),
    source=(
        "listen(2), accept(2), recv(2), send(2), close(2), ip(7) INADDR_ANY; Linux net/socket.c "
        "__sys_listen_socket(), net/ipv4/tcp_diag.c tcp_diag_get_info(), "
        "net/ipv6/tcp_ipv6.c tcp_v6_rcv()"
    ),
)
