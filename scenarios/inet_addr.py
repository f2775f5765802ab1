"""inet_addr(3) takes more texts than one would like, and its error is an address, too.

Of four decimal numbers it makes the four bytes of an IPv4 address. For what is no address it
returns 0xffffffff (INADDR_NONE), which is also what 255.255.255.255 is: the two cannot be told
apart, there is no errno, and a program that does not look goes on with the broadcast address.
connect(2) then says ENETUNREACH, as if a route were missing; nothing was sent.

It also takes what BSD took in 1983: fewer than four numbers (the last one fills the bytes that
are left, so 127.1 is 127.0.0.1), hexadecimal and octal (010 is 8), and anything behind a
space. It does not know IPv6. inet_aton(3) takes the same texts but tells an error apart from
255.255.255.255, and inet_pton(3) takes four decimal numbers alone (text_to_address).
"""

from lab import Case, Counted, Scenario, any_packet, connect, inet_addr, inet_aton

SCENARIO = Scenario(
    cause="local",
    family="ipv4",
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=0),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            # The number itself depends on the machine's byte order: 0x0a7100cb here.
            "dotted",
            calls=[
                inet_addr(on="client", text="203.0.113.10").tells("cb 00 71 0a"),
                inet_addr(on="client", text="203.0.113.10").returns(0x0A7100CB),
                inet_addr(on="client", text="0.0.0.0").returns(0),
            ],
            claims={"C31": "true"},
        ),
        Case(
            "bad_text",
            calls=[
                inet_addr(on="client", text="198.18.0.300").returns(0xFFFFFFFF),
                inet_addr(on="client", text="localhost").returns(0xFFFFFFFF),
                inet_addr(on="client", text="").returns(0xFFFFFFFF),
                inet_addr(on="client", text="::1").returns(0xFFFFFFFF),
                # So does a good address, and connect() is the first to say something.
                inet_addr(on="client", text="255.255.255.255").returns(0xFFFFFFFF),
                connect(on="client", address="255.255.255.255").fails(
                    "ENETUNREACH", within_s=(0.0, 0.5)
                ),
            ],
            claims={"C31": "wrong"},
        ),
        Case(
            "broadcast",
            calls=[
                # One function cannot tell the two apart, and the other can.
                inet_addr(on="client", text="255.255.255.255").tells("ff ff ff ff"),
                inet_aton(on="client", text="255.255.255.255").tells("ff ff ff ff"),
                inet_aton(on="client", text="255.255.255.255").returns(1),
                inet_aton(on="client", text="198.18.0.300").returns(0),
            ],
            claims={"C31": "wrong"},
        ),
        Case(
            "short_forms",
            calls=[
                inet_addr(on="client", text="127.1").tells("7f 00 00 01"),
                inet_addr(on="client", text="0x7f.1").tells("7f 00 00 01"),
                inet_addr(on="client", text="198.18.256").tells("c6 12 01 00"),
                inet_addr(on="client", text="1").tells("00 00 00 01"),
                inet_addr(on="client", text="010.0.0.1").tells("08 00 00 01"),
                inet_addr(on="client", text="127.0.0.1 and more").tells("7f 00 00 01"),
                inet_aton(on="client", text="127.1").returns(1),
            ],
            claims={"C31": "wrong"},
        ),
    ],
    look=(
        "`strace -e trace=connect PROGRAM` shows the address that connect() was given: "
        "255.255.255.255 means that the text was none. `ping 127.1` shows that programs take the "
        "short forms still."
    ),
    source=("inet(3); POSIX.1-2017 inet_addr(); ip(7); Linux net/ipv4/tcp_ipv4.c tcp_v4_connect()"),
)
