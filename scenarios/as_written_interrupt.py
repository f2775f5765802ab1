"""Ctrl-C and the tutorial's server: it ends by an error, or it does not end.

The handler closes the listening socket and returns; it does not end the program. What
follows depends on where the server was. In accept() the kernel restarts the call, for
signal() of glibc sets SA_RESTART, on a descriptor that is closed by now: EBADF, and the
program prints `Accept error(9): Bad file descriptor` and exits with 255.

In recv() the call is restarted too, and the client's socket is open. So the server goes on
waiting for its present client, and its port is closed: new clients get ECONNREFUSED, and one
that waited in the accept queue gets a RST. A second Ctrl-C prints `Close Server` again and
changes nothing. Only when that client sends or leaves does the server come to accept() and end.

The handler is set before each accept() in the tutorial's loop. Once is enough: the program
handler sets it once and catches two signals. With sysv_signal() it would be needed, and the
second signal ends the program.

The lab's server ends with status 0 at the first Ctrl-C, while a silent client is connected: the
client gets a FIN.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    connect,
    data,
    ended,
    fin,
    kill,
    output,
    poll,
    recv,
    rst,
    run,
    send,
    ss,
    start,
    syn,
)

SCENARIO = Scenario(
    cause="caller",
    before=[
        start(
            on="workshop",
            argv=["stdbuf", "-oL", "/opt/tutorial/server"],
            until="Listening...",
        ),
    ],
    cases=[
        Case(
            "in_accept",
            family="ipv4",
            claims={"C12": "true"},
            calls=[
                # One client served, and a moment: it is in accept() again.
                # At its end the socket resets what is left: no TIME-WAIT for the next run.
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").gives(b"abc"),
                recv(on="client").returns(0),
                run(on="workshop", argv=["sleep", "0.5"]),
                kill(on="workshop"),
                ended(on="workshop").returns(255),
                output(on="workshop").gives(
                    b"Listening...\nRecv: hi\nClose Server\nAccept error(9): Bad file descriptor\n"
                ),
                ss(on="workshop", port=16555, state="LISTEN").returns(0),
                connect(on="client", to="workshop", socket="next").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.9)
                ),
            ],
            seen=[
                syn(at="workshop", count=2),
                data(at="client", sender="workshop", count=1),
                rst(at="client", sender="workshop", count=1),
            ],
            counted=[
                Counted("workshop", "Tcp.PassiveOpens", exactly=1),
                Counted("client", "Tcp.AttemptFails", exactly=1),
            ],
        ),
        Case(
            "in_recv",
            family="ipv4",
            claims={"C12": "wrong", "C13": "wrong"},
            calls=[
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
                run(on="workshop", argv=["sleep", "0.5"]),
                # It was accepted, and says nothing.
                ss(on="workshop", port=16555, state="LISTEN").tells("LISTEN 0/2048"),
                kill(on="workshop"),
                run(on="workshop", argv=["sleep", "0.5"]),
                kill(on="workshop"),
                run(on="workshop", argv=["sleep", "0.5"]),
                output(on="workshop").gives(b"Listening...\nClose Server\nClose Server\n"),
                connect(on="client", to="workshop", socket="next").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.9)
                ),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").gives(b"abc"),
                recv(on="client").returns(0),
                ended(on="workshop").returns(255),
                output(on="workshop").gives(
                    b"Listening...\nClose Server\nClose Server\n"
                    b"Recv: hi\nAccept error(9): Bad file descriptor\n"
                ),
            ],
            seen=[
                syn(at="workshop", count=2),
                rst(at="client", sender="workshop", count=1),
                data(at="client", sender="workshop", count=1),
                fin(at="client", sender="workshop", count=1),
            ],
            counted=[
                Counted("workshop", "Tcp.PassiveOpens", exactly=1),
                Counted("client", "Tcp.AttemptFails", exactly=1),
            ],
        ),
        Case(
            "in_recv_another_waits",
            family="ipv4",
            calls=[
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
                run(on="workshop", argv=["sleep", "0.5"]),
                connect(on="client", to="workshop", socket="waits"),
                ss(on="workshop", port=16555, state="LISTEN").tells("LISTEN 1/2048"),
                kill(on="workshop"),
                recv(on="client", socket="waits").fails("ECONNRESET", within_s=(0.0, 0.9)),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").gives(b"abc"),
                ended(on="workshop").returns(255),
            ],
            seen=[
                syn(at="workshop", count=2),
                rst(at="client", sender="workshop", count=1),
                data(at="client", sender="workshop", count=1),
            ],
            counted=[
                Counted("workshop", "Tcp.PassiveOpens", exactly=2),
                Counted("client", "Tcp.EstabResets", exactly=1),
            ],
        ),
        Case(
            "handler_once",
            family="ipv4",
            claims={"C13": "wrong"},
            before=[],
            calls=[
                start(on="workshop", argv=["/opt/tutorial/handler"], program="once"),
                ended(on="workshop", program="once").returns(0),
                output(on="workshop", program="once").gives(b"caught\ncaught\n"),
            ],
            absent=[any_packet(at="client"), any_packet(at="workshop")],
            counted=[Counted("workshop", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            "handler_sysv",
            family="ipv4",
            before=[],
            calls=[
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/handler_sysv"],
                    program="once",
                ),
                # SIGINT.
                ended(on="workshop", program="once").returns(-2),
                output(on="workshop", program="once").gives(b"caught\n"),
            ],
            absent=[any_packet(at="client"), any_packet(at="workshop")],
            counted=[Counted("workshop", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            "robust",
            before=[
                start(
                    on="server",
                    argv=["errnolab-server", "--port", "17605"],
                    until="listening",
                ),
            ],
            calls=[
                connect(on="client", to="server", port=17605),
                poll(on="client", events="POLLIN", timeout_s=0.2).returns(0),
                kill(on="server"),
                ended(on="server").returns(0),
                recv(on="client").returns(0),
                connect(on="client", to="server", port=17605, socket="next").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.9)
                ),
            ],
            seen=[
                fin(at="client", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            absent=[data(at="client", sender="server")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=2),
                Counted("client", "Tcp.AttemptFails", exactly=1),
            ],
        ),
    ],
    look=(
        "A server that does not end at Ctrl-C and refuses connections: `ss -ltn` shows no "
        "listener, `ss -tnp` a connection with its process. A handler should set a flag, or write "
        "into a pipe that the program waits for; calls that are to end must not have SA_RESTART."
    ),
    source=(
        "signal(2), signal(7) SA_RESTART, sysv_signal(3), signal-safety(7), accept(2) EBADF; "
        "Linux net/ipv4/inet_connection_sock.c inet_csk_listen_stop()"
    ),
)
