"""A datagram exceeds the MTU and may not be fragmented: EMSGSIZE.

With IP_MTU_DISCOVER set to IP_PMTUDISC_DO a datagram must fit in one packet: 1500 bytes
less 28 of headers over IPv4, less 48 over IPv6. One byte more is refused by the caller's
own kernel. Without it the kernel cuts the datagram into fragments. The limit shrinks
with the interface's MTU, as it does in a tunnel. `echo` has the limit of UDP itself.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    connect,
    data,
    getsockopt,
    mtu,
    per_family,
    recv,
    send,
)

SCENARIO = Scenario(
    cause="local",
    cases=[
        Case(
            "dont_fragment",
            claims={"C7": "true"},
            calls=[
                connect(
                    on="client",
                    to="server",
                    proto="udp",
                    # IP_PMTUDISC_DO is 2.
                    options=per_family(ipv4={"IP_MTU_DISCOVER": 2}, ipv6={"IPV6_MTU_DISCOVER": 2}),
                ),
                getsockopt(on="client", option=per_family(ipv4="IP_MTU", ipv6="IPV6_MTU")).returns(
                    1500
                ),
                send(on="client", data=per_family(ipv4=b"x" * 1473, ipv6=b"x" * 1453)).fails(
                    "EMSGSIZE", within_s=(0.0, 0.5)
                ),
                send(on="client", data=per_family(ipv4=b"x" * 1472, ipv6=b"x" * 1452)),
                recv(on="client").gives(per_family(ipv4=b"x" * 1472, ipv6=b"x" * 1452)),
            ],
            seen=[data(at="client", sender="client", proto="udp", count=1)],
            absent=[any_packet(at="client", proto="ip")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=1,
                ),
                Counted(
                    "client", per_family(ipv4="Ip.FragCreates", ipv6="Ip6.FragCreates"), exactly=0
                ),
            ],
        ),
        Case(
            "fragmented",
            calls=[
                connect(on="client", to="server", proto="udp"),
                send(on="client", data=per_family(ipv4=b"x" * 1473, ipv6=b"x" * 1453)),
                recv(on="client").gives(per_family(ipv4=b"x" * 1473, ipv6=b"x" * 1453)),
            ],
            # A later fragment has no UDP header.
            seen=[any_packet(at="server", proto="ip")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=1,
                ),
                Counted(
                    "client", per_family(ipv4="Ip.FragCreates", ipv6="Ip6.FragCreates"), exactly=2
                ),
            ],
        ),
        Case(
            "smaller_mtu",
            claims={"C7": "true"},
            fault=mtu(on="client", toward="router", size=1400),
            calls=[
                connect(
                    on="client",
                    to="server",
                    proto="udp",
                    options=per_family(ipv4={"IP_MTU_DISCOVER": 2}, ipv6={"IPV6_MTU_DISCOVER": 2}),
                ),
                send(on="client", data=per_family(ipv4=b"x" * 1373, ipv6=b"x" * 1353)).fails(
                    "EMSGSIZE", within_s=(0.0, 0.5)
                ),
                getsockopt(on="client", option=per_family(ipv4="IP_MTU", ipv6="IPV6_MTU")).returns(
                    1400
                ),
            ],
            absent=[any_packet(at="client", proto="udp"), any_packet(at="client", proto="ip")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=0,
                ),
            ],
        ),
    ],
    look=(
        "`ip link` shows the interface's MTU and `ip route get ADDRESS` a smaller one that was "
        "learnt from the path. Nothing is sent; where a router on the path says it, an ICMP 3/4 "
        "(IPv6: 2/0) comes in first."
    ),
    source=(
        "RFC 1191; RFC 8201; udp(7), ip(7) IP_MTU_DISCOVER, ipv6(7); Linux net/ipv4/ip_output.c "
        "__ip_append_data(), net/ipv6/ip6_output.c __ip6_append_data()"
    ),
)
