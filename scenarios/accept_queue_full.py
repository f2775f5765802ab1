"""Nobody calls accept(), and the queue of finished connections is full.

The kernel finishes handshakes by itself: connect() and even send() succeed while the
server's process does nothing, and the connection waits in the accept queue. listen(N)
gives it room for N + 1, for the kernel asks whether it is longer than N, not whether it
is as long. Then each SYN is dropped without a word, and the caller sends it again until
it gives up: ETIMEDOUT. Once accept() has made room the next SYN gets through. A client
that has long gone keeps its place in the queue.

listen(2) says that the caller may get ECONNREFUSED. On Linux it never does, whatever
tcp_abort_on_overflow is.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    close,
    connect,
    exchange,
    listen,
    poll,
    recv,
    rst,
    send,
    since,
    so_error,
    ss,
    state,
    syn,
    syn_ack,
    syn_timeout,
)

SCENARIO = Scenario(
    cause="queue",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"one")],
    cases=[
        Case(
            "backlog_0",
            claims={"C52": "wrong", "C56": "wrong", "C59": "wrong"},
            before=[
                bind(on="server", port=17100, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=0),
                connect(on="client", to="server", port=17100, socket="first"),
            ],
            calls=[
                ss(on="server", port=17100, state="LISTEN").tells("LISTEN 1/0"),
                connect(on="client", to="server", port=17100, blocking=False).fails(
                    "EINPROGRESS", within_s=(0.0, 0.5)
                ),
                # Nothing comes; the next SYN would leave after 1 s.
                poll(on="client", timeout_s=0.2).returns(0, within_s=(0.2, 0.6)),
                so_error(on="client").reports(""),
                state(on="client").tells("SYN-SENT"),
                ss(on="server", port=17100, state="ESTAB").returns(1),
            ],
            seen=[
                syn(at="client", count=2),
                syn(at="server", count=2),
                syn_ack(at="server", count=1),
            ],
            absent=[rst(at="server")],
            counted=[
                Counted("server", "TcpExt.ListenOverflows", exactly=1),
                Counted("server", "TcpExt.ListenDrops", exactly=1),
            ],
        ),
        Case(
            "backlog_2",
            claims={"C52": "wrong", "C56": "wrong", "C59": "wrong"},
            before=[
                bind(on="server", port=17100, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=2),
                connect(on="client", to="server", port=17100, socket="first"),
                connect(on="client", to="server", port=17100, socket="second"),
                connect(on="client", to="server", port=17100, socket="third"),
            ],
            calls=[
                ss(on="server", port=17100, state="LISTEN").tells("LISTEN 3/2"),
                connect(on="client", to="server", port=17100, blocking=False).fails(
                    "EINPROGRESS", within_s=(0.0, 0.5)
                ),
                poll(on="client", timeout_s=0.2).returns(0, within_s=(0.2, 0.6)),
                state(on="client").tells("SYN-SENT"),
                ss(on="server", port=17100, state="ESTAB").returns(3),
            ],
            seen=[
                syn(at="client", count=4),
                syn(at="server", count=4),
                syn_ack(at="server", count=3),
            ],
            absent=[rst(at="server")],
            counted=[
                Counted("server", "TcpExt.ListenOverflows", exactly=1),
                Counted("server", "TcpExt.ListenDrops", exactly=1),
            ],
        ),
        Case(
            "blocking",
            claims={"C52": "wrong", "C56": "wrong"},
            before=[
                bind(on="server", port=17100, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=1),
                connect(on="client", to="server", port=17100, socket="first"),
                connect(on="client", to="server", port=17100, socket="second"),
            ],
            calls=[
                ss(on="server", port=17100, state="LISTEN").tells("LISTEN 2/1"),
                connect(on="client", to="server", port=17100, options={"TCP_SYNCNT": 1}).fails(
                    "ETIMEDOUT", within_s=syn_timeout(retries=1)
                ),
                ss(on="server", port=17100, state="LISTEN").tells("LISTEN 2/1"),
                ss(on="server", port=17100, state="SYN-RECV").returns(0),
            ],
            seen=[
                # Two that got in, and one that is sent three times (twice before 6.5).
                syn(at="client", count=since((6, 5), then=5, before=4)),
                syn(at="server", count=since((6, 5), then=5, before=4)),
                syn_ack(at="server", count=2),
            ],
            absent=[rst(at="server")],
            counted=[
                Counted(
                    "server",
                    "TcpExt.ListenOverflows",
                    exactly=since((6, 5), then=3, before=2),
                ),
                Counted("server", "TcpExt.ListenDrops", exactly=since((6, 5), then=3, before=2)),
            ],
        ),
        Case(
            "accept_makes_room",
            claims={"C56": "wrong"},
            before=[
                bind(on="server", port=17100, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=0),
                connect(on="client", to="server", port=17100, socket="first"),
            ],
            calls=[
                connect(on="client", to="server", port=17100, blocking=False).fails("EINPROGRESS"),
                accept(on="server", new="first"),
                # The second SYN, 1 s after the first, finds room.
                poll(on="client").returns(1, within_s=(0.4, 1.3)),
                state(on="client").tells("ESTAB"),
                accept(on="server", new="second"),
                send(on="client", data=b"hi").returns(2),
                recv(on="server", socket="second").gives(b"hi"),
            ],
            seen=[
                syn(at="client", count=3),
                syn(at="server", count=3),
                syn_ack(at="server", count=2),
            ],
            counted=[
                Counted("server", "TcpExt.ListenOverflows", exactly=1),
                Counted("server", "TcpExt.ListenDrops", exactly=1),
                Counted("client", "TcpExt.TCPSynRetrans", exactly=1),
            ],
        ),
        Case(
            "served_late",
            claims={"C57": "true", "C59": "wrong", "C106": "wrong"},
            before=[
                bind(on="server", port=17100, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=0),
            ],
            calls=[
                connect(on="client", to="server", port=17100, options={"SO_RCVTIMEO": 0.2}).returns(
                    0, within_s=(0.0, 0.5)
                ),
                send(on="client", data=b"hello").returns(5),
                recv(on="client").fails("EAGAIN", within_s=(0.2, 0.6)),
                # The kernel acknowledged the data; they wait with the connection.
                ss(on="server", port=17100, state="ESTAB").tells("ESTAB 5/0"),
                ss(on="server", port=17100, state="LISTEN").tells("LISTEN 1/0"),
                accept(on="server"),
                recv(on="server", socket="c").gives(b"hello"),
            ],
            seen=[
                syn(at="server", count=1),
                syn_ack(at="server", count=1),
            ],
            absent=[rst(at="server")],
            counted=[Counted("server", "TcpExt.ListenOverflows", exactly=0)],
        ),
        Case(
            "client_left",
            claims={"C56": "wrong"},
            before=[
                bind(on="server", port=17100, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=0),
                connect(on="client", to="server", port=17100, socket="first"),
                close(on="client", socket="first"),
            ],
            calls=[
                ss(on="server", port=17100, state="CLOSE-WAIT").returns(1),
                connect(on="client", to="server", port=17100, blocking=False).fails("EINPROGRESS"),
                poll(on="client", timeout_s=0.2).returns(0, within_s=(0.2, 0.6)),
                accept(on="server"),
                recv(on="server", socket="c").returns(0),
            ],
            seen=[
                syn(at="client", count=2),
                syn(at="server", count=2),
                syn_ack(at="server", count=1),
            ],
            absent=[rst(at="server")],
            counted=[
                Counted("server", "TcpExt.ListenOverflows", exactly=1),
                Counted("server", "TcpExt.ListenDrops", exactly=1),
            ],
        ),
    ],
    look=(
        "`ss -ltn` on the server: Recv-Q of the listener is above Send-Q, its backlog, and stays "
        "so; `nstat -a TcpExtListenOverflows TcpExtListenDrops` grow by one a SYN. A capture there "
        "shows the SYN and no answer to it, though a rule drops nothing; connections without a "
        "process in `ss -tnp` are those that wait."
    ),
    source=(
        "listen(2); Linux net/ipv4/tcp_input.c tcp_conn_request(), include/net/sock.h "
        "sk_acceptq_is_full(), net/ipv4/tcp_diag.c tcp_diag_get_info()"
    ),
)
