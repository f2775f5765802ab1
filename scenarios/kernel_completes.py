"""The kernel makes the connection: no program has called accept().

listen() is all that a server's program has to do with the handshake. From then on its kernel
answers each SYN with a SYN-ACK, takes the client's ACK, and puts the connection into the accept
queue, where it is ESTAB. What the client sends is acknowledged and kept, in the receive buffer
of a socket that no program has yet. accept() comes later, sends nothing, and fetches what is
there.

So connect() says that a kernel listens, and not that a program serves. A server that hangs, or
is stopped with SIGSTOP, takes connections and data until its queue is full
(accept_queue_full); the client notices nothing but the missing reply.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    ack,
    bind,
    connect,
    data,
    listen,
    poll,
    recv,
    rst,
    send,
    ss,
    syn,
    syn_ack,
    went_through,
)

SCENARIO = Scenario(
    cause="service",
    absent=[rst(at="client"), rst(at="server")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=1),
        Counted("client", "Tcp.RetransSegs", exactly=0),
        Counted("server", "TcpExt.ListenOverflows", exactly=0),
    ],
    cases=[
        Case(
            # Nobody ever calls accept().
            "connect",
            before=[
                bind(on="server", to="server", port=17310, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=4),
            ],
            calls=[
                connect(on="client", to="server", port=17310).returns(0, within_s=(0.0, 0.5)),
                send(on="client", data=b"hello").returns(5),
                # A reply does not come; meanwhile the data is acknowledged.
                poll(on="client", events="POLLIN", timeout_s=0.2).returns(0),
                ss(on="client", port=17310).tells("ESTAB 0/0"),
                ss(on="server", port=17310, state="ESTAB").tells("ESTAB 5/0"),
                ss(on="server", port=17310, state="LISTEN").tells("LISTEN 1/4"),
            ],
            seen=[
                syn(at="server", count=1),
                syn_ack(at="server", acks=1, count=1),
                data(at="server", sender="client", count=1),
                ack(at="client", sender="server", acks=6, count=1),
            ],
            absent=[rst(at="client"), data(at="client", sender="server")],
            claims={"C59": "wrong", "C106": "wrong"},
        ),
        Case(
            # accept() comes a second later, and sends nothing.
            "accept_late",
            before=[
                bind(on="server", to="server", port=17311, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=4),
            ],
            calls=[
                connect(on="client", to="server", port=17311).returns(0, within_s=(0.0, 0.5)),
                poll(on="client", events="POLLIN", timeout_s=1.0).returns(0, within_s=(1.0, 1.5)),
                ss(on="server", port=17311, state="ESTAB").returns(1),
                ss(on="server", port=17311, state="LISTEN").tells("LISTEN 1/4"),
                accept(on="server").tells("{client:url}:…", within_s=(0.0, 0.5)),
                ss(on="server", port=17311, state="LISTEN").tells("LISTEN 0/4"),
            ],
            seen=[
                syn(at="server", count=1),
                syn_ack(at="server", acks=1, count=1),
                ack(at="server", sender="client", seq=1, acks=1, count=1),
            ],
            # Of the server there is the SYN-ACK, and nothing when accept() is called.
            absent=[rst(at="client"), ack(at="server", sender="server")],
            states=[
                went_through(on="client", port=17311, states=["ESTAB"], never=["CLOSED"]),
                went_through(on="server", port=17311, states=["ESTAB"], never=["CLOSED"]),
            ],
            claims={"C59": "wrong", "C106": "wrong", "C108": "wrong", "C109": "wrong"},
        ),
        Case(
            # What was sent before accept() is read after it.
            "data_before_accept",
            before=[
                bind(on="server", to="server", port=17312, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=4),
            ],
            calls=[
                connect(on="client", to="server", port=17312).returns(0, within_s=(0.0, 0.5)),
                send(on="client", data=b"early").returns(5),
                poll(on="client", events="POLLIN", timeout_s=0.2).returns(0),
                accept(on="server"),
                recv(on="server", socket="c").gives(b"early", within_s=(0.0, 0.5)),
                send(on="server", socket="c", data=b"late").returns(4),
                recv(on="client").gives(b"late", within_s=(0.0, 0.5)),
            ],
            seen=[
                data(at="server", sender="client", count=1),
                ack(at="client", sender="server", acks=6, count=1),
                data(at="client", sender="server", count=1),
            ],
            claims={"C59": "wrong", "C60": "true"},
        ),
    ],
    look=(
        "`ss -tlnp` of the server: Recv-Q of the listener counts connections that no program has "
        "taken. `ss -tanp` shows them as ESTAB without a process, and in Recv-Q what their "
        "clients have sent."
    ),
    source=(
        "RFC 9293 3.10.7.2 and 3.10.7.4; listen(2), accept(2); Linux net/ipv4/tcp_input.c "
        "tcp_conn_request(), net/ipv4/tcp_minisocks.c tcp_check_req(), "
        "net/ipv4/inet_connection_sock.c inet_csk_accept()"
    ),
)
