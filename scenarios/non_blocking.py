"""A non-blocking connect() says EINPROGRESS, and the kernel goes on by itself.

EINPROGRESS is no failure: the SYN has left. The router loses it here, so that the
attempt lasts until the kernel sends it again, a second later. Until then connect()
says EALREADY, send and recv say EAGAIN, and SO_ERROR says 0, which does not mean that
it went well. poll, select and epoll wait for the socket to become writable; SO_ERROR
then tells how it went.

A connect() that is called once more tells it too: 0 the first time, EISCONN from then
on. To ask poll before connect() is a mistake that looks like success: a socket that is
not connected is ready (and POLLHUP).
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    connect,
    drop,
    epoll,
    exchange,
    getpeername,
    per_family,
    poll,
    recv,
    rst,
    select,
    send,
    shutdown,
    so_error,
    socket,
    ss,
    state,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="caller",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    # One connection, and one that waits: the first SYN is lost, the second gets through.
    seen=[
        syn(at="client", schedule=(0.0, 1.0)),
        syn(at="server", count=1),
        syn_ack(at="client", count=1),
    ],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=1),
        Counted("client", "TcpExt.TCPSynRetrans", exactly=1),
        Counted("client", "Tcp.AttemptFails", exactly=0),
    ],
    cases=[
        # The answer comes in a fraction of a millisecond: it is EINPROGRESS all the same.
        Case(
            "at_once",
            claims={"C67": "wrong"},
            calls=[
                connect(on="client", to="server", blocking=False).fails(
                    "EINPROGRESS", within_s=(0.0, 0.5)
                ),
                poll(on="client").tells("POLLOUT", within_s=(0.0, 0.5)),
                so_error(on="client").reports(""),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            seen=[syn(at="client", count=1), syn(at="server", count=1)],
            absent=[rst(at="client")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=1),
                Counted("client", "TcpExt.TCPSynRetrans", exactly=0),
            ],
        ),
        Case(
            "poll",
            claims={"C67": "wrong", "C78": "true"},
            fault=drop(on="router", to="server", times=1),
            calls=[
                connect(on="client", to="server", blocking=False).fails(
                    "EINPROGRESS", within_s=(0.0, 0.5)
                ),
                state(on="client").tells("SYN-SENT"),
                connect(on="client", to="server", blocking=False).fails(
                    "EALREADY", within_s=(0.0, 0.5)
                ),
                # poll's time-out is poll's alone: the attempt goes on.
                poll(on="client", timeout_s=0.2).returns(0, within_s=(0.2, 0.6)),
                # The second SYN leaves 1 s after the first, of which the calls took some.
                poll(on="client").tells("POLLOUT", within_s=(0.1, 1.1)),
                so_error(on="client").reports(""),
                state(on="client").tells("ESTAB"),
                connect(on="client", to="server", blocking=False).returns(0, within_s=(0.0, 0.5)),
                connect(on="client", to="server", blocking=False).fails(
                    "EISCONN", within_s=(0.0, 0.5)
                ),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
        ),
        Case(
            "select_and_epoll",
            claims={"C67": "wrong"},
            fault=drop(on="router", to="server", times=1),
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                epoll(on="client", timeout_s=0.1).returns(0, within_s=(0.1, 0.5)),
                select(on="client", timeout_s=0.1).returns(0, within_s=(0.1, 0.5)),
                epoll(on="client").tells("EPOLLOUT", within_s=(0.1, 1.1)),
                # Of no use for reading, nor exceptional.
                select(on="client").tells("writable", within_s=(0.0, 0.5)),
                so_error(on="client").reports(""),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
        ),
        Case(
            "other_calls_meanwhile",
            claims={"C67": "wrong", "C78": "true"},
            fault=drop(on="router", to="server", times=1),
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                send(on="client", data=b"hi").fails("EAGAIN", within_s=(0.0, 0.5)),
                recv(on="client").fails("EAGAIN", within_s=(0.0, 0.5)),
                getpeername(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                so_error(on="client").reports(""),
                # One in the send queue: the SYN, which nobody has acknowledged.
                ss(on="client", state="SYN-SENT").tells("SYN-SENT 0/1"),
                poll(on="client").tells("POLLOUT", within_s=(0.1, 1.3)),
                getpeername(on="client"),
                send(on="client", data=b"hi").returns(2),
            ],
        ),
        # EALREADY is for those who do not wait: a blocking call waits for the attempt
        # that is under way.
        Case(
            "blocking_again",
            claims={"C67": "wrong"},
            fault=drop(on="router", to="server", times=1),
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                connect(on="client", to="server").returns(0, within_s=(0.5, 1.3)),
                connect(on="client", to="server").fails("EISCONN", within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
        ),
        # An attempt can be taken back without closing the descriptor: connect() to an
        # address of family AF_UNSPEC (0). What SO_ERROR tells after it comes from no RST.
        Case(
            "taken_back",
            fault=drop(on="router", to="server", times=1),
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                connect(on="client", to="server", sockaddr_family=0).returns(0),
                state(on="client").tells("UNCONN"),
                ss(on="client", state="SYN-SENT").returns(0),
                so_error(on="client").reports("ECONNRESET"),
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            seen=[syn(at="client", count=2), syn(at="server", count=1)],
            absent=[rst(at="client")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=2),
                Counted("client", "TcpExt.TCPSynRetrans", exactly=0),
            ],
        ),
        # shutdown() on an attempt does the same, and says 0.
        Case(
            "shut_down_meanwhile",
            fault=drop(on="router", to="server", times=1),
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                shutdown(on="client", how="SHUT_WR").returns(0),
                state(on="client").tells("UNCONN"),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP", within_s=(0.0, 0.5)),
                so_error(on="client").reports("ECONNRESET"),
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            seen=[syn(at="client", count=2), syn(at="server", count=1)],
            absent=[rst(at="client")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=2),
                Counted("client", "TcpExt.TCPSynRetrans", exactly=0),
            ],
        ),
        Case(
            "asked_too_early",
            calls=[
                socket(on="client"),
                poll(on="client").tells("POLLOUT|POLLHUP", within_s=(0.0, 0.5)),
                epoll(on="client").tells("EPOLLOUT|EPOLLHUP", within_s=(0.0, 0.5)),
                select(on="client").tells("readable|writable", within_s=(0.0, 0.5)),
                so_error(on="client").reports(""),
                getpeername(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
            ],
            absent=[any_packet(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
        ),
        # UDP has nothing to wait for: connect() only notes the address.
        Case(
            "udp",
            calls=[
                connect(on="client", to="server", proto="udp", blocking=False).returns(
                    0, within_s=(0.0, 0.5)
                ),
                poll(on="client").tells("POLLOUT", within_s=(0.0, 0.5)),
                connect(on="client", to="server", proto="udp", blocking=False).returns(0),
                getpeername(on="client"),
            ],
            absent=[any_packet(at="client", proto="udp"), any_packet(at="client")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=0,
                )
            ],
        ),
    ],
    look=(
        "`ss -tn state syn-sent` shows the attempt while it is under way (Send-Q 1 is the SYN). "
        "`strace -e trace=connect,poll,getsockopt,send` shows a program that takes EINPROGRESS "
        "for a failure, calls connect() in a loop (EALREADY, then 0, then EISCONN), or sends "
        "before the socket was writable (EAGAIN)."
    ),
    source=(
        "connect(2) EINPROGRESS, EALREADY, EISCONN; RFC 9293 3.10.1; Linux net/ipv4/af_inet.c, "
        "__inet_stream_connect(), inet_shutdown(); net/ipv4/tcp.c, tcp_poll(), tcp_disconnect()"
    ),
)
