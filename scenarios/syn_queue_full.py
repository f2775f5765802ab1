"""Handshakes that nobody ends fill the SYN queue, and the next SYN is dropped.

Each SYN makes an entry in SYN-RECV that lives for a minute. With tcp_syncookies 0 (else
cookies are sent: see `syncookies`) a full queue drops SYNs. Two things bound it. One is
the backlog of listen(N): N + 1 entries, beside the N + 1 of the accept queue, though
listen(2) says that since Linux 2.2 the backlog is of finished connections alone. The
other is tcp_max_syn_backlog, which is not the queue's length: its last quarter is kept
for peers that the kernel remembers (`ip tcp_metrics`). Strangers are turned away at three
quarters of it; for old acquaintances it is no bound at all, and only the backlog is.

Here the router drops the SYN-ACKs of the server's own address. The last to come goes to
another address of it, where nothing is dropped, and gets no answer all the same.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    bind,
    connect,
    connects,
    drop_reply,
    exchange,
    forget_peers,
    given,
    listen,
    poll,
    rst,
    since,
    ss,
    state,
    syn,
    syn_ack,
    syn_timeout,
    sysctl,
)

SCENARIO = Scenario(
    cause="queue",
    fault=[
        sysctl(
            on="server",
            values={
                "net.ipv4.tcp_syncookies": 0,
                "net.ipv4.tcp_max_syn_backlog": given("max_syn_backlog"),
            },
        ),
        drop_reply(on="router", sender="server", port=17120),
    ],
    control=[connect(on="client", to="elsewhere"), exchange(on="client", data=b"one")],
    cases=[
        Case(
            "backlog",
            claims={"C55": "wrong"},
            given={"max_syn_backlog": 1024},
            calls=[
                bind(on="server", port=17120, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=4),
                connects(on="client", to="server", port=17120, count=8, options={"TCP_SYNCNT": 1}),
                # One less in kernels without "allow a connection when sk_max_ack_backlog is
                # zero" (6.13; in the stable ones since January 2025).
                ss(on="server", port=17120, state="SYN-RECV").returns(
                    since((6, 13), then=5, before=None)
                ),
                connect(on="client", to="elsewhere", port=17120, options={"TCP_SYNCNT": 1}).fails(
                    "ETIMEDOUT", within_s=syn_timeout(retries=1)
                ),
                ss(on="server", port=17120, state="SYN-RECV").returns(
                    since((6, 13), then=5, before=None)
                ),
                ss(on="server", port=17120, state="LISTEN").tells("LISTEN 0/4"),
            ],
            seen=[
                # Nine connections, each SYN sent three times (twice before 6.5).
                syn(at="client", count=since((6, 5), then=27, before=18)),
                syn(at="server", count=since((6, 5), then=27, before=18)),
                syn_ack(at="server"),
            ],
            absent=[syn_ack(at="client"), rst(at="server")],
            counted=[
                # Three of the eight, and the last one.
                Counted(
                    "server", "TcpExt.TCPReqQFullDrop", at_least=since((6, 5), then=12, before=8)
                ),
                Counted("server", "TcpExt.ListenDrops", at_least=since((6, 5), then=12, before=8)),
                Counted("server", "TcpExt.ListenOverflows", exactly=0),
                Counted("server", "TcpExt.SyncookiesSent", exactly=0),
            ],
        ),
        Case(
            "stranger",
            claims={"C55": "true"},
            given={"max_syn_backlog": 8},
            calls=[
                forget_peers(on="server"),
                bind(on="server", port=17120, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=128),
                connects(on="client", to="server", port=17120, count=12),
                # Until 8 less the entries is less than a quarter of 8.
                ss(on="server", port=17120, state="SYN-RECV").returns(7),
                connect(on="client", to="elsewhere", port=17120, blocking=False).fails(
                    "EINPROGRESS"
                ),
                poll(on="client", timeout_s=0.2).returns(0, within_s=(0.2, 0.6)),
                state(on="client").tells("SYN-SENT"),
                ss(on="server", port=17120, state="SYN-RECV").returns(7),
            ],
            seen=[
                syn(at="client", count=13),
                syn(at="server", count=13),
                syn_ack(at="server", count=7),
            ],
            absent=[syn_ack(at="client"), rst(at="server")],
            counted=[
                Counted("server", "TcpExt.ListenDrops", exactly=6),
                Counted("server", "TcpExt.TCPReqQFullDrop", exactly=0),
                Counted("server", "TcpExt.ListenOverflows", exactly=0),
            ],
        ),
        Case(
            "acquaintance",
            claims={"C55": "wrong"},
            given={"max_syn_backlog": 8},
            calls=[
                forget_peers(on="server"),
                # The server remembers pairs of addresses: the client and this one of its own.
                connect(on="client", to="elsewhere", socket="earlier"),
                exchange(on="client", socket="earlier", data=b"one"),
                bind(on="server", port=17120, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=128),
                connects(on="client", to="server", port=17120, count=12),
                ss(on="server", port=17120, state="SYN-RECV").returns(7),
                connect(on="client", to="elsewhere", port=17120).returns(0, within_s=(0.0, 0.5)),
                ss(on="server", port=17120, state="LISTEN").tells("LISTEN 1/128"),
            ],
            seen=[
                syn(at="client", count=14),
                syn(at="server", count=14),
                # Seven that are lost, and those of the echo and of the last.
                syn_ack(at="server", count=9),
                syn_ack(at="client", count=2),
            ],
            absent=[rst(at="server")],
            counted=[
                Counted("server", "TcpExt.ListenDrops", exactly=5),
                Counted("server", "TcpExt.TCPReqQFullDrop", exactly=0),
            ],
        ),
        Case(
            "acquaintances_only",
            claims={"C55": "wrong"},
            given={"max_syn_backlog": 8},
            calls=[
                connect(on="client", to="server", socket="earlier"),
                exchange(on="client", socket="earlier", data=b"one"),
                bind(on="server", port=17120, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=14),
                connects(on="client", to="server", port=17120, count=20),
                # To them tcp_max_syn_backlog is no bound, the backlog alone is.
                ss(on="server", port=17120, state="SYN-RECV").returns(
                    since((6, 13), then=15, before=None)
                ),
            ],
            seen=[
                syn(at="client", count=21),
                syn(at="server", count=21),
                syn_ack(at="server", count=since((6, 13), then=16, before=None)),
            ],
            absent=[rst(at="server")],
            counted=[Counted("server", "TcpExt.TCPReqQFullDrop", at_least=5)],
        ),
        Case(
            # Four that wait for accept(), and five half-open ones beside them.
            "both_queues",
            claims={"C54": "not here"},
            given={"max_syn_backlog": 1024},
            before=[
                bind(on="server", port=17120, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=4),
                connect(on="client", to="server", port=17120, socket="first"),
                connect(on="client", to="server", port=17120, socket="second"),
                connect(on="client", to="server", port=17120, socket="third"),
                connect(on="client", to="server", port=17120, socket="fourth"),
            ],
            calls=[
                connects(on="client", to="server", port=17120, count=8),
                ss(on="server", port=17120, state="SYN-RECV").returns(
                    since((6, 13), then=5, before=None)
                ),
                ss(on="server", port=17120, state="LISTEN").tells("LISTEN 4/4"),
            ],
            seen=[
                syn(at="server", count=12),
                syn_ack(at="server", count=since((6, 13), then=9, before=None)),
                syn_ack(at="client", count=4),
            ],
            absent=[rst(at="server")],
            counted=[
                Counted("server", "TcpExt.TCPReqQFullDrop", at_least=3),
                Counted("server", "TcpExt.ListenOverflows", exactly=0),
            ],
        ),
    ],
    look=(
        "`ss -tan state syn-recv | wc -l` on the server stays at the backlog of the listener plus "
        "one, or at three quarters of tcp_max_syn_backlog, and `sysctl net.ipv4.tcp_syncookies` is "
        "0. `nstat -a TcpExtListenDrops` grows and TcpExtListenOverflows does not; "
        "TcpExtTCPReqQFullDrop grows where it is the backlog, nothing else where it is the sysctl."
    ),
    source=(
        "Linux net/ipv4/tcp_input.c tcp_conn_request() and tcp_syn_flood_action(), "
        "include/net/inet_connection_sock.h inet_csk_reqsk_queue_is_full(), "
        "net/ipv4/tcp_metrics.c tcp_peer_is_proven(); listen(2); "
        "Documentation/networking/ip-sysctl.rst tcp_max_syn_backlog"
    ),
)
