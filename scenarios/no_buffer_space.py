"""The interface's queue is full: ENOBUFS, and only for a caller that asked.

Here the link is slow and its queue has room for one datagram. The third is dropped by
the caller's own host. With IP_RECVERR (IPV6_RECVERR) send(2) says ENOBUFS; without, it
reports success for a datagram that is lost. TCP sends its segment again, twice a second.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    connect,
    data,
    per_family,
    send,
    since,
    slow_link,
    syn,
)

SCENARIO = Scenario(
    cause="local",
    # 1200 bytes are up to 1262 with their headers: one passes by the burst, one waits, and
    # at 125 bytes a second there is no room again for ten seconds.
    fault=slow_link(on="client", toward="router", rate_kbit=1, burst_bytes=1600, queue_bytes=1300),
    seen=[data(at="client", sender="client", proto="udp", count=1)],
    counted=[
        Counted("client", per_family(ipv4="Udp.SndbufErrors", ipv6="Udp6.SndbufErrors"), exactly=1),
    ],
    cases=[
        Case(
            "asked",
            calls=[
                connect(
                    on="client",
                    to="server",
                    proto="udp",
                    options=per_family(ipv4={"IP_RECVERR": 1}, ipv6={"IPV6_RECVERR": 1}),
                ),
                send(on="client", data=b"x" * 1200).returns(1200),
                send(on="client", data=b"x" * 1200).returns(1200),
                send(on="client", data=b"x" * 1200).fails("ENOBUFS", within_s=(0.0, 0.5)),
            ],
        ),
        Case(
            "not_asked",
            calls=[
                connect(on="client", to="server", proto="udp"),
                send(on="client", data=b"x" * 1200).returns(1200),
                send(on="client", data=b"x" * 1200).returns(1200),
                send(on="client", data=b"x" * 1200).returns(1200),
            ],
        ),
        Case(
            # TCP knows that it was its own host, and tries again each half second, not after
            # one and then twice as long: the last one finds that its 3 s are over. Before
            # tcp_syn_linear_timeouts (6.5) one retransmission is all that TCP_SYNCNT allows.
            "tcp",
            calls=[
                connect(on="client", to="server", proto="udp", socket="u"),
                send(on="client", data=b"x" * 1200, socket="u").returns(1200),
                send(on="client", data=b"x" * 1200, socket="u").returns(1200),
                connect(on="client", to="server", options={"TCP_SYNCNT": 1}).fails(
                    "ETIMEDOUT", within_s=since((6, 5), then=(3.0, 3.5), before=(1.5, 1.8))
                ),
            ],
            seen=[data(at="client", sender="client", proto="udp", count=1)],
            absent=[syn(at="client")],
            counted=[
                Counted(
                    "client",
                    "TcpExt.TCPRetransFail",
                    exactly=since((6, 5), then=4, before=1),
                ),
                Counted("client", "Tcp.AttemptFails", exactly=1),
            ],
        ),
    ],
    look=(
        "`tc -s qdisc show dev …` on the caller's own host counts `dropped`, and `nstat "
        "UdpSndbufErrors Udp6SndbufErrors` grows. The packet is in no capture."
    ),
    source=(
        "send(2) ENOBUFS; ip(7) IP_RECVERR; tc-tbf(8); Linux net/ipv4/udp.c udp_send_skb(), "
        "net/ipv6/udp.c udp_v6_send_skb(), net_xmit_errno(), net/ipv4/tcp_timer.c "
        "tcp_retransmit_timer()"
    ),
)
