"""The packet's hop limit is used up at the router, which discards it and says so.

The caller's socket sends with a hop limit of one (IP_TTL, IPV6_UNICAST_HOPS): the
first router may not forward it, and answers ICMP 11/0, over IPv6 3/0 (time exceeded).
connect(2) calls that EHOSTUNREACH. It is what traceroute lives on; elsewhere it means
that the way is a loop (see `routing_loop`) or that somebody set the limit too low.
"""

from lab import (
    ICMP_REPORTED,
    Case,
    Counted,
    Scenario,
    any_packet,
    connect,
    exchange,
    fcntl,
    icmp,
    per_family,
    poll,
    syn,
)

SCENARIO = Scenario(
    cause="local",
    control=[
        connect(on="client", to="server"),
        exchange(on="client", data=b"hi").gives(b"abc"),
    ],
    seen=[
        syn(at="router"),
        icmp(at="client", error=per_family(ipv4=(11, 0), ipv6=(3, 0))),
    ],
    absent=[any_packet(at="server")],
    counted=[
        Counted(
            "client", per_family(ipv4="Icmp.InTimeExcds", ipv6="Icmp6.InTimeExcds"), at_least=1
        ),
        Counted(
            "router", per_family(ipv4="Icmp.OutTimeExcds", ipv6="Icmp6.OutTimeExcds"), at_least=1
        ),
        Counted("router", per_family(ipv4="Ip.InHdrErrors", ipv6="Ip6.InHdrErrors"), at_least=1),
    ],
    cases=[
        Case(
            "blocking",
            claims={"C74": "true", "C76": "wrong"},
            calls=[
                connect(
                    on="client",
                    to="server",
                    options=per_family(ipv4={"IP_TTL": 1}, ipv6={"IPV6_UNICAST_HOPS": 1}),
                ).fails("EHOSTUNREACH", within_s=(0.0, 1.3)),
            ],
            pictures=ICMP_REPORTED,
        ),
        Case(
            "non_blocking",
            claims={"C74": "true", "C76": "wrong"},
            calls=[
                connect(
                    on="client",
                    to="server",
                    options=per_family(ipv4={"IP_TTL": 1}, ipv6={"IPV6_UNICAST_HOPS": 1}),
                    blocking=False,
                ).fails("EINPROGRESS"),
                # IPv4 may say POLLERR at once, of an attempt that goes on (see non_blocking_icmp);
                # IPv6 waits for the end. A blocking call waits for it in both.
                poll(on="client", events="POLLOUT").returns(1, within_s=(0.0, 1.3)),
                fcntl(on="client", blocking=True),
                connect(on="client", to="server").fails("EHOSTUNREACH", within_s=(0.0, 1.3)),
            ],
            counted=[
                Counted("client", "Tcp.AttemptFails", exactly=1),
                Counted(
                    "client",
                    per_family(ipv4="Icmp.InTimeExcds", ipv6="Icmp6.InTimeExcds"),
                    at_least=1,
                ),
                Counted(
                    "router",
                    per_family(ipv4="Icmp.OutTimeExcds", ipv6="Icmp6.OutTimeExcds"),
                    at_least=1,
                ),
                Counted(
                    "router", per_family(ipv4="Ip.InHdrErrors", ipv6="Ip6.InHdrErrors"), at_least=1
                ),
            ],
        ),
        # Two hops are enough: the limit counts routers, not wires.
        Case(
            "enough",
            calls=[
                connect(
                    on="client",
                    to="server",
                    options=per_family(ipv4={"IP_TTL": 2}, ipv6={"IPV6_UNICAST_HOPS": 2}),
                ),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            seen=[syn(at="client", count=1), syn(at="server", count=1)],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Icmp.InTimeExcds", ipv6="Icmp6.InTimeExcds"),
                    exactly=0,
                ),
            ],
        ),
    ],
    look=(
        "`tcpdump -v icmp or icmp6` at the caller shows `time exceeded` and which router sent "
        "it; `tcpdump -v` shows the SYN's ttl (hlim) as it leaves. `traceroute` tells how many "
        "hops it takes; `nstat IcmpInTimeExcds Icmp6InTimeExcds` grows."
    ),
    source=(
        "RFC 1812 5.3.1; RFC 8200 3; RFC 4443 3.3; ip(7) IP_TTL; Linux net/ipv4/ip_forward.c "
        "ip_forward(), net/ipv6/ip6_output.c ip6_forward(), tcp_v4_err(), icmpv6_err_convert()"
    ),
)
