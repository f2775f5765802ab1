"""Datagrams arrive in another order than they were sent in.

The router holds the first of three back until the other two have passed, as a path with two
ways may. UDP gives the receiver what comes, when it comes, and each datagram whole.
"""

from lab import Counted, Scenario, bind, data, per_family, recv, reorder, sendto

SCENARIO = Scenario(
    cause="packet",
    claims={"C7": "true"},
    fault=reorder(to="server", port=17312, proto="udp", nth=[1], after=2, at_most_ms=5000),
    calls=[
        bind(on="server", to="server", port=17312, proto="udp", options={"SO_RCVTIMEO": 0.3}),
        sendto(on="client", to="server", port=17312, data=b"1").returns(1),
        sendto(on="client", to="server", port=17312, data=b"22").returns(2),
        sendto(on="client", to="server", port=17312, data=b"333").returns(3),
        recv(on="server").gives(b"22"),
        recv(on="server").gives(b"333"),
        recv(on="server").gives(b"1"),
    ],
    seen=[
        data(at="client", sender="client", proto="udp", count=3),
        data(at="server", sender="client", proto="udp", count=3),
    ],
    counted=[
        Counted("client", per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"), exactly=3),
    ],
    look="`tcpdump -vn udp` on both hosts: over IPv4 the ids grow in the order of sending.",
    source="RFC 768; RFC 1122 4.1.1; RFC 8085 3.3; udp(7)",
)
