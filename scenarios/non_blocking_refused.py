"""A non-blocking connect() is refused, and the next call on the socket tells it.

The RST makes the socket ready for everything: poll says POLLOUT, POLLERR and POLLHUP,
select "readable" and "writable". So "writable" alone does not mean connected. The errno
waits in the socket for whoever asks first: SO_ERROR, connect, send or recv. It is told
once.

What comes after that depends on who asked. After SO_ERROR, connect() says ECONNABORTED
once, for the errno is gone; then it tries again. After send() comes EPIPE; after recv()
comes 0, as at the end of a stream that never was.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    connect,
    epoll,
    exchange,
    getpeername,
    given,
    poll,
    recv,
    rst,
    select,
    send,
    so_error,
    state,
    stop,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="caller",
    claims={"C71": "true"},
    fault=stop(on="server", service="echo"),
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    seen=[
        syn(at="client", count=given("attempts")),
        syn(at="server", count=given("attempts")),
        rst(at="client", sender="server", count=given("attempts")),
    ],
    absent=[syn_ack(at="server")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=given("attempts")),
        Counted("client", "Tcp.AttemptFails", exactly=given("attempts")),
    ],
    cases=[
        Case(
            "so_error",
            claims={"C71": "true", "C79": "wrong"},
            calls=[
                connect(on="client", to="server", blocking=False).fails(
                    "EINPROGRESS", within_s=(0.0, 0.5)
                ),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP", within_s=(0.0, 0.5)),
                state(on="client").tells("UNCONN"),
                so_error(on="client").reports("ECONNREFUSED"),
                so_error(on="client").reports(""),
                # As a socket that was never connected.
                poll(on="client").tells("POLLOUT|POLLHUP", within_s=(0.0, 0.5)),
            ],
            given={"attempts": 1},
        ),
        # poll does not take the errno away: all see the same.
        Case(
            "multiplexers",
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client", events="POLLOUT").tells("POLLOUT|POLLERR|POLLHUP"),
                poll(on="client", events="POLLIN").tells("POLLIN|POLLERR|POLLHUP"),
                epoll(on="client", events="EPOLLOUT").tells("EPOLLOUT|EPOLLERR|EPOLLHUP"),
                # Linux has nothing exceptional here; Windows tells it there.
                select(on="client").tells("readable|writable"),
                so_error(on="client").reports("ECONNREFUSED"),
            ],
            given={"attempts": 1},
        ),
        Case(
            "connect_after_so_error",
            claims={"C71": "true", "C79": "wrong"},
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP"),
                so_error(on="client").reports("ECONNREFUSED"),
                connect(on="client", to="server", blocking=False).fails(
                    "ECONNABORTED", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="server", blocking=False).fails(
                    "EINPROGRESS", within_s=(0.0, 0.5)
                ),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP"),
                so_error(on="client").reports("ECONNREFUSED"),
            ],
            given={"attempts": 2},
        ),
        Case(
            "connect_in_its_place",
            claims={"C71": "true", "C79": "wrong"},
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP"),
                connect(on="client", to="server", blocking=False).fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
                so_error(on="client").reports(""),
                connect(on="client", to="server", blocking=False).fails(
                    "EINPROGRESS", within_s=(0.0, 0.5)
                ),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP"),
                connect(on="client", to="server", blocking=False).fails("ECONNREFUSED"),
            ],
            given={"attempts": 2},
        ),
        # The first blocking call gets what is known, without a SYN; the second tries.
        Case(
            "blocking_in_its_place",
            claims={"C71": "true", "C79": "wrong"},
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP"),
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
            ],
            given={"attempts": 2},
        ),
        Case(
            "send_in_its_place",
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP"),
                send(on="client", data=b"hi").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                send(on="client", data=b"hi").fails("EPIPE", within_s=(0.0, 0.5)),
                so_error(on="client").reports(""),
            ],
            given={"attempts": 1},
        ),
        Case(
            "recv_in_its_place",
            calls=[
                connect(on="client", to="server", blocking=False).fails("EINPROGRESS"),
                poll(on="client").tells("POLLOUT|POLLERR|POLLHUP"),
                getpeername(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                recv(on="client").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                so_error(on="client").reports(""),
            ],
            given={"attempts": 1},
        ),
    ],
    look=(
        "`strace -e trace=connect,poll,epoll_wait,getsockopt,send,recv`: the errno of a refused "
        "connect() comes out of whichever call is next. ECONNABORTED from connect() means that "
        "SO_ERROR was read before; ENOTCONN from getpeername() tells writable from connected. "
        "The cause itself is looked for as in `refused` and `refused_rst`."
    ),
    source=(
        "connect(2) EINPROGRESS; socket(7) SO_ERROR; RFC 9293 3.10.7.3; Linux "
        "net/ipv4/af_inet.c, __inet_stream_connect(); net/core/stream.c, sk_stream_wait_connect(); "
        "net/ipv4/tcp.c, tcp_poll(), tcp_recvmsg_locked(); fs/select.c, POLLIN_SET, POLLOUT_SET"
    ),
)
