"""The peer has forgotten the connection, as after a reboot, and the caller does not know.

This is what RFC 9293 calls half-open. The server's end goes away here and its RST is lost
on the way, as if the machine had lost its power. The caller's socket stays established:
while it only waits, nothing tells it, and recv(2) hangs (here until SO_RCVTIMEO: EAGAIN).

The first segment that it sends, data or a keepalive probe, is answered with a RST, for
the peer knows no such connection: ECONNRESET. The send(2) that found out has succeeded.
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
    data,
    drop_reply,
    exchange,
    listen,
    recv,
    rst,
    send,
    setsockopt,
    ss,
    state,
)

SCENARIO = Scenario(
    cause="peer",
    fault=drop_reply(on="router", sender="server", port=17203, flags="RST", times=1),
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi")],
    before=[
        bind(on="server", to="server", port=17203, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17203, options={"TCP_KEEPIDLE": 1}),
        accept(on="server"),
        setsockopt(on="server", option="SO_LINGER", value=0, socket="c"),
    ],
    cases=[
        Case(
            "waiting",
            calls=[
                close(on="server", socket="c"),
                setsockopt(on="client", option="SO_RCVTIMEO", value=0.5),
                # Ticks may make it a little shorter.
                recv(on="client").fails("EAGAIN", within_s=(0.49, 1.0)),
                state(on="client").tells("ESTAB"),
                ss(on="server", port=17203, state="ESTAB").returns(0),
            ],
            seen=[rst(at="router", sender="server", count=1)],
            absent=[rst(at="client"), data(at="client")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            "sending",
            calls=[
                close(on="server", socket="c"),
                send(on="client", data=b"one").returns(3),
                recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
                recv(on="client").returns(0),
                send(on="client", data=b"two").fails("EPIPE", within_s=(0.0, 0.5)),
            ],
            seen=[
                data(at="server", sender="client", count=1),
                rst(at="router", sender="server", count=2),
                rst(at="client", sender="server", count=1),
            ],
            counted=[Counted("client", "Tcp.EstabResets", exactly=1)],
        ),
        Case(
            "keepalive",
            calls=[
                close(on="server", socket="c"),
                setsockopt(on="client", option="SO_KEEPALIVE", value=1),
                # The probe leaves after 1 s.
                recv(on="client").fails("ECONNRESET", within_s=(0.5, 1.4)),
            ],
            # The last of the handshake, and the probe.
            seen=[
                ack(at="server", sender="client", count=2),
                rst(at="router", sender="server", count=2),
                rst(at="client", sender="server", count=1),
            ],
            counted=[
                Counted("client", "TcpExt.TCPKeepAlive", exactly=1),
                Counted("client", "Tcp.EstabResets", exactly=1),
            ],
        ),
    ],
    look=(
        "`ss -tn` on both hosts: an ESTAB here that the peer does not have. A capture shows that "
        "the RST answers our own segment; its peer's uptime, or that of the service, is shorter "
        "than the connection."
    ),
    source=(
        "RFC 9293 3.5.1 and 3.10.7.1; tcp(7) SO_KEEPALIVE; Linux net/ipv4/tcp_ipv4.c "
        "tcp_v4_send_reset(), net/ipv4/tcp_input.c tcp_reset()"
    ),
)
