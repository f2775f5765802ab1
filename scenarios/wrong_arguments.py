"""The address handed to the kernel is no good: EINVAL, EAFNOSUPPORT or EFAULT.

The kernel checks the length first (EINVAL), then the family (EAFNOSUPPORT), then
whether the socket may take it: one that is bound stays bound (EINVAL). A link-local
IPv6 address says nothing without the interface. A caller that binds 127.0.0.1 cannot
leave its host: IPv4 says EINVAL, IPv6 sends packets from ::1 that every router drops.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    bind,
    connect,
    per_family,
    ss,
    syn,
    syn_retransmissions,
    syn_schedule,
    syn_timeout,
)

SCENARIO = Scenario(
    cause="local",
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=0),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            "short_address",
            claims={"C27": "true"},
            calls=[
                connect(on="client", to="server", length=8).fails("EINVAL", within_s=(0.0, 0.5)),
                connect(on="client", to="server", length=-1).fails("EINVAL", within_s=(0.0, 0.5)),
                bind(on="client", port=17140, length=8).fails("EINVAL", within_s=(0.0, 0.5)),
                connect(on="client", to="server", length=8, proto="udp", socket="u").fails(
                    "EINVAL", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            # AF_INET is 2, AF_INET6 is 10; the length would do for either.
            "wrong_family",
            claims={"C27": "true"},
            calls=[
                connect(
                    on="client", to="server", sockaddr_family=per_family(ipv4=10, ipv6=2)
                ).fails("EAFNOSUPPORT", within_s=(0.0, 0.5)),
                bind(
                    on="client",
                    to="client",
                    port=17141,
                    sockaddr_family=per_family(ipv4=10, ipv6=2),
                ).fails("EAFNOSUPPORT", within_s=(0.0, 0.5)),
                # An IPv6 socket of UDP takes an IPv4 address, unless it is for IPv6 only.
                connect(
                    on="client",
                    to="server",
                    proto="udp",
                    socket="u",
                    options=per_family(ipv4={}, ipv6={"IPV6_V6ONLY": 1}),
                    sockaddr_family=per_family(ipv4=10, ipv6=2),
                ).fails("EAFNOSUPPORT", within_s=(0.0, 0.5)),
            ],
        ),
        Case(
            # The first page of memory is nobody's.
            "bad_pointer",
            calls=[
                connect(on="client", to="server", pointer=1).fails("EFAULT", within_s=(0.0, 0.5)),
                connect(on="client", to="server", proto="udp", socket="u", pointer=1).fails(
                    "EFAULT", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "bind_twice",
            claims={"C27": "true"},
            calls=[
                bind(on="client", port=17142),
                bind(on="client", port=17143).fails("EINVAL", within_s=(0.0, 0.5)),
                bind(on="client", port=17142).fails("EINVAL", within_s=(0.0, 0.5)),
            ],
        ),
        Case(
            "bind_after_connect",
            claims={"C27": "true"},
            calls=[
                connect(on="client", to="server"),
                bind(on="client", port=17144).fails("EINVAL", within_s=(0.0, 0.5)),
            ],
            seen=[syn(at="client", count=1)],
            absent=[any_packet(at="client", proto="udp")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "link_local_without_interface",
            family="ipv6",
            calls=[
                connect(on="client", to="link_local").fails("EINVAL", within_s=(0.0, 0.5)),
                bind(on="client", to="link_local", socket="b").fails("EINVAL", within_s=(0.0, 0.5)),
                connect(on="client", to="link_local", proto="udp", socket="u").fails(
                    "EINVAL", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "loopback_source",
            family="ipv4",
            calls=[
                bind(on="client", to="loopback"),
                connect(on="client", to="server").fails("EINVAL", within_s=(0.0, 0.5)),
                bind(on="client", to="loopback", proto="udp", socket="u"),
                connect(on="client", to="server", proto="udp", socket="u").fails(
                    "EINVAL", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "loopback_source",
            family="ipv6",
            calls=[
                # What is sent from ::1 is shown because the server makes a call, too.
                ss(on="server", state="LISTEN").returns(1),
                bind(on="client", to="loopback", options={"TCP_SYNCNT": 1}),
                connect(on="client", to="server").fails(
                    "ETIMEDOUT", within_s=syn_timeout(retries=1)
                ),
            ],
            seen=[
                syn(at="client", schedule=syn_schedule(retries=1)),
                syn(at="router", schedule=syn_schedule(retries=1)),
            ],
            absent=[any_packet(at="client", proto="udp")],
            counted=[
                Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
            ],
        ),
    ],
    look=(
        "`strace -e trace=network -f PROGRAM` shows the call with its family, address and length, "
        "and which call fails; nothing is on the wire and no counter moves."
    ),
    source=(
        "connect(2), bind(2), ip(7), ipv6(7); RFC 4007 6; RFC 4291 2.5.3; Linux net/socket.c "
        "move_addr_to_kernel(), net/ipv4/af_inet.c __inet_bind(), net/ipv4/tcp_ipv4.c "
        "tcp_v4_connect(), net/ipv6/tcp_ipv6.c tcp_v6_connect(), net/ipv4/route.c "
        "__mkroute_output(), net/ipv6/ip6_input.c ip6_rcv_core()"
    ),
)
