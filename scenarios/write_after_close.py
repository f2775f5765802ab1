"""The caller writes to a peer that has closed the connection in an orderly way.

The peer's FIN is not read, or taken for the end of its data alone. The first send(2)
succeeds; the peer has no reader any more and answers with a RST. The next send(2) fails
with EPIPE, and brings SIGPIPE, which ends a program that does not expect it, unless
MSG_NOSIGNAL is given. So the failure comes one call late, and the data of the first is
lost.

Because the FIN came first, the RST is EPIPE and not ECONNRESET, and recv(2) goes on to
give 0. A process that ends, or is killed, with all data read closes its sockets like this.
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
    exchange,
    fin,
    listen,
    poll,
    recv,
    rst,
    send,
    so_error,
    stop,
)

SCENARIO = Scenario(
    cause="peer",
    before=[
        bind(on="server", to="server", port=17207, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17207),
        accept(on="server"),
    ],
    seen=[
        fin(at="client", sender="server", count=1),
        data(at="server", sender="client", count=1),
        # The ACK of the FIN may come behind the data, to a socket that is gone.
        rst(at="server", sender="server"),
        rst(at="client", sender="server"),
    ],
    counted=[
        Counted("client", "Tcp.EstabResets", exactly=1),
        Counted("server", "Tcp.OutRsts", at_least=1),
    ],
    cases=[
        Case(
            "closed",
            claims={"C90": "true"},
            calls=[
                close(on="server", socket="c"),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                send(on="client", data=b"one").returns(3),
                # It waits for the RST: there is no urgent data, and an error is always told.
                poll(on="client", events="POLLPRI", timeout_s=1.0).tells("POLLERR|POLLHUP"),
                send(on="client", data=b"two").fails("EPIPE", within_s=(0.0, 0.5)),
                send(on="client", data=b"two", sigpipe=True).fails("EPIPE", signal="SIGPIPE"),
                recv(on="client").returns(0),
            ],
        ),
        Case(
            # The peer has closed, and this side knows it: no EPIPE for all that.
            "first_write",
            calls=[
                close(on="server", socket="c"),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                send(on="client", data=b"one", sigpipe=True)
                .returns(3, within_s=(0.0, 0.5))
                .after(fin(at="client", sender="server")),
                poll(on="client", events="POLLPRI", timeout_s=1.0).tells("POLLERR|POLLHUP"),
            ],
            claims={"C90": "wrong"},
        ),
        Case(
            "asked_for_the_error",
            claims={"C91": "wrong"},
            calls=[
                close(on="server", socket="c"),
                send(on="client", data=b"one").returns(3),
                poll(on="client", events="POLLPRI", timeout_s=1.0).tells("POLLERR|POLLHUP"),
                recv(on="client").returns(0),
                so_error(on="client").reports("EPIPE"),
            ],
        ),
        Case(
            "process_ended",
            claims={"C90": "true"},
            fault=stop(on="server"),
            control=[connect(on="client", to="server"), exchange(on="client", data=b"hi")],
            before=[
                connect(on="client", to="server"),
                send(on="client", data=b"one").returns(3),
                recv(on="client").gives(b"one"),
            ],
            calls=[
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                send(on="client", data=b"two").returns(3),
                poll(on="client", events="POLLPRI", timeout_s=1.0).tells("POLLERR|POLLHUP"),
                send(on="client", data=b"three").fails("EPIPE", within_s=(0.0, 0.5)),
                recv(on="client").returns(0),
            ],
            seen=[
                fin(at="client", sender="server", count=1),
                data(at="server", sender="client", count=2),
                # The ACK of the FIN may come behind the data, to a socket that is gone.
                rst(at="server", sender="server"),
                rst(at="client", sender="server"),
            ],
        ),
    ],
    look=(
        "`ss -tn` shows CLOSE-WAIT here before the write: the peer's FIN has come and the program "
        "has not closed. A capture shows FIN from the peer, then our data, then RST. An EPIPE "
        "without RST is the program's own shutdown(2)."
    ),
    source=(
        "RFC 9293 3.6 and 3.10.7.4; RFC 1122 4.2.2.13; send(2) EPIPE, signal(7); Linux "
        "net/ipv4/tcp_input.c tcp_reset(), net/core/stream.c sk_stream_error()"
    ),
)
