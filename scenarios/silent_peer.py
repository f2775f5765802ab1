"""The server accepts the connection and the request, and never answers.

TCP finds nothing wrong: the peer's kernel acknowledges the request, and no timer of TCP
waits for an application. recv(2) would wait for ever. Only the caller's own patience ends
it: SO_RCVTIMEO (EAGAIN, not ETIMEDOUT), poll(2) with a time-out (0), or a non-blocking
socket (EAGAIN at once). The connection stays established.
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
    fcntl,
    listen,
    poll,
    recv,
    rst,
    send,
    state,
)

SCENARIO = Scenario(
    cause="peer",
    before=[
        bind(on="server", to="server", port=17213, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17213, options={"SO_RCVTIMEO": 0.5}),
        accept(on="server"),
    ],
    seen=[
        data(at="server", sender="client", count=1),
        ack(at="client", sender="server", count=1),
    ],
    absent=[data(at="server", sender="server"), rst(at="client")],
    counted=[
        Counted("client", "TcpExt.TCPOrigDataSent", exactly=1),
        Counted("client", "TcpExt.TCPDelivered", exactly=1),
    ],
    cases=[
        Case(
            "receive_timeout",
            calls=[
                send(on="client", data=b"request").returns(7),
                # Ticks may make it a little shorter.
                recv(on="client").fails("EAGAIN", within_s=(0.49, 1.0)),
                state(on="client").tells("ESTAB"),
            ],
        ),
        Case(
            "non_blocking",
            calls=[
                send(on="client", data=b"request").returns(7),
                fcntl(on="client", blocking=False),
                recv(on="client").fails("EAGAIN", within_s=(0.0, 0.5)),
                poll(on="client", events="POLLIN", timeout_s=0.5).returns(0, within_s=(0.49, 1.0)),
                state(on="client").tells("ESTAB"),
            ],
        ),
    ],
    look=(
        "`ss -tn` shows ESTAB, Send-Q 0: the peer has acknowledged all. On the peer a Recv-Q above "
        "0 says that its program has not read the request; 0, that it has and thinks, or waits for "
        "more. `strace -p` there shows which."
    ),
    source=(
        "RFC 9293 3.8.3 and 3.9.1; socket(7) SO_RCVTIMEO, recv(2) EAGAIN, poll(2); Linux "
        "net/ipv4/tcp.c tcp_recvmsg_locked()"
    ),
)
