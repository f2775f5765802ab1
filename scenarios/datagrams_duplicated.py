"""A datagram arrives twice, and UDP hands both to the receiver.

The router sends the first of two datagrams on two times, as a retransmission of the link
below or a loop in it may. Nothing in UDP's header tells the second one from a datagram that
was sent anew. Who must do each thing once has to number what is sent.
"""

from lab import Counted, Scenario, bind, data, duplicate, per_family, recv, sendto

SCENARIO = Scenario(
    cause="packet",
    claims={"C7": "true"},
    fault=duplicate(to="server", port=17311, proto="udp", nth=[1]),
    calls=[
        bind(on="server", to="server", port=17311, proto="udp", options={"SO_RCVTIMEO": 0.3}),
        sendto(on="client", to="server", port=17311, data=b"one").returns(3),
        sendto(on="client", to="server", port=17311, data=b"three").returns(5),
        recv(on="server").gives(b"one"),
        recv(on="server").gives(b"one"),
        recv(on="server").gives(b"three"),
        recv(on="server").fails("EAGAIN", within_s=(0.25, 0.8)),
    ],
    control=[
        bind(on="server", to="server", port=17311, proto="udp", options={"SO_RCVTIMEO": 0.3}),
        sendto(on="client", to="server", port=17311, data=b"one").returns(3),
        sendto(on="client", to="server", port=17311, data=b"three").returns(5),
        recv(on="server").gives(b"one"),
        recv(on="server").gives(b"three"),
    ],
    seen=[
        data(at="client", sender="client", proto="udp", count=2),
        data(at="server", sender="client", proto="udp", count=3),
    ],
    counted=[
        Counted("client", per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"), exactly=2),
    ],
    look="`tcpdump -vn udp` on both hosts: over IPv4 the second one has the same id as the first.",
    source="RFC 768; RFC 1122 4.1.1; RFC 8085 3.3; udp(7)",
)
