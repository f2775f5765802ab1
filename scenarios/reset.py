"""An established connection gets a RST in mid-stream.

The router answers the client's data with a RST in the server's name. The send that
caused it succeeds, for it only fills a buffer. The next recv(2) tells ECONNRESET,
once; after that the socket is closed, and send(2) tells EPIPE.
"""

from lab import Counted, Scenario, connect, data, recv, reject, rst, send

SCENARIO = Scenario(
    cause="packet",
    claims={"C86": "wrong", "C90": "wrong", "C91": "true"},
    fault=reject(on="router", to="server", reply="tcp-reset", flags="PSH"),
    before=[
        connect(on="client", to="server"),
        send(on="client", data=b"one").returns(3),
        recv(on="client").gives(b"one"),
    ],
    calls=[
        send(on="client", data=b"two").returns(3),
        recv(on="client").fails("ECONNRESET", within_s=(0.0, 0.5)),
        send(on="client", data=b"three").fails("EPIPE", within_s=(0.0, 0.1)),
    ],
    seen=[
        data(at="client", sender="client", count=2),
        data(at="server", sender="client", count=1),
        rst(at="router", sender="server", count=1),
        rst(at="client", sender="server", count=1),
    ],
    absent=[rst(at="server", sender="server")],
    counted=[Counted("client", "Tcp.EstabResets", exactly=1)],
    look=(
        "`tcpdump 'tcp[tcpflags] & tcp-rst != 0'` at both ends: an RST that the peer did not "
        "send was made on the way; a device that lost its state or a policy does so. `nstat "
        "TcpEstabResets` grows."
    ),
    source="RFC 9293 3.10.7.4; RFC 5961 3.2; Linux net/ipv4/tcp_input.c tcp_reset(), send(2)",
)
