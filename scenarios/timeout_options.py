"""Options of the caller's own socket set how long connect() waits for an answer.

TCP_SYNCNT counts retransmissions of the SYN and goes before `tcp_syn_retries`.
TCP_USER_TIMEOUT is a time, in milliseconds, in the place of the one that the retries
amount to: it makes the wait shorter or longer. But no timer runs out before the first
retransmission, so a second passes whatever it says, and the count of retransmissions
holds beside it. The errno is ETIMEDOUT in every case.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_icmp,
    connect,
    drop,
    given,
    syn,
    syn_retransmissions,
    syn_schedule,
    syn_timeout,
    sysctl,
)

SCENARIO = Scenario(
    cause="time",
    claims={"C68": "wrong", "C69": "true"},
    fault=drop(on="router", to="server"),
    calls=[
        connect(on="client", to="server", options=given("options")).fails(
            "ETIMEDOUT", within_s=given("within_s")
        ),
    ],
    seen=[
        syn(at="client", schedule=given("schedule")),
        syn(at="router", schedule=given("schedule")),
    ],
    absent=[syn(at="server"), any_icmp(at="client")],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=given("again")),
        Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
    ],
    cases=[
        Case(
            "retries_before_sysctl",
            fault=[
                sysctl(on="client", values={"net.ipv4.tcp_syn_retries": 3}),
                drop(on="router", to="server"),
            ],
            given={
                "options": {"TCP_SYNCNT": 1},
                "within_s": syn_timeout(retries=1),
                "schedule": syn_schedule(retries=1),
                "again": syn_retransmissions(retries=1),
            },
        ),
        Case(
            "user_timeout",
            given={
                "options": {"TCP_USER_TIMEOUT": 1500},
                "within_s": syn_timeout(user_timeout_ms=1500),
                "schedule": syn_schedule(user_timeout_ms=1500),
                "again": syn_retransmissions(user_timeout_ms=1500),
            },
        ),
        # The timer of the first SYN is not cut short: 1 s, not 0.5 s.
        Case(
            "user_timeout_below_a_second",
            given={
                "options": {"TCP_USER_TIMEOUT": 500},
                "within_s": syn_timeout(user_timeout_ms=500),
                "schedule": syn_schedule(user_timeout_ms=500),
                "again": syn_retransmissions(user_timeout_ms=500),
            },
        ),
        # One retry alone ends after 3 s; since Linux 6.5 the four linear time-outs count
        # beside it, and let the user's time be reached.
        Case(
            "user_timeout_above_the_retries",
            given={
                "options": {"TCP_SYNCNT": 1, "TCP_USER_TIMEOUT": 4500},
                "within_s": syn_timeout(retries=1, user_timeout_ms=4500),
                "schedule": syn_schedule(retries=1, user_timeout_ms=4500),
                "again": syn_retransmissions(retries=1, user_timeout_ms=4500),
            },
        ),
    ],
    look=(
        "`strace -e trace=setsockopt,connect` shows the options that the program sets. Count "
        "the SYNs and the seconds to the error: a time that is not that of "
        "`sysctl net.ipv4.tcp_syn_retries` is the program's own wish."
    ),
    source=(
        "tcp(7) TCP_SYNCNT, TCP_USER_TIMEOUT; RFC 5482; Linux net/ipv4/tcp_timer.c, "
        "tcp_write_timeout(), tcp_clamp_rto_to_user_timeout()"
    ),
)
