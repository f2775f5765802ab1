"""The tutorial's server takes what one recv() gives for the whole message.

A byte stream has no messages. Where h and i leave the client as two segments, the server
reads h, answers h and closes; the i meets a socket that is no more and gets a RST. Nothing
was lost on the way and no call failed: the answer is wrong all the same.

The comparison with hi is of a C string. A line end belongs to the text, so a client that
sends a line, as telnet and nc do, never gets abc. A zero byte ends the text: of ab, zero,
cd the server read all five bytes and sends two back.

The lab's server beside it reads until the client has no more to send, or cuts the stream at
line ends if it is told to, and counts bytes in place of looking for a zero.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    connect,
    data,
    fin,
    output,
    poll,
    recv,
    rst,
    send,
    shutdown,
    start,
)

SCENARIO = Scenario(
    cause="peer",
    before=[
        start(
            on="workshop",
            argv=["stdbuf", "-oL", "/opt/tutorial/server"],
            until="Listening...",
        ),
    ],
    cases=[
        Case(
            "h_then_i",
            family="ipv4",
            claims={"C15": "wrong", "C16": "wrong"},
            calls=[
                # At its end the socket resets what is left: no TIME-WAIT for the next run.
                connect(on="client", to="workshop", options={"SO_LINGER": 0, "TCP_NODELAY": 1}),
                send(on="client", data=b"h").returns(1),
                recv(on="client").gives(b"h"),
                recv(on="client").returns(0),
                send(on="client", data=b"i").returns(1),
                # The RST.
                poll(on="client", events="POLLPRI", timeout_s=2.0).returns(1),
                recv(on="client").returns(0),
                output(on="workshop").gives(b"Listening...\nRecv: h\n"),
            ],
            seen=[
                data(at="workshop", sender="client", count=2),
                data(at="client", sender="workshop", count=1),
                fin(at="client", sender="workshop", count=1),
                rst(at="client", sender="workshop", count=1),
            ],
            counted=[Counted("client", "Tcp.EstabResets", exactly=1)],
        ),
        Case(
            "hi_line",
            family="ipv4",
            claims={"C16": "wrong"},
            calls=[
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
                send(on="client", data=b"hi\n").returns(3),
                recv(on="client").gives(b"hi\n"),
                recv(on="client").returns(0),
                output(on="workshop").gives(b"Listening...\nRecv: hi\n\n"),
            ],
            seen=[
                data(at="workshop", sender="client", count=1),
                data(at="client", sender="workshop", count=1),
                fin(at="client", sender="workshop", count=1),
            ],
            absent=[rst(at="client")],
            counted=[Counted("workshop", "Tcp.PassiveOpens", exactly=1)],
        ),
        Case(
            "nul",
            family="ipv4",
            claims={"C16": "wrong"},
            calls=[
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
                send(on="client", data=b"ab\0cd").returns(5),
                recv(on="client").gives(b"ab"),
                recv(on="client").returns(0),
                output(on="workshop").gives(b"Listening...\nRecv: ab\n"),
            ],
            seen=[
                data(at="workshop", sender="client", count=1),
                data(at="client", sender="workshop", count=1),
                fin(at="client", sender="workshop", count=1),
            ],
            # All five bytes were read, so the end is a FIN.
            absent=[rst(at="client")],
            counted=[
                Counted("workshop", "Tcp.PassiveOpens", exactly=1),
                Counted("workshop", "TcpExt.TCPAbortOnClose", exactly=0),
            ],
        ),
        Case(
            "robust_h_then_i",
            before=[
                start(
                    on="server",
                    argv=["errnolab-server", "--port", "17602", "--quiet-s", "5"],
                    until="listening",
                ),
            ],
            calls=[
                connect(on="client", to="server", port=17602, options={"TCP_NODELAY": 1}),
                send(on="client", data=b"h").returns(1),
                # No answer yet: more may come.
                poll(on="client", events="POLLIN", timeout_s=0.2).returns(0),
                send(on="client", data=b"i").returns(1),
                shutdown(on="client"),
                recv(on="client").gives(b"abc"),
                recv(on="client").returns(0),
            ],
            seen=[
                data(at="server", sender="client", count=2),
                data(at="client", sender="server", count=1),
            ],
            absent=[rst(at="client"), rst(at="server")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            "robust_hi_line",
            before=[
                start(
                    on="server",
                    argv=["errnolab-server", "--port", "17602", "--framing", "delimiter:\\n"],
                    until="listening",
                ),
            ],
            calls=[
                connect(on="client", to="server", port=17602, options={"TCP_NODELAY": 1}),
                send(on="client", data=b"h").returns(1),
                send(on="client", data=b"i\n").returns(2),
                recv(on="client").gives(b"abc\n"),
                shutdown(on="client"),
                recv(on="client").returns(0),
            ],
            seen=[
                data(at="server", sender="client", count=2),
                data(at="client", sender="server", count=1),
            ],
            absent=[rst(at="client"), rst(at="server")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            "robust_nul",
            before=[connect(on="client", to="server")],
            calls=[
                send(on="client", data=b"ab\0cd").returns(5),
                shutdown(on="client"),
                recv(on="client").gives(b"ab\0cd"),
                recv(on="client").returns(0),
            ],
            seen=[
                data(at="server", sender="client", count=1),
                data(at="client", sender="server"),
            ],
            absent=[rst(at="client"), rst(at="server")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
        ),
    ],
    look=(
        "A capture shows the request in two segments and an answer between them: the server took "
        "the first for the whole. `strace -e trace=network` on the server shows one recv() and a "
        "close() behind it. Try `printf hi | nc` and `echo hi | nc`: they differ by the line end."
    ),
    source=(
        "RFC 9293 3.9.1.3; recv(2), send(2), strcmp(3), tcp(7) TCP_NODELAY; Linux "
        "net/ipv4/tcp.c tcp_recvmsg_locked()"
    ),
)
