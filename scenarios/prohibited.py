"""The router has a `prohibit` route for the destination, and says so.

Over IPv4 it answers ICMP type 3, code 13 (administratively prohibited), which is
EHOSTUNREACH, as for a host that cannot be reached; over IPv6 type 1, code 1, which
has an errno of its own: EACCES. A firewall that rejects with admin-prohibited shows
the caller the same; what forbids here is a route, and no rule counts it.
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
    claims={"C74": per_family(ipv4="true", ipv6="wrong"), "C76": "wrong"},
    fault=route(on="router", kind="prohibit", to="elsewhere"),
    seen=[icmp(at="client", error=per_family(ipv4=(3, 13), ipv6=(1, 1)))],
    absent=[any_packet(at="server")],
    counted=[
        Counted(
            "client",
            per_family(ipv4="Icmp.InDestUnreachs", ipv6="Icmp6.InDestUnreachs"),
            at_least=1,
        ),
    ],
    cases=[
        Case(
            "blocking",
            calls=[
                connect(on="client", to="elsewhere").fails(
                    per_family(ipv4="EHOSTUNREACH", ipv6="EACCES"), within_s=(0.0, 1.3)
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
                    per_family(ipv4="EHOSTUNREACH", ipv6="EACCES"), within_s=(0.0, 1.3)
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
        "`tcpdump icmp or icmp6` at the caller shows who answers 3/13 (1/1 over IPv6); `ip "
        "route get ADDRESS` on that router fails with `Permission denied` (`ip route show table "
        "all` has the route), or else its firewall has a REJECT rule that counts."
    ),
    source=(
        "RFC 1812 5.2.7.1; RFC 4443 3.1; ip-route(8); Linux net/ipv4/route.c ip_error(), "
        "net/ipv6/route.c ip6_pkt_prohibit(), icmp_err_convert[], icmpv6_err_convert()"
    ),
)
