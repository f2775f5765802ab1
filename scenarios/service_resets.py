"""The service takes the connection and resets it.

Any program can meet this: its connections to the service are led, on the server, to one that
resets them (SO_LINGER of 0 s), with the server's own RST. In `reset` it is the router that makes
one of an established connection. `after_request` has read the request: recv(2) says ECONNRESET
once, then 0, and send(2) says EPIPE. `at_once` comes as soon as the connection is there. A
blocking connect(2) has mostly returned 0 by then, and the next call says ECONNRESET; if the RST
is quicker than the scheduler, connect(2) itself says so. Here nobody waits in connect(2), and
SO_ERROR tells.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    connect,
    data,
    fin,
    misbehave,
    poll,
    recv,
    rst,
    send,
    so_error,
)

SCENARIO = Scenario(
    cause="service",
    control=[
        connect(on="client", to="server"),
        send(on="client", data=b"request"),
        recv(on="client").gives(b"request"),
    ],
    counted=[
        Counted("client", "Tcp.EstabResets", exactly=1),
        # The program's own doing: close(2) with a linger time of 0.
        Counted("server", "TcpExt.TCPAbortOnData", exactly=1),
    ],
    cases=[
        Case(
            "after_request",
            fault=misbehave(how="reset"),
            calls=[
                connect(on="client", to="server"),
                send(on="client", data=b"request").returns(7),
                recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
                recv(on="client").returns(0),
                send(on="client", data=b"more").fails("EPIPE", within_s=(0.0, 0.5)),
            ],
            seen=[
                data(at="server", sender="client", count=1),
                rst(at="server", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            absent=[data(at="server", sender="server"), fin(at="client", sender="server")],
        ),
        Case(
            "at_once",
            fault=misbehave(how="reset_at_once"),
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                # Nothing can be read until the RST comes; that the way is free is not asked.
                poll(on="client", events="POLLIN", timeout_s=2.0).tells("POLLIN|POLLERR|POLLHUP"),
                so_error(on="client").reports("ECONNRESET"),
                send(on="client", data=b"request").fails("EPIPE", within_s=(0.0, 0.5)),
            ],
            seen=[
                rst(at="server", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            absent=[data(at="server"), fin(at="client", sender="server")],
        ),
    ],
    look=(
        "A capture at the server shows the RST leave it, so it is the service's and not the "
        "path's, and whether our request came before. `nstat TcpExtTCPAbortOnData "
        "TcpExtTCPAbortOnClose` there: the first grows where a program asks for a RST (SO_LINGER), "
        "the second where it closes with the request unread."
    ),
    source=(
        "RFC 9293 3.10.4, 3.10.7.4; socket(7) SO_LINGER; iptables-extensions(8) REDIRECT; Linux "
        "net/ipv4/tcp.c __tcp_close(), net/ipv4/tcp_input.c tcp_reset(), net/ipv4/af_inet.c "
        "__inet_stream_connect()"
    ),
)
