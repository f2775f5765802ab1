"""Nobody listens on the port, and yet no RST comes: the caller waits until it gives up.

A kernel answers a SYN to a port where nobody listens with a RST, and connect() says ECONNREFUSED
at once. So it is here as long as nothing is in the way. Then a firewall drops the SYN on the
host itself, before TCP sees it, and there is no RST; or it drops the RST, where it is made or on
the router. The caller cannot tell any of them from a host that is switched off: ETIMEDOUT, after
all the retransmissions. Many hosts on the internet are set up so.

The port is as closed as before. What has changed is that nobody says so.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_icmp,
    connect,
    drop,
    drop_reply,
    exchange,
    rst,
    since,
    syn,
    syn_ack,
    syn_timeout,
)

SCENARIO = Scenario(
    cause="firewall",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    counted=[
        Counted("client", "TcpExt.TCPTimeouts", at_least=1),
        Counted("client", "Tcp.AttemptFails", exactly=1),
    ],
    cases=[
        Case(
            "syn_dropped",
            fault=drop(on="server", to="server", port=17410),
            before=[
                connect(on="client", to="server", port=17410, socket="first").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
            ],
            calls=[
                connect(on="client", to="server", port=17410, options={"TCP_SYNCNT": 1}).fails(
                    "ETIMEDOUT", within_s=syn_timeout(retries=1)
                ),
            ],
            seen=[
                # The first is refused; the other is sent three times (twice before 6.5).
                syn(at="server", count=since((6, 5), then=4, before=3)),
                rst(at="server", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            absent=[syn_ack(at="client"), any_icmp(at="client")],
            claims={"C72": "wrong"},
        ),
        Case(
            # The kernel makes the RST, and the same host's firewall does not let it out.
            "rst_dropped_by_the_host",
            fault=drop_reply(on="server", sender="server", port=17411, flags="RST"),
            before=[
                connect(on="client", to="server", port=17411, socket="first").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
            ],
            calls=[
                connect(on="client", to="server", port=17411, options={"TCP_SYNCNT": 1}).fails(
                    "ETIMEDOUT", within_s=syn_timeout(retries=1)
                ),
            ],
            seen=[
                syn(at="server", count=since((6, 5), then=4, before=3)),
                rst(at="server", sender="server", count=1),
                rst(at="client", sender="server", count=1),
            ],
            absent=[syn_ack(at="client"), any_icmp(at="client")],
            claims={"C72": "wrong"},
        ),
        Case(
            # The host sends it, and the client does not get it.
            "rst_dropped_by_the_router",
            fault=drop_reply(on="router", sender="server", port=17412, flags="RST"),
            before=[
                connect(on="client", to="server", port=17412, socket="first").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
            ],
            calls=[
                connect(on="client", to="server", port=17412, options={"TCP_SYNCNT": 1}).fails(
                    "ETIMEDOUT", within_s=syn_timeout(retries=1)
                ),
            ],
            seen=[
                syn(at="server", count=since((6, 5), then=4, before=3)),
                rst(at="server", sender="server", count=since((6, 5), then=4, before=3)),
                rst(at="client", sender="server", count=1),
            ],
            absent=[syn_ack(at="client"), any_icmp(at="client")],
        ),
    ],
    look=(
        "`tcpdump` on the destination: the SYN comes, and either no RST leaves (`iptables -nvL "
        "INPUT` or `OUTPUT` counts it) or one does and is lost on the way. `ss -ltn` there shows "
        "that nobody listens; from there itself, or over loopback, the port is refused."
    ),
    source=(
        "RFC 9293 3.10.7.1; connect(2); Linux net/ipv4/tcp_ipv4.c tcp_v4_rcv(), "
        "tcp_v4_send_reset(), net/ipv6/tcp_ipv6.c tcp_v6_send_reset()"
    ),
)
