"""Four segments end a connection: FIN M, ACK M + 1, and later FIN N, ACK N + 1.

Who closes first sends FIN M, which counts as one byte and is acknowledged with M + 1. The other
program reads what came before the FIN, then 0: nothing more will come. Its own direction is
still open, and its socket in CLOSE-WAIT, until it closes too and sends FIN N. Who closed first
acknowledges that with N + 1 and stays in TIME-WAIT for 60 s. Either side may be the first.

It takes four segments because the second program needed some time: here 0.1 s and more, and
the kernel waits no longer than 40 ms for a segment on which the ACK could go along. A program
that closes at once needs three (close_three). (Numbers are counted from those of the SYNs: after
the handshake each side is at 1.)
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
    fin,
    listen,
    poll,
    recv,
    rst,
    send,
    went_through,
)

SCENARIO = Scenario(
    cause="nothing",
    # A port in TIME-WAIT would be in the way of the next run.
    needs=["sock_destroy"],
    absent=[rst(at="client"), rst(at="server")],
    counted=[
        Counted("client", "Tcp.RetransSegs", exactly=0),
        Counted("client", "Tcp.EstabResets", exactly=0),
    ],
    cases=[
        Case(
            "client_first",
            before=[
                bind(on="server", to="server", port=17320, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17320),
                accept(on="server"),
            ],
            calls=[
                close(on="client").returns(0, within_s=(0.0, 0.5)),
                recv(on="server", socket="c")
                .returns(0, within_s=(0.0, 0.5))
                .after(fin(at="server", sender="client")),
                # The program takes its time; there is no urgent data to come.
                poll(on="server", socket="c", events="POLLPRI", timeout_s=0.2).returns(0),
                close(on="server", socket="c").returns(0, within_s=(0.0, 0.5)),
            ],
            seen=[
                fin(at="server", sender="client", seq=1, acks=1, count=1),
                ack(at="client", sender="server", seq=1, acks=2, count=1),
                fin(at="client", sender="server", seq=1, acks=2, count=1),
                ack(at="server", sender="client", seq=2, acks=2, count=1),
            ],
            absent=[rst(at="client"), rst(at="server")],
            states=[
                went_through(
                    on="client",
                    port=17320,
                    states=["ESTAB", "FIN-WAIT-2", "TIME-WAIT"],
                    never=["CLOSE-WAIT", "LAST-ACK", "CLOSED"],
                ),
                went_through(
                    on="server",
                    port=17320,
                    states=["ESTAB", "CLOSE-WAIT", "CLOSED"],
                    never=["FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"],
                ),
            ],
            claims={
                "C110": "true",
                "C111": "true",
                "C112": "true",
                "C113": "true",
                "C114": "true",
            },
        ),
        Case(
            "server_first",
            before=[
                bind(on="server", to="server", port=17321, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17321),
                accept(on="server"),
                send(on="server", socket="c", data=b"bye").returns(3),
            ],
            calls=[
                close(on="server", socket="c").returns(0, within_s=(0.0, 0.5)),
                # The data first, then the end, and always the end.
                recv(on="client").gives(b"bye", within_s=(0.0, 0.5)),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                poll(on="client", events="POLLPRI", timeout_s=0.2).returns(0),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                close(on="client").returns(0, within_s=(0.0, 0.5)),
                poll(on="server", events="POLLIN", timeout_s=0.1).returns(0),
            ],
            seen=[
                fin(at="client", sender="server", seq=4, acks=1, count=1),
                ack(at="server", sender="client", seq=1, acks=5, count=1),
                fin(at="server", sender="client", seq=1, acks=5, count=1),
                ack(at="client", sender="server", seq=5, acks=2, count=1),
            ],
            absent=[rst(at="client"), rst(at="server")],
            states=[
                went_through(
                    on="server",
                    port=17321,
                    states=["ESTAB", "FIN-WAIT-2", "TIME-WAIT"],
                    never=["CLOSE-WAIT", "LAST-ACK", "CLOSED"],
                ),
                went_through(
                    on="client",
                    port=17321,
                    states=["ESTAB", "CLOSE-WAIT", "CLOSED"],
                    never=["FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"],
                ),
            ],
            claims={
                "C110": "true",
                "C111": "true",
                "C112": "true",
                "C113": "true",
                "C114": "true",
            },
        ),
    ],
    look=(
        "`tcpdump 'tcp[tcpflags] & tcp-fin != 0'` shows who sent the first FIN; `ss -tan` shows "
        "CLOSE-WAIT where a program was told of the end and has not closed, and TIME-WAIT where "
        "the first FIN came from."
    ),
    source=(
        "RFC 9293 3.6, figure 12; close(2), recv(2); Linux net/ipv4/tcp.c __tcp_close(), "
        "net/ipv4/tcp_input.c tcp_fin(), net/ipv4/tcp_output.c tcp_send_delayed_ack()"
    ),
)
