"""inet_pton(3) turns the text of an address into bytes: 1, 0 for bad text, -1 for a bad family.

It is strict: four decimal numbers of at most 255 for IPv4, without a leading zero, and what
RFC 4291 allows for IPv6, with `::` once. Whatever else is written is no address, and the
answer is 0, which is no error: errno says nothing then. -1 with EAFNOSUPPORT means that the
function does not know the family at all, so a test for -1 alone takes bad text for an address.

The bytes are in network byte order, 203.0.113.10 as cb 00 71 0a. A name is no address, not
even `localhost`, and an interface (`fe80::1%eth0`) is more than an address: both are for
getaddrinfo(3). It all happens inside the C library: no packet leaves, and the kernel is not
even asked.
"""

from lab import Case, Counted, Scenario, any_packet, inet_pton, per_family

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
                inet_pton(on="client", text="203.0.113.10").tells("cb 00 71 0a"),
                inet_pton(on="client", text="203.0.113.10").returns(1),
                inet_pton(on="client", text="0.0.0.0").tells("00 00 00 00"),
                inet_pton(on="client", text="255.255.255.255").tells("ff ff ff ff"),
            ],
            claims={"C64": "true"},
        ),
        Case(
            "good",
            family="ipv6",
            calls=[
                inet_pton(on="client", domain="AF_INET6", text="2001:db8:ffff::10").tells(
                    "20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 10"
                ),
                inet_pton(on="client", domain="AF_INET6", text="2001:DB8:FFFF:0:0:0:0:10").tells(
                    "20 01 0d b8 ff ff 00 00 00 00 00 00 00 00 00 10"
                ),
                inet_pton(on="client", domain="AF_INET6", text="::").returns(1),
                # The last four bytes may be written as an IPv4 address.
                inet_pton(on="client", domain="AF_INET6", text="::ffff:203.0.113.10").tells(
                    "00 00 00 00 00 00 00 00 00 00 ff ff cb 00 71 0a"
                ),
            ],
            claims={"C64": "true"},
        ),
        Case(
            "bad_text",
            family="ipv4",
            calls=[
                inet_pton(on="client", text="198.18.1").returns(0),
                inet_pton(on="client", text="0x7f.1").returns(0),
                inet_pton(on="client", text="127.1").returns(0),
                inet_pton(on="client", text="198.18.0.300").returns(0),
                inet_pton(on="client", text="198.18.0.010").returns(0),
                inet_pton(on="client", text=" 198.18.0.10").returns(0),
                inet_pton(on="client", text="localhost").returns(0),
                inet_pton(on="client", text="").returns(0),
                # An address, but of the other family.
                inet_pton(on="client", text="::1").returns(0),
            ],
            claims={"C64": "true"},
        ),
        Case(
            "bad_text",
            family="ipv6",
            calls=[
                inet_pton(on="client", domain="AF_INET6", text="2001:db8::1::2").returns(0),
                inet_pton(on="client", domain="AF_INET6", text="2001:db8:1:2:3:4:5").returns(0),
                inet_pton(on="client", domain="AF_INET6", text="2001:db8::12345").returns(0),
                # Brackets belong to a URL, and a length of the prefix to a route.
                inet_pton(on="client", domain="AF_INET6", text="[::1]").returns(0),
                inet_pton(on="client", domain="AF_INET6", text="2001:db8::/32").returns(0),
                inet_pton(on="client", domain="AF_INET6", text="fe80::1%lo").returns(0),
                inet_pton(on="client", domain="AF_INET6", text="203.0.113.10").returns(0),
            ],
            claims={"C64": "true"},
        ),
        Case(
            # 99 is nobody's number. A UNIX socket has an address, but not one of this kind.
            "bad_family",
            calls=[
                inet_pton(on="client", domain=99, text="203.0.113.10").fails("EAFNOSUPPORT"),
                inet_pton(on="client", domain="AF_UNIX", text="203.0.113.10").fails("EAFNOSUPPORT"),
                inet_pton(on="client", domain="AF_UNIX", text="no address").fails("EAFNOSUPPORT"),
                inet_pton(
                    on="client",
                    domain=per_family(ipv4="AF_INET", ipv6="AF_INET6"),
                    text=per_family(ipv4="203.0.113.10", ipv6="2001:db8:ffff::10"),
                ).returns(1),
            ],
            claims={"C64": "true"},
        ),
    ],
    look=(
        "`python3 -c \"import socket; print(socket.inet_pton(socket.AF_INET, '198.18.1'))\"` says "
        "`illegal IP address string` for a 0, and EAFNOSUPPORT for a -1. A program that takes a "
        "text which this refuses (`127.1`) uses inet_addr(3) or inet_aton(3)."
    ),
    source="inet_pton(3); POSIX.1-2017 inet_ntop(); RFC 4291 2.2",
)
