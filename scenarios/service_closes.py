"""The service takes the connection and hangs up in order before it has answered.

Any program can meet this: its connections to the service are led, on the server, to one that
hangs up. (In `closed_without_reply` calls on the server do.) A FIN is no failure: recv(2) gives
0 and sets no errno, and what a program makes of an answer of no bytes is its own affair: curl
calls it an empty reply. `after_request` has read the request; `at_once` speaks first, by
hanging up: the caller's connect(2) has succeeded, and so does the send(2) that follows.
`half_answered` breaks off in the middle of a line, and only who knows how much there should
be (a length, an end of line) can tell: to TCP that is an end like any other.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    connect,
    data,
    fin,
    misbehave,
    recv,
    rst,
    send,
    so_error,
    state,
)

SCENARIO = Scenario(
    cause="service",
    control=[
        connect(on="client", to="server"),
        send(on="client", data=b"request"),
        recv(on="client").gives(b"request"),
    ],
    seen=[
        data(at="server", sender="client", count=1),
        fin(at="server", sender="server", count=1),
        fin(at="client", sender="server", count=1),
    ],
    absent=[data(at="client", sender="server"), rst(at="client")],
    counted=[
        Counted("client", "Tcp.EstabResets", exactly=0),
        Counted("client", "TcpExt.TCPOrigDataSent", exactly=1),
    ],
    cases=[
        Case(
            "after_request",
            fault=misbehave(how="close"),
            calls=[
                connect(on="client", to="server"),
                send(on="client", data=b"request").returns(7),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                so_error(on="client").reports(""),
                state(on="client").tells("CLOSE-WAIT"),
            ],
        ),
        Case(
            "at_once",
            fault=misbehave(how="close_at_once"),
            calls=[
                connect(on="client", to="server"),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                # It has hung up and still takes what it is sent, as after shutdown(2).
                send(on="client", data=b"request").returns(7),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                so_error(on="client").reports(""),
                state(on="client").tells("CLOSE-WAIT"),
            ],
        ),
        Case(
            "half_answered",
            fault=misbehave(how="half"),
            calls=[
                connect(on="client", to="server"),
                send(on="client", data=b"request").returns(7),
                recv(on="client").gives(b"half of a li", within_s=(0.0, 0.5)),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                so_error(on="client").reports(""),
                state(on="client").tells("CLOSE-WAIT"),
            ],
            seen=[
                data(at="server", sender="client", count=1),
                data(at="client", sender="server", count=1),
                fin(at="client", sender="server", count=1),
            ],
            absent=[rst(at="client")],
        ),
    ],
    look=(
        "A capture shows a FIN from the peer and no RST: before our request, it was hung up at "
        "once (a full or closing service, a proxy without a backend, an access list); behind the "
        "ACK of it, the request was read and given up. `ss -tn` shows CLOSE-WAIT until the "
        "program closes."
    ),
    source=(
        "RFC 9293 3.6; recv(2), shutdown(2); iptables-extensions(8) REDIRECT; Linux "
        "net/ipv4/tcp_input.c tcp_fin(), net/ipv4/tcp.c tcp_recvmsg_locked()"
    ),
)
