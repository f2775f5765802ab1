"""Three segments end a connection when the other side closes at once.

The first FIN is acknowledged by the second: a kernel that has nothing else to send waits for
40 ms before it sends a mere ACK, once the two have talked, and a program that reads the end and
closes needs less than one. So its FIN carries the ACK, and FIN, FIN with ACK, ACK is all that is
seen. The lab's own server does so. The states are the same as with four segments, but FIN-WAIT-2
is left out: one segment takes the first closer from FIN-WAIT-1 to TIME-WAIT.

close() does not wait for any of this. It returns at once, and the kernel does the rest for a
socket that no program has any more. (Three connections are closed here, one after another: on a
busy machine the server may have to wait for its turn for longer than 40 ms, and then it is four
segments after all. So it often is where no data came before the FIN: then Linux sends its ACK
after a few milliseconds.)
"""

from lab import (
    Case,
    Counted,
    Scenario,
    ack,
    close,
    connect,
    fin,
    pipe,
    poll,
    recv,
    rst,
    send,
    shutdown,
    went_through,
)

SCENARIO = Scenario(
    cause="nothing",
    before=[
        pipe(on="client", socket="clock"),
        connect(on="client", to="server", socket="one"),
        connect(on="client", to="server", socket="two"),
        connect(on="client", to="server", socket="three"),
        send(on="client", data=b"one", socket="one").returns(3),
        recv(on="client", socket="one").gives(b"one"),
        send(on="client", data=b"two", socket="two").returns(3),
        recv(on="client", socket="two").gives(b"two"),
        send(on="client", data=b"tri", socket="three").returns(3),
        recv(on="client", socket="three").gives(b"tri"),
    ],
    seen=[
        fin(at="client", sender="client", seq=4, acks=4, count=3),
        fin(at="server", sender="client", seq=4, acks=4, count=3),
        fin(at="client", sender="server", seq=4, acks=5, count=3),
        ack(at="server", sender="client", seq=5, acks=5, count=3),
        # Once at least the server's kernel sent none.
        ack(at="client", sender="server", acks=5, at_most=2),
    ],
    absent=[rst(at="client"), rst(at="server")],
    counted=[
        Counted("client", "Tcp.RetransSegs", exactly=0),
        Counted("client", "Tcp.EstabResets", exactly=0),
    ],
    states=[
        went_through(
            on="client",
            port=16555,
            states=["ESTAB", "TIME-WAIT"],
            never=["CLOSE-WAIT", "LAST-ACK", "CLOSED"],
        ),
        went_through(
            on="server",
            port=16555,
            states=["ESTAB", "CLOSED"],
            never=["FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"],
        ),
    ],
    cases=[
        Case(
            "close",
            calls=[
                close(on="client", socket="one")
                .returns(0, within_s=(0.0, 0.4))
                .after(fin(at="client", sender="client")),
                # Nothing is read from the pipe: it is a moment for the answers to come.
                poll(on="client", socket="clock", events="POLLIN", timeout_s=0.2).returns(0),
                close(on="client", socket="two").returns(0, within_s=(0.0, 0.4)),
                poll(on="client", socket="clock", events="POLLIN", timeout_s=0.2).returns(0),
                close(on="client", socket="three").returns(0, within_s=(0.0, 0.4)),
                poll(on="client", socket="clock", events="POLLIN", timeout_s=0.5).returns(0),
            ],
            claims={"C101": "true", "C110": "true", "C114": "wrong"},
        ),
        Case(
            # As with close(), but this side waits for the other's FIN, which is its end too.
            "shutdown",
            calls=[
                shutdown(on="client", how="SHUT_WR", socket="one").returns(0),
                recv(on="client", socket="one")
                .returns(0, within_s=(0.0, 0.5))
                .after(fin(at="client", sender="server")),
                shutdown(on="client", how="SHUT_WR", socket="two").returns(0),
                recv(on="client", socket="two").returns(0, within_s=(0.0, 0.5)),
                shutdown(on="client", how="SHUT_WR", socket="three").returns(0),
                recv(on="client", socket="three").returns(0, within_s=(0.0, 0.5)),
                close(on="client", socket="one").returns(0, within_s=(0.0, 0.4)),
            ],
            claims={"C113": "true", "C114": "wrong"},
        ),
    ],
    look=(
        "A capture shows a FIN from each side and one ACK alone, the last. `ss -tan` shows "
        "TIME-WAIT on the side that closed first, and nothing on the other."
    ),
    source=(
        "RFC 9293 3.6 and 3.8.6.3; RFC 1122 4.2.3.2; close(2); Linux net/ipv4/tcp_output.c "
        "tcp_send_delayed_ack(), net/ipv4/tcp_input.c tcp_rcv_state_process() TCP_FIN_WAIT1, "
        "tcp_time_wait()"
    ),
)
