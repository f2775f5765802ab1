"""More than 2047 bytes, and the tutorial's server ends the exchange with a RST.

It reads once, at most 2047 bytes. With 2047 all is well: the reply, and a FIN. With one more
a byte is left unread when it calls close(), and the kernel then sends a RST in place of the
FIN, for data was lost (RFC 2525 2.17). The client gets the 2047 bytes of the reply, and
ECONNRESET where the end is due. So it cannot tell this from a server that died.

Here the reply came before the RST, and Linux lets it be read first. If the reply is lost on
the way there is nobody left to send it again: the RST is behind a gap, so the client's kernel
asks with an ACK whether it is meant (RFC 5961 3.2), the server's kernel knows of no such
connection and says RST again, and recv() gives ECONNRESET and not one byte.

The lab's server reads to the end before it closes. It sends all back, also where the path
loses its first segment.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    connect,
    data,
    drop_reply,
    exchange,
    fin,
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
            "2047",
            family="ipv4",
            claims={"C18": "true"},
            calls=[
                # At its end the socket resets what is left: no TIME-WAIT for the next run.
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
                send(on="client", data=b"x" * 2047).returns(2047),
                recv(on="client", size=4096, flags="MSG_WAITALL").gives(b"x" * 2047),
                recv(on="client").returns(0),
            ],
            seen=[
                data(at="workshop", sender="client"),
                fin(at="client", sender="workshop", count=1),
            ],
            absent=[rst(at="client"), rst(at="workshop")],
            counted=[
                Counted("workshop", "TcpExt.TCPAbortOnClose", exactly=0),
                Counted("client", "Tcp.EstabResets", exactly=0),
            ],
        ),
        Case(
            "2048",
            family="ipv4",
            claims={"C18": "wrong"},
            calls=[
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
                send(on="client", data=b"x" * 2048).returns(2048),
                recv(on="client", size=2047, flags="MSG_WAITALL").gives(b"x" * 2047),
                recv(on="client").fails("ECONNRESET"),
            ],
            seen=[
                data(at="client", sender="workshop"),
                rst(at="workshop", sender="workshop", count=1),
                rst(at="client", sender="workshop", count=1),
            ],
            absent=[fin(at="client", sender="workshop")],
            counted=[
                Counted("workshop", "TcpExt.TCPAbortOnClose", exactly=1),
                Counted("client", "Tcp.EstabResets", exactly=1),
            ],
        ),
        Case(
            "3000",
            family="ipv4",
            claims={"C18": "wrong"},
            calls=[
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
                send(on="client", data=b"x" * 3000).returns(3000),
                recv(on="client", size=2047, flags="MSG_WAITALL").gives(b"x" * 2047),
                recv(on="client").fails("ECONNRESET"),
                # It says so once.
                recv(on="client").returns(0),
            ],
            seen=[
                data(at="client", sender="workshop"),
                rst(at="workshop", sender="workshop", count=1),
                rst(at="client", sender="workshop", count=1),
            ],
            absent=[fin(at="client", sender="workshop")],
            counted=[
                Counted("workshop", "TcpExt.TCPAbortOnClose", exactly=1),
                Counted("client", "Tcp.EstabResets", exactly=1),
            ],
        ),
        Case(
            "reply_lost",
            family="ipv4",
            claims={"C18": "wrong"},
            fault=drop_reply(on="router", sender="workshop", flags="PSH", times=1),
            control=[connect(on="client", to="server"), exchange(on="client", data=b"one")],
            calls=[
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
                send(on="client", data=b"x" * 3000).returns(3000),
                recv(on="client").fails("ECONNRESET"),
                recv(on="client").returns(0),
            ],
            seen=[
                data(at="workshop", sender="workshop"),
                # Behind the gap, and in answer to the client's question.
                rst(at="client", sender="workshop", count=2),
            ],
            absent=[data(at="client", sender="workshop"), fin(at="client", sender="workshop")],
            counted=[
                Counted("workshop", "TcpExt.TCPAbortOnClose", exactly=1),
                Counted("client", "TcpExt.TCPChallengeACK", exactly=1),
            ],
        ),
        Case(
            "robust",
            before=[connect(on="client", to="server")],
            calls=[
                send(on="client", data=b"x" * 3000).returns(3000),
                shutdown(on="client"),
                recv(on="client", size=4096, flags="MSG_WAITALL").gives(b"x" * 3000),
                recv(on="client").returns(0),
            ],
            seen=[data(at="client", sender="server"), fin(at="client", sender="server", count=1)],
            absent=[rst(at="client"), rst(at="server")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            "robust_reply_lost",
            before=[connect(on="client", to="server")],
            fault=drop_reply(on="router", sender="server", flags="PSH", times=1),
            control=[connect(on="client", to="server"), exchange(on="client", data=b"one")],
            calls=[
                send(on="client", data=b"x" * 3000).returns(3000),
                shutdown(on="client"),
                recv(on="client", size=4096, flags="MSG_WAITALL").gives(b"x" * 3000),
                recv(on="client").returns(0),
            ],
            seen=[data(at="client", sender="server"), fin(at="client", sender="server")],
            absent=[rst(at="client"), rst(at="server")],
            counted=[
                Counted("server", "Tcp.RetransSegs", at_least=1),
                Counted("client", "Tcp.EstabResets", exactly=0),
            ],
        ),
    ],
    look=(
        "`nstat TcpExtTCPAbortOnClose` on the server grows by one each time. A capture shows the "
        "reply and right behind it a RST with ACK that answers nothing, where a FIN is due. "
        "Compare the length of the request with what the server reads at once."
    ),
    source=(
        "RFC 9293 3.10.4; RFC 2525 2.17; RFC 5961 3.2; recv(2), close(2); Linux net/ipv4/tcp.c "
        "__tcp_close(), net/ipv4/tcp_input.c tcp_validate_incoming(), tcp_send_challenge_ack()"
    ),
)
