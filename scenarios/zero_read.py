"""A read of 0 bytes is the end of a stream, and three other things as well.

On a TCP connection 0 says that the peer has sent its FIN, but only if more than 0 bytes were
asked for. read(2) of 0 bytes returns 0 at once, whatever there is. recv(2) of 0 bytes waits
until there is something to read, and leaves it there; it returns 0 then, and also if its time
(SO_RCVTIMEO) is over first.

A datagram may be empty: a UDP header and nothing behind it. It is received as 0 bytes, and the
next one comes after it; UDP has no end. On an AF_UNIX socket of type SOCK_SEQPACKET both exist,
an empty message and an end, and recv() tells them apart by nothing.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_packet,
    bind,
    close,
    connect,
    data,
    fin,
    listen,
    per_family,
    poll,
    read,
    recv,
    rst,
    send,
    sendto,
    shutdown,
    socketpair,
)

SCENARIO = Scenario(
    cause="caller",
    cases=[
        Case(
            "end",
            before=[
                bind(on="server", to="server", port=17390, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17390),
                accept(on="server"),
            ],
            calls=[
                send(on="server", socket="c", data=b"all").returns(3),
                shutdown(on="server", socket="c", how="SHUT_WR"),
                read(on="client").gives(b"all", within_s=(0.0, 0.5)),
                read(on="client").returns(0, within_s=(0.0, 0.5)).after(fin(at="client")),
                read(on="client").returns(0, within_s=(0.0, 0.5)),
            ],
            seen=[data(at="client", sender="server", count=1), fin(at="client", sender="server")],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
            claims={"C84": "true"},
        ),
        Case(
            # Nothing has ended: the data is there before and after.
            "asked_for_nothing",
            before=[
                bind(on="server", to="server", port=17391, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17391, options={"SO_RCVTIMEO": 0.3}),
                accept(on="server"),
            ],
            calls=[
                read(on="client", size=0).returns(0, within_s=(0.0, 0.25)),
                # recv() waits for something to come; of the time-out it says nothing.
                recv(on="client", size=0).returns(0, within_s=(0.3, 0.8)),
                recv(on="client", size=0, flags="MSG_DONTWAIT").fails("EAGAIN"),
                send(on="server", socket="c", data=b"there").returns(5),
                poll(on="client", events="POLLIN", timeout_s=1.0).tells("POLLIN"),
                read(on="client", size=0).returns(0, within_s=(0.0, 0.25)),
                recv(on="client", size=0).returns(0, within_s=(0.0, 0.4)),
                recv(on="client").gives(b"there", within_s=(0.0, 0.4)),
            ],
            seen=[data(at="client", sender="server", count=1)],
            absent=[fin(at="client"), rst(at="client")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
            claims={"C84": "wrong"},
        ),
        Case(
            "empty_datagram",
            before=[
                bind(on="client", to="client", port=17392, proto="udp"),
            ],
            calls=[
                sendto(on="server", to="client", port=17392, data=b"").returns(0),
                sendto(on="server", to="client", port=17392, data=b"next").returns(4),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                recv(on="client").gives(b"next", within_s=(0.0, 0.5)),
            ],
            seen=[
                any_packet(at="client", proto="udp"),
                data(at="client", sender="server", proto="udp", count=1),
            ],
            absent=[any_packet(at="client", proto="icmp")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.InDatagrams", ipv6="Udp6.InDatagrams"),
                    exactly=2,
                ),
            ],
            claims={"C84": "wrong"},
        ),
        Case(
            # An empty message, one that is not, and the end. Nothing of it leaves the host.
            "unix_seqpacket",
            calls=[
                socketpair(on="client", type="SOCK_SEQPACKET", socket="s", other="peer"),
                send(on="client", socket="peer", data=b"").returns(0),
                send(on="client", socket="peer", data=b"next").returns(4),
                close(on="client", socket="peer"),
                recv(on="client").returns(0, within_s=(0.0, 0.4)),
                recv(on="client").gives(b"next", within_s=(0.0, 0.4)),
                recv(on="client").returns(0, within_s=(0.0, 0.4)),
            ],
            absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=0),
                Counted(
                    "client",
                    per_family(ipv4="Udp.InDatagrams", ipv6="Udp6.InDatagrams"),
                    exactly=0,
                ),
            ],
        ),
    ],
    look=(
        "`strace -e trace=read,recvfrom` shows the size that was asked for beside each 0. `ss -tn` "
        "shows CLOSE-WAIT if a stream has ended, and ESTAB if it has not."
    ),
    source=(
        "read(2), recv(2), udp(7), unix(7); RFC 768; Linux net/socket.c sock_read_iter(), "
        "net/ipv4/tcp.c tcp_recvmsg_locked()"
    ),
)
