"""A link-local address says nothing without the interface that it is meant on.

Every link has the same fe80::/10, so fe80::99 may be a neighbour on any of them: sin6_scope_id
must say which. Without it connect(2) and bind(2) say EINVAL at once, and nothing is sent; this
is a field that the structure of IPv6 has and that of IPv4 has not. With it the kernel takes the
address, and for the source it takes its own link-local one on that link. bind() wants one that
the host has there, else it is EADDRNOTAVAIL as for any other.

In text the interface stands behind a percent sign, `fe80::99%eth0`. inet_pton(3) does not take
that, getaddrinfo(3) does. IPv4 has 169.254.0.0/16 for the same purpose but no field for an
interface: the route decides, and a host with a default route sends to its router, from its usual
address. The lab lets nothing out to fe80::/10, for the engine's own bridges have such addresses;
connect() of a UDP socket sends nothing, and shows what the kernel makes of the address.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    bind,
    connect,
    getaddrinfo,
    getpeername,
    getsockname,
    inet_pton,
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
            "without_scope",
            family="ipv6",
            calls=[
                connect(on="client", to="link_local").fails("EINVAL", within_s=(0.0, 0.5)),
                connect(on="client", to="link_local", proto="udp", socket="u").fails(
                    "EINVAL", within_s=(0.0, 0.5)
                ),
                bind(on="client", to="link_local", socket="b").fails("EINVAL", within_s=(0.0, 0.5)),
            ],
        ),
        Case(
            # The interface that leads to the router, by its number.
            "with_scope",
            family="ipv6",
            calls=[
                connect(on="client", to="link_local", scope="router", proto="udp"),
                getpeername(on="client").tells("[fe80::99]:16555"),
                getsockname(on="client").tells("[fe80::…]:…"),
                # To anybody else the source is the host's usual address.
                connect(on="client", to="server", proto="udp", socket="far"),
                getsockname(on="client", socket="far").tells("{client:url}:…"),
            ],
        ),
        Case(
            "not_ours",
            family="ipv6",
            calls=[
                bind(on="client", to="link_local", scope="router").fails(
                    "EADDRNOTAVAIL", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "in_text",
            family="ipv6",
            calls=[
                inet_pton(on="client", domain="AF_INET6", text="fe80::99").returns(1),
                inet_pton(on="client", domain="AF_INET6", text="fe80::99%lo").returns(0),
                getaddrinfo(on="client", node="fe80::99%lo", service="16555").returns(0),
            ],
        ),
        Case(
            "by_the_route",
            family="ipv4",
            calls=[
                connect(on="client", to="link_local", proto="udp"),
                getpeername(on="client").tells("169.254.99.99:16555"),
                getsockname(on="client").tells("{client}:…"),
                # It is an address like any other that this host does not have.
                bind(on="client", to="link_local", socket="b").fails(
                    "EADDRNOTAVAIL", within_s=(0.0, 0.5)
                ),
            ],
        ),
    ],
    look=(
        "`ping fe80::1` says `Invalid argument` and `ping fe80::1%eth0` does not; `strace -e "
        "trace=connect,bind` shows sin6_scope_id=0. `ip -6 address show scope link` lists the "
        "addresses and their interfaces."
    ),
    source=(
        "ipv6(7) sin6_scope_id; RFC 4007 6, 11; RFC 4291 2.5.6; RFC 3927 2.6; Linux "
        "net/ipv6/tcp_ipv6.c tcp_v6_connect(), net/ipv6/datagram.c __ip6_datagram_connect(), "
        "net/ipv6/af_inet6.c __inet6_bind()"
    ),
)
