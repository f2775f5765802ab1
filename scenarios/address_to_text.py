"""inet_ntop(3) turns the bytes of an address into text, and says ENOSPC if it has no room.

INET_ADDRSTRLEN is 16 and INET6_ADDRSTRLEN 46, with the final zero, and with so much room
there is always enough. The longest IPv4 text has 15 characters. The longest IPv6 text that
one can write has 45, six groups and a dotted IPv4 address, but that is not what comes out:
inet_ntop() writes eight groups, 39 characters at most, and dots only behind `::` or `::ffff:`.

What comes out is the short form of RFC 5952, lower case and with `::` for the longest run of
zeroes, so a text need not be the one that went into inet_pton(3): compare the bytes, or the
texts after both were turned there and back. With less room than the text needs the result is
NULL, with ENOSPC, and half an address is never written. Nothing leaves the host.
"""

from lab import Case, Counted, Scenario, any_packet, inet_ntop, inet_pton

SCENARIO = Scenario(
    cause="nothing",
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=0),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            "good",
            family="ipv4",
            calls=[
                inet_ntop(on="client", octets="cb00710a", size=16).tells("203.0.113.10"),
                inet_ntop(on="client", octets="7f000001", size=16).tells("127.0.0.1"),
            ],
            claims={"C65": "true"},
        ),
        Case(
            "good",
            family="ipv6",
            calls=[
                inet_ntop(
                    on="client", domain="AF_INET6", octets="20010db8ffff00000000000000000010"
                ).tells("2001:db8:ffff::10"),
                # The first of two runs of zeroes that are as long.
                inet_ntop(
                    on="client", domain="AF_INET6", octets="20010db8000000000001000000000001"
                ).tells("2001:db8::1:0:0:1"),
                inet_ntop(
                    on="client", domain="AF_INET6", octets="00000000000000000000ffffcb00710a"
                ).tells("::ffff:203.0.113.10"),
            ],
            claims={"C65": "true"},
        ),
        Case(
            # 15 characters and the zero: INET_ADDRSTRLEN.
            "longest",
            family="ipv4",
            calls=[
                inet_ntop(on="client", octets="ffffffff", size=16).tells("255.255.255.255"),
                inet_ntop(on="client", octets="ffffffff", size=15).fails("ENOSPC"),
            ],
            claims={"C65": "true"},
        ),
        Case(
            # 45 characters can be read; written are 39 and the zero, in 40 bytes of the 46.
            "longest",
            family="ipv6",
            calls=[
                inet_pton(
                    on="client",
                    domain="AF_INET6",
                    text="ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
                ).tells("ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff"),
                inet_ntop(
                    on="client",
                    domain="AF_INET6",
                    octets="ffffffffffffffffffffffffffffffff",
                    size=46,
                ).tells("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                inet_ntop(
                    on="client",
                    domain="AF_INET6",
                    octets="ffffffffffffffffffffffffffffffff",
                    size=40,
                ).returns(1),
                inet_ntop(
                    on="client",
                    domain="AF_INET6",
                    octets="ffffffffffffffffffffffffffffffff",
                    size=39,
                ).fails("ENOSPC"),
            ],
            claims={"C65": "true"},
        ),
        Case(
            # The room that this text needs counts, and not that of the longest.
            "small_buffer",
            family="ipv4",
            calls=[
                inet_ntop(on="client", octets="cb00710a", size=13).tells("203.0.113.10"),
                inet_ntop(on="client", octets="cb00710a", size=12).fails("ENOSPC"),
                inet_ntop(on="client", octets="cb00710a", size=0).fails("ENOSPC"),
            ],
            claims={"C65": "true"},
        ),
        Case(
            # Room for IPv4 alone, as in a program that was made for it.
            "small_buffer",
            family="ipv6",
            calls=[
                inet_ntop(
                    on="client",
                    domain="AF_INET6",
                    octets="20010db8ffff00000000000000000010",
                    size=16,
                ).fails("ENOSPC"),
                inet_ntop(
                    on="client",
                    domain="AF_INET6",
                    octets="00000000000000000000000000000001",
                    size=16,
                ).tells("::1"),
            ],
            claims={"C65": "true"},
        ),
        Case(
            "bad_family",
            calls=[
                inet_ntop(on="client", domain="AF_UNIX", octets="cb00710a").fails("EAFNOSUPPORT"),
            ],
            claims={"C65": "true"},
        ),
    ],
    look=(
        "ENOSPC from inet_ntop() has nothing to do with a disk (`df` shows room): the buffer is "
        "too small, often 16 bytes that are met by an IPv6 address. Give it INET6_ADDRSTRLEN."
    ),
    source=("inet_ntop(3); POSIX.1-2017 inet_ntop(); netinet/in.h; RFC 5952 4"),
)
