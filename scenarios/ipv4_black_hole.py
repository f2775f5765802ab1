"""The name has addresses of both families, and what is sent over IPv4 is lost without a word.

The IPv6 address stands in front, so most programs never notice. Those that speak IPv4 alone, or
put it in front (an old library, `-4`, a literal address, gai.conf), sit out a whole connect(2),
over two minutes by default, on a host that answers at its other address at once.
"""

from lab import (
    Counted,
    Scenario,
    any_icmp,
    connect,
    drop,
    exchange,
    getaddrinfo,
    rst,
    syn,
    syn_ack,
    syn_retransmissions,
    syn_timeout,
)

SCENARIO = Scenario(
    cause="firewall",
    family="ipv4",
    host_name="server",
    fault=drop(on="router", to="server"),
    calls=[
        getaddrinfo(on="client", node="server", service="16555").tells(
            "{server:ipv4}:16555, [{server:ipv6}]:16555"
        ),
        connect(on="client", to="server", options={"TCP_SYNCNT": 1}).fails(
            "ETIMEDOUT", within_s=syn_timeout(retries=1)
        ),
        # The same host, by its other address.
        connect(on="client", address="{server:ipv6}", socket="other").returns(
            0, within_s=(0.0, 0.5)
        ),
        exchange(on="client", data=b"hi", socket="other").gives(b"abc"),
    ],
    seen=[
        syn(at="router"),
        # It is of IPv6.
        syn(at="server", count=1),
        syn_ack(at="client", count=1),
    ],
    absent=[any_icmp(at="client"), rst(at="client")],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
        Counted("client", "TcpExt.TCPTimeouts", at_least=1),
    ],
    look=(
        "`curl -4` or `nc -4` hangs where `-6` answers. `ss -tn state syn-sent` shows the IPv4 "
        "address that is waited for, and `nstat TcpExtTCPSynRetrans` grows. Look for the last hop "
        "that sees the SYN (`iptables -nvL`: the firewall of the one family is not that of the "
        "other)."
    ),
    source=(
        "RFC 8305 1 and 5; RFC 6724 6; getaddrinfo(3), gai.conf(5); tcp(7) TCP_SYNCNT; Linux "
        "net/ipv4/tcp_timer.c tcp_write_timeout()"
    ),
)
