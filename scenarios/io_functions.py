"""The five pairs of functions that read and write do one job, on any connection.

read(2) and write(2) take any descriptor. recv(2) and send(2) are the same with flags,
readv(2) and writev(2) the same with several buffers, recvfrom(2) and sendto(2) with an
address, recvmsg(2) and sendmsg(2) with all of that. On a connection it makes no difference
which of them wrote: the bytes are in one stream, and any of the others reads them. They are
in POSIX, and none of them belongs to one system.

The results are alike too: a count, 0 at the end, -1 with the same errno. A difference shows
on what is no socket: on a pipe or a file only read, write, readv and writev work, and the
others say ENOTSOCK.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    data,
    fcntl,
    listen,
    lseek,
    open_path,
    pipe,
    poll,
    read,
    readv,
    recv,
    recvfrom,
    recvmsg,
    rst,
    send,
    sendmsg,
    sendto,
    sendto_nowhere,
    shutdown,
    socket,
    socketpair,
    write,
    writev,
)

SCENARIO = Scenario(
    cause="nothing",
    before=[
        bind(on="server", to="server", port=17400, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17400),
        accept(on="server"),
    ],
    absent=[rst(at="client")],
    counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
    cases=[
        Case(
            "recv_send",
            claims={"C96": "true"},
            calls=[
                # Of eleven bytes five are given, so five are taken.
                send(on="server", socket="c", data=b"hello").returns(5),
                recv(on="client", size=2).gives(b"he"),
                recv(on="client", size=2, flags="MSG_PEEK").gives(b"ll"),
                recv(on="client", size=100).gives(b"llo"),
                recv(on="client", size=100, flags="MSG_DONTWAIT").fails("EAGAIN"),
            ],
            seen=[data(at="client", sender="server", count=1)],
            absent=[data(at="server", sender="client"), rst(at="client")],
        ),
        Case(
            "read_of_send",
            claims={"C81": "wrong"},
            calls=[
                send(on="client", data=b"hello").returns(5),
                read(on="server", socket="c").gives(b"hello"),
                send(on="server", socket="c", data=b"abc").returns(3),
                read(on="client").gives(b"abc"),
            ],
            seen=[
                data(at="server", sender="client", count=1),
                data(at="client", sender="server", count=1),
            ],
        ),
        Case(
            "recv_of_write",
            claims={"C81": "wrong"},
            calls=[
                write(on="client", data=b"hello").returns(5),
                recv(on="server", socket="c").gives(b"hello"),
                write(on="server", socket="c", data=b"abc").returns(3),
                recv(on="client").gives(b"abc"),
            ],
            seen=[
                data(at="server", sender="client", count=1),
                data(at="client", sender="server", count=1),
            ],
        ),
        Case(
            # What one of a pair returns, the other returns too.
            "crosswise",
            claims={"C97": "true"},
            calls=[
                write(on="client", data=b"one").returns(3),
                send(on="client", data=b"two").returns(3),
                poll(on="server", socket="c", events="POLLPRI", timeout_s=0.1).returns(0),
                read(on="server", socket="c", size=4).gives(b"onet"),
                recv(on="server", socket="c", size=4).gives(b"wo"),
                fcntl(on="server", socket="c", blocking=False),
                read(on="server", socket="c").fails("EAGAIN"),
                recv(on="server", socket="c").fails("EAGAIN"),
                shutdown(on="client", how="SHUT_WR"),
                write(on="client", data=b"x").fails("EPIPE", signal="SIGPIPE"),
                send(on="client", data=b"x", sigpipe=True).fails("EPIPE", signal="SIGPIPE"),
                poll(on="server", socket="c", events="POLLIN", timeout_s=1.0).returns(1),
                read(on="server", socket="c").returns(0),
                recv(on="server", socket="c").returns(0),
            ],
            seen=[data(at="server", sender="client", count=2)],
        ),
        Case(
            "write",
            claims={"C87": "true"},
            calls=[
                write(on="client", data=b"hello").returns(5),
                recv(on="server", socket="c").gives(b"hello"),
                # On a UDP socket, and on one that leaves no host.
                connect(on="client", to="server", port=17401, proto="udp", socket="u"),
                write(on="client", socket="u", data=b"datagram").returns(8),
                socketpair(on="client", socket="a", other="b"),
                write(on="client", socket="a", data=b"abc").returns(3),
                read(on="client", socket="b").gives(b"abc"),
                # And -1 of each kind.
                socket(on="client", socket="new"),
                write(on="client", socket="new", data=b"x").fails("EPIPE", signal="SIGPIPE"),
                socket(on="client", type="SOCK_DGRAM", socket="nowhere"),
                write(on="client", socket="nowhere", data=b"x").fails("EDESTADDRREQ"),
                write(on="client", socket="nothing", data=b"x").fails("EBADF"),
            ],
            seen=[
                data(at="server", sender="client", count=1),
                data(at="server", sender="client", proto="udp", count=1),
            ],
        ),
        Case(
            # Each writes what another reads; together they are one stream.
            "five_pairs",
            claims={"C82": "true"},
            calls=[
                write(on="client", data=b"one").returns(3),
                recvmsg(on="server", socket="c").gives(b"one"),
                writev(on="client", data=[b"t", b"w", b"o"]).returns(3),
                recvfrom(on="server", socket="c").tells(""),
                sendto_nowhere(on="client", data=b"three").returns(5),
                readv(on="server", socket="c", sizes=[2, 9]).tells("th|ree"),
                # An address is given, and not looked at: the connection has one.
                sendto(on="client", to="absent", port=9, data=b"four").returns(4),
                read(on="server", socket="c").gives(b"four"),
                sendmsg(on="client", data=[b"fi", b"ve"]).returns(4),
                recv(on="server", socket="c").gives(b"five"),
            ],
            seen=[data(at="server", sender="client", count=5)],
        ),
        Case(
            # sendmsg() and recvmsg() alone, in place of all others.
            "sendmsg_recvmsg",
            claims={"C82": "true"},
            calls=[
                sendmsg(on="client", data=[b"hello"]).returns(5),
                recvmsg(on="server", socket="c", size=2, flags="MSG_PEEK").gives(b"he"),
                recvmsg(on="server", socket="c").gives(b"hello"),
                recvmsg(on="server", socket="c", flags="MSG_DONTWAIT").fails("EAGAIN"),
                bind(on="server", to="server", port=17401, proto="udp", socket="u"),
                socket(on="client", type="SOCK_DGRAM", socket="u"),
                sendmsg(on="client", socket="u", to="server", port=17401, data=[b"a", b"bc"]),
                # Where recv() would give the first two bytes, and not a word of the third.
                recvmsg(on="server", socket="u", size=2).tells("MSG_TRUNC"),
            ],
            seen=[
                data(at="server", sender="client", count=1),
                data(at="server", sender="client", proto="udp", count=1),
            ],
        ),
        Case(
            "on_a_pipe",
            claims={"C82": "wrong"},
            calls=[
                pipe(on="client", socket="out", other="in"),
                write(on="client", socket="in", data=b"hello").returns(5),
                sendmsg(on="client", socket="in", data=[b"hello"]).fails("ENOTSOCK"),
                send(on="client", socket="in", data=b"hello").fails("ENOTSOCK"),
                recvmsg(on="client", socket="out").fails("ENOTSOCK"),
                recv(on="client", socket="out").fails("ENOTSOCK"),
                read(on="client", socket="out").gives(b"hello"),
            ],
            absent=[data(at="client"), rst(at="client")],
            counted=[Counted("client", "Tcp.OutSegs", exactly=0)],
        ),
        Case(
            "on_a_file",
            claims={"C82": "wrong"},
            calls=[
                open_path(on="client", path="notes"),
                write(on="client", socket="file", data=b"hello").returns(5),
                sendmsg(on="client", socket="file", data=[b"hello"]).fails("ENOTSOCK"),
                lseek(on="client", socket="file", offset=0, whence="SEEK_SET").returns(0),
                recvmsg(on="client", socket="file").fails("ENOTSOCK"),
                readv(on="client", socket="file", sizes=[2, 9]).tells("he|llo"),
            ],
            absent=[data(at="client"), rst(at="client")],
            counted=[Counted("client", "Tcp.OutSegs", exactly=0)],
        ),
    ],
    look=(
        "`strace -e trace=network,read,write,readv,writev -p PID` shows which function the program "
        "calls and on which descriptor; `ls -l /proc/PID/fd` shows whether that is a socket. "
        "ENOTSOCK is a descriptor that is none, often 0 in place of the one that was meant."
    ),
    source=(
        "recv(2), send(2), readv(2), write(2); POSIX recv(), send(); Linux net/socket.c "
        "sock_read_iter(), sock_write_iter(), sock_from_file()"
    ),
)
