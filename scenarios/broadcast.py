"""The destination is everybody: EACCES over UDP, ENETUNREACH over TCP.

A datagram to a broadcast address needs SO_BROADCAST on the socket, or connect(2) and
sendto(2) say EACCES, so that nobody disturbs a network by mistake. A TCP connection has
two ends and cannot go to a broadcast or multicast address at all: ENETUNREACH. IPv6 has
no broadcast; its ff02::1, every node on a link, needs the link's name (EINVAL).
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    connect,
    data,
    per_family,
    sendto,
)

SCENARIO = Scenario(
    cause="local",
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[
        Counted("client", per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"), exactly=0),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            "udp",
            family="ipv4",
            calls=[
                sendto(on="client", to="broadcast", data=b"hi").fails(
                    "EACCES", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="broadcast", proto="udp", socket="c").fails(
                    "EACCES", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "udp_allowed",
            family="ipv4",
            calls=[
                sendto(
                    on="client", to="broadcast", data=b"hi", options={"SO_BROADCAST": 1}
                ).returns(2),
            ],
            # Everybody on the link; a router does not pass it on.
            seen=[
                data(at="client", sender="client", proto="udp", count=1),
                data(at="router", sender="client", proto="udp", count=1),
            ],
            absent=[data(at="server", sender="client", proto="udp")],
            counted=[Counted("client", "Udp.OutDatagrams", exactly=1)],
        ),
        Case(
            "udp_without_link",
            family="ipv6",
            calls=[
                connect(on="client", to="broadcast", proto="udp").fails(
                    "EINVAL", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "tcp",
            calls=[
                connect(on="client", to="broadcast").fails("ENETUNREACH", within_s=(0.0, 0.5)),
            ],
        ),
    ],
    look=(
        "The destination is 255.255.255.255 or ends a subnet (`ip route get ADDRESS` says "
        "`broadcast`); a wrong netmask makes a host's address a broadcast address. Nothing is "
        "sent."
    ),
    source=(
        "RFC 1122 3.3.6 and 4.2.3.10; ip(7), socket(7) SO_BROADCAST; Linux net/ipv4/udp.c "
        "udp_sendmsg(), net/ipv4/datagram.c and net/ipv6/datagram.c, net/ipv4/tcp_ipv4.c "
        "tcp_v4_connect(), net/ipv6/tcp_ipv6.c tcp_v6_connect()"
    ),
)
