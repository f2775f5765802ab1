"""An ICMP error answers a non-blocking connect(), and IPv4 may tell it too early.

Where the error comes while nobody holds the socket (across a real network) it ends the
attempt in both families: poll says POLLOUT, POLLERR and POLLHUP, SO_ERROR the errno.

Where one kernel carries the SYN and its answer (containers, virtual machines on veth) the
error comes while connect() still holds the socket, and is only noted. IPv6 then keeps
quiet until the second SYN is answered, a second later. IPv4 puts it into the error queue
even without IP_RECVERR, so poll says POLLERR, alone, and SO_ERROR tells EHOSTUNREACH of an
attempt that goes on, and may succeed. POLLERR stays until the queue is read.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    answer,
    any_packet,
    connect,
    epoll,
    exchange,
    icmp,
    icmp_error,
    per_family,
    poll,
    recv_error,
    reject,
    select,
    so_error,
    state,
    syn,
)

SCENARIO = Scenario(
    cause="caller",
    fault=reject(
        on="router",
        to="server",
        reply=per_family(ipv4="icmp-host-unreachable", ipv6="icmp6-addr-unreachable"),
    ),
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    seen=[
        syn(at="client", schedule=(0.0, 1.0)),
        icmp(at="client", error=per_family(ipv4=(3, 1), ipv6=(1, 3)), count=2),
    ],
    absent=[any_packet(at="server")],
    counted=[
        Counted("client", "TcpExt.LockDroppedIcmps", exactly=1),
        Counted("client", "Tcp.AttemptFails", exactly=1),
    ],
    cases=[
        # A program on the router answers, a moment after connect() has returned.
        Case(
            "nobody_holds_the_socket",
            claims={"C74": "true", "C75": "wrong", "C79": "wrong"},
            fault=answer(
                to="server",
                by=[icmp_error(per_family(ipv4=(3, 1), ipv6=(1, 3)))],
                times=1,
                delay_s=0.05,
            ),
            calls=[
                connect(on="client", to="server", blocking=False).fails(
                    "EINPROGRESS", within_s=(0.0, 0.5)
                ),
                # The error queue wakes poll() a moment before the socket is closed: what it
                # sees then may be POLLERR alone. It is all there for the next call.
                poll(on="client").returns(1, within_s=(0.0, 0.4)),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP", within_s=(0.0, 0.5)),
                epoll(on="client").tells("EPOLLOUT|EPOLLERR|EPOLLHUP", within_s=(0.0, 0.5)),
                select(on="client").tells("readable|writable", within_s=(0.0, 0.5)),
                state(on="client").tells("UNCONN"),
                so_error(on="client").reports("EHOSTUNREACH"),
                so_error(on="client").reports(""),
                # IPv4 has it in the error queue too, and SO_ERROR does not read that.
                poll(on="client").tells(
                    per_family(ipv4="POLLOUT|POLLERR|POLLHUP", ipv6="POLLOUT|POLLHUP")
                ),
            ],
            seen=[
                syn(at="client", count=1),
                icmp(at="client", error=per_family(ipv4=(3, 1), ipv6=(1, 3)), count=1),
            ],
            absent=[any_packet(at="server")],
            counted=[
                Counted("client", "TcpExt.LockDroppedIcmps", exactly=0),
                Counted("client", "Tcp.AttemptFails", exactly=1),
            ],
        ),
        Case(
            "connect_in_its_place",
            claims={"C74": "true", "C75": "wrong", "C79": "wrong"},
            fault=answer(
                to="server",
                by=[icmp_error(per_family(ipv4=(3, 1), ipv6=(1, 3)))],
                times=2,
                delay_s=0.05,
            ),
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").returns(1, within_s=(0.0, 0.4)),
                connect(on="client", to="server", blocking=False).fails(
                    "EHOSTUNREACH", within_s=(0.0, 0.5)
                ),
                so_error(on="client").reports(""),
                connect(on="client", to="server", blocking=False).fails(
                    "EINPROGRESS", within_s=(0.0, 0.5)
                ),
                # Under IPv4 poll() would return at once: the first error is in the queue.
                connect(on="client", to="server").fails("EHOSTUNREACH", within_s=(0.0, 0.4)),
            ],
            seen=[
                syn(at="client", count=2),
                icmp(at="client", error=per_family(ipv4=(3, 1), ipv6=(1, 3)), count=2),
            ],
            absent=[any_packet(at="server")],
            counted=[
                Counted("client", "TcpExt.LockDroppedIcmps", exactly=0),
                Counted("client", "Tcp.AttemptFails", exactly=2),
            ],
        ),
        Case(
            "connect_holds_it_ipv4",
            claims={"C74": "true", "C75": "wrong", "C79": "wrong"},
            family="ipv4",
            calls=[
                connect(on="client", to="server", blocking=False).fails(
                    "EINPROGRESS", within_s=(0.0, 0.5)
                ),
                # tcp_v4_err() calls ip_icmp_error(), which asks nobody for IP_RECVERR.
                poll(on="client").tells("POLLERR", within_s=(0.0, 0.5)),
                state(on="client").tells("SYN-SENT"),
                so_error(on="client").reports("EHOSTUNREACH"),
                so_error(on="client").reports(""),
                poll(on="client").tells("POLLERR", within_s=(0.0, 0.5)),
                recv_error(on="client").tells("EHOSTUNREACH from ICMP 3/1"),
                # With the second SYN the same error comes to a socket that nobody holds.
                poll(on="client").returns(1, within_s=(0.2, 1.3)),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP", within_s=(0.0, 0.5)),
                state(on="client").tells("UNCONN"),
                so_error(on="client").reports("EHOSTUNREACH"),
                so_error(on="client").reports(""),
            ],
        ),
        Case(
            "connect_holds_it_ipv6",
            claims={"C74": "true", "C75": "wrong", "C79": "wrong"},
            family="ipv6",
            calls=[
                connect(on="client", to="server", blocking=False).fails(
                    "EINPROGRESS", within_s=(0.0, 0.5)
                ),
                # tcp_v6_err() calls ipv6_icmp_error(), which wants IPV6_RECVERR.
                poll(on="client", timeout_s=0.2).returns(0, within_s=(0.2, 0.6)),
                state(on="client").tells("SYN-SENT"),
                # Kernels without tcp_done_with_error() wake poll() before they close it.
                poll(on="client").returns(1, within_s=(0.2, 1.1)),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP", within_s=(0.0, 0.5)),
                state(on="client").tells("UNCONN"),
                # The first ICMP error was noted beside the second, which ended it.
                so_error(on="client").reports("EHOSTUNREACH"),
                so_error(on="client").reports("EHOSTUNREACH"),
                so_error(on="client").reports(""),
            ],
        ),
        Case(
            "connect_holds_it_ipv6_recverr",
            claims={"C74": "true", "C75": "wrong", "C79": "wrong"},
            family="ipv6",
            calls=[
                connect(
                    on="client", to="server", blocking=False, options={"IPV6_RECVERR": 1}
                ).fails("EINPROGRESS", within_s=(0.0, 0.5)),
                poll(on="client").tells("POLLERR", within_s=(0.0, 0.5)),
                state(on="client").tells("SYN-SENT"),
                recv_error(on="client").tells("EHOSTUNREACH from ICMPv6 1/3"),
                poll(on="client").returns(1, within_s=(0.2, 1.3)),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP", within_s=(0.0, 0.5)),
                state(on="client").tells("UNCONN"),
            ],
        ),
        # The router refuses one SYN alone: the second gets through. Who believed POLLERR
        # and SO_ERROR has closed the socket by then.
        Case(
            "false_alarm_ipv4",
            family="ipv4",
            fault=reject(on="router", to="server", reply="icmp-host-unreachable", times=1),
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").tells("POLLERR", within_s=(0.0, 0.5)),
                so_error(on="client").reports("EHOSTUNREACH"),
                connect(on="client", to="server").returns(0, within_s=(0.2, 1.3)),
                state(on="client").tells("ESTAB"),
                so_error(on="client").reports(""),
                poll(on="client").tells("POLLOUT|POLLERR", within_s=(0.0, 0.5)),
                recv_error(on="client").tells("EHOSTUNREACH from ICMP 3/1"),
                poll(on="client").tells("POLLOUT", within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            seen=[
                syn(at="client", schedule=(0.0, 1.0)),
                icmp(at="client", error=(3, 1), count=1),
                syn(at="server", count=1),
            ],
            counted=[
                Counted("client", "TcpExt.LockDroppedIcmps", exactly=1),
                Counted("client", "Tcp.AttemptFails", exactly=0),
            ],
        ),
        Case(
            "false_alarm_ipv6",
            family="ipv6",
            fault=reject(on="router", to="server", reply="icmp6-addr-unreachable", times=1),
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").tells("POLLOUT", within_s=(0.5, 1.3)),
                so_error(on="client").reports(""),
                state(on="client").tells("ESTAB"),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            seen=[
                syn(at="client", schedule=(0.0, 1.0)),
                icmp(at="client", error=(1, 3), count=1),
                syn(at="server", count=1),
            ],
            counted=[
                Counted("client", "TcpExt.LockDroppedIcmps", exactly=1),
                Counted("client", "Tcp.AttemptFails", exactly=0),
            ],
        ),
    ],
    look=(
        "`strace -e trace=connect,poll,getsockopt,recvmsg`: POLLERR without POLLHUP is an error "
        "in the queue of a socket that still tries (`ss -tn state syn-sent` has it); recvmsg "
        "with MSG_ERRQUEUE tells which ICMP message it was. `nstat TcpExtLockDroppedIcmps` "
        "grows where the answer came too early to end the attempt."
    ),
    source=(
        "RFC 1122 4.2.3.9; ip(7) IP_RECVERR; socket(7) SO_ERROR; Linux net/ipv4/tcp_ipv4.c, "
        "tcp_v4_err() (error queue since 5.8); net/ipv4/ip_sockglue.c, ip_icmp_error(); "
        "net/ipv6/tcp_ipv6.c, tcp_v6_err(); net/ipv6/datagram.c, ipv6_icmp_error(); "
        "net/ipv4/tcp.c, tcp_poll(); net/core/sock.c, sk_getsockopt() SO_ERROR"
    ),
)
