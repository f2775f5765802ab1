"""After a refused connect() the socket is as new, if nobody has shut it down.

The RST has closed it: TCP_INFO says CLOSE, which `ss` calls UNCONN (and does not list).
send, recv, getpeername and shutdown answer as they do on a socket that was never
connected: EPIPE (with SIGPIPE), ENOTCONN. It need not be closed to be used again; POSIX
does not promise that, so portable programs close it.

There is a trap. shutdown() fails with ENOTCONN, and is remembered all the same: the next
connect() succeeds, and send() says EPIPE. After a non-blocking attempt connect() even
says EINVAL from then on. connect() to an address of family AF_UNSPEC mends both.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    bind,
    connect,
    exchange,
    getpeername,
    getsockname,
    given,
    per_family,
    poll,
    recv,
    reject,
    rst,
    send,
    shutdown,
    so_error,
    socket,
    ss,
    state,
    stop,
    syn,
)

SCENARIO = Scenario(
    cause="caller",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    seen=[
        syn(at="client", count=given("syns")),
        rst(at="client", sender="server", count=given("refused")),
    ],
    absent=[rst(at="client", sender="client")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=given("syns")),
        Counted("client", "Tcp.AttemptFails", exactly=given("refused")),
    ],
    cases=[
        Case(
            "calls",
            claims={"C71": "true", "C79": "wrong"},
            fault=stop(on="server", service="echo"),
            calls=[
                socket(on="client"),
                state(on="client").tells("UNCONN"),
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                state(on="client").tells("UNCONN"),
                ss(on="client", state="SYN-SENT").returns(0),
                so_error(on="client").reports(""),
                poll(on="client").tells("POLLOUT|POLLHUP", within_s=(0.0, 0.5)),
                getpeername(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                recv(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                send(on="client", data=b"hi", sigpipe=True).fails(
                    "EPIPE", within_s=(0.0, 0.5), signal="SIGPIPE"
                ),
                shutdown(on="client", how="SHUT_RDWR").fails("ENOTCONN", within_s=(0.0, 0.5)),
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
            ],
            given={"syns": 2, "refused": 2},
        ),
        # For comparison: nothing is broken, and nothing was tried.
        Case(
            "never_connected",
            calls=[
                socket(on="client"),
                state(on="client").tells("UNCONN"),
                so_error(on="client").reports(""),
                poll(on="client").tells("POLLOUT|POLLHUP", within_s=(0.0, 0.5)),
                getpeername(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                recv(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                send(on="client", data=b"hi").fails("EPIPE", within_s=(0.0, 0.5)),
                shutdown(on="client", how="SHUT_RDWR").fails("ENOTCONN", within_s=(0.0, 0.5)),
            ],
            absent=[any_packet(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
        ),
        # A port that the program chose is kept; the address that connect() chose is not.
        Case(
            "bound",
            claims={"C71": "true", "C79": "wrong"},
            fault=stop(on="server", service="echo"),
            calls=[
                bind(on="client", to="any", port=17050, options={"SO_REUSEADDR": 1}),
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                getsockname(on="client").tells(per_family(ipv4="0.0.0.0:17050", ipv6="[::]:17050")),
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
            ],
            given={"syns": 2, "refused": 2},
        ),
        Case(
            "shutdown_is_remembered",
            claims={"C71": "true"},
            fault=reject(on="router", to="server", reply="tcp-reset", times=1),
            calls=[
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                shutdown(on="client", how="SHUT_WR").fails("ENOTCONN", within_s=(0.0, 0.5)),
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                state(on="client").tells("ESTAB"),
                send(on="client", data=b"hi").fails("EPIPE", within_s=(0.0, 0.5)),
            ],
            given={"syns": 2, "refused": 1},
        ),
        Case(
            "shutdown_is_mended",
            claims={"C71": "true"},
            fault=reject(on="router", to="server", reply="tcp-reset", times=1),
            calls=[
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                shutdown(on="client", how="SHUT_WR").fails("ENOTCONN", within_s=(0.0, 0.5)),
                connect(on="client", to="server", sockaddr_family=0).returns(0),
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            given={"syns": 2, "refused": 1},
        ),
        Case(
            "shutdown_non_blocking",
            fault=reject(on="router", to="server", reply="tcp-reset", times=1),
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP", within_s=(0.0, 0.5)),
                shutdown(on="client", how="SHUT_RDWR").fails("ENOTCONN", within_s=(0.0, 0.5)),
                so_error(on="client").reports("ECONNREFUSED"),
                connect(on="client", to="server").fails("EINVAL", within_s=(0.0, 0.5)),
                connect(on="client", to="server").fails("EINVAL", within_s=(0.0, 0.5)),
                connect(on="client", to="server", sockaddr_family=0).returns(0),
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            given={"syns": 2, "refused": 1},
        ),
    ],
    look=(
        "`strace` shows the connect() that failed before an EPIPE or ENOTCONN: the program went "
        "on with a socket that is not connected. EPIPE right after a connect() that succeeded, "
        "or EINVAL from connect(), means that shutdown() was called on the socket in between. "
        "`ss -tan` does not list a socket that is closed."
    ),
    source=(
        "connect(2) NOTES; RFC 9293 3.10.7.3; send(2) EPIPE; shutdown(2) ENOTCONN; Linux "
        "net/ipv4/af_inet.c, __inet_stream_connect(), inet_shutdown(), inet_getname(); "
        "net/ipv4/tcp.c, tcp_disconnect(), tcp_recvmsg_locked(); net/core/stream.c, "
        "sk_stream_wait_connect()"
    ),
)
