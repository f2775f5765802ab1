"""The structures of addresses and their sizes: 16, 28 and 110 bytes.

The tutorial lists struct sockaddr_in with three fields, which are 8 bytes. The real one has
8 more, sin_zero, so that it is as long as struct sockaddr, and the kernel wants all 16: with 8
as the length bind(2) and connect(2) say EINVAL before they look at anything else. That of IPv6
is listed whole, 28 bytes, and there the kernel is satisfied with 24, for sin6_scope_id came
later (RFC 2133 had none): 23 is EINVAL. sockaddr_un is 110, of which the path has 108, and the
length says how long the path is.

An IPv4 address is an integer of 32 bits, in network byte order. An IPv6 address is an array of
16 bytes and no integer; a C++ compiler refuses to take it for one. The sizes are asked of the
caller's own C library, the listings are compiled in the host `workshop`; nothing is sent.
"""

from lab import Case, Counted, Scenario, any_packet, bind, connect, run, sizeof

SCENARIO = Scenario(
    cause="local",
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=0),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            "ipv4",
            family="ipv4",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-fdiagnostics-plain-output",
                        "/opt/tutorial/snippets/sockaddr_listed.c",
                    ],
                )
                .returns(1)
                .tells("…error: static assertion failed: …sockaddr_in has more…"),
                sizeof(on="client", struct="sockaddr_in").returns(16),
                sizeof(on="client", struct="sockaddr").returns(16),
                bind(on="client", port=17430, length=8).fails("EINVAL", within_s=(0.0, 0.5)),
                connect(on="client", to="server", length=8, socket="c").fails(
                    "EINVAL", within_s=(0.0, 0.5)
                ),
                bind(on="client", port=17430, length=15).fails("EINVAL", within_s=(0.0, 0.5)),
                bind(on="client", port=17430, length=16),
            ],
            claims={"C49": "wrong"},
        ),
        Case(
            "ipv6",
            family="ipv6",
            calls=[
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "/opt/tutorial/snippets/sockaddr6_listed.c"],
                ).returns(0),
                sizeof(on="client", struct="sockaddr_in6").returns(28),
                bind(on="client", port=17431, length=23).fails("EINVAL", within_s=(0.0, 0.5)),
                # Without the scope, as before RFC 2553.
                bind(on="client", port=17431, length=24, socket="old"),
                bind(on="client", port=17432, length=28),
            ],
            claims={"C49": "true"},
        ),
        Case(
            # As much as any, and aligned for all.
            "storage",
            calls=[
                sizeof(on="client", struct="sockaddr_un").returns(110),
                sizeof(on="client", struct="sockaddr_storage").returns(128),
            ],
        ),
        Case(
            "number_ipv4",
            family="ipv4",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-Wall",
                        "-Werror",
                        "/opt/tutorial/snippets/number_ipv4.c",
                    ],
                ).returns(0),
                sizeof(on="client", struct="in_addr").returns(4),
            ],
            claims={"C66": "true"},
        ),
        Case(
            "number_ipv6",
            family="ipv6",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "g++",
                        "-fsyntax-only",
                        "-fdiagnostics-plain-output",
                        "/opt/tutorial/snippets/number_ipv6.cpp",
                    ],
                )
                .returns(1)
                .tells("…error: invalid conversion from …uint8_t*… to …uint32_t…"),
                sizeof(on="client", struct="in6_addr").returns(16),
            ],
            claims={"C66": "wrong"},
        ),
    ],
    look=(
        "`strace -e trace=bind,connect PROGRAM` shows the length as the last argument: 16 for "
        "AF_INET, 28 for AF_INET6. `pahole -C sockaddr_in` on anything with debug symbols, or "
        "sizeof in a line of C, shows the structure."
    ),
    source=(
        "ip(7), ipv6(7), unix(7); RFC 3493 3.3; RFC 2133 3.3; Linux net/ipv4/af_inet.c "
        "inet_bind_sk(), net/ipv6/af_inet6.c inet6_bind_sk(), include/net/ipv6.h SIN6_LEN_RFC2133"
    ),
)
