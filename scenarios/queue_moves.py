"""A connection waits in two places before accept(2): half made in the one, whole in the other.

The SYN makes an entry, SYN-RECV in ss(8), and the kernel answers SYN-ACK. That is the SYN
queue. The client's ACK makes a connection of it, ESTAB, which stands in the accept queue
until a process takes it: Recv-Q of the listener counts these, and only these. No call of the
server's process has any part in the move.

Where nothing is lost an entry is in the SYN queue for a round trip, here 0.1 ms. Where the
path loses the ACK it stays: the client is connected already, and the server's accept(2) finds
nothing. Data carry an acknowledgment too, so the first data of the client end the handshake
as well.
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
    drop,
    exchange,
    fcntl,
    listen,
    recv,
    rst,
    send,
    ss,
    state,
    syn,
    syn_ack,
    went_through,
)

SCENARIO = Scenario(
    cause="queue",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"one")],
    before=[
        bind(on="server", to="server", port=17460, options={"SO_REUSEADDR": 1}),
        listen(on="server", backlog=5),
    ],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=1),
        Counted("server", "TcpExt.ListenOverflows", exactly=0),
    ],
    cases=[
        Case(
            # The router drops every ACK that carries nothing.
            "syn_recv",
            claims={"C56": "true"},
            fault=drop(on="router", to="server", port=17460, flags="ACK"),
            calls=[
                connect(on="client", to="server", port=17460).returns(0),
                state(on="client").tells("ESTAB"),
                ss(on="server", port=17460, state="SYN-RECV").returns(1),
                ss(on="server", port=17460, state="LISTEN").tells("LISTEN 0/5"),
                fcntl(on="server", blocking=False),
                accept(on="server").fails("EAGAIN"),
            ],
            seen=[
                syn(at="server", count=1),
                syn_ack(at="client"),
                ack(at="client", sender="client"),
            ],
            absent=[ack(at="server", sender="client"), rst(at="server")],
            states=[
                went_through(on="client", port=17460, states=["ESTAB"], never=["SYN-RECV"]),
                went_through(on="server", port=17460, states=["SYN-RECV"], never=["ESTAB"]),
            ],
        ),
        Case(
            # The data bring the acknowledgment that was lost.
            "to_accept_queue",
            claims={"C57": "true"},
            fault=drop(on="router", to="server", port=17460, flags="ACK"),
            calls=[
                connect(on="client", to="server", port=17460).returns(0),
                ss(on="server", port=17460, state="SYN-RECV").returns(1),
                ss(on="server", port=17460, state="LISTEN").tells("LISTEN 0/5"),
                send(on="client", data=b"hi").returns(2),
                ss(on="server", port=17460, state="SYN-RECV").returns(0),
                ss(on="server", port=17460, state="ESTAB").tells("ESTAB 2/0"),
                ss(on="server", port=17460, state="LISTEN").tells("LISTEN 1/5"),
                accept(on="server"),
                ss(on="server", port=17460, state="LISTEN").tells("LISTEN 0/5"),
                recv(on="server", socket="c").gives(b"hi"),
            ],
            seen=[
                syn(at="server", count=1),
                syn_ack(at="client"),
                data(at="server", sender="client"),
            ],
            absent=[ack(at="server", sender="client"), rst(at="server")],
            states=[
                went_through(
                    on="server", port=17460, states=["SYN-RECV", "ESTAB"], never=["CLOSE-WAIT"]
                ),
            ],
        ),
        Case(
            # Nothing is lost, and nobody calls accept() until the end.
            "at_once",
            claims={"C57": "true"},
            calls=[
                connect(on="client", to="server", port=17460).returns(0),
                ss(on="server", port=17460, state="SYN-RECV").returns(0),
                ss(on="server", port=17460, state="ESTAB").tells("ESTAB 0/0"),
                ss(on="server", port=17460, state="LISTEN").tells("LISTEN 1/5"),
                connect(on="client", to="server", port=17460, socket="second"),
                ss(on="server", port=17460, state="LISTEN").tells("LISTEN 2/5"),
                accept(on="server"),
                ss(on="server", port=17460, state="LISTEN").tells("LISTEN 1/5"),
                accept(on="server", new="d"),
                ss(on="server", port=17460, state="LISTEN").tells("LISTEN 0/5"),
            ],
            seen=[
                syn(at="server", count=2),
                syn_ack(at="client", count=2),
                ack(at="server", sender="client", count=2),
            ],
            absent=[rst(at="server"), rst(at="client")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=2),
                Counted("server", "TcpExt.ListenOverflows", exactly=0),
            ],
        ),
    ],
    look=(
        "`ss -tan state syn-recv` shows the SYN queue; Recv-Q of the listener in `ss -ltn` is how "
        "many wait in the accept queue, Send-Q its backlog. Entries that stay in SYN-RECV mean "
        "that the SYN-ACK or the ACK gets lost, or that nobody means to finish (a SYN flood); a "
        "Recv-Q that stays means that the program does not call accept()."
    ),
    source=(
        "RFC 9293 3.10.7.4; listen(2), accept(2); Linux net/ipv4/tcp_input.c tcp_conn_request(), "
        "net/ipv4/tcp_minisocks.c tcp_check_req(), net/ipv4/inet_connection_sock.c "
        "inet_csk_reqsk_queue_add()"
    ),
)
