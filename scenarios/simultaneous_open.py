"""Two sockets connect to each other, and neither listens.

TCP allows it: a SYN that meets a socket in SYN-SENT moves it to SYN-RECEIVED, which
answers with a SYN-ACK of its own, and both connect() succeed. Here the first SYN is
lost, so that the second finds the socket waiting. A socket can meet itself, too: a
client that connects to a port of its own host, and is given that very port as its
source, gets back what it sends, though no service runs.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    bind,
    connect,
    drop,
    exchange,
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
    cause="peer",
    claim="C51 C72",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    cases=[
        Case(
            "with_a_peer",
            fault=drop(on="router", to="server", port=17200, times=1),
            before=[
                bind(on="client", port=17201, options={"SO_LINGER": 0}),
                bind(on="server", port=17200, options={"SO_LINGER": 0}),
            ],
            calls=[
                connect(on="client", to="server", port=17200, blocking=False).fails("EINPROGRESS"),
                state(on="client").tells("SYN-SENT"),
                connect(on="server", to="client", port=17201).returns(0, within_s=(0.0, 0.3)),
                poll(on="client").tells("POLLOUT", within_s=(0.0, 0.2)),
                so_error(on="client").returns(0),
                state(on="client").tells("ESTAB"),
                send(on="client", data=b"one").returns(3),
                recv(on="server").gives(b"one"),
                send(on="server", data=b"two").returns(3),
                recv(on="client").gives(b"two"),
            ],
            seen=[
                # Its own, and the server's.
                syn(at="client", count=2),
                syn(at="server", count=1),
                syn_ack(at="client", count=1),
                syn_ack(at="server", count=1),
            ],
            absent=[rst(at="client"), rst(at="server")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=1),
                Counted("client", "Tcp.PassiveOpens", exactly=0),
                Counted("server", "Tcp.ActiveOpens", exactly=1),
                Counted("client", "TcpExt.TCPSynRetrans", exactly=0),
            ],
        ),
        Case(
            "with_itself",
            calls=[
                bind(on="client", port=17202, options={"SO_LINGER": 0}),
                connect(on="client", to="client", port=17202).returns(0, within_s=(0.0, 0.2)),
                state(on="client").tells("ESTAB"),
                send(on="client", data=b"echo").returns(4),
                recv(on="client").gives(b"echo"),
                # One socket, which is both ends.
                ss(on="client", port=17202, state="ESTAB").returns(1),
            ],
            # It takes the loopback interface, where no capture runs.
            absent=[any_packet(at="client"), any_packet(at="router"), any_packet(at="server")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=1),
                Counted("client", "Tcp.PassiveOpens", exactly=0),
            ],
        ),
    ],
    look=(
        "`ss -tnp` shows a connection whose ends both have the port that was bound; with itself, "
        "both ends are the same. A client that retries on a port inside "
        "`net.ipv4.ip_local_port_range` of its own host will meet itself one day."
    ),
    source=(
        "RFC 9293 3.5, figure 7, and 3.10.7.3, fourth; RFC 1122 4.2.2.10; Linux "
        "net/ipv4/tcp_input.c, tcp_rcv_synsent_state_process()"
    ),
)
