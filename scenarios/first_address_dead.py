"""The name has two addresses of one family, and the first of them is silent.

So it is with a service of several servers, one of which is gone and answers nothing. The
resolver knows of no health: getaddrinfo(3) gives both, the dead one in front. A program that
takes the first alone fails (ETIMEDOUT); one that tries the next when connect(2) failed comes
through, late; one that does not wait for the failure is hardly slowed. Were the host gone and
the router said so, it would be EHOSTUNREACH after 3 s (`host_absent`).
"""

from lab import (
    Counted,
    Scenario,
    any_icmp,
    connect,
    drop,
    exchange,
    getaddrinfo,
    per_family,
    rst,
    syn,
    syn_ack,
    syn_retransmissions,
    syn_timeout,
)

SCENARIO = Scenario(
    cause="firewall",
    host_name=per_family(ipv4="twofold4", ipv6="twofold6"),
    fault=drop(on="router", to="absent"),
    # Nobody has the first address, so that its calls cannot work.
    control=[
        connect(on="client", to="server"),
        exchange(on="client", data=b"hi").gives(b"abc"),
    ],
    calls=[
        getaddrinfo(
            on="client",
            node=per_family(ipv4="twofold4", ipv6="twofold6"),
            service="16555",
            in_order=True,
        ).tells("{absent:url}:16555, {server:url}:16555"),
        connect(on="client", to="absent", options={"TCP_SYNCNT": 1}).fails(
            "ETIMEDOUT", within_s=syn_timeout(retries=1)
        ),
        connect(on="client", to="server", socket="second").returns(0, within_s=(0.0, 0.5)),
        exchange(on="client", data=b"hi", socket="second").gives(b"abc"),
    ],
    seen=[
        syn(at="router"),
        # It is for the second address.
        syn(at="server", count=1),
        syn_ack(at="client", count=1),
    ],
    absent=[any_icmp(at="client"), rst(at="client")],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
        Counted("client", "TcpExt.TCPTimeouts", at_least=1),
    ],
    look=(
        "`getent ahosts NAME` lists the addresses in the order in which they are tried; try each "
        "by itself (`nc -vz -w 3 ADDRESS PORT`). `ss -tn state syn-sent` shows the one that is "
        "waited for. Which program goes on to the next is seen in its SYNs: `tcpdump 'tcp[13] & "
        "2 != 0'`."
    ),
    source=(
        "RFC 1123 2.3; RFC 6724 2 and 6; RFC 8305 5; getaddrinfo(3); tcp(7) TCP_SYNCNT; Linux "
        "net/ipv4/tcp_timer.c tcp_write_timeout()"
    ),
)
