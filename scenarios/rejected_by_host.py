"""The server's own firewall refuses the SYN with an ICMP error.

A firewall on the host itself that does not just drop (firewalld's default) answers in the
server's own name: ICMP 3/10 or 3/13 over IPv4, "prohibited", which is EHOSTUNREACH and
reads "No route to host", and 1/1 over IPv6, EACCES, "Permission denied". The host is up,
the route is well and the service runs. `rejected` is the same from a router: the sender of
the ICMP error tells them apart.
"""

from lab import (
    ICMP_REPORTED,
    Counted,
    Scenario,
    connect,
    icmp,
    per_family,
    reject,
    rst,
    syn,
    syn_ack,
    sysctl,
)

SCENARIO = Scenario(
    cause="firewall",
    claims={"C74": "wrong", "C75": "wrong"},
    fault=[
        reject(
            on="server",
            to="server",
            reply=per_family(ipv4="icmp-host-prohibited", ipv6="icmp6-adm-prohibited"),
        ),
        # By default a kernel sends one peer one error a second, after the first few.
        sysctl(
            on="server",
            values=per_family(
                ipv4={"net.ipv4.icmp_ratelimit": 0}, ipv6={"net.ipv6.icmp.ratelimit": 0}
            ),
        ),
    ],
    calls=[
        connect(on="client", to="server").fails(
            per_family(ipv4="EHOSTUNREACH", ipv6="EACCES"), within_s=(0.0, 1.3)
        ),
    ],
    seen=[
        syn(at="server"),
        icmp(at="client", error=per_family(ipv4=(3, 10), ipv6=(1, 1)), sender="server"),
    ],
    absent=[
        syn_ack(at="server"),
        rst(at="server"),
        icmp(at="client", error=per_family(ipv4=(3, 10), ipv6=(1, 1)), sender="router"),
    ],
    counted=[
        Counted(
            "server",
            per_family(ipv4="Icmp.OutDestUnreachs", ipv6="Icmp6.OutDestUnreachs"),
            at_least=1,
        ),
        Counted("client", "Tcp.AttemptFails", exactly=1),
    ],
    pictures=ICMP_REPORTED,
    look=(
        "`tcpdump icmp or icmp6` at the caller: the ICMP error (3/10 or 3/13, over IPv6 1/1) comes "
        "from the address that was called, and other ports or ping work. On the server the port "
        "is in `ss -ltn`, and `iptables -nvL INPUT` or `nft list ruleset` has the rule."
    ),
    source=(
        "iptables-extensions(8) REJECT; RFC 1122 3.2.2.1; RFC 4443 3.1; Linux net/ipv4/icmp.c "
        "icmp_err_convert[], net/ipv6/icmp.c icmpv6_err_convert()"
    ),
)
