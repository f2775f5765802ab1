"""The destination port is 0: TCP sends to it and is refused, UDP says EINVAL.

Port 0 means "choose one" to bind(2), and nothing to connect(2); it comes from a
configuration that was not read, or an address that was not filled in. Linux does not
check it for TCP: the SYN goes to port 0, where nobody can listen. sendto(2) over UDP
checks it; connect(2) does not, and its datagrams leave for port 0.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    connect,
    data,
    icmp,
    per_family,
    recv,
    rst,
    send,
    sendto,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="local",
    cases=[
        Case(
            "tcp",
            claims={"C72": "true"},
            calls=[
                connect(on="client", to="server", port=0).fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
            ],
            seen=[
                syn(at="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            absent=[syn_ack(at="client")],
            counted=[
                Counted("client", "Tcp.AttemptFails", exactly=1),
                Counted("server", "Tcp.OutRsts", exactly=1),
            ],
        ),
        Case(
            "udp",
            calls=[
                sendto(on="client", to="server", port=0, data=b"hi").fails(
                    "EINVAL", within_s=(0.0, 0.5)
                ),
            ],
            absent=[any_packet(at="client", proto="udp")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=0,
                ),
            ],
        ),
        Case(
            "udp_connected",
            calls=[
                connect(on="client", to="server", proto="udp", port=0),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
            ],
            seen=[
                data(at="server", sender="client", proto="udp", count=1),
                icmp(at="client", sender="server", error=per_family(ipv4=(3, 3), ipv6=(1, 4))),
            ],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=1,
                ),
            ],
        ),
    ],
    look=(
        "`strace -e trace=connect,sendto` shows `htons(0)`, and a capture a destination port 0. "
        "`ss -ltn` cannot show a listener on port 0: there is none."
    ),
    source=(
        "RFC 6335 6; bind(2); Linux net/ipv4/udp.c udp_sendmsg(), net/ipv6/udp.c "
        "udpv6_sendmsg(), net/ipv4/tcp_ipv4.c tcp_v4_connect()"
    ),
)
