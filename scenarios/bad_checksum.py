"""A damaged packet is dropped without a word, and TCP sends it again.

Interference on the way can flip a bit. Whoever notices it throws the packet away: there is no
ICMP error for it (RFC 1122 3.2.1.2), and could be none, for the sender's address may be what is
damaged. A router looks at the IPv4 header alone, at its version, length and checksum, and drops
what is wrong there (InHdrErrors). The checksum of TCP is none of its business: it forwards the
segment, and the host at the end drops it (InCsumErrors). IPv6 has no checksum of its own, and
leaves it to TCP's.

To the caller it is as if the packet were lost. connect() sends its SYN again after 1 s and
succeeds; there is neither EHOSTUNREACH nor ENETUNREACH. Even to a port where nobody listens,
which a good SYN would be told with a RST, there is no answer.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    ack,
    answer,
    any_icmp,
    bind,
    connect,
    exchange,
    listen,
    poll,
    rst,
    segment,
    sendto,
    socket,
    ss,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="packet",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    cases=[
        Case(
            # Two SYNs made by hand, from port 40000, with a checksum that is wrong: the first
            # to a port where nobody listens, the second to the lab's own server.
            "syn_at_the_server",
            calls=[
                socket(on="client", type="SOCK_RAW", protocol=6, socket="raw"),
                sendto(
                    on="client",
                    to="server",
                    port=0,
                    socket="raw",
                    data=b"\x9c\x40\x44\x0c\0\0\0\1\0\0\0\0\x50\x02\xff\xff\xba\xad\0\0",
                ).returns(20),
                sendto(
                    on="client",
                    to="server",
                    port=0,
                    socket="raw",
                    data=b"\x9c\x40\x40\xab\0\0\0\1\0\0\0\0\x50\x02\xff\xff\xba\xad\0\0",
                ).returns(20),
                poll(on="client", socket="raw", events="POLLIN", timeout_s=0.3).returns(0),
            ],
            seen=[
                # The router passes on what it does not look at.
                syn(at="router", count=2),
                syn(at="server", count=2),
            ],
            absent=[
                syn_ack(at="server"),
                rst(at="server"),
                any_icmp(at="client"),
                any_icmp(at="router"),
            ],
            counted=[
                Counted("server", "Tcp.InCsumErrors", exactly=2),
                Counted("server", "Tcp.InErrs", exactly=2),
            ],
            claims={"C77": "wrong"},
        ),
        Case(
            # The answer to the first SYN is damaged on its way back.
            "syn_ack_at_the_client",
            fault=answer(
                to="server",
                by=[segment("SYN,ACK", seq=1000, bad_checksum=True)],
                times=1,
            ),
            calls=[
                connect(on="client", to="server").returns(0, within_s=(0.9, 1.4)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            seen=[syn(at="client", count=2), syn_ack(at="client", count=2)],
            absent=[any_icmp(at="client"), rst(at="client")],
            counted=[
                Counted("client", "Tcp.InCsumErrors", exactly=1),
                Counted("client", "Tcp.AttemptFails", exactly=0),
                Counted("client", "TcpExt.TCPSynRetrans", exactly=1),
            ],
            claims={"C77": "wrong"},
        ),
        Case(
            # The last ACK of the handshake is damaged: the server sends its SYN-ACK again.
            "ack_at_the_server",
            fault=answer(
                to="client",
                sender="server",
                port=17420,
                flags="SYN,ACK",
                by=[segment("ACK", bad_checksum=True)],
                times=1,
            ),
            before=[
                bind(
                    on="client",
                    to="client",
                    port=17420,
                    options={"SO_REUSEADDR": 1, "SO_LINGER": 0},
                ),
                bind(on="server", to="server", port=17421, options={"SO_REUSEADDR": 1}),
                listen(on="server", socket="s"),
            ],
            calls=[
                connect(on="client", to="server", port=17421).returns(0, within_s=(0.9, 1.4)),
                accept(on="server"),
                ss(on="server", port=17421, state="ESTAB").returns(1),
            ],
            seen=[ack(at="server", sender="client"), syn_ack(at="server")],
            absent=[any_icmp(at="client"), any_icmp(at="server"), rst(at="server")],
            counted=[
                Counted("server", "Tcp.InCsumErrors", exactly=1),
                Counted("client", "Tcp.AttemptFails", exactly=0),
            ],
            claims={"C77": "wrong"},
        ),
        Case(
            # One bit of the IPv4 header is wrong: version 6, 0x65 in place of 0x45. The bridges
            # between the hosts may drop that too, so the router has it over its own loopback.
            "header_at_the_router",
            family="ipv4",
            calls=[
                socket(on="router", type="SOCK_RAW", protocol=255, socket="raw"),
                sendto(
                    on="router",
                    to="router",
                    port=0,
                    socket="raw",
                    data=b"\x65\0\0\x28\0\1\0\0\x40\6\0\0\xc6\x12\0\x0a\xc6\x12\2\x0a"
                    b"\x9c\x40\x40\xab\0\0\0\1\0\0\0\0\x50\x02\xff\xff\xba\xad\0\0",
                ).returns(40),
                poll(on="router", socket="raw", events="POLLIN", timeout_s=0.3).returns(0),
            ],
            absent=[any_icmp(at="client"), any_icmp(at="router"), syn(at="server")],
            counted=[
                Counted("router", "Ip.InHdrErrors", exactly=1),
                Counted("router", "Icmp.OutMsgs", exactly=0),
            ],
            claims={"C77": "wrong"},
        ),
    ],
    look=(
        "`nstat -az TcpInCsumErrors IpInHdrErrors` on the host that drops; `tcpdump -v` says "
        "`cksum incorrect`, but also of what this host sends itself and its network card has yet "
        "to fill in. `ip -s link` counts what the card finds damaged, which no protocol ever sees."
    ),
    source=(
        "RFC 791 3.1; RFC 1122 3.2.1.2 and 4.2.2.7; RFC 1812 5.2.2; RFC 8200 8.1; Linux "
        "net/ipv4/ip_input.c ip_rcv_core(), net/ipv4/tcp_ipv4.c tcp_v4_rcv(), "
        "net/ipv6/tcp_ipv6.c tcp_v6_rcv(), net/ipv4/raw.c raw_send_hdrinc()"
    ),
)
