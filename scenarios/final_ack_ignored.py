"""The last ACK of a handshake finds the accept queue full, and is ignored.

The server answered the SYN while there was room; when the client's ACK comes there is
none. By default (tcp_abort_on_overflow 0) Linux ignores it and keeps the connection in
SYN-RECV, while the client, who got a SYN-ACK, is connected: connect() has returned 0 and
send() works. Its data are sent again and again, the server sends its SYN-ACK again too,
and either heals it once accept() has made room.

If no room comes, the server forgets after tcp_synack_retries (5: a minute; TCP_SYNCNT of
the listener, as here) without a word. The client learns of it when it sends, ECONNRESET;
one that waits for the server to speak first waits for ever.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    data,
    drop,
    exchange,
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
    cause="queue",
    fault=drop(on="router", to="server", port=17115, flags="ACK", times=1),
    control=[connect(on="client", to="server"), exchange(on="client", data=b"one")],
    cases=[
        Case(
            "room_comes",
            claims={"C57": "wrong"},
            calls=[
                bind(on="server", port=17115, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=0),
                connect(
                    on="client",
                    to="server",
                    port=17115,
                    socket="late",
                    options={"SO_RCVTIMEO": 1.2},
                ).returns(0),
                connect(on="client", to="server", port=17115, socket="first").returns(0),
                ss(on="server", port=17115, state="SYN-RECV").returns(1),
                ss(on="server", port=17115, state="LISTEN").tells("LISTEN 1/0"),
                send(on="client", socket="late", data=b"hi").returns(2),
                recv(on="client", socket="late").fails("EAGAIN", within_s=(1.2, 1.6)),
                state(on="client", socket="late").tells("ESTAB"),
                ss(on="server", port=17115, state="SYN-RECV").returns(1),
                accept(on="server", new="first"),
                # The next of the data ends the handshake: they are sent again after 0.2 s,
                # and then after about twice as long each time.
                accept(on="server", new="late"),
                recv(on="server", socket="late").gives(b"hi"),
                send(on="server", socket="late", data=b"abc").returns(3),
                recv(on="client", socket="late").gives(b"abc"),
            ],
            seen=[
                syn(at="server", count=2),
                # Two, and one of them again after 1 s, though its ACK has come with the data.
                syn_ack(at="server", count=3),
                data(at="server", sender="client"),
            ],
            absent=[rst(at="server"), rst(at="client")],
            counted=[
                # The data, at least once more, and the answer to the SYN-ACK.
                Counted("server", "TcpExt.ListenOverflows", at_least=3),
                Counted("server", "TcpExt.ListenDrops", at_least=3),
                Counted("server", "TcpExt.EmbryonicRsts", exactly=0),
                Counted("client", "Tcp.RetransSegs", at_least=1),
            ],
        ),
        Case(
            "forgotten",
            claims={"C57": "wrong", "C60": "wrong"},
            calls=[
                # The SYN-ACK is sent once again, after 1 s, and forgotten 2 s later.
                bind(on="server", port=17115, options={"SO_REUSEADDR": 1, "TCP_SYNCNT": 1}),
                listen(on="server", backlog=0),
                connect(
                    on="client",
                    to="server",
                    port=17115,
                    socket="late",
                    options={"SO_RCVTIMEO": 3.5},
                ).returns(0),
                connect(on="client", to="server", port=17115, socket="first").returns(0),
                ss(on="server", port=17115, state="SYN-RECV").returns(1),
                recv(on="client", socket="late").fails("EAGAIN", within_s=(3.5, 4.0)),
                ss(on="server", port=17115, state="SYN-RECV").returns(0),
                state(on="client", socket="late").tells("ESTAB"),
                send(on="client", socket="late", data=b"hi").returns(2),
                recv(on="client", socket="late").fails("ECONNRESET", within_s=(0.0, 0.5)),
            ],
            seen=[
                syn(at="server", count=2),
                syn_ack(at="server", count=3),
                data(at="server", sender="client", count=1),
                rst(at="server", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            counted=[
                # The answer to the second SYN-ACK; the data meet a listener that knows
                # nothing of the connection.
                Counted("server", "TcpExt.ListenOverflows", exactly=1),
                Counted("server", "TcpExt.ListenDrops", exactly=1),
                Counted("server", "TcpExt.EmbryonicRsts", exactly=0),
                Counted("server", "Tcp.OutRsts", exactly=1),
            ],
        ),
    ],
    look=(
        "`ss -tn` shows ESTAB with a growing Send-Q at the client, and SYN-RECV or nothing at the "
        "server (`ss -tan` there); the server's `nstat -a TcpExtListenOverflows` grows, and a "
        "capture shows SYN-ACKs sent again after the client has acknowledged them."
    ),
    source=(
        "Linux net/ipv4/tcp_minisocks.c tcp_check_req() (listen_overflow), "
        "net/ipv4/inet_connection_sock.c reqsk_timer_handler(); RFC 9293 3.5.1 (half-open "
        "connections), 3.10.7.2; tcp(7) TCP_SYNCNT, tcp_synack_retries"
    ),
)
