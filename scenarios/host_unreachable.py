"""The router has an `unreachable` route for the destination, and says so.

Over IPv4 it answers ICMP type 3, code 1 (host unreachable), which is EHOSTUNREACH.
Over IPv6 the same route is answered with type 1, code 0 (no route), not with code 3
(address unreachable), so that the errno is ENETUNREACH.
"""

from lab import (
    ICMP_REPORTED,
    Case,
    Counted,
    Scenario,
    any_packet,
    connect,
    fcntl,
    icmp,
    per_family,
    poll,
    route,
)

SCENARIO = Scenario(
    cause="route",
    claims={"C74": "true", "C75": "wrong", "C76": "wrong"},
    fault=route(on="router", kind="unreachable", to="elsewhere"),
    absent=[any_packet(at="server")],
    seen=[icmp(at="client", error=per_family(ipv4=(3, 1), ipv6=(1, 0)))],
    cases=[
        Case(
            "blocking",
            calls=[
                connect(on="client", to="elsewhere").fails(
                    per_family(ipv4="EHOSTUNREACH", ipv6="ENETUNREACH"), within_s=(0.0, 1.3)
                ),
            ],
            pictures=ICMP_REPORTED,
        ),
        Case(
            "non_blocking",
            calls=[
                connect(on="client", to="elsewhere", blocking=False).fails("EINPROGRESS"),
                # IPv4 may say POLLERR at once, of an attempt that goes on (see non_blocking_icmp);
                # IPv6 waits for the end. A blocking call waits for it in both.
                poll(on="client", events="POLLOUT").returns(1, within_s=(0.0, 1.3)),
                fcntl(on="client", blocking=True),
                connect(on="client", to="elsewhere").fails(
                    per_family(ipv4="EHOSTUNREACH", ipv6="ENETUNREACH"), within_s=(0.0, 1.3)
                ),
            ],
            counted=[
                Counted("client", "Tcp.AttemptFails", exactly=1),
                Counted(
                    "client",
                    per_family(ipv4="Icmp.InDestUnreachs", ipv6="Icmp6.InDestUnreachs"),
                    at_least=1,
                ),
            ],
        ),
    ],
    look=(
        "`tcpdump icmp or icmp6` at the caller shows who answers and with which code (3/1, or "
        "1/0 over IPv6); `ip route get ADDRESS` on that router fails."
    ),
    source=(
        "RFC 792; RFC 4443 3.1; RFC 1122 4.2.3.9; Linux net/ipv4/icmp.c icmp_err_convert[], "
        "net/ipv6/icmp.c icmpv6_err_convert(), net/ipv6/route.c ip6_pkt_discard()"
    ),
)
