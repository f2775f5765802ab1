"""Datagrams get lost on the way, and nobody is told.

The router loses the second and the fourth of five. sendto(2) succeeded for each: it only
says that the datagram left this host. The receiver gets the others, each whole and as one
recv(2), and waits in vain for more. Who needs every datagram must number and ask for them.
"""

from lab import Counted, Scenario, bind, data, lose, per_family, recv, sendto

SCENARIO = Scenario(
    cause="packet",
    claims={"C7": "true"},
    fault=lose(to="server", port=17310, proto="udp", nth=[2, 4]),
    calls=[
        bind(on="server", to="server", port=17310, proto="udp", options={"SO_RCVTIMEO": 0.3}),
        sendto(on="client", to="server", port=17310, data=b"one").returns(3),
        sendto(on="client", to="server", port=17310, data=b"two").returns(3),
        sendto(on="client", to="server", port=17310, data=b"three").returns(5),
        sendto(on="client", to="server", port=17310, data=b"four").returns(4),
        sendto(on="client", to="server", port=17310, data=b"five").returns(4),
        recv(on="server").gives(b"one"),
        recv(on="server").gives(b"three"),
        recv(on="server").gives(b"five"),
        recv(on="server").fails("EAGAIN", within_s=(0.25, 0.8)),
    ],
    seen=[
        data(at="client", sender="client", proto="udp", count=5),
        data(at="server", sender="client", proto="udp", count=3),
    ],
    counted=[
        # For the sender's kernel all is well: no error, for there is none that could come.
        Counted("client", per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"), exactly=5),
        Counted("client", per_family(ipv4="Icmp.InMsgs", ipv6="Icmp6.InDestUnreachs"), exactly=0),
    ],
    look=(
        "Count on both hosts: `nstat UdpOutDatagrams` here, `nstat UdpInDatagrams` there. If as "
        "many arrive as leave, look for UdpRcvbufErrors: then the receiver's buffer lost them."
    ),
    source="RFC 768; RFC 1122 4.1.1; udp(7), sendto(2)",
)
