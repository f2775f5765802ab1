"""The packet reaches a host that does not have the destination's address.

A route still leads to the host, but the address was taken from it or never given to it,
as with a virtual address that moved or a load balancer's that a server lacks. A host
that is no router silently discards what is not for it (RFC 1122 3.2.1.3): the caller
repeats its SYN and gives up with ETIMEDOUT. The SYN is seen on the server's wire, and no
socket, firewall or queue of the server ever learns of it.
"""

from lab import (
    Counted,
    Scenario,
    any_icmp,
    connect,
    no_address,
    per_family,
    rst,
    syn,
    syn_ack,
    syn_retransmissions,
    syn_schedule,
    syn_timeout,
)

SCENARIO = Scenario(
    cause="route",
    claims={"C68": "wrong", "C69": "true", "C70": "true"},
    fault=no_address(on="server", to="elsewhere"),
    calls=[
        connect(on="client", to="elsewhere", options={"TCP_SYNCNT": 1}).fails(
            "ETIMEDOUT", within_s=syn_timeout(retries=1)
        ),
    ],
    seen=[
        syn(at="client", schedule=syn_schedule(retries=1)),
        syn(at="server", schedule=syn_schedule(retries=1)),
    ],
    absent=[syn_ack(at="server"), rst(at="server"), any_icmp(at="server")],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
        Counted("server", per_family(ipv4="Ip.InAddrErrors", ipv6="Ip6.InAddrErrors"), at_least=1),
    ],
    look=(
        "`tcpdump` on the server shows the SYN and no answer, and `ip address` there does not "
        "have the destination; `nstat IpInAddrErrors Ip6InAddrErrors` grows."
    ),
    source=(
        "RFC 1122 3.2.1.3; RFC 9293 3.8.3; Linux net/ipv4/route.c ip_route_input_slow(), "
        "ip_error(), net/ipv6/ip6_output.c ip6_forward()"
    ),
)
