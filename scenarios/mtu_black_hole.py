"""A link on the path takes smaller packets, and the message that says so is dropped.

Linux sends TCP with "do not fragment" and learns the path's MTU from ICMP: 3/4 over IPv4,
2/0 over IPv6. Here the router's next link takes 1300 bytes and its ICMP is filtered. The
handshake works, small data works, and a full-size segment never arrives, however often it
is sent: ETIMEDOUT. RFC 2923 calls it a black hole; path_mtu shows the same path with ICMP.

In a longer stream the short last segment gets through: the peer acknowledges it alone
(SACK), and the caller goes on to send the others in vain.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_icmp,
    bind,
    connect,
    data,
    exchange,
    listen,
    mtu,
    per_family,
    recv,
    send,
    silence_icmp,
)

SCENARIO = Scenario(
    cause="firewall",
    fault=[
        mtu(on="router", toward="server", size=1300),
        silence_icmp(
            on="router",
            error=per_family(ipv4="fragmentation-needed", ipv6="packet-too-big"),
        ),
    ],
    control=[connect(on="client", to="server"), exchange(on="client", data=b"x" * 5000)],
    absent=[any_icmp(at="client")],
    counted=[Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1)],
    cases=[
        Case(
            "one_segment",
            calls=[
                bind(on="server", to="server", port=17209, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17209, options={"TCP_USER_TIMEOUT": 1500}),
                accept(on="server"),
                send(on="client", data=b"small").returns(5),
                recv(on="server", socket="c").gives(b"small", within_s=(0.0, 0.5)),
                send(on="client", data=b"x" * 1400).returns(1400),
                # The first retransmission after 0.4 s and more, and 1.5 s behind it, as in
                # peer_vanished.
                recv(on="client").fails("ETIMEDOUT", within_s=(1.55, 2.4)),
            ],
            # The small one, the large one, its probe, and it three times again.
            seen=[
                data(at="client", sender="client", count=6),
                data(at="router", sender="client", count=6),
                data(at="server", sender="client", count=1),
            ],
            absent=[any_icmp(at="client")],
        ),
        Case(
            "stream",
            calls=[
                bind(on="server", to="server", port=17209, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17209, options={"TCP_USER_TIMEOUT": 1500}),
                accept(on="server"),
                send(on="client", data=b"small").returns(5),
                recv(on="server", socket="c").gives(b"small", within_s=(0.0, 0.5)),
                send(on="client", data=b"x" * 5000).returns(5000),
                # The SACK of the last segment brings the first retransmission at once, and
                # 1.5 s behind it is the end.
                recv(on="client").fails("ETIMEDOUT", within_s=(1.0, 2.4)),
            ],
            # At the server the small one, and the last 700 bytes of the large one.
            seen=[
                data(at="client", sender="client"),
                data(at="server", sender="client", count=2),
            ],
            absent=[any_icmp(at="client")],
        ),
    ],
    look=(
        "`ping -M do -s 1472` to the peer (1452 over IPv6) gets no answer while smaller ones do; "
        "`tracepath` stops at the hop. `ss -ti` shows retransmissions with an mss that the path "
        "does not carry. net.ipv4.tcp_mtu_probing=1, or a smaller MSS, works around it."
    ),
    source=(
        "RFC 1191; RFC 8201; RFC 2923 2.1; RFC 4821; ip(7) IP_MTU_DISCOVER; Linux "
        "net/ipv4/ip_forward.c ip_forward(), net/ipv6/ip6_output.c ip6_forward()"
    ),
)
