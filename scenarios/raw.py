"""SOCK_RAW passes by the transport layer: the program writes and reads what is behind IP.

An ICMP echo request made by hand goes out of a raw socket, and the answer comes back to it:
that is what ping does. There are no ports, no connection and no checksum but the program's own
(for ICMPv6 the kernel adds it). Over IPv4 the IP header comes along when one reads, over IPv6
it does not. A raw socket gets copies: the kernel goes on to handle the packet itself, so it is
no way to keep TCP from answering.

It needs CAP_NET_RAW, else it is EPERM, and it needs a protocol: the rule that protocol 0 takes
the default of the type has no default here, and says EPROTONOSUPPORT. The number stands in the
IP header, 1 for ICMP and 58 for ICMPv6.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_icmp,
    any_packet,
    connect,
    drop_capabilities,
    icmp,
    per_family,
    readv,
    send,
    socket,
)

SCENARIO = Scenario(
    cause="local",
    needs=["raw-sockets"],
    cases=[
        Case(
            # Type 8, code 0, checksum f7f5, identifier "ER", number "RN", two bytes.
            "with_capability",
            family="ipv4",
            calls=[
                socket(on="client", type="SOCK_RAW", protocol=1, options={"SO_RCVTIMEO": 5.0}),
                connect(on="client", to="server", port=0),
                send(on="client", data=b"\x08\x00\xf7\xf5ERRNhi").returns(10),
                # 20 bytes of IP header, 4 of type, code and checksum, and what was sent.
                readv(on="client", sizes=[24, 100]).tells("…|ERRNhi"),
            ],
            seen=[
                icmp(at="server", error=(8, 0), sender="client", count=1),
                icmp(at="client", error=(0, 0), sender="server", count=1),
            ],
            absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
            counted=[
                Counted("server", "Icmp.InEchos", exactly=1),
                Counted("client", "Icmp.InEchoReps", exactly=1),
            ],
            claims={"C5": "wrong", "C43": "true"},
        ),
        Case(
            # Type 128, code 0; the checksum is the kernel's.
            "with_capability",
            family="ipv6",
            calls=[
                socket(on="client", type="SOCK_RAW", protocol=58, options={"SO_RCVTIMEO": 5.0}),
                connect(on="client", to="server", port=0),
                send(on="client", data=b"\x80\x00\x00\x00ERRNhi").returns(10),
                readv(on="client", sizes=[4, 100]).tells("…|ERRNhi"),
            ],
            seen=[
                icmp(at="server", error=(128, 0), sender="client", count=1),
                icmp(at="client", error=(129, 0), sender="server", count=1),
            ],
            absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
            counted=[
                Counted("server", "Icmp6.InEchos", exactly=1),
                Counted("client", "Icmp6.InEchoReplies", exactly=1),
            ],
            claims={"C5": "wrong", "C43": "true"},
        ),
        Case(
            # As a program that is not root's; the bits are given up for good.
            "without_capability",
            calls=[
                socket(on="client", type="SOCK_RAW", protocol=per_family(ipv4=1, ipv6=58)),
                drop_capabilities(on="client"),
                socket(
                    on="client",
                    type="SOCK_RAW",
                    protocol=per_family(ipv4=1, ipv6=58),
                    socket="refused",
                ).fails("EPERM", within_s=(0.0, 0.5)),
                # A socket that is there works on, and others need no right.
                connect(on="client", to="server", port=0),
                socket(on="client", socket="tcp"),
            ],
            absent=[any_icmp(at="client"), any_packet(at="client")],
            counted=[Counted("client", "Tcp.OutSegs", exactly=0)],
        ),
        Case(
            "protocol_0",
            calls=[
                socket(on="client", type="SOCK_RAW", protocol=0).fails(
                    "EPROTONOSUPPORT", within_s=(0.0, 0.5)
                ),
                socket(on="client", type="SOCK_RAW", protocol=per_family(ipv4=1, ipv6=58)),
            ],
            absent=[any_icmp(at="client"), any_packet(at="client")],
            counted=[Counted("client", "Tcp.OutSegs", exactly=0)],
            claims={"C47": "wrong"},
        ),
    ],
    look=(
        "`getpcaps PID` shows cap_net_raw or not, and `ss -w -a -p` the raw sockets of a host with "
        "their protocol. A container has the capability if the engine was told so (--cap-add)."
    ),
    source=(
        "raw(7), icmp(7), capabilities(7); RFC 792; RFC 4443 4.1, 4.2; RFC 3542 3; Linux "
        "net/ipv4/af_inet.c inet_create(), net/ipv6/af_inet6.c inet6_create(), net/ipv4/raw.c "
        "raw_v4_input(), net/ipv6/raw.c"
    ),
)
