"""SYN cookies: a full SYN queue turns nobody away, and what they do not help against.

With tcp_syncookies 1, the default, a SYN that finds no room is answered with a sequence
number that can be checked later, and forgotten: the ACK brings back all that is needed.
So tcp_max_syn_backlog bounds nothing. With 2 every SYN is answered so.

The price: what was forgotten is not sent again. If the client's ACK is lost the server
knows nothing of the connection, and a client that waits for it to speak first waits for
ever. A full accept queue still drops SYNs; an ACK that finds it full is ignored, and
tcp_abort_on_overflow is not even asked.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    connects,
    drop,
    drop_reply,
    exchange,
    listen,
    poll,
    recv,
    rst,
    send,
    since,
    ss,
    state,
    syn,
    syn_ack,
    sysctl,
)

SCENARIO = Scenario(
    cause="queue",
    control=[connect(on="client", to="elsewhere"), exchange(on="client", data=b"one")],
    cases=[
        Case(
            "when_full",
            claims={"C55": "wrong"},
            fault=[
                sysctl(
                    on="server",
                    values={"net.ipv4.tcp_syncookies": 1, "net.ipv4.tcp_max_syn_backlog": 1},
                ),
                drop_reply(on="router", sender="server", port=17125),
            ],
            calls=[
                bind(on="server", port=17125, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=4),
                connects(on="client", to="server", port=17125, count=8),
                # One less in kernels without "allow a connection when sk_max_ack_backlog is
                # zero" (6.13; in the stable ones since January 2025).
                ss(on="server", port=17125, state="SYN-RECV").returns(
                    since((6, 13), then=5, before=None)
                ),
                connect(on="client", to="elsewhere", port=17125).returns(0, within_s=(0.0, 0.5)),
                ss(on="server", port=17125, state="LISTEN").tells("LISTEN 1/4"),
                accept(on="server"),
                send(on="client", data=b"hi").returns(2),
                recv(on="server", socket="c").gives(b"hi"),
            ],
            seen=[
                syn(at="server", count=9),
                syn_ack(at="server", count=9),
                syn_ack(at="client", count=1),
            ],
            absent=[rst(at="server")],
            counted=[
                Counted("server", "TcpExt.TCPReqQFullDoCookies", at_least=4),
                Counted("server", "TcpExt.SyncookiesSent", at_least=4),
                Counted("server", "TcpExt.SyncookiesRecv", exactly=1),
                Counted("server", "TcpExt.TCPReqQFullDrop", exactly=0),
                Counted("server", "TcpExt.ListenDrops", exactly=0),
            ],
        ),
        Case(
            "always",
            claims={"C56": "wrong"},
            fault=[
                sysctl(on="server", values={"net.ipv4.tcp_syncookies": 2}),
                drop_reply(on="router", sender="server", port=17125),
            ],
            calls=[
                bind(on="server", port=17125, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=4),
                connects(on="client", to="server", port=17125, count=8),
                ss(on="server", port=17125).tells("LISTEN 0/4"),
                connect(on="client", to="elsewhere", port=17125).returns(0, within_s=(0.0, 0.5)),
                ss(on="server", port=17125, state="LISTEN").tells("LISTEN 1/4"),
            ],
            seen=[
                syn(at="server", count=9),
                syn_ack(at="server", count=9),
                syn_ack(at="client", count=1),
            ],
            absent=[rst(at="server")],
            counted=[
                Counted("server", "TcpExt.SyncookiesSent", at_least=9),
                Counted("server", "TcpExt.SyncookiesRecv", at_least=1),
                Counted("server", "TcpExt.ListenDrops", exactly=0),
            ],
        ),
        Case(
            "ack_lost",
            claims={"C56": "wrong"},
            fault=[
                sysctl(on="server", values={"net.ipv4.tcp_syncookies": 2}),
                drop(on="router", to="server", port=17125, flags="ACK", times=1),
            ],
            calls=[
                bind(on="server", port=17125, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=4),
                connect(on="client", to="server", port=17125, options={"SO_RCVTIMEO": 1.5}).returns(
                    0, within_s=(0.0, 0.5)
                ),
                # Without cookies the server would send its SYN-ACK again after 1 s.
                recv(on="client").fails("EAGAIN", within_s=(1.5, 2.0)),
                state(on="client").tells("ESTAB"),
                ss(on="server", port=17125).tells("LISTEN 0/4"),
                # Data bring the cookie with them.
                send(on="client", data=b"hi").returns(2),
                accept(on="server"),
                recv(on="server", socket="c").gives(b"hi"),
            ],
            seen=[
                syn(at="server", count=1),
                syn_ack(at="server", count=1),
            ],
            absent=[rst(at="server")],
            counted=[
                Counted("server", "TcpExt.SyncookiesSent", at_least=1),
                Counted("server", "TcpExt.SyncookiesRecv", at_least=1),
            ],
        ),
        Case(
            "accept_queue_full",
            claims={"C56": "wrong"},
            fault=sysctl(on="server", values={"net.ipv4.tcp_syncookies": 2}),
            calls=[
                bind(on="server", port=17125, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=0),
                connect(on="client", to="server", port=17125, socket="first").returns(0),
                connect(on="client", to="server", port=17125, blocking=False).fails("EINPROGRESS"),
                poll(on="client", timeout_s=0.2).returns(0, within_s=(0.2, 0.6)),
                ss(on="server", port=17125, state="LISTEN").tells("LISTEN 1/0"),
            ],
            seen=[
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
            "no_abort",
            claims={"C56": "wrong", "C57": "wrong"},
            fault=[
                sysctl(
                    on="server",
                    values={"net.ipv4.tcp_syncookies": 2, "net.ipv4.tcp_abort_on_overflow": 1},
                ),
                drop(on="router", to="server", port=17125, flags="ACK", times=1),
            ],
            calls=[
                bind(on="server", port=17125, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=0),
                connect(
                    on="client",
                    to="server",
                    port=17125,
                    socket="late",
                    options={"SO_RCVTIMEO": 0.5},
                ).returns(0),
                connect(on="client", to="server", port=17125, socket="first").returns(0),
                send(on="client", socket="late", data=b"hi").returns(2),
                recv(on="client", socket="late").fails("EAGAIN", within_s=(0.5, 0.9)),
                state(on="client", socket="late").tells("ESTAB"),
                ss(on="server", port=17125, state="SYN-RECV").returns(0),
                accept(on="server", new="first"),
                accept(on="server", new="late"),
                recv(on="server", socket="late").gives(b"hi"),
            ],
            seen=[
                syn(at="server", count=2),
                syn_ack(at="server", count=2),
            ],
            absent=[rst(at="server"), rst(at="client")],
            counted=[
                Counted("server", "TcpExt.ListenOverflows", at_least=2),
                Counted("server", "TcpExt.ListenDrops", at_least=2),
                Counted("server", "TcpExt.EmbryonicRsts", exactly=0),
                Counted("client", "Tcp.RetransSegs", at_least=1),
            ],
        ),
    ],
    look=(
        "`nstat -a TcpExtSyncookiesSent TcpExtSyncookiesRecv TcpExtTCPReqQFullDoCookies` grow; the "
        "kernel's log says 'Possible SYN flooding … Sending cookies'. A client in ESTAB (`ss -tn`) "
        "of which the server's `ss -tan` shows nothing, with SyncookiesSent above SyncookiesRecv: "
        "its last ACK was lost, or found the accept queue full."
    ),
    source=(
        "RFC 4987 3.6; Linux net/ipv4/tcp_input.c tcp_conn_request() and tcp_syn_flood_action(), "
        "net/ipv4/syncookies.c cookie_v4_check() and tcp_get_cookie_sock(), "
        "net/ipv6/syncookies.c; Documentation/networking/ip-sysctl.rst tcp_syncookies"
    ),
)
