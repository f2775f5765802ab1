"""One send, several recvs: a stream gives what is there and fits in.

In `small_room` one segment of 10 bytes is read by three recv(2) with room for 4: nothing is
lost, the rest waits for the next call, unlike that of a datagram (`datagram_boundaries`). In
`long_send` one send(2) of 300000 bytes returns 300000, and is more than 200 segments on its
way, since none may be longer than the path's MTU. How many recv(2) it takes is decided by the
reader's room and by what has come by then. Here each waits with MSG_WAITALL until its 64 KiB
are full, so that there are five; without that flag there may be any number from five on.

A server that takes one recv(2) for one message gets a part of it. See `coalesced` for the
opposite, `segments_cut` for a path that does it, and `framed` for the remedy.
"""

from lab import Case, Counted, Scenario, accept, bind, connect, data, listen, recv, send

SCENARIO = Scenario(
    cause="caller",
    claims={"C119": "true"},
    before=[
        bind(on="server", to="server", port=17323, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17323),
        accept(on="server"),
    ],
    cases=[
        Case(
            "small_room",
            calls=[
                send(on="client", data=b"hello, lab").returns(10),
                recv(on="server", socket="c", size=4).gives(b"hell"),
                recv(on="server", socket="c", size=4).gives(b"o, l"),
                recv(on="server", socket="c", size=4).gives(b"ab"),
            ],
            seen=[
                data(at="client", sender="client", count=1),
                data(at="server", sender="client", count=1),
            ],
            counted=[Counted("client", "Tcp.RetransSegs", exactly=0)],
        ),
        Case(
            "long_send",
            calls=[
                # Nobody reads yet, and neither side has room for all: it waits.
                send(on="client", data=b"x" * 300000).returns(300000).in_background(),
                recv(on="server", socket="c", size=65536, flags="MSG_WAITALL").returns(65536),
                recv(on="server", socket="c", size=65536, flags="MSG_WAITALL").returns(65536),
                recv(on="server", socket="c", size=65536, flags="MSG_WAITALL").returns(65536),
                recv(on="server", socket="c", size=65536, flags="MSG_WAITALL").returns(65536),
                recv(on="server", socket="c", size=37856, flags="MSG_WAITALL").returns(37856),
            ],
            # A capture may show several segments as one, which the interface would cut.
            seen=[data(at="client", sender="client"), data(at="server", sender="client")],
            counted=[Counted("client", "Tcp.OutSegs", at_least=200)],
        ),
    ],
    look=(
        "`strace -e trace=network` on both: fewer sends than recvs, and the bytes are the same. "
        "`ss -ti` shows the longest segment of a connection as mss."
    ),
    source=(
        "RFC 9293 3.7.1, 3.9.1.2 and 3.9.1.3; recv(2) MSG_WAITALL; tcp(7); Linux net/ipv4/tcp.c "
        "tcp_recvmsg(), tcp_sendmsg()"
    ),
)
