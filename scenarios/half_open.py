"""The server holds a connection that the client forgot, and connect() mends it.

The client aborted, and its RST was lost; now it connects again from the same port. The
server answers that SYN with an ACK of the old connection (RFC 5961's challenge ACK),
the client answers the ACK with a RST, and that ends the old one: its owner reads
ECONNRESET. The next SYN, some milliseconds later since Linux 5.6, gets through. A
connection that is half open in SYN-RECV goes the same way, but nobody there is told.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    ack,
    bind,
    close,
    connect,
    drop,
    drop_reply,
    exchange,
    listen,
    poll,
    recv,
    rst,
    since,
    ss,
    state,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="peer",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    cases=[
        Case(
            "established",
            fault=drop(on="router", to="server", port=17100, flags="RST", times=1),
            before=[
                bind(on="server", port=17100, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                bind(on="client", port=17101, options={"SO_LINGER": 0}),
                connect(on="client", to="server", port=17100),
                accept(on="server", new="old"),
            ],
            calls=[
                # With SO_LINGER 0 it sends a RST, which is lost, and forgets.
                close(on="client"),
                state(on="server", socket="old").tells("ESTAB"),
                bind(on="client", port=17101, options={"SO_LINGER": 0}),
                connect(on="client", to="server", port=17100).returns(
                    0, within_s=since((5, 6), then=(0.0, 0.5), before=(1.0, 1.4))
                ),
                recv(on="server", socket="old").fails("ECONNRESET", within_s=(0.0, 0.5)),
                accept(on="server", new="new"),
                state(on="server", socket="new").tells("ESTAB"),
            ],
            seen=[
                syn(at="client", count=3),
                ack(at="client", sender="server", count=1),
                rst(at="client", sender="client", count=2),
                rst(at="server", sender="client", count=1),
                syn(at="server", count=3),
                syn_ack(at="server", count=2),
            ],
            absent=[rst(at="server", sender="server")],
            counted=[
                Counted("client", "TcpExt.TCPSynRetrans", exactly=1),
                Counted("server", "TcpExt.TCPSYNChallenge", exactly=1),
                Counted("server", "TcpExt.TCPChallengeACK", exactly=1),
                Counted("server", "Tcp.EstabResets", exactly=1),
            ],
        ),
        # A connect() that is given up sends nothing: the server goes on waiting for the
        # last ACK of the handshake.
        Case(
            "syn_received",
            fault=drop_reply(on="router", sender="server", port=17100, times=1),
            before=[
                bind(on="server", port=17100, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                bind(on="client", port=17101, options={"SO_LINGER": 0}),
                connect(on="client", to="server", port=17100, blocking=False).fails("EINPROGRESS"),
                close(on="client"),
                # Nobody to accept; and in this time the clock that initial sequence numbers
                # are made of leaves the window of the old SYN behind, which takes 4 ms. A
                # SYN inside of it would be answered with RST, and end in ECONNREFUSED.
                poll(on="server", events="POLLIN", timeout_s=0.1).returns(0),
                ss(on="server", port=17100, state="SYN-RECV").returns(1),
                bind(on="client", port=17101, options={"SO_LINGER": 0}),
                connect(on="client", to="server", port=17100).returns(
                    0, within_s=since((5, 6), then=(0.0, 0.5), before=(0.8, 1.4))
                ),
                accept(on="server", new="new"),
                state(on="server", socket="new").tells("ESTAB"),
            ],
            seen=[
                syn(at="client", count=3),
                ack(at="client", sender="server", count=1),
                rst(at="client", sender="client", count=1),
                rst(at="server", sender="client", count=1),
                syn(at="server", count=3),
                syn_ack(at="server", count=2),
                syn_ack(at="client", count=1),
            ],
            absent=[rst(at="server", sender="server")],
            counted=[
                Counted("client", "TcpExt.TCPSynRetrans", exactly=1),
                Counted("server", "TcpExt.EmbryonicRsts", exactly=1),
                Counted("server", "Tcp.EstabResets", exactly=0),
            ],
        ),
    ],
    look=(
        "A capture shows SYN, ACK, RST, SYN, SYN-ACK; `tcpdump -S` that the ACK is of another "
        "connection. `nstat TcpExtTCPSYNChallenge TcpExtTCPChallengeACK` grows at the server, "
        "whose program gets an ECONNRESET that it cannot explain."
    ),
    source=(
        "RFC 9293 3.5.1, figure 9; RFC 5961 4.2; Linux net/ipv4/tcp_input.c, "
        "tcp_validate_incoming(), tcp_rcv_synsent_state_process(); net/ipv4/tcp_minisocks.c, "
        "tcp_check_req()"
    ),
)
