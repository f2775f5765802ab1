"""With everything left as it is, connect() gives up after more than two minutes.

Nothing is set: `tcp_syn_retries` is six. tcp(7) says 127 seconds, and that was so
until Linux 6.5, whose linear time-outs make it 131: SYNs after 1, 2, 3, 4, 5, 7, 11,
19, 35 and 67 s, and 64 s of waiting for an answer to the last. Timers of that length
run late by one or two per cent.
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
    cause="time",
    slow=True,
    fault=drop(on="router", to="server"),
    calls=[connect(on="client", to="server").fails("ETIMEDOUT", within_s=syn_timeout())],
    seen=[
        syn(at="client", schedule=syn_schedule()),
        syn(at="router", schedule=syn_schedule()),
    ],
    absent=[syn(at="server"), any_icmp(at="client")],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions()),
        Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
    ],
    look=(
        "A program that hangs for two minutes and then says ETIMEDOUT: `ss -tnop state "
        "syn-sent` shows it meanwhile, with its timer. A capture shows the SYN again and again, "
        "ever more seldom, and nothing back."
    ),
    source=(
        "RFC 1122 4.2.3.5 (c), at least 3 minutes for SYNs, which Linux does not wait; tcp(7) "
        "tcp_syn_retries; Linux net/ipv4/tcp_timer.c, tcp_write_timeout()"
    ),
)
