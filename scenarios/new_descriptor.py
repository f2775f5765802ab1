"""accept(2) returns a new socket of the server's, one for each client; the listener stays.

The new descriptor stands for the server's end of one connection. What is written to it reaches
the client, and what the client sends is read from it; so it is easily taken for the client's
socket. But getsockname(2) gives the server's address, getpeername(2) the client's, and when the
client closes its own, this one is still open until the server closes it.

The listener has no part in the connections that came from it. It accepts the next one, and if
it is closed they live on, while new clients are refused.
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
    fin,
    fstat,
    getpeername,
    getsockname,
    getsockopt,
    listen,
    recv,
    rst,
    send,
    ss,
    state,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="nothing",
    before=[
        bind(on="server", to="server", port=17476, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
    ],
    seen=[
        syn(at="server", count=2),
        syn_ack(at="client", count=2),
        data(at="client", sender="server", count=2),
    ],
    absent=[rst(at="client"), rst(at="server")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=2),
        Counted("client", "Tcp.EstabResets", exactly=0),
    ],
    cases=[
        Case(
            "two_clients",
            claims={"C62": "true"},
            calls=[
                connect(on="client", to="server", port=17476, socket="first"),
                connect(on="client", to="server", port=17476, socket="second"),
                accept(on="server", new="one"),
                accept(on="server", new="two"),
                send(on="server", socket="two", data=b"for the second").returns(14),
                send(on="server", socket="one", data=b"for the first").returns(13),
                recv(on="client", socket="first").gives(b"for the first"),
                recv(on="client", socket="second").gives(b"for the second"),
            ],
        ),
        Case(
            # One client is served and left; the listener takes the next.
            "listener_stays",
            claims={"C62": "true"},
            calls=[
                connect(on="client", to="server", port=17476, socket="first"),
                accept(on="server", new="one"),
                getsockopt(on="server", option="SO_ACCEPTCONN").returns(1),
                getsockopt(on="server", socket="one", option="SO_ACCEPTCONN").returns(0),
                state(on="server").tells("LISTEN"),
                state(on="server", socket="one").tells("ESTAB"),
                send(on="server", socket="one", data=b"abc").returns(3),
                close(on="server", socket="one"),
                recv(on="client", socket="first").gives(b"abc"),
                recv(on="client", socket="first").returns(0),
                connect(on="client", to="server", port=17476, socket="second"),
                accept(on="server", new="two"),
                send(on="server", socket="two", data=b"abc").returns(3),
                recv(on="client", socket="second").gives(b"abc"),
            ],
        ),
        Case(
            "listener_closed_after",
            claims={"C62": "true"},
            calls=[
                connect(on="client", to="server", port=17476, socket="first"),
                connect(on="client", to="server", port=17476, socket="second"),
                accept(on="server", new="one"),
                accept(on="server", new="two"),
                close(on="server"),
                ss(on="server", port=17476, state="LISTEN").returns(0),
                ss(on="server", port=17476, state="ESTAB").returns(2),
                send(on="server", socket="one", data=b"abc").returns(3),
                send(on="server", socket="two", data=b"abc").returns(3),
                recv(on="client", socket="first").gives(b"abc"),
                recv(on="client", socket="second").gives(b"abc"),
                connect(on="client", to="server", port=17476, socket="third").fails("ECONNREFUSED"),
            ],
            seen=[
                syn(at="server", count=3),
                syn_ack(at="client", count=2),
                rst(at="client", sender="server", count=1),
                data(at="client", sender="server", count=2),
            ],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=3),
                Counted("client", "Tcp.AttemptFails", exactly=1),
                Counted("client", "Tcp.EstabResets", exactly=0),
            ],
        ),
        Case(
            "reaches_the_client",
            claims={"C94": "true"},
            calls=[
                connect(on="client", to="server", port=17476),
                accept(on="server"),
                send(on="server", socket="c", data=b"abc").returns(3),
                recv(on="client").gives(b"abc"),
                send(on="client", data=b"hi").returns(2),
                recv(on="server", socket="c").gives(b"hi"),
            ],
            seen=[
                data(at="client", sender="server", count=1),
                data(at="server", sender="client", count=1),
            ],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "own_end",
            claims={"C94": "wrong"},
            calls=[
                connect(on="client", to="server", port=17476),
                accept(on="server").tells("{client:url}:…"),
                getsockname(on="server", socket="c").tells("{server:url}:17476"),
                getpeername(on="server", socket="c").tells("{client:url}:…"),
                getsockname(on="client").tells("{client:url}:…"),
                getpeername(on="client").tells("{server:url}:17476"),
                # The client's socket is closed, and this one is not.
                close(on="client"),
                recv(on="server", socket="c").returns(0),
                state(on="server", socket="c").tells("CLOSE-WAIT"),
                fstat(on="server", socket="c").tells("socket"),
                getsockname(on="client").fails("EBADF"),
            ],
            seen=[syn(at="server", count=1), fin(at="server", sender="client", count=1)],
            absent=[rst(at="client"), fin(at="client", sender="server")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
    ],
    look=(
        "`ss -tanp sport = :PORT` shows the listener and each connection with the descriptor "
        "(`fd=4`) that the process has for it. Many in CLOSE-WAIT are descriptors of clients that "
        "have left, which the program does not close."
    ),
    source=(
        "accept(2), getsockname(2), getpeername(2); socket(7) SO_ACCEPTCONN; Linux net/socket.c "
        "do_accept(), net/ipv4/af_inet.c inet_accept()"
    ),
)
