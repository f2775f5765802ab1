"""Both sides close at once, and their FINs cross on the way.

Neither FIN acknowledges the other, for each was sent before the other came. A side that gets a
FIN while its own is not acknowledged goes from FIN-WAIT-1 to CLOSING, and not to FIN-WAIT-2, and
from there to TIME-WAIT when the ACK comes. So it is four segments again, in another order, and
both sides are in TIME-WAIT for 60 s: there is no side that closed first.

It needs a path that is longer than the time between the two close(): here the router holds
every segment back for 300 ms. Neither program notices anything of it; close() returns at once on
both sides.
"""

from lab import (
    Counted,
    Scenario,
    accept,
    ack,
    bind,
    close,
    connect,
    delay,
    exchange,
    fin,
    listen,
    poll,
    rst,
    went_through,
)

SCENARIO = Scenario(
    cause="nothing",
    # A port in TIME-WAIT would be in the way of the next run.
    needs=["sock_destroy"],
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    fault=[
        delay(to="server", port=17330, ms=300),
        delay(to="server", port=17330, ms=300, replies=True),
    ],
    before=[
        bind(on="server", to="server", port=17330, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
    ],
    calls=[
        connect(on="client", to="server", port=17330).returns(0, within_s=(0.6, 1.0)),
        accept(on="server"),
        close(on="client")
        .returns(0, within_s=(0.0, 0.4))
        .before(fin(at="client", sender="server")),
        close(on="server", socket="c")
        .returns(0, within_s=(0.0, 0.4))
        .before(fin(at="server", sender="client")),
        # Two ways of 300 ms, and some more.
        poll(on="server", events="POLLIN", timeout_s=1.2).returns(0),
    ],
    seen=[
        # Neither acknowledges the other's.
        fin(at="client", sender="client", seq=1, acks=1, count=1),
        fin(at="server", sender="server", seq=1, acks=1, count=1),
        fin(at="server", sender="client", seq=1, acks=1, count=1),
        fin(at="client", sender="server", seq=1, acks=1, count=1),
        ack(at="server", sender="client", seq=2, acks=2, count=1),
        ack(at="client", sender="server", seq=2, acks=2, count=1),
    ],
    absent=[rst(at="client"), rst(at="server")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=1),
        Counted("client", "Tcp.EstabResets", exactly=0),
    ],
    states=[
        went_through(
            on="client",
            port=17330,
            states=["SYN-SENT", "ESTAB", "FIN-WAIT-1", "CLOSING", "TIME-WAIT"],
            never=["FIN-WAIT-2", "CLOSE-WAIT", "LAST-ACK", "CLOSED"],
        ),
        went_through(
            on="server",
            port=17330,
            states=["ESTAB", "FIN-WAIT-1", "CLOSING", "TIME-WAIT"],
            never=["FIN-WAIT-2", "CLOSE-WAIT", "LAST-ACK", "CLOSED"],
        ),
    ],
    look=(
        "`ss -tan` shows TIME-WAIT for one connection on both hosts; a capture at each end shows "
        "its own FIN before the other's, and two ACKs behind them."
    ),
    source=(
        "RFC 9293 3.6, figure 13, and 3.3.2; Linux net/ipv4/tcp_input.c tcp_fin(), "
        "tcp_rcv_state_process() TCP_CLOSING"
    ),
)
