"""The local address is not this host's: bind(2) says EADDRNOTAVAIL.

A socket may be bound to an address that an interface of the host has, and to no other;
the peer's address is a frequent mistake, and so is a service address that has moved to
another host. IP_FREEBIND lifts the check. connect(2) has the same errno for another
cause: the connection, by its two addresses and two ports, exists already.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    bind,
    connect,
    exchange,
    getsockname,
    no_address,
    per_family,
    rst,
    syn,
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
            "foreign",
            calls=[
                bind(on="client", to="server", port=17120).fails(
                    "EADDRNOTAVAIL", within_s=(0.0, 0.5)
                ),
                bind(on="client", to="server", port=17120, proto="udp", socket="u").fails(
                    "EADDRNOTAVAIL", within_s=(0.0, 0.5)
                ),
                bind(on="client", to="client", port=17120, socket="own"),
            ],
        ),
        Case(
            # Nobody checks then; whether packets find their way back is another matter.
            "freebind",
            calls=[
                bind(
                    on="client",
                    to="server",
                    port=17121,
                    options=per_family(ipv4={"IP_FREEBIND": 1}, ipv6={"IPV6_FREEBIND": 1}),
                ),
            ],
        ),
        Case(
            # A service address went elsewhere; the socket that was bound before stays bound.
            "address_moved",
            fault=no_address(on="server", to="elsewhere"),
            before=[bind(on="server", to="elsewhere", port=17122, socket="old")],
            calls=[
                bind(on="server", to="elsewhere", port=17123).fails(
                    "EADDRNOTAVAIL", within_s=(0.0, 0.5)
                ),
                getsockname(on="server", socket="old").tells(
                    per_family(ipv4="203.0.113.10:17122", ipv6="[2001:db8:ffff::10]:17122")
                ),
            ],
            counted=[Counted("server", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            # Two sockets with one local port may have one peer each, and not the same one.
            "same_connection",
            claims={"C51": "wrong"},
            calls=[
                bind(on="client", port=17124, socket="a", options={"SO_REUSEADDR": 1}),
                bind(on="client", port=17124, socket="b", options={"SO_REUSEADDR": 1}),
                connect(on="client", to="server", socket="a"),
                connect(on="client", to="server", socket="b").fails(
                    "EADDRNOTAVAIL", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="elsewhere", socket="b"),
                exchange(on="client", data=b"hi", socket="a").gives(b"abc"),
                exchange(on="client", data=b"hi", socket="b").gives(b"abc"),
            ],
            seen=[syn(at="client", count=2)],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=2)],
        ),
    ],
    look=(
        "From bind(): `ip address` on the host does not list the address (an IPv6 address that is "
        "`tentative` does not count yet). From connect(): `ss -tan sport = :PORT` shows the same "
        "connection, or all local ports are in use (ports_used_up)."
    ),
    source=(
        "bind(2), ip(7) EADDRNOTAVAIL, IP_FREEBIND; Linux net/ipv4/af_inet.c __inet_bind(), "
        "net/ipv6/af_inet6.c __inet6_bind(), net/ipv4/inet_hashtables.c "
        "__inet_check_established()"
    ),
)
