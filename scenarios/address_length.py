"""The length that accept(2) takes is read and written: room goes in, the address's own comes out.

The third parameter is no length but a pointer to one. Before the call it says how much room
there is, after it how long the peer's address is: 16 bytes over IPv4, 28 over IPv6. If there
is less room, the address is cut off there, and the length that comes back is larger than what
went in: that is how a program notices. Whoever forgets to set it before the call gets an
address cut off anywhere, or none.

A length below 0 is EINVAL. That is found out late: the connection has been taken from the
queue by then, and the kernel closes it. The client sees that it was connected and is left at
once.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    fin,
    getpeername,
    listen,
    per_family,
    recv,
    rst,
    send,
    ss,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="caller",
    before=[
        bind(on="server", to="server", port=17474, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17474),
    ],
    seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
    absent=[rst(at="client"), rst(at="server"), fin(at="client", sender="server")],
    counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
    cases=[
        Case(
            "whole",
            claims={"C61": "true"},
            calls=[
                accept(on="server", length=per_family(ipv4=16, ipv6=28)).tells(
                    per_family(ipv4="length 16, 16 written", ipv6="length 28, 28 written")
                ),
                getpeername(on="server", socket="c").tells("{client:url}:…"),
            ],
        ),
        Case(
            # More room is no harm.
            "more_room",
            claims={"C61": "true"},
            calls=[
                accept(on="server", length=128).tells(
                    per_family(ipv4="length 16, 16 written", ipv6="length 28, 28 written")
                ),
            ],
        ),
        Case(
            "short",
            claims={"C61": "wrong"},
            calls=[
                accept(on="server", length=4).tells(
                    per_family(ipv4="length 16, 4 written", ipv6="length 28, 4 written")
                ),
                # The connection is as good as any.
                send(on="client", data=b"hi").returns(2),
                recv(on="server", socket="c").gives(b"hi"),
            ],
        ),
        Case(
            "no_room",
            claims={"C61": "wrong"},
            calls=[
                accept(on="server", length=0).tells(
                    per_family(ipv4="length 16, 0 written", ipv6="length 28, 0 written")
                ),
            ],
        ),
        Case(
            # The connection is gone with it.
            "minus_one",
            claims={"C61": "wrong"},
            calls=[
                ss(on="server", port=17474, state="LISTEN").tells("LISTEN 1/128"),
                accept(on="server", length=-1).fails("EINVAL"),
                ss(on="server", port=17474, state="LISTEN").tells("LISTEN 0/128"),
                recv(on="client").returns(0),
            ],
            seen=[
                syn(at="server", count=1),
                syn_ack(at="client", count=1),
                fin(at="client", sender="server", count=1),
            ],
            absent=[rst(at="client"), rst(at="server")],
        ),
    ],
    look=(
        "`strace -e trace=accept4 -p PID` prints the length before and after the call: `[16]` "
        "where both are the same, `[4 => 16]` where the address was cut off. Clients that are "
        "closed at once by a server that says EINVAL are this."
    ),
    source=(
        "accept(2) on addrlen, EINVAL; POSIX accept(); Linux net/socket.c move_addr_to_user(), "
        "do_accept()"
    ),
)
