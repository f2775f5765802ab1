"""The router drops the SYN without a word.

The kernel sends the SYN again after 1 s, and again, until the retries in force are
used up; then connect(2) gives up with ETIMEDOUT. TCP_SYNCNT sets one retry here,
so that it takes about 3 s; the default of six takes over two minutes.
"""

from lab import (
    Counted,
    Scenario,
    any_icmp,
    connect,
    drop,
    syn,
    syn_retransmissions,
    syn_schedule,
    syn_timeout,
)

SCENARIO = Scenario(
    cause="firewall",
    claims={"C68": "wrong", "C69": "true"},
    fault=drop(on="router", to="server"),
    calls=[
        connect(on="client", to="server", options={"TCP_SYNCNT": 1}).fails(
            "ETIMEDOUT", within_s=syn_timeout(retries=1)
        ),
    ],
    seen=[
        syn(at="client", schedule=syn_schedule(retries=1)),
        syn(at="router", schedule=syn_schedule(retries=1)),
    ],
    absent=[syn(at="server"), any_icmp(at="client")],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
        Counted("client", "TcpExt.TCPTimeouts", at_least=1),
    ],
    look=(
        "`tcpdump` at the caller shows the SYN again and again and nothing back; at the "
        "server it shows nothing. `nstat TcpExtTCPSynRetrans` grows. Look for the last hop "
        "that sees the SYN, and for a rule whose counter grows there (`iptables -nvL`)."
    ),
    source="RFC 9293 3.8.3; tcp(7) TCP_SYNCNT; Linux net/ipv4/tcp_timer.c, tcp_write_timeout()",
)
