"""A client resets its connection, and the tutorial's server is dead.

The server waits in recv() when the RST comes. recv() gives -1 and takes the ECONNRESET
with it; nobody looks, and the program prints an empty text and goes on to send(). The
connection is no more, so the kernel says EPIPE and raises SIGPIPE, even for 0 bytes. That
signal ends a program that does not ignore it: a shell says 141. There is no message, and
from then on each client gets ECONNREFUSED.

Where data came before the RST the server survives. On Linux they are read first, recv() is
content, and it is send() that takes the ECONNRESET, for which there is no signal. Here the
server is stopped while the client sends and resets, as one that is busy would be.

The lab's server beside it looks at every return value and does not let SIGPIPE end it: the
one connection is lost and the next client is served.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    close,
    connect,
    data,
    ended,
    fin,
    kill,
    output,
    recv,
    rst,
    send,
    shutdown,
    start,
    syn,
)

SCENARIO = Scenario(
    cause="peer",
    cases=[
        Case(
            "while_in_recv",
            family="ipv4",
            claims={"C15": "wrong", "C17": "wrong"},
            before=[
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    until="Listening...",
                ),
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
            ],
            calls=[
                close(on="client"),
                # SIGPIPE.
                ended(on="workshop").returns(-13),
                output(on="workshop").gives(b"Listening...\nRecv: \n"),
                output(on="workshop", stream="stderr").gives(b""),
                connect(on="client", to="workshop", socket="next").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.9)
                ),
            ],
            seen=[
                rst(at="workshop", sender="client", count=1),
                syn(at="workshop", count=2),
                rst(at="client", sender="workshop", count=1),
            ],
            absent=[
                data(at="client", sender="workshop"),
                fin(at="client", sender="workshop"),
            ],
            counted=[
                Counted("workshop", "Tcp.EstabResets", exactly=1),
                Counted("client", "Tcp.AttemptFails", exactly=1),
            ],
        ),
        Case(
            "data_before_the_reset",
            family="ipv4",
            before=[
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    until="Listening...",
                ),
                kill(on="workshop", signal="SIGSTOP"),
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
            ],
            calls=[
                send(on="client", data=b"hello").returns(5),
                close(on="client"),
                kill(on="workshop", signal="SIGCONT"),
                connect(on="client", to="workshop", socket="next", options={"SO_LINGER": 0}),
                send(on="client", data=b"hi", socket="next").returns(2),
                recv(on="client", socket="next").gives(b"abc"),
                recv(on="client", socket="next").returns(0),
                output(on="workshop").gives(b"Listening...\nRecv: hello\nRecv: hi\n"),
            ],
            seen=[
                data(at="workshop", sender="client", count=2),
                rst(at="workshop", sender="client", count=1),
                data(at="client", sender="workshop", count=1),
            ],
            absent=[rst(at="client", sender="workshop")],
            counted=[Counted("workshop", "Tcp.EstabResets", exactly=1)],
        ),
        Case(
            "robust",
            before=[
                connect(on="client", to="server", options={"SO_LINGER": 0}),
            ],
            calls=[
                close(on="client"),
                connect(on="client", to="server", socket="next"),
                send(on="client", data=b"hi", socket="next").returns(2),
                shutdown(on="client", socket="next"),
                recv(on="client", socket="next").gives(b"abc"),
                recv(on="client", socket="next").returns(0),
            ],
            seen=[
                rst(at="server", sender="client", count=1),
                syn(at="server", count=2),
                data(at="client", sender="server", count=1),
            ],
            absent=[rst(at="client", sender="server")],
            counted=[
                Counted("server", "Tcp.EstabResets", exactly=1),
                Counted("client", "Tcp.AttemptFails", exactly=0),
            ],
        ),
    ],
    look=(
        "A server that vanishes without a message, with status 141 in a shell, was ended by "
        "SIGPIPE (`kill -l 141`; systemd says `status=13/PIPE`). `strace -e trace=network,signal` "
        "shows ECONNRESET, EPIPE and the signal. Ignore SIGPIPE, or send with MSG_NOSIGNAL, and "
        "look at what recv() gives."
    ),
    source=(
        "send(2) EPIPE, signal(7) SIGPIPE; RFC 9293 3.10.7.4; Linux net/ipv4/tcp_input.c "
        "tcp_reset(), net/core/stream.c sk_stream_error(), net/ipv4/tcp.c tcp_sendmsg_locked()"
    ),
)
