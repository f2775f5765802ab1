"""The receiver's buffer is full: datagrams that were sent with success are dropped.

Nobody reads on the server, and its socket's receive buffer has room for a few datagrams.
sendto(2) succeeds for every one of 200: it says that a datagram left this host. All of them
arrive at the server. Its kernel keeps the first few and drops the others, which it counts as
UdpRcvbufErrors, and it sends no word of it to anybody. UDP has no window as TCP has.

A datagram takes more of the buffer than its own bytes: 832 here for one of 3 bytes. How many
fit in depends on the kernel, and in the 2600 bytes of `nobody_reads` it is 3 here. An older
kernel takes one more, since it looks whether the buffer is full before it adds the datagram.
In `full` the buffer is made small when three are in it, and so it is three with any kernel.

What tells it from datagrams that the path has lost is the capture at the receiver: there they
are. Who reads in time loses nothing, as in `read_in_time`.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_icmp,
    bind,
    data,
    per_family,
    recv,
    sendto,
    setsockopt,
)

SCENARIO = Scenario(
    cause="queue",
    cases=[
        Case(
            "nobody_reads",
            claims={"C7": "true"},
            calls=[
                # The kernel doubles it: 2600 bytes.
                bind(
                    on="server", to="server", port=17320, proto="udp", options={"SO_RCVBUF": 1300}
                ),
                sendto(on="client", to="server", port=17320, data=b"one").returns(3),
                sendto(on="client", to="server", port=17320, data=b"two").returns(3),
            ]
            + [sendto(on="client", to="server", port=17320, data=b"...").returns(3)] * 198
            + [
                recv(on="server").gives(b"one"),
                recv(on="server").gives(b"two"),
                recv(on="server").gives(b"..."),
            ],
            seen=[
                data(at="client", sender="client", proto="udp", count=200),
                data(at="server", sender="client", proto="udp", count=200),
            ],
            absent=[any_icmp(at="client")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=200,
                ),
                # 197 here; 196 with a kernel that takes one more.
                Counted(
                    "server",
                    per_family(ipv4="Udp.RcvbufErrors", ipv6="Udp6.RcvbufErrors"),
                    at_least=190,
                ),
            ],
        ),
        Case(
            "full",
            claims={"C7": "true"},
            calls=[
                bind(
                    on="server", to="server", port=17320, proto="udp", options={"SO_RCVTIMEO": 0.3}
                ),
                sendto(on="client", to="server", port=17320, data=b"one").returns(3),
                sendto(on="client", to="server", port=17320, data=b"two").returns(3),
                sendto(on="client", to="server", port=17320, data=b"three" * 200).returns(1000),
                setsockopt(on="server", option="SO_RCVBUF", value=1),
                sendto(on="client", to="server", port=17320, data=b"four").returns(4),
                sendto(on="client", to="server", port=17320, data=b"five").returns(4),
                recv(on="server").gives(b"one"),
                recv(on="server").gives(b"two"),
                recv(on="server").gives(b"three" * 200),
                recv(on="server").fails("EAGAIN", within_s=(0.25, 1.5)),
                # Now there is room again, and the socket is as good as ever.
                sendto(on="client", to="server", port=17320, data=b"six").returns(3),
                recv(on="server").gives(b"six"),
            ],
            seen=[
                data(at="client", sender="client", proto="udp", count=6),
                data(at="server", sender="client", proto="udp", count=6),
            ],
            absent=[any_icmp(at="client")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=6,
                ),
                Counted(
                    "server",
                    per_family(ipv4="Udp.RcvbufErrors", ipv6="Udp6.RcvbufErrors"),
                    exactly=2,
                ),
            ],
        ),
        Case(
            "read_in_time",
            calls=[
                bind(
                    on="server", to="server", port=17320, proto="udp", options={"SO_RCVBUF": 1300}
                ),
                sendto(on="client", to="server", port=17320, data=b"one").returns(3),
                recv(on="server").gives(b"one"),
                sendto(on="client", to="server", port=17320, data=b"two").returns(3),
                recv(on="server").gives(b"two"),
                sendto(on="client", to="server", port=17320, data=b"three").returns(5),
                recv(on="server").gives(b"three"),
                sendto(on="client", to="server", port=17320, data=b"four").returns(4),
                recv(on="server").gives(b"four"),
                sendto(on="client", to="server", port=17320, data=b"five").returns(4),
                recv(on="server").gives(b"five"),
            ],
            seen=[data(at="server", sender="client", proto="udp", count=5)],
            absent=[any_icmp(at="client")],
            counted=[
                Counted(
                    "server",
                    per_family(ipv4="Udp.RcvbufErrors", ipv6="Udp6.RcvbufErrors"),
                    exactly=0,
                ),
            ],
        ),
    ],
    look=(
        "`nstat -az UdpRcvbufErrors` (IPv6: Udp6RcvbufErrors) on the receiver, and `ss -uam`: "
        "d is what this socket has dropped, rb its buffer, Recv-Q what waits in it."
    ),
    source=(
        "RFC 768; RFC 8085 3.1; socket(7) SO_RCVBUF; udp(7); Linux net/ipv4/udp.c "
        "__udp_enqueue_schedule_skb()"
    ),
)
