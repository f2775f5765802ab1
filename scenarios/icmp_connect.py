"""Every ICMP error that can answer the SYN of a blocking connect().

In SYN-SENT each error that Linux knows ends the connect at once, with the errno of
the kernel's table, whether RFC 1122 calls it hard or soft. A few do not: reassembly time
exceeded and undefined codes never reach TCP over IPv4, and TCP ignores a source quench,
takes a redirect for the route alone, and from a path MTU message only the MTU. Then the
SYN is sent again a second later, and gets through.

The errors come from a program on the router, so that they arrive while nobody holds
the socket (see `host_unreachable` for the other picture).
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
    syn,
)

SCENARIO = Scenario(
    cause="packet",
    # A moment later, so that no call holds the socket any more.
    fault=answer(to="server", by=[icmp_error(given("error"), mtu=1500)], times=1, delay_s=0.02),
    cases=each_icmp_error(
        "tcp",
        reported=Case(
            claims={"C74": given("unreachable"), "C75": "wrong"},
            calls=[
                connect(on="client", to="server").fails(given("errno"), within_s=(0.0, 0.5)),
            ],
            seen=[
                syn(at="client", count=1),
                icmp(at="client", error=given("error"), count=1),
            ],
            absent=[syn(at="server")],
            counted=[
                Counted("client", "Tcp.AttemptFails", exactly=1),
                Counted("client", "TcpExt.LockDroppedIcmps", exactly=0),
            ],
        ),
        ignored=Case(
            # The second SYN leaves after 1 s, by the retransmission timer.
            calls=[connect(on="client", to="server").returns(0, within_s=(1.0, 1.3))],
            seen=[
                syn(at="client", count=2),
                icmp(at="client", error=given("error"), count=1),
                syn(at="server", count=1),
            ],
            counted=[
                Counted("client", "Tcp.AttemptFails", exactly=0),
                Counted("client", "TcpExt.TCPSynRetrans", exactly=1),
                # It came in, and nothing was wrong with it.
                Counted("client", per_family(ipv4="Icmp.InMsgs", ipv6="Icmp6.InMsgs"), at_least=1),
                Counted(
                    "client", per_family(ipv4="Icmp.InErrors", ipv6="Icmp6.InErrors"), exactly=0
                ),
            ],
        ),
    ),
    look=(
        "`tcpdump -vn icmp or icmp6` at the caller names type and code, and who sent it; `nstat "
        "IcmpInDestUnreachs` grows with type 3 only (`Icmp6InDestUnreachs` with type 1), `nstat "
        "IcmpInMsgs` with every type. The call fails after one round trip, or after a second if "
        "`nstat TcpExtLockDroppedIcmps` grew too."
    ),
    source=(
        "RFC 792; RFC 1122 3.2.2 and 4.2.3.9; RFC 4443; RFC 5461; RFC 5927; "
        "Linux net/ipv4/icmp.c icmp_err_convert[] and icmp_unreach(), "
        "net/ipv6/icmp.c icmpv6_err_convert(), net/ipv4/tcp_ipv4.c tcp_v4_err(), "
        "net/ipv6/tcp_ipv6.c tcp_v6_err()"
    ),
)
