"""Who closes first goes from FIN-WAIT-1 over FIN-WAIT-2 to TIME-WAIT, and stays there.

A connection from the first SYN to the end, seen from both hosts. connect() makes SYN-SENT
of the client's end, and the SYN makes SYN-RECV of the server's; each is ESTAB when what it
sent is acknowledged. Who sends the first FIN is in FIN-WAIT-1 until that is acknowledged,
and in FIN-WAIT-2 until the other closes too, which is in CLOSE-WAIT meanwhile, for as long
as its program likes, and in LAST-ACK until its own FIN is acknowledged. The last ACK may be
lost, so who sent it waits for 60 s (TIME-WAIT); the other is done with it.

Where nothing is lost some of these states last for a tenth of a millisecond. Where the path
loses the SYN-ACK, or the first FIN of each side, they last until the retransmission.
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
    drop,
    drop_reply,
    exchange,
    fin,
    listen,
    poll,
    recv,
    rst,
    syn,
    syn_ack,
    went_through,
)

SCENARIO = Scenario(
    cause="nothing",
    # A port in TIME-WAIT would be in the way of the next run.
    needs=["sock_destroy"],
    cases=[
        Case(
            "nothing_lost",
            before=[
                bind(on="server", to="server", port=17210, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                connect(on="client", to="server", port=17210),
                accept(on="server"),
                close(on="client"),
                recv(on="server", socket="c").returns(0, within_s=(0.0, 0.5)),
                # A FIN may wait for its ACK for 40 ms: the server's own could bring it along.
                poll(on="server", socket="c", events="POLLPRI", timeout_s=0.1),
                close(on="server", socket="c"),
            ],
            seen=[
                syn(at="client", count=1),
                syn_ack(at="client", acks=1, count=1),
                ack(at="server", sender="client", seq=1, acks=1, count=1),
                fin(at="server", sender="client", seq=1, acks=1, count=1),
                ack(at="client", sender="server", seq=1, acks=2, count=1),
                fin(at="client", sender="server", seq=1, acks=2, count=1),
                ack(at="server", sender="client", seq=2, acks=2, count=1),
            ],
            absent=[rst(at="client"), rst(at="server")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=1),
                Counted("client", "Tcp.RetransSegs", exactly=0),
            ],
            states=[
                went_through(
                    on="client",
                    port=17210,
                    states=["ESTAB", "FIN-WAIT-2", "TIME-WAIT"],
                    never=["CLOSE-WAIT", "LAST-ACK", "CLOSED"],
                ),
                went_through(
                    on="server",
                    port=17210,
                    states=["ESTAB", "CLOSE-WAIT", "CLOSED"],
                    never=["FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"],
                ),
            ],
            claims={
                "C104": "true",
                "C110": "true",
                "C111": "true",
                "C112": "true",
                "C113": "true",
                "C114": "true",
            },
        ),
        Case(
            "syn_ack_lost",
            control=[connect(on="client", to="server"), exchange(on="client", data=b"one")],
            fault=drop_reply(on="router", sender="server", port=17211, flags="SYN,ACK", times=1),
            before=[
                bind(on="server", to="server", port=17211, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                connect(on="client", to="server", port=17211).returns(0, within_s=(0.9, 1.4)),
                accept(on="server"),
            ],
            # Both ends try again after 1 s; whose segment comes first is chance.
            seen=[syn(at="server"), syn_ack(at="server"), syn_ack(at="client")],
            absent=[rst(at="client"), rst(at="server")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
            states=[
                went_through(
                    on="client", port=17211, states=["SYN-SENT", "ESTAB"], never=["SYN-RECV"]
                ),
                went_through(
                    on="server", port=17211, states=["SYN-RECV", "ESTAB"], never=["SYN-SENT"]
                ),
            ],
            claims={"C78": "true"},
        ),
        Case(
            "fins_lost",
            control=[connect(on="client", to="server"), exchange(on="client", data=b"one")],
            fault=[
                drop(on="router", to="server", port=17212, flags="FIN", times=1),
                drop_reply(on="router", sender="server", port=17212, flags="FIN", times=1),
            ],
            before=[
                bind(on="server", to="server", port=17212, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                connect(on="client", to="server", port=17212),
                accept(on="server"),
                close(on="client"),
                # The FIN that is sent again, after 0.2 s.
                recv(on="server", socket="c").returns(0, within_s=(0.0, 1.0)),
                poll(on="server", socket="c", events="POLLPRI", timeout_s=0.1),
                close(on="server", socket="c"),
                # And the server's.
                poll(on="server", events="POLLIN", timeout_s=0.6).returns(0),
            ],
            seen=[
                fin(at="client", sender="client", count=2),
                fin(at="server", sender="client", count=1),
                fin(at="server", sender="server", count=2),
                fin(at="client", sender="server", count=1),
            ],
            absent=[rst(at="client"), rst(at="server")],
            counted=[
                # By a time-out, or by the loss probe that comes before it.
                Counted("client", "Tcp.RetransSegs", exactly=1),
                Counted("server", "Tcp.RetransSegs", at_least=1),
            ],
            states=[
                went_through(
                    on="client",
                    port=17212,
                    states=["ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"],
                    never=["CLOSE-WAIT", "LAST-ACK", "CLOSED"],
                ),
                went_through(
                    on="server",
                    port=17212,
                    states=["ESTAB", "CLOSE-WAIT", "LAST-ACK", "CLOSED"],
                    never=["FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"],
                ),
            ],
            claims={"C112": "true", "C113": "true"},
        ),
    ],
    look=(
        "`ss -tan` on both hosts: TIME-WAIT is on the one that closed first; a CLOSE-WAIT that "
        "stays is a program that was told of the end and does not close."
    ),
    source=(
        "RFC 9293 3.3.2, figures 5 to 7, and 3.6; Linux net/ipv4/tcp.c tcp_close_state(), "
        "net/ipv4/tcp_input.c tcp_fin(), tcp_rcv_state_process(), net/ipv4/tcp_minisocks.c "
        "tcp_time_wait()"
    ),
)
