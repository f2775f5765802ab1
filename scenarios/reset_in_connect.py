"""connect() itself can say ECONNRESET: the SYN was answered, and then came a RST.

Something on the path answers the SYN in the server's name, as a proxy against SYN
floods or a load balancer does. The client's ACK goes on to a server that never saw a
SYN, and so answers with a RST. The connection was established for a moment; a connect()
that has not yet returned reports its end, and not ECONNREFUSED. (A blocking one may
have returned 0 by then: this is why the socket here does not block.)
"""

from lab import (
    Case,
    Counted,
    Scenario,
    ack,
    answer,
    connect,
    poll,
    rst,
    segment,
    so_error,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="packet",
    fault=answer(to="server", by=[segment("SYN,ACK")]),
    cases=[
        Case(
            "connect",
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                # POLLHUP is not there before the end; POLLOUT would be.
                poll(on="client", events="POLLHUP").returns(1, within_s=(0.0, 0.3)),
                connect(on="client", to="server").fails("ECONNRESET", within_s=(0.0, 0.5)),
            ],
        ),
        Case(
            "so_error",
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client", events="POLLHUP").returns(1, within_s=(0.0, 0.3)),
                so_error(on="client").reports("ECONNRESET"),
            ],
        ),
    ],
    control=[connect(on="client", to="server")],
    seen=[
        syn(at="client", count=1),
        syn_ack(at="client", count=1),
        ack(at="server", sender="client", count=1),
        rst(at="server", sender="server", count=1),
        rst(at="client", sender="server", count=1),
    ],
    absent=[syn(at="server"), syn_ack(at="server")],
    counted=[
        Counted("client", "Tcp.EstabResets", exactly=1),
        Counted("client", "Tcp.AttemptFails", exactly=0),
        Counted("server", "Tcp.OutRsts", exactly=1),
    ],
    look=(
        "The capture at the server shows an ACK out of nowhere, answered with RST, and no SYN: "
        "another made the SYN-ACK. `nstat TcpEstabResets` grows at the caller, where a refusal "
        "lets TcpAttemptFails grow."
    ),
    source=(
        "RFC 9293 3.10.7.1 and 3.10.7.4; Linux net/ipv4/tcp_input.c, tcp_reset(); "
        "net/ipv4/af_inet.c, __inet_stream_connect()"
    ),
)
