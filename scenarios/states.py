"""Every state of a connection's end, each long enough to be seen.

The router holds each segment back for 150 ms, both ways, so that the states that last for a
round trip last for 0.3 s. One case after another: the client closes first, the server closes
first, both close at once. With LISTEN and CLOSED these are the eleven states of TCP.

SYN-SENT belongs to who calls connect(), SYN-RECV to who is called. Which side has FIN-WAIT-1,
FIN-WAIT-2 and TIME-WAIT, and which CLOSE-WAIT and LAST-ACK, does not depend on that: it is
decided by who sends the first FIN. CLOSING is seen only where the FINs cross. TIME-WAIT lasts
for 60 s on Linux, whatever the path is like; all others but ESTAB, CLOSE-WAIT and FIN-WAIT-2 end
with the next segment, and those three last as long as a program likes.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    close,
    connect,
    delay,
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
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    seen=[
        syn(at="server", count=1),
        syn_ack(at="client", acks=1, count=1),
        fin(at="server", sender="client", count=1),
        fin(at="client", sender="server", count=1),
    ],
    absent=[rst(at="client"), rst(at="server")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=1),
        Counted("client", "Tcp.EstabResets", exactly=0),
    ],
    cases=[
        Case(
            "client_closes_first",
            fault=[
                delay(to="server", port=17340, ms=150),
                delay(to="server", port=17340, ms=150, replies=True),
            ],
            before=[
                bind(on="server", to="server", port=17340, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                connect(on="client", to="server", port=17340).returns(0, within_s=(0.3, 0.8)),
                accept(on="server"),
                close(on="client"),
                recv(on="server", socket="c").returns(0, within_s=(0.0, 0.7)),
                # Time for its ACK to arrive, before its own FIN leaves.
                poll(on="server", socket="c", events="POLLPRI", timeout_s=0.4).returns(0),
                close(on="server", socket="c"),
                poll(on="server", events="POLLIN", timeout_s=0.7).returns(0),
            ],
            states=[
                went_through(
                    on="client",
                    port=17340,
                    states=["SYN-SENT", "ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"],
                    never=["SYN-RECV", "CLOSE-WAIT", "LAST-ACK", "CLOSING", "CLOSED"],
                ),
                went_through(
                    on="server",
                    port=17340,
                    states=["SYN-RECV", "ESTAB", "CLOSE-WAIT", "LAST-ACK", "CLOSED"],
                    never=["SYN-SENT", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "TIME-WAIT"],
                ),
            ],
            claims={"C78": "true", "C110": "true", "C112": "true", "C113": "true"},
        ),
        Case(
            "server_closes_first",
            fault=[
                delay(to="server", port=17341, ms=150),
                delay(to="server", port=17341, ms=150, replies=True),
            ],
            before=[
                bind(on="server", to="server", port=17341, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                connect(on="client", to="server", port=17341).returns(0, within_s=(0.3, 0.8)),
                accept(on="server"),
                close(on="server", socket="c"),
                recv(on="client").returns(0, within_s=(0.0, 0.7)),
                poll(on="client", events="POLLPRI", timeout_s=0.4).returns(0),
                close(on="client"),
                poll(on="server", events="POLLIN", timeout_s=0.7).returns(0),
            ],
            states=[
                went_through(
                    on="client",
                    port=17341,
                    states=["SYN-SENT", "ESTAB", "CLOSE-WAIT", "LAST-ACK", "CLOSED"],
                    never=["SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "TIME-WAIT"],
                ),
                went_through(
                    on="server",
                    port=17341,
                    states=["SYN-RECV", "ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"],
                    never=["SYN-SENT", "CLOSE-WAIT", "LAST-ACK", "CLOSING", "CLOSED"],
                ),
            ],
            claims={"C78": "true", "C110": "true", "C112": "true", "C113": "true"},
        ),
        Case(
            # Slower still, so that the second close() surely comes before the first FIN.
            "both_close",
            fault=[
                delay(to="server", port=17342, ms=300),
                delay(to="server", port=17342, ms=300, replies=True),
            ],
            before=[
                bind(on="server", to="server", port=17342, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                connect(on="client", to="server", port=17342).returns(0, within_s=(0.6, 1.0)),
                accept(on="server"),
                close(on="client").before(fin(at="client", sender="server")),
                close(on="server", socket="c").before(fin(at="server", sender="client")),
                poll(on="server", events="POLLIN", timeout_s=1.2).returns(0),
            ],
            states=[
                went_through(
                    on="client",
                    port=17342,
                    states=["SYN-SENT", "ESTAB", "FIN-WAIT-1", "CLOSING", "TIME-WAIT"],
                    never=["SYN-RECV", "FIN-WAIT-2", "CLOSE-WAIT", "LAST-ACK", "CLOSED"],
                ),
                went_through(
                    on="server",
                    port=17342,
                    states=["SYN-RECV", "ESTAB", "FIN-WAIT-1", "CLOSING", "TIME-WAIT"],
                    never=["SYN-SENT", "FIN-WAIT-2", "CLOSE-WAIT", "LAST-ACK", "CLOSED"],
                ),
            ],
            claims={"C78": "true"},
        ),
    ],
    look=(
        "`ss -tan` shows the states of one moment. Many SYN-SENT: nobody answers. Many CLOSE-WAIT: "
        "a program that does not close. Many TIME-WAIT: this host closes first. FIN-WAIT-1 and "
        "LAST-ACK that stay: the other host does not acknowledge any more."
    ),
    source=(
        "RFC 9293 3.3.2, figure 5, and 3.6; tcp(7); Linux net/ipv4/tcp_input.c "
        "tcp_rcv_state_process(), net/ipv4/tcp.c tcp_close_state(), include/net/tcp_states.h"
    ),
)
