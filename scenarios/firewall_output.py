"""The caller's own firewall stops the packet, and nothing leaves the host.

A datagram that is dropped on its way out is EPERM at once, for the kernel sees its own
refusal. TCP hides it: connect(2) takes it for a loss and sends the SYN again until
ETIMEDOUT. A REJECT rule makes an answer that never was on the wire: a reset is
ECONNREFUSED at once, an ICMP error is what it would be from the path.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_icmp,
    any_packet,
    connect,
    drop,
    per_family,
    recv,
    reject,
    send,
    sendto,
    syn_retransmissions,
    syn_timeout,
)

SCENARIO = Scenario(
    cause="firewall",
    absent=[
        any_packet(at="client"),
        any_packet(at="client", proto="udp"),
        any_icmp(at="client"),
    ],
    cases=[
        Case(
            "udp",
            fault=drop(on="client", sender="client", to="server", proto="udp"),
            calls=[
                sendto(on="client", to="server", data=b"hi").fails("EPERM", within_s=(0.0, 0.5)),
                # connect(2) sends nothing over UDP, so it does not know yet.
                connect(on="client", to="server", proto="udp", socket="c"),
                send(on="client", data=b"hi", socket="c").fails("EPERM", within_s=(0.0, 0.5)),
            ],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=0,
                ),
            ],
        ),
        Case(
            # Besides its own refusal the kernel has made an answer: the next call tells it.
            "udp_reject",
            fault=reject(
                on="client",
                sender="client",
                to="server",
                proto="udp",
                reply=per_family(ipv4="icmp-port-unreachable", ipv6="icmp6-port-unreachable"),
            ),
            control=[
                connect(on="client", to="server", proto="udp"),
                send(on="client", data=b"hi"),
                recv(on="client"),
            ],
            calls=[
                connect(on="client", to="server", proto="udp"),
                send(on="client", data=b"hi").fails("EPERM", within_s=(0.0, 0.5)),
                recv(on="client").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
            ],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Icmp.OutDestUnreachs", ipv6="Icmp6.OutDestUnreachs"),
                    exactly=1,
                ),
                Counted(
                    "client",
                    per_family(ipv4="Icmp.InDestUnreachs", ipv6="Icmp6.InDestUnreachs"),
                    exactly=1,
                ),
            ],
        ),
        Case(
            "tcp",
            fault=drop(on="client", sender="client", to="server"),
            calls=[
                connect(on="client", to="server", options={"TCP_SYNCNT": 1}).fails(
                    "ETIMEDOUT", within_s=syn_timeout(retries=1)
                ),
            ],
            # Each retransmission is counted as one that failed: a loss on the way is not.
            counted=[
                Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
                Counted("client", "TcpExt.TCPRetransFail", exactly=syn_retransmissions(retries=1)),
            ],
        ),
        Case(
            "tcp_reject_reset",
            fault=reject(on="client", sender="client", to="server", reply="tcp-reset"),
            calls=[
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
            ],
            counted=[
                Counted("client", "Tcp.AttemptFails", exactly=1),
                Counted("client", "TcpExt.TCPSynRetrans", exactly=0),
            ],
        ),
        Case(
            "tcp_reject_icmp",
            fault=reject(
                on="client",
                sender="client",
                to="server",
                reply=per_family(ipv4="icmp-admin-prohibited", ipv6="icmp6-adm-prohibited"),
            ),
            calls=[
                # The answer is there while connect() still holds the socket: it is told with the
                # first retransmission, after 1 s.
                connect(on="client", to="server").fails(
                    per_family(ipv4="EHOSTUNREACH", ipv6="EACCES"), within_s=(0.9, 1.3)
                ),
            ],
            counted=[
                Counted("client", "Tcp.AttemptFails", exactly=1),
                Counted("client", "TcpExt.LockDroppedIcmps", at_least=1),
                Counted(
                    "client",
                    per_family(ipv4="Icmp.OutDestUnreachs", ipv6="Icmp6.OutDestUnreachs"),
                    at_least=1,
                ),
            ],
        ),
    ],
    look=(
        "A capture on the caller's own host shows nothing leave, and `nstat TcpExtTCPRetransFail` "
        "grows with each SYN (it does not when the path drops). `iptables -nvL OUTPUT`, `ip6tables "
        "-nvL OUTPUT` or `nft list ruleset` has a rule that counts."
    ),
    source=(
        "send(2) EPERM; iptables-extensions(8) REJECT; Linux net/netfilter/core.c "
        "nf_hook_slow(), net/ipv4/tcp_output.c tcp_connect(), __tcp_retransmit_skb()"
    ),
)
