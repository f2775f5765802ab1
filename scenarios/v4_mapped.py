"""An IPv6 socket that speaks IPv4: addresses of the form ::ffff:198.18.2.10.

A socket of AF_INET6 reaches IPv4 hosts as well. The address goes into sockaddr_in6 as the last
four of its sixteen bytes, behind ffff, and what is on the wire is IPv4, with its ports, its
ICMP and its errnos. So a listener on :: serves both families, and accept(2) tells an IPv4
client by such an address; a log or an access list that compares texts must know it.

IPV6_V6ONLY makes the socket one for IPv6 alone: a listener with it refuses IPv4 clients
(ECONNREFUSED, as if nobody listened), and connect(2) to such an address says ENETUNREACH.
Without it, :: and 0.0.0.0 are the same address for bind(2), and the second is EADDRINUSE.
The lab runs these cases once, for each of them has both families.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_packet,
    bind,
    connect,
    exchange,
    getpeername,
    getsockname,
    listen,
    rst,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="nothing",
    family="ipv6",
    cases=[
        Case(
            "connect",
            calls=[
                connect(on="client", address="::ffff:{server:ipv4}"),
                getpeername(on="client").tells("[::ffff:{server:ipv4}]:16555"),
                getsockname(on="client").tells("[::ffff:{client:ipv4}]:…"),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
            absent=[rst(at="client")],
            counted=[
                # The packets are IPv4's: of IPv6's counters for what goes out none moves.
                Counted("client", "Ip6.OutRequests", exactly=0),
                Counted("client", "Ip.OutRequests", at_least=3),
            ],
        ),
        Case(
            "listener_serves_both",
            before=[
                bind(on="server", to="any", port=17460, socket="l", options={"SO_REUSEADDR": 1}),
                listen(on="server", socket="l"),
            ],
            calls=[
                connect(on="client", address="{server:ipv4}", port=17460, socket="four"),
                accept(on="server", socket="l").tells("[::ffff:{client:ipv4}]:…"),
                connect(on="client", to="server", port=17460, socket="six"),
                accept(on="server", socket="l", new="d").tells("{client:url}:…"),
                # IPv4 itself has no such listener: bind() there meets this one.
                bind(on="server", address="0.0.0.0", port=17460, socket="b").fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
            ],
            seen=[syn(at="server", count=2), syn_ack(at="client", count=2)],
            absent=[rst(at="client")],
            counted=[Counted("server", "Tcp.PassiveOpens", at_least=2)],
        ),
        Case(
            "listener_v6only",
            before=[
                bind(
                    on="server",
                    to="any",
                    port=17461,
                    socket="l",
                    options={"SO_REUSEADDR": 1, "IPV6_V6ONLY": 1},
                ),
                listen(on="server", socket="l"),
            ],
            calls=[
                connect(on="client", address="{server:ipv4}", port=17461, socket="four").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="server", port=17461, socket="six"),
                # So the port of IPv4 is free.
                bind(
                    on="server",
                    address="0.0.0.0",
                    port=17461,
                    socket="b",
                    options={"SO_REUSEADDR": 1},
                ),
                listen(on="server", socket="b"),
                connect(on="client", address="{server:ipv4}", port=17461, socket="again"),
            ],
            seen=[
                syn(at="server", count=3),
                rst(at="client", count=1),
                syn_ack(at="client", count=2),
            ],
            counted=[Counted("client", "Tcp.AttemptFails", exactly=1)],
        ),
        Case(
            "connect_v6only",
            calls=[
                connect(
                    on="client", address="::ffff:{server:ipv4}", options={"IPV6_V6ONLY": 1}
                ).fails("ENETUNREACH", within_s=(0.0, 0.5)),
            ],
            absent=[any_packet(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            # The errno is that of IPv4's RST.
            "refused",
            calls=[
                connect(on="client", address="::ffff:{server:ipv4}", port=17462).fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
            ],
            seen=[syn(at="server", count=1), rst(at="client", count=1)],
            counted=[
                Counted("client", "Ip6.OutRequests", exactly=0),
                Counted("client", "Tcp.AttemptFails", exactly=1),
            ],
        ),
        Case(
            # A socket of AF_INET takes no sockaddr_in6, mapped or not.
            "other_way_round",
            calls=[
                connect(on="client", address="::ffff:{server:ipv4}", domain="AF_INET").fails(
                    "EAFNOSUPPORT", within_s=(0.0, 0.5)
                ),
            ],
            absent=[any_packet(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
        ),
    ],
    look=(
        "`ss -ltn` shows *:PORT for a listener of both families, [::]:PORT for one of IPv6 alone "
        "and 0.0.0.0:PORT for one of IPv4; `sysctl net.ipv6.bindv6only` is the default. "
        "`strace` shows ::ffff: in the addresses, `tcpdump` IPv4."
    ),
    source=(
        "ipv6(7) IPV6_V6ONLY; RFC 4291 2.5.5.2; RFC 3493 3.7, 5.3; Linux net/ipv6/tcp_ipv6.c "
        "tcp_v6_connect(), net/ipv6/af_inet6.c __inet6_bind(), include/net/ipv6.h "
        "ipv6_addr_v4mapped()"
    ),
)
