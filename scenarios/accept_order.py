"""accept(2) takes the oldest of the finished connections, and removes it from the queue.

The accept queue is first in, first out. A connection enters it at its end when its handshake
is finished: so what counts is when the client's ACK came, not when its SYN did. Who sent data
first gains nothing by it, and a client that has left keeps its place: accept(2) hands it out
in its turn, and recv(2) then says that it is gone.
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
    drop,
    exchange,
    fcntl,
    fin,
    listen,
    recv,
    rst,
    send,
    ss,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="queue",
    claims={"C92": "true"},
    control=[connect(on="client", to="server"), exchange(on="client", data=b"one")],
    before=[
        bind(on="server", to="server", port=17465, options={"SO_REUSEADDR": 1}),
        listen(on="server", backlog=5),
    ],
    absent=[rst(at="client"), rst(at="server")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=3),
        Counted("server", "TcpExt.ListenOverflows", exactly=0),
    ],
    cases=[
        Case(
            "first_in_first_out",
            calls=[
                connect(on="client", to="server", port=17465, socket="first"),
                connect(on="client", to="server", port=17465, socket="second"),
                connect(on="client", to="server", port=17465, socket="third"),
                # In the other order.
                send(on="client", socket="third", data=b"third").returns(5),
                send(on="client", socket="second", data=b"second").returns(6),
                send(on="client", socket="first", data=b"first").returns(5),
                ss(on="server", port=17465, state="LISTEN").tells("LISTEN 3/5"),
                accept(on="server", new="one"),
                recv(on="server", socket="one").gives(b"first"),
                ss(on="server", port=17465, state="LISTEN").tells("LISTEN 2/5"),
                accept(on="server", new="two"),
                recv(on="server", socket="two").gives(b"second"),
                accept(on="server", new="three"),
                recv(on="server", socket="three").gives(b"third"),
                ss(on="server", port=17465, state="LISTEN").tells("LISTEN 0/5"),
                fcntl(on="server", blocking=False),
                accept(on="server").fails("EAGAIN"),
            ],
            seen=[
                syn(at="server", count=3),
                syn_ack(at="client", count=3),
                data(at="server", sender="client", count=3),
            ],
        ),
        Case(
            # The router drops ACKs that carry nothing, so that the data end each handshake.
            "by_the_last_ack",
            fault=drop(on="router", to="server", port=17465, flags="ACK"),
            calls=[
                connect(on="client", to="server", port=17465, socket="slow"),
                connect(on="client", to="server", port=17465, socket="quick"),
                connect(on="client", to="server", port=17465, socket="third"),
                ss(on="server", port=17465, state="SYN-RECV").returns(3),
                send(on="client", socket="quick", data=b"quick").returns(5),
                send(on="client", socket="third", data=b"third").returns(5),
                ss(on="server", port=17465, state="SYN-RECV").returns(1),
                ss(on="server", port=17465, state="LISTEN").tells("LISTEN 2/5"),
                send(on="client", socket="slow", data=b"slow").returns(4),
                ss(on="server", port=17465, state="LISTEN").tells("LISTEN 3/5"),
                accept(on="server", new="one"),
                recv(on="server", socket="one").gives(b"quick"),
                accept(on="server", new="two"),
                recv(on="server", socket="two").gives(b"third"),
                accept(on="server", new="three"),
                recv(on="server", socket="three").gives(b"slow"),
            ],
            seen=[
                syn(at="server", count=3),
                syn_ack(at="client"),
                data(at="server", sender="client", count=3),
            ],
        ),
        Case(
            "client_left",
            calls=[
                connect(on="client", to="server", port=17465, socket="first"),
                connect(on="client", to="server", port=17465, socket="second"),
                connect(on="client", to="server", port=17465, socket="third"),
                close(on="client", socket="first"),
                send(on="client", socket="second", data=b"second").returns(6),
                ss(on="server", port=17465, state="LISTEN").tells("LISTEN 3/5"),
                accept(on="server", new="one"),
                recv(on="server", socket="one").returns(0),
                accept(on="server", new="two"),
                recv(on="server", socket="two").gives(b"second"),
            ],
            seen=[
                syn(at="server", count=3),
                syn_ack(at="client", count=3),
                fin(at="server", sender="client", count=1),
            ],
        ),
    ],
    look=(
        "`ss -tnp` shows the connections of the port that have no process yet: these wait. "
        "`strace -e trace=accept4 -p PID` prints the peer of each as it is taken."
    ),
    source=(
        "accept(2); POSIX accept(); Linux net/ipv4/inet_connection_sock.c "
        "inet_csk_reqsk_queue_add(), inet_csk_accept(), include/net/request_sock.h "
        "reqsk_queue_remove()"
    ),
)
