"""Two routers send the packet to each other until its hop limit runs out.

The server has lost the address that the router sends to it, and forwards what is not its
own, by its default route: back to the router. The SYN starts with 64 hops and crosses the
link between them 63 times; the host that holds it when none is left discards it and answers
ICMP 11/0 (time exceeded; 3/0 over IPv6): EHOSTUNREACH. The errno alone is that of a host
that does not answer; `traceroute` shows the same two hops again and again.
"""

from lab import (
    Counted,
    Picture,
    Scenario,
    connect,
    icmp,
    no_address,
    per_family,
    rst,
    syn,
    syn_ack,
    sysctl,
)

SCENARIO = Scenario(
    cause="route",
    claims={"C74": "true", "C76": "wrong"},
    fault=[
        # It forwards as a router does, and leaves no error out.
        sysctl(
            on="server",
            values=per_family(
                ipv4={"net.ipv4.ip_forward": 1, "net.ipv4.icmp_ratelimit": 0},
                ipv6={"net.ipv6.conf.all.forwarding": 1, "net.ipv6.icmp.ratelimit": 0},
            ),
        ),
        no_address(on="server", to="elsewhere"),
    ],
    calls=[
        # What Linux sends with by default, said so that the copies can be counted.
        connect(
            on="client",
            to="elsewhere",
            options=per_family(ipv4={"IP_TTL": 64}, ipv6={"IPV6_UNICAST_HOPS": 64}),
        ).fails("EHOSTUNREACH", within_s=(0.0, 1.3)),
    ],
    seen=[
        icmp(at="client", error=per_family(ipv4=(11, 0), ipv6=(3, 0)), sender="server"),
    ],
    absent=[syn_ack(at="server"), rst(at="client")],
    counted=[
        Counted(
            "server", per_family(ipv4="Icmp.OutTimeExcds", ipv6="Icmp6.OutTimeExcds"), at_least=1
        ),
        Counted("server", per_family(ipv4="Ip.InHdrErrors", ipv6="Ip6.InHdrErrors"), at_least=1),
        Counted("client", "Tcp.AttemptFails", exactly=1),
    ],
    # The router gets each SYN with 64, 62, … 2 hops, the server with 63, 61, … 1.
    pictures=[
        Picture(
            name="at once",
            why="the ICMP error came while nobody held the socket, so connect() failed with it",
            within_s=(0.0, 0.5),
            seen=[
                syn(at="client", count=1),
                syn(at="router", count=32),
                syn(at="server", count=32),
            ],
            counted=[
                Counted(
                    "server",
                    per_family(ipv4="Ip.ForwDatagrams", ipv6="Ip6.OutForwDatagrams"),
                    exactly=31,
                ),
                Counted("client", "TcpExt.LockDroppedIcmps", exactly=0),
            ],
        ),
        Picture(
            name="with the first retransmission",
            why=(
                "the ICMP error came while connect() held the socket (one kernel carries it from "
                "host to host), so it was kept as a soft error and reported when the second SYN "
                "had gone round too"
            ),
            within_s=(0.9, 1.3),
            seen=[
                syn(at="client", count=2),
                syn(at="router", count=64),
                syn(at="server", count=64),
            ],
            counted=[
                Counted(
                    "server",
                    per_family(ipv4="Ip.ForwDatagrams", ipv6="Ip6.OutForwDatagrams"),
                    exactly=62,
                ),
                Counted("client", "TcpExt.LockDroppedIcmps", at_least=1),
            ],
        ),
    ],
    look=(
        "`traceroute ADDRESS` shows the same hops again and again; `tcpdump -v` on one of them "
        "shows one SYN many times with a smaller ttl (hlim) each; `ip route get ADDRESS` on each "
        "names the other. `nstat IcmpInTimeExcds Icmp6InTimeExcds` grows at the caller."
    ),
    source=(
        "RFC 1812 5.3.1; RFC 8200 3; RFC 4443 3.3; Linux net/ipv4/ip_forward.c ip_forward(), "
        "net/ipv6/ip6_output.c ip6_forward(), net/ipv4/tcp_ipv4.c tcp_v4_err()"
    ),
)
