"""The service closes its listener, and with it the connections that nobody accepted.

To the client they were made: connect() had returned 0. What waits in the accept queue is
reset when the listener closes or its process ends, and recv() gets ECONNRESET. A handshake
that had not ended is forgotten without a word: the client's next SYN, 1 s later, meets a
port where nobody listens (ECONNREFUSED), and one that is connected, its last ACK alone
having been lost, learns of it when it sends.

So each restart of a service loses what was in its queues, unless another socket of the
same port takes it over (SO_REUSEPORT and net.ipv4.tcp_migrate_req, since Linux 5.14).
"""

from lab import (
    Case,
    Counted,
    Scenario,
    bind,
    close,
    connect,
    data,
    drop,
    drop_reply,
    exchange,
    listen,
    poll,
    recv,
    rst,
    send,
    so_error,
    ss,
    state,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="queue",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"one")],
    cases=[
        Case(
            "in_accept_queue",
            claims={"C60": "wrong"},
            before=[
                bind(on="server", port=17130, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=4),
                connect(on="client", to="server", port=17130),
            ],
            calls=[
                ss(on="server", port=17130, state="LISTEN").tells("LISTEN 1/4"),
                close(on="server"),
                recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
                ss(on="server", port=17130).returns(0),
            ],
            seen=[
                syn(at="server", count=1),
                syn_ack(at="server", count=1),
                rst(at="server", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            counted=[
                Counted("server", "Tcp.EstabResets", exactly=1),
                Counted("server", "Tcp.OutRsts", exactly=1),
                Counted("client", "Tcp.EstabResets", exactly=1),
            ],
        ),
        Case(
            "in_syn_queue",
            claims={"C56": "true"},
            fault=drop_reply(on="router", sender="server", port=17130, times=1),
            calls=[
                bind(on="server", port=17130, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=4),
                connect(on="client", to="server", port=17130, blocking=False).fails("EINPROGRESS"),
                ss(on="server", port=17130, state="SYN-RECV").returns(1),
                close(on="server"),
                # The second SYN leaves 1 s after the first.
                poll(on="client").returns(1, within_s=(0.4, 1.3)),
                so_error(on="client").reports("ECONNREFUSED"),
                ss(on="server", port=17130).returns(0),
            ],
            seen=[
                syn(at="client", count=2),
                syn(at="server", count=2),
                syn_ack(at="server", count=1),
                rst(at="server", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            counted=[
                Counted("server", "Tcp.OutRsts", exactly=1),
                Counted("client", "Tcp.AttemptFails", exactly=1),
            ],
        ),
        Case(
            "ack_lost",
            claims={"C60": "wrong"},
            fault=drop(on="router", to="server", port=17130, flags="ACK", times=1),
            calls=[
                bind(on="server", port=17130, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=4),
                connect(on="client", to="server", port=17130, options={"SO_RCVTIMEO": 1.5}).returns(
                    0
                ),
                ss(on="server", port=17130, state="SYN-RECV").returns(1),
                close(on="server"),
                # At 1 s the SYN-ACK would be sent again.
                recv(on="client").fails("EAGAIN", within_s=(1.5, 2.0)),
                state(on="client").tells("ESTAB"),
                ss(on="server", port=17130).returns(0),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
            ],
            seen=[
                syn(at="server", count=1),
                syn_ack(at="server", count=1),
                data(at="server", sender="client", count=1),
                rst(at="server", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            counted=[
                Counted("server", "Tcp.OutRsts", exactly=1),
                Counted("client", "Tcp.EstabResets", exactly=1),
            ],
        ),
    ],
    look=(
        "The resets come together, when the service stopped: compare their time in a capture with "
        "the start of the process that listens now (`ss -ltnp`, `ps -o lstart`). `nstat "
        "TcpEstabResets` of the server grows by as many as waited in Recv-Q of `ss -ltn`."
    ),
    source=(
        "Linux net/ipv4/inet_connection_sock.c inet_csk_listen_stop(), inet_child_forget() and "
        "reqsk_timer_handler(), net/ipv4/tcp_ipv4.c tcp_v4_rcv(); RFC 9293 3.10.7.1; "
        "Documentation/networking/ip-sysctl.rst tcp_migrate_req"
    ),
)
