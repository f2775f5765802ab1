"""All is well: "hi" is answered "abc", anything else comes back unchanged.

The service keeps every byte: one, none, 64 KiB, an embedded NUL. Over UDP a
datagram of the largest size comes back whole, and one byte more is refused by the
caller's own kernel with EMSGSIZE.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    connect,
    data,
    exchange,
    fin,
    per_family,
    recv,
    send,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="nothing",
    seen=[syn(at="server", count=1), syn_ack(at="client", count=1), fin(at="client")],
    counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
    cases=[
        Case(
            "hi",
            claims={
                "C5": "true",
                "C16": "true",
                "C51": "true",
                "C58": "true",
                "C60": "true",
                "C67": "true",
                "C98": "true",
                "C99": "true",
            },
            calls=[
                connect(on="client", to="server"),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
        ),
        Case(
            "text",
            calls=[
                connect(on="client", to="server"),
                exchange(on="client", data=b"hello, lab\n").gives(b"hello, lab\n"),
            ],
        ),
        Case(
            "empty",
            calls=[
                connect(on="client", to="server"),
                exchange(on="client", data=b"").gives(b""),
            ],
        ),
        Case(
            "one_byte",
            calls=[
                connect(on="client", to="server"),
                exchange(on="client", data=b"x").gives(b"x"),
            ],
        ),
        Case(
            "64_kib",
            claims={"C6": "true"},
            calls=[
                connect(on="client", to="server"),
                exchange(on="client", data=b"0123456789abcdef" * 4096).gives(
                    b"0123456789abcdef" * 4096
                ),
            ],
        ),
        Case(
            "embedded_nul",
            calls=[
                connect(on="client", to="server"),
                exchange(on="client", data=b"ab\0cd").gives(b"ab\0cd"),
            ],
        ),
        Case(
            "udp_hi",
            claims={"C5": "true", "C7": "true"},
            calls=[
                connect(on="client", to="server", proto="udp"),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").gives(b"abc"),
            ],
            seen=[data(at="server", sender="client", proto="udp", count=1)],
            counted=[
                Counted(
                    "client", per_family(ipv4="Udp.InDatagrams", ipv6="Udp6.InDatagrams"), exactly=1
                )
            ],
        ),
        Case(
            "udp_largest",
            claims={"C7": "true"},
            calls=[
                connect(on="client", to="server", proto="udp"),
                # 65535 less the headers that the length fields count: 28 and 8 bytes.
                send(on="client", data=per_family(ipv4=b"x" * 65507, ipv6=b"x" * 65527)),
                recv(on="client", size=65536).gives(
                    per_family(ipv4=b"x" * 65507, ipv6=b"x" * 65527)
                ),
            ],
            seen=[any_packet(at="server", proto="udp")],
            counted=[
                Counted(
                    "client", per_family(ipv4="Udp.InDatagrams", ipv6="Udp6.InDatagrams"), exactly=1
                )
            ],
        ),
        Case(
            "udp_too_large",
            claims={"C7": "true"},
            calls=[
                connect(on="client", to="server", proto="udp"),
                send(on="client", data=per_family(ipv4=b"x" * 65508, ipv6=b"x" * 65528)).fails(
                    "EMSGSIZE", within_s=(0.0, 0.1)
                ),
            ],
            absent=[any_packet(at="client", proto="udp"), any_packet(at="client", proto="ip")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=0,
                )
            ],
        ),
    ],
    look=("Nothing is wrong: `errnolab-client server hi` prints `abc`."),
    source="RFC 862; RFC 768; udp(7) EMSGSIZE; RFC 9293 3.5 and 3.6",
)
