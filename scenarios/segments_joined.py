"""Three send() calls arrive as fewer recv(): whoever joined them, they are one stream.

On the path: a box that holds small segments and sends them on as one. At the sender: Nagle's
algorithm, while a first small segment is not yet acknowledged. At the receiver: nobody reads
until all is there. In each case all bytes are right and in order, and where one message ends
and the next begins is lost. Only the program can mark that.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    data,
    delay,
    join,
    listen,
    recv,
    send,
    setsockopt,
)

SCENARIO = Scenario(
    cause="packet",
    claims={"C119": "true"},
    before=[
        bind(on="server", to="server", port=17314, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17314),
        accept(on="server"),
        setsockopt(on="client", option="TCP_NODELAY", value=1),
    ],
    control=[
        bind(on="server", to="server", port=17314, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17314),
        accept(on="server"),
        setsockopt(on="client", option="TCP_NODELAY", value=1),
        send(on="client", data=b"one").returns(3),
        send(on="client", data=b"two").returns(3),
        send(on="client", data=b"three").returns(5),
        recv(on="server", socket="c"),
    ],
    cases=[
        Case(
            "on_the_path",
            # Longer than a busy machine takes to make the three calls.
            fault=join(to="server", port=17314, ms=1000),
            calls=[
                send(on="client", data=b"one").returns(3),
                send(on="client", data=b"two").returns(3),
                send(on="client", data=b"three").returns(5),
                recv(on="server", socket="c").gives(b"onetwothree"),
            ],
            seen=[
                # More are sent again, as nothing is acknowledged meanwhile.
                data(at="client", sender="client"),
                data(at="server", sender="client", count=1),
            ],
        ),
        Case(
            "nagle",
            before=[
                bind(on="server", to="server", port=17314, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            # What the server acknowledges comes late, and until then the rest is held. The
            # handshake meets the delay too: a sender that knows of it sends nothing again.
            fault=delay(to="server", port=17314, replies=True, ms=600),
            calls=[
                connect(on="client", to="server", port=17314),
                accept(on="server"),
                send(on="client", data=b"one").returns(3),
                send(on="client", data=b"two").returns(3),
                send(on="client", data=b"three").returns(5),
                recv(on="server", socket="c").gives(b"one"),
                recv(on="server", socket="c").gives(b"twothree"),
            ],
            seen=[
                data(at="client", sender="client", count=2),
                data(at="server", sender="client", count=2),
            ],
            counted=[Counted("client", "Tcp.RetransSegs", exactly=0)],
        ),
        Case(
            "read_late",
            calls=[
                send(on="client", data=b"one").returns(3),
                send(on="client", data=b"two").returns(3),
                send(on="client", data=b"three").returns(5),
                recv(on="server", socket="c").gives(b"onetwothree"),
            ],
            seen=[
                data(at="client", sender="client", count=3),
                data(at="server", sender="client", count=3),
            ],
            counted=[Counted("client", "Tcp.RetransSegs", exactly=0)],
        ),
    ],
    look=(
        "`strace -e trace=network` on both shows more sends than recvs, and `tcpdump` on both "
        "who joined them."
    ),
    source=(
        "RFC 9293 3.7.4 (Nagle), 3.9.1.2; tcp(7) TCP_NODELAY; Linux net/ipv4/tcp_output.c "
        "tcp_nagle_test(), net/ipv4/tcp.c tcp_recvmsg()"
    ),
)
