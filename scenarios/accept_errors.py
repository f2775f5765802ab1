"""accept(2) returns -1, and errno says whether it was the caller, a limit, or nobody.

EBADF is a descriptor that is closed or never was one, ENOTSOCK one that is no socket, EINVAL
a socket that does not listen, EOPNOTSUPP one of a kind that cannot: these are mistakes in the
program. EMFILE is the limit of descriptors: the connection stays in the queue, and is there
for the next accept(2). EAGAIN and EINTR are no failures, for nobody has come yet.

A client that has reset its connection meanwhile is no error on Linux. accept(2) returns the
connection as any other; what came before the RST can be read, then recv(2) says ECONNRESET,
once. Other systems throw it away and say ECONNABORTED.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    close,
    connect,
    data,
    fcntl,
    getpeername,
    limit_descriptors,
    listen,
    pipe,
    poll,
    recv,
    rst,
    send,
    setsockopt,
    socket,
    ss,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="caller",
    before=[
        bind(on="server", to="server", port=17470, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17470),
    ],
    seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
    absent=[rst(at="client"), rst(at="server")],
    counted=[
        Counted("client", "Tcp.EstabResets", exactly=0),
        Counted("server", "TcpExt.ListenDrops", exactly=0),
    ],
    cases=[
        Case(
            "not_listening",
            claims={"C95": "true"},
            calls=[
                accept(on="server"),
                # One that is bound, and one that is connected.
                bind(on="server", port=17471, socket="bound"),
                accept(on="server", socket="bound", new="n").fails("EINVAL"),
                accept(on="server", socket="c", new="n").fails("EINVAL"),
            ],
        ),
        Case(
            "closed",
            claims={"C95": "true"},
            calls=[
                accept(on="server"),
                close(on="server"),
                accept(on="server", new="n").fails("EBADF"),
                # What was accepted lives on.
                send(on="client", data=b"hi").returns(2),
                recv(on="server", socket="c").gives(b"hi"),
            ],
        ),
        Case(
            "no_listener_at_all",
            claims={"C95": "true"},
            calls=[
                socket(on="server", type="SOCK_DGRAM", socket="u"),
                accept(on="server", socket="u", new="n").fails("EOPNOTSUPP"),
                pipe(on="server", socket="p"),
                accept(on="server", socket="p", new="n").fails("ENOTSOCK"),
            ],
        ),
        Case(
            "no_descriptor",
            claims={"C95": "true"},
            calls=[
                socket(on="server", socket="spare"),
                limit_descriptors(on="server", spare=0),
                accept(on="server", new="n").fails("EMFILE"),
                ss(on="server", port=17470, state="LISTEN").tells("LISTEN 1/128").by("another"),
                close(on="server", socket="spare"),
                accept(on="server"),
                ss(on="server", port=17470, state="LISTEN").tells("LISTEN 0/128").by("another"),
            ],
        ),
        Case(
            "empty",
            claims={"C95": "true"},
            calls=[
                accept(on="server"),
                fcntl(on="server", blocking=False),
                accept(on="server", new="n").fails("EAGAIN"),
            ],
        ),
        Case(
            # The signal is meant to come 0.2 s into the call; a busy machine delivers it late.
            "interrupted",
            claims={"C95": "true"},
            calls=[
                accept(on="server"),
                accept(on="server", new="n")
                .interrupted(after_s=0.2)
                .fails("EINTR", within_s=(0.1, 1.5), signal="SIGALRM"),
            ],
        ),
        Case(
            # SO_LINGER of 0 s: close() resets.
            "reset_before_accept",
            calls=[
                send(on="client", data=b"hi").returns(2),
                setsockopt(on="client", option="SO_LINGER", value=0),
                close(on="client"),
                poll(on="server", events="POLLIN", timeout_s=1.0).tells("POLLIN"),
                accept(on="server"),
                getpeername(on="server", socket="c").fails("ENOTCONN"),
                recv(on="server", socket="c").gives(b"hi"),
                recv(on="server", socket="c").fails("ECONNRESET"),
                recv(on="server", socket="c").returns(0),
            ],
            seen=[
                syn(at="server", count=1),
                data(at="server", sender="client", count=1),
                rst(at="server", sender="client", count=1),
            ],
            absent=[rst(at="client", sender="server")],
            counted=[
                Counted("client", "Tcp.OutRsts", exactly=1),
                Counted("server", "TcpExt.ListenDrops", exactly=0),
            ],
        ),
    ],
    look=(
        "`strace -e trace=accept4 -p PID` shows the errno. With EMFILE compare `ls /proc/PID/fd | "
        "wc -l` with `grep 'open files' /proc/PID/limits`. `ss -ltn` lists what listens; an EINVAL "
        "is from a socket that is not there."
    ),
    source=(
        "accept(2) ERRORS and notes on ECONNABORTED; POSIX accept(); Linux net/socket.c "
        "__sys_accept4(), do_accept(), net/ipv4/inet_connection_sock.c inet_csk_accept(), "
        "net/core/sock.c sock_no_accept()"
    ),
)
