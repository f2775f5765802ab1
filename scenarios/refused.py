"""Nothing listens on the port, and the server's kernel says so with a RST.

The service is stopped; the host is well. A SYN for a port without a socket in
LISTEN is answered with RST,ACK (RFC 9293 3.10.7.1), and connect(2) fails at once.
`refused_rst` gives the caller the same errno although the service runs.
"""

from lab import Counted, Scenario, connect, rst, stop, syn, syn_ack

SCENARIO = Scenario(
    cause="service",
    claims={"C67": "true", "C71": "true", "C72": "true", "C73": "true"},
    fault=stop(on="server", service="echo"),
    calls=[
        # One round trip; the margin is for a busy machine.
        connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
    ],
    seen=[
        syn(at="client", count=1),
        syn(at="server", count=1),
        rst(at="server", sender="server", count=1),
        rst(at="client", sender="server", count=1),
    ],
    absent=[syn_ack(at="server")],
    counted=[
        Counted("client", "Tcp.AttemptFails", exactly=1),
        Counted("server", "Tcp.OutRsts", exactly=1),
    ],
    look=(
        "`ss -ltn` on the server shows nobody on the port; a capture there shows the SYN and "
        "the server's own RST (`nstat TcpOutRsts` grows)."
    ),
    source="RFC 9293 3.10.7.1 and 3.10.7.3; Linux net/ipv4/tcp_input.c, tcp_reset()",
)
