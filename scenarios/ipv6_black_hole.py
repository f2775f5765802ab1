"""The name has addresses of both families, and what is sent over IPv6 is lost without a word.

getaddrinfo(3) puts the IPv6 address in front, and a program that tries the addresses one after
the other sits out a whole connect(2) on it, over two minutes by default, before it tries the
next, which works at once. One that tries the next after 250 ms (RFC 8305, Happy Eyeballs) shows
nothing of it. A path that answered, with a RST or ICMP, would cost nobody anything.
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
    family="ipv6",
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
        connect(on="client", address="{server:ipv4}", socket="other").returns(
            0, within_s=(0.0, 0.5)
        ),
        exchange(on="client", data=b"hi", socket="other").gives(b"abc"),
    ],
    seen=[
        syn(at="router"),
        # It is of IPv4.
        syn(at="server", count=1),
        syn_ack(at="client", count=1),
    ],
    absent=[any_icmp(at="client"), rst(at="client")],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
        Counted("client", "TcpExt.TCPTimeouts", at_least=1),
    ],
    look=(
        "`curl -6` or `nc -6` hangs where `-4` answers; `getent ahosts NAME` shows which address "
        "is tried first. `ss -tn state syn-sent` shows the IPv6 address that is waited for, and "
        "`nstat TcpExtTCPSynRetrans` grows. Look for the last hop that sees the SYN "
        "(`ip6tables -nvL`: the firewall of the one family is not that of the other)."
    ),
    source=(
        "RFC 8305 1 and 5; RFC 6724 6; getaddrinfo(3), gai.conf(5); tcp(7) TCP_SYNCNT; Linux "
        "net/ipv4/tcp_timer.c tcp_write_timeout()"
    ),
)
