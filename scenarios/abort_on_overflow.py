"""tcp_abort_on_overflow answers the last ACK of a handshake, and never a SYN.

While the accept queue is full Linux drops each SYN, with or without it. It matters for
those alone whose handshake had begun before: the SYN was answered while there was room,
and the ACK that ends the handshake finds the queue full. Then 1 means a RST. The client's
connect() has returned 0 long before, for to the client the SYN-ACK was the end of it: its
next recv() or send() gets ECONNRESET. With 0, the default, the ACK is ignored: see
`final_ack_ignored`.

Here the router drops one client's first ACK, and another one fills the queue meanwhile.
The next that comes is the ACK that goes with its data, or its answer to the SYN-ACK that
the server sends again after 1 s.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    bind,
    connect,
    data,
    drop,
    exchange,
    listen,
    poll,
    recv,
    rst,
    send,
    ss,
    state,
    syn,
    syn_ack,
    sysctl,
)

SCENARIO = Scenario(
    cause="queue",
    fault=[
        sysctl(on="server", values={"net.ipv4.tcp_abort_on_overflow": 1}),
        drop(on="router", to="server", port=17110, flags="ACK", times=1),
    ],
    control=[connect(on="client", to="server"), exchange(on="client", data=b"one")],
    cases=[
        Case(
            "with_data",
            claims={"C57": "wrong", "C60": "wrong"},
            calls=[
                bind(on="server", port=17110, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=0),
                connect(on="client", to="server", port=17110, socket="late").returns(0),
                connect(on="client", to="server", port=17110, socket="first").returns(0),
                ss(on="server", port=17110, state="SYN-RECV").returns(1),
                ss(on="server", port=17110, state="LISTEN").tells("LISTEN 1/0"),
                state(on="client", socket="late").tells("ESTAB"),
                send(on="client", socket="late", data=b"hi").returns(2),
                recv(on="client", socket="late").fails("ECONNRESET", within_s=(0.0, 0.5)),
                send(on="client", socket="late", data=b"hi").fails("EPIPE", within_s=(0.0, 0.1)),
                ss(on="server", port=17110, state="SYN-RECV").returns(0),
                ss(on="server", port=17110, state="ESTAB").returns(1),
            ],
            seen=[
                syn(at="server", count=2),
                syn_ack(at="server", count=2),
                data(at="server", sender="client", count=1),
                rst(at="server", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            counted=[
                Counted("server", "TcpExt.ListenOverflows", exactly=1),
                Counted("server", "TcpExt.ListenDrops", exactly=1),
                Counted("server", "TcpExt.EmbryonicRsts", exactly=1),
                Counted("server", "Tcp.OutRsts", exactly=1),
                Counted("client", "Tcp.EstabResets", exactly=1),
            ],
        ),
        Case(
            "idle",
            claims={"C57": "wrong"},
            calls=[
                bind(on="server", port=17110, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=0),
                connect(on="client", to="server", port=17110, socket="late").returns(0),
                connect(on="client", to="server", port=17110, socket="first").returns(0),
                ss(on="server", port=17110, state="SYN-RECV").returns(1),
                # The server's timer of 1 s has run since the first SYN-ACK.
                recv(on="client", socket="late").fails("ECONNRESET", within_s=(0.4, 1.3)),
                ss(on="server", port=17110, state="SYN-RECV").returns(0),
            ],
            seen=[
                syn(at="server", count=2),
                # Two, and one of them again.
                syn_ack(at="server", count=3),
                rst(at="server", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            absent=[data(at="server")],
            counted=[
                Counted("server", "TcpExt.ListenOverflows", exactly=1),
                Counted("server", "TcpExt.ListenDrops", exactly=1),
                Counted("server", "TcpExt.EmbryonicRsts", exactly=1),
                Counted("server", "Tcp.OutRsts", exactly=1),
                Counted("client", "Tcp.EstabResets", exactly=1),
            ],
        ),
        Case(
            "new_syn",
            claims={"C52": "wrong", "C56": "wrong"},
            fault=sysctl(on="server", values={"net.ipv4.tcp_abort_on_overflow": 1}),
            calls=[
                bind(on="server", port=17110, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=0),
                connect(on="client", to="server", port=17110, socket="first").returns(0),
                ss(on="server", port=17110, state="LISTEN").tells("LISTEN 1/0"),
                connect(on="client", to="server", port=17110, blocking=False).fails("EINPROGRESS"),
                # No RST: not a word. The blocking caller of `accept_queue_full` waits on.
                poll(on="client", timeout_s=0.3).returns(0, within_s=(0.3, 0.7)),
                state(on="client").tells("SYN-SENT"),
            ],
            seen=[
                syn(at="client", count=2),
                syn(at="server", count=2),
                syn_ack(at="server", count=1),
            ],
            absent=[rst(at="server"), rst(at="client")],
            counted=[
                Counted("server", "TcpExt.ListenOverflows", exactly=1),
                Counted("server", "TcpExt.ListenDrops", exactly=1),
                Counted("server", "TcpExt.EmbryonicRsts", exactly=0),
                Counted("server", "Tcp.OutRsts", exactly=0),
            ],
        ),
    ],
    look=(
        "`sysctl net.ipv4.tcp_abort_on_overflow` on the server is 1, `nstat -a "
        "TcpExtListenOverflows TcpExtEmbryonicRsts` grow together, and `ss -ltn` shows Recv-Q "
        "above Send-Q: connections are reset that had just been made, before a byte was answered."
    ),
    source=(
        "Linux net/ipv4/tcp_minisocks.c tcp_check_req() (listen_overflow), net/ipv4/tcp_ipv4.c "
        "tcp_v4_syn_recv_sock(), net/ipv4/tcp_input.c tcp_conn_request(), "
        "Documentation/networking/ip-sysctl.rst tcp_abort_on_overflow; RFC 9293 3.10.7.4"
    ),
)
