"""Two sockets connect to each other, neither listens, and both succeed.

TCP allows it: a SYN that meets a socket in SYN-SENT moves it to SYN-RECEIVED, which
answers with a SYN-ACK of its own. Here the first SYN is lost, so that the second finds
the socket waiting. Whoever knows the ports can so connect through two firewalls that
both let nobody in. (`self_connect` is the same with one socket.)
"""

from lab import (
    Counted,
    Scenario,
    bind,
    connect,
    drop,
    exchange,
    poll,
    recv,
    rst,
    send,
    so_error,
    state,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="peer",
    claims={"C51": "wrong", "C72": "wrong"},
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    fault=drop(on="router", to="server", port=17200, times=1),
    before=[
        bind(on="client", port=17201, options={"SO_LINGER": 0}),
        bind(on="server", port=17200, options={"SO_LINGER": 0}),
    ],
    calls=[
        connect(on="client", to="server", port=17200, blocking=False).fails("EINPROGRESS"),
        state(on="client").tells("SYN-SENT"),
        connect(on="server", to="client", port=17201).returns(0, within_s=(0.0, 0.3)),
        poll(on="client").tells("POLLOUT", within_s=(0.0, 0.5)),
        so_error(on="client").reports(""),
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
        # The client's: the server, which began too, sends none.
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
    look=(
        "`ss -tlnp` shows no listener for either end of a connection that `ss -tnp` shows, and a "
        "capture two SYNs, one from each side."
    ),
    source=(
        "RFC 9293 3.5, figure 7, and 3.10.7.3, fourth; RFC 1122 4.2.2.10; Linux "
        "net/ipv4/tcp_input.c, tcp_rcv_synsent_state_process()"
    ),
)
