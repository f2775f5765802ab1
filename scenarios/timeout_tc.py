"""The SYN is dropped before the router's stack sees it.

A classic BPF filter of tc shoots it where it enters the router's interface. The
caller sees what it sees in `timeout`; no firewall rule is there to be found, and
only the qdisc's drop counter tells.
"""

from lab import (
    Counted,
    Scenario,
    any_icmp,
    connect,
    drop_tc,
    syn,
    syn_retransmissions,
    syn_schedule,
    syn_timeout,
)

SCENARIO = Scenario(
    cause="firewall",
    claims={"C68": "wrong", "C69": "true"},
    fault=drop_tc(on="router", to="server"),
    calls=[
        connect(on="client", to="server", options={"TCP_SYNCNT": 1}).fails(
            "ETIMEDOUT", within_s=syn_timeout(retries=1)
        ),
    ],
    seen=[
        syn(at="client", schedule=syn_schedule(retries=1)),
        # A capture taps the interface before tc does.
        syn(at="router", schedule=syn_schedule(retries=1)),
    ],
    absent=[syn(at="server"), any_icmp(at="client")],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
    ],
    look=(
        "As `timeout`, and no firewall rule counts: `tc -s qdisc` and `tc filter show dev … "
        "ingress` on the last hop that sees the SYN show the drops."
    ),
    source="RFC 9293 3.8.3; tc-bpf(8); Linux net/ipv4/tcp_timer.c, tcp_write_timeout()",
)
