"""Settings of the caller's host decide how often and when the SYN is sent again.

`tcp_syn_retries` is the number of retransmissions whose time between them doubles.
Since Linux 6.5 `tcp_syn_linear_timeouts`, four by default, come before them: rounds of
one second each. Without them the schedule is the one that the textbooks and tcp(7)
give: 1 s, 3 s, 7 s. Both belong to the network namespace: a container has its own.
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
    fault=[
        sysctl(on="client", values=given("sysctls")),
        drop(on="router", to="server"),
    ],
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
            "retries",
            given={
                "sysctls": {"net.ipv4.tcp_syn_retries": 1},
                "options": {},
                "within_s": syn_timeout(retries=1),
                "schedule": syn_schedule(retries=1),
                "again": syn_retransmissions(retries=1),
            },
        ),
        # As before Linux 6.5: the second round takes two seconds.
        Case(
            "no_linear_timeouts",
            needs=["tcp_syn_linear_timeouts"],
            given={
                "sysctls": {"net.ipv4.tcp_syn_linear_timeouts": 0},
                "options": {"TCP_SYNCNT": 1},
                "within_s": syn_timeout(retries=1, linear=0),
                "schedule": syn_schedule(retries=1, linear=0),
                "again": syn_retransmissions(retries=1, linear=0),
            },
        ),
        Case(
            "one_linear_timeout",
            needs=["tcp_syn_linear_timeouts"],
            given={
                "sysctls": {
                    "net.ipv4.tcp_syn_retries": 1,
                    "net.ipv4.tcp_syn_linear_timeouts": 1,
                },
                "options": {},
                "within_s": syn_timeout(retries=1, linear=1),
                "schedule": syn_schedule(retries=1, linear=1),
                "again": syn_retransmissions(retries=1, linear=1),
            },
        ),
        # A third SYN after 3 s shows the doubling; the user's time ends the third round.
        Case(
            "with_user_timeout",
            needs=["tcp_syn_linear_timeouts"],
            given={
                "sysctls": {
                    "net.ipv4.tcp_syn_retries": 2,
                    "net.ipv4.tcp_syn_linear_timeouts": 0,
                },
                "options": {"TCP_USER_TIMEOUT": 3500},
                "within_s": syn_timeout(retries=2, linear=0, user_timeout_ms=3500),
                "schedule": syn_schedule(retries=2, linear=0, user_timeout_ms=3500),
                "again": syn_retransmissions(retries=2, linear=0, user_timeout_ms=3500),
            },
        ),
    ],
    look=(
        "`sysctl net.ipv4.tcp_syn_retries net.ipv4.tcp_syn_linear_timeouts`, in the network "
        "namespace of the program (`nsenter -t PID -n`): containers do not share the machine's. "
        "`ss -tno state syn-sent` shows the timer and how many SYNs were sent again."
    ),
    source=(
        "RFC 6298 2 and 5.5; tcp(7) tcp_syn_retries; Linux Documentation/networking/"
        "ip-sysctl.rst; Linux net/ipv4/tcp_timer.c, tcp_write_timeout(), tcp_retransmit_timer()"
    ),
)
