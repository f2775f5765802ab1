"""Every ICMP error that can answer the SYN of a non-blocking connect().

The call itself has said EINPROGRESS. The error makes the socket ready: poll() returns,
and SO_ERROR tells the errno, once. It is the same errno as a blocking caller gets.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    answer,
    connect,
    each_icmp_error,
    given,
    icmp,
    icmp_error,
    per_family,
    poll,
    so_error,
    syn,
)

SCENARIO = Scenario(
    cause="caller",
    # A moment later, so that no call holds the socket any more.
    fault=answer(to="server", by=[icmp_error(given("error"), mtu=1500)], times=1, delay_s=0.02),
    cases=each_icmp_error(
        "tcp",
        reported=Case(
            claims={"C74": given("unreachable"), "C75": "wrong"},
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").returns(1, within_s=(0.0, 0.5)),
                so_error(on="client").reports(given("errno")),
                so_error(on="client").reports(""),
            ],
            control=[connect(on="client", to="server")],
            seen=[syn(at="client", count=1), icmp(at="client", error=given("error"), count=1)],
            absent=[syn(at="server")],
            counted=[Counted("client", "Tcp.AttemptFails", exactly=1)],
        ),
        ignored=Case(
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").tells("POLLOUT", within_s=(0.9, 1.3)),
                so_error(on="client").reports(""),
            ],
            control=[connect(on="client", to="server")],
            seen=[
                syn(at="client", count=2),
                icmp(at="client", error=given("error"), count=1),
                syn(at="server", count=1),
            ],
            counted=[
                Counted("client", "Tcp.AttemptFails", exactly=0),
                # It came in, and nothing was wrong with it.
                Counted("client", per_family(ipv4="Icmp.InMsgs", ipv6="Icmp6.InMsgs"), at_least=1),
                Counted(
                    "client", per_family(ipv4="Icmp.InErrors", ipv6="Icmp6.InErrors"), exactly=0
                ),
            ],
        ),
    ),
    look=(
        "As `icmp_connect`; with `strace -e trace=connect,poll,getsockopt` the errno stands in the "
        "value of SO_ERROR, not in that of connect()."
    ),
    source=(
        "RFC 792; RFC 1122 3.2.2 and 4.2.3.9; RFC 4443; RFC 5461; RFC 5927; "
        "Linux net/ipv4/icmp.c icmp_err_convert[] and icmp_unreach(), "
        "net/ipv6/icmp.c icmpv6_err_convert(), net/ipv4/tcp_ipv4.c tcp_v4_err(), "
        "net/ipv6/tcp_ipv6.c tcp_v6_err()"
    ),
)
