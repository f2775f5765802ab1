"""Beside the data of a message other things may come, and only recvmsg(2) gets them.

sendmsg(2) and recvmsg(2) carry ancillary data: a descriptor for another process, the
address that a datagram was sent to, how many hops it may still go, when it came. Nothing
else can: recv(2) of a message that brings a descriptor gives the data, and the kernel
closes the descriptor without a word.

The caller says how much room there is. What finds none is dropped, and MSG_CTRUNC among
the message's flags says so.

A descriptor that was sent is a second one for the same socket, as from dup(2). The process
that it came from may close its own; the connection lives on, and no FIN leaves.
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
    exchange,
    fin,
    getpeername,
    getsockname,
    listen,
    per_family,
    read,
    recv,
    recvmsg,
    rst,
    sendmsg,
    sendto,
    setsockopt,
    socketpair,
    syn,
    write,
)

SCENARIO = Scenario(
    cause="nothing",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi")],
    cases=[
        Case(
            # One process connects, another one of this host goes on.
            "rights",
            before=[
                bind(on="client", path="door", socket="door"),
                listen(on="client", socket="door"),
                connect(on="client", path="door", socket="d").by("second"),
                accept(on="client", socket="door", new="to_second"),
            ],
            calls=[
                connect(on="client", to="server"),
                sendmsg(on="client", socket="to_second", data=[b"take it"], rights="s"),
                recvmsg(on="client", socket="d", new="mine").tells("SCM_RIGHTS 1").by("second"),
                close(on="client"),
                getpeername(on="client", socket="mine").tells("{server:url}:16555").by("second"),
                exchange(on="client", socket="mine", data=b"hi").gives(b"abc").by("second"),
            ],
            seen=[
                syn(at="server", count=1),
                data(at="server", sender="client", count=1),
                # The second process half-closed it; close() of the first sent none.
                fin(at="server", sender="client", count=1),
            ],
            absent=[rst(at="client"), rst(at="server")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=1),
                Counted("client", "Tcp.EstabResets", exactly=0),
            ],
        ),
        Case(
            # recv() and read() take the data, and the descriptor is gone.
            "rights_without_recvmsg",
            calls=[
                socketpair(on="client", socket="a", other="b"),
                socketpair(on="client", socket="x", other="y"),
                sendmsg(on="client", socket="a", data=[b"take it"], rights="y").returns(7),
                close(on="client", socket="y"),
                recv(on="client", socket="b").gives(b"take it"),
                # Nobody has the other end any more: it was closed with the message.
                read(on="client", socket="x").returns(0),
            ],
            absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            "no_room",
            calls=[
                socketpair(on="client", socket="a", other="b"),
                socketpair(on="client", socket="x", other="y"),
                sendmsg(on="client", socket="a", data=[b"take it"], rights="y").returns(7),
                close(on="client", socket="y"),
                recvmsg(on="client", socket="b", control=0).tells("MSG_CTRUNC"),
                read(on="client", socket="x").returns(0),
                # With room for it: the same message, the same descriptor.
                socketpair(on="client", socket="x", other="y"),
                sendmsg(on="client", socket="a", data=[b"take it"], rights="y").returns(7),
                close(on="client", socket="y"),
                recvmsg(on="client", socket="b", new="z").tells("SCM_RIGHTS 1"),
                write(on="client", socket="z", data=b"hello").returns(5),
                read(on="client", socket="x").gives(b"hello"),
            ],
            absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            # A UDP socket of every address learns which one a datagram was sent to.
            "pktinfo",
            calls=[
                bind(
                    on="server",
                    port=17410,
                    proto="udp",
                    options=per_family(ipv4={"IP_PKTINFO": 1}, ipv6={"IPV6_RECVPKTINFO": 1}),
                ),
                getsockname(on="server").tells(per_family(ipv4="0.0.0.0:17410", ipv6="[::]:17410")),
                sendto(on="client", to="server", port=17410, data=b"one").returns(3),
                recvmsg(on="server").tells(
                    per_family(ipv4="IP_PKTINFO {server}", ipv6="IPV6_PKTINFO {server}")
                ),
                sendto(on="client", to="elsewhere", port=17410, data=b"two").returns(3),
                recvmsg(on="server").tells(
                    per_family(ipv4="IP_PKTINFO {elsewhere}", ipv6="IPV6_PKTINFO {elsewhere}")
                ),
            ],
            seen=[data(at="server", sender="client", proto="udp", count=2)],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=2,
                ),
            ],
        ),
        Case(
            # 64 left the client, and one router took one away.
            "hops",
            calls=[
                bind(
                    on="server",
                    to="server",
                    port=17411,
                    proto="udp",
                    options=per_family(ipv4={"IP_RECVTTL": 1}, ipv6={"IPV6_RECVHOPLIMIT": 1}),
                ),
                sendto(on="client", to="server", port=17411, data=b"one").returns(3),
                recvmsg(on="server").tells(per_family(ipv4="IP_TTL 63", ipv6="IPV6_HOPLIMIT 63")),
                # Not asked for, not told.
                setsockopt(
                    on="server",
                    option=per_family(ipv4="IP_RECVTTL", ipv6="IPV6_RECVHOPLIMIT"),
                    value=0,
                ),
                sendto(on="client", to="server", port=17411, data=b"two").returns(3),
                recvmsg(on="server").tells(""),
            ],
            seen=[data(at="server", sender="client", proto="udp", count=2)],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=2,
                ),
            ],
        ),
        Case(
            "timestamp",
            calls=[
                bind(
                    on="server", to="server", port=17412, proto="udp", options={"SO_TIMESTAMP": 1}
                ),
                sendto(on="client", to="server", port=17412, data=b"one").returns(3),
                recvmsg(on="server").tells("SO_TIMESTAMP"),
            ],
            seen=[data(at="server", sender="client", proto="udp", count=1)],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=1,
                ),
            ],
        ),
    ],
    look=(
        "`strace -e trace=recvmsg,sendmsg` prints the control data of each message and its "
        "flags, MSG_CTRUNC among them. `ls -l /proc/PID/fd` in both processes shows the same "
        "`socket:[INODE]` where a descriptor was passed."
    ),
    source=(
        "recvmsg(2), cmsg(3); unix(7) SCM_RIGHTS; ip(7) IP_PKTINFO, IP_RECVTTL; ipv6(7); RFC 3542 "
        "6.1, 6.3; Linux net/core/scm.c scm_detach_fds(), __scm_destroy()"
    ),
)
