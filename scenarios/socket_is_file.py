"""A socket has a descriptor like a file, and is read, written and closed like one.

fstat(2) says what it is, and /proc/PID/fd shows it as socket:[INODE]. Its descriptor is the
lowest free number, as open(2) would have given; the limit of descriptors counts both.

It ends there. A socket has no place to go to: lseek(2) says ESPIPE, as of a pipe. And it is
not opened: a UNIX socket has a name in the file system, which ls(1) shows, but open(2) of it
says ENXIO. A socket comes from socket(2), socketpair(2) or accept(2), or from another process,
and is reached by connect(2).
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
    fstat,
    listen,
    lseek,
    open_path,
    pipe,
    read,
    readlink_fd,
    rst,
    socket,
    syn,
    write,
)

SCENARIO = Scenario(
    cause="nothing",
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
    cases=[
        Case(
            "read_write_close",
            claims={"C4": "true"},
            before=[
                bind(on="server", to="server", port=17490, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                connect(on="client", to="server", port=17490),
                accept(on="server"),
                write(on="client", data=b"hi").returns(2),
                read(on="server", socket="c").gives(b"hi"),
                close(on="client"),
                write(on="client", data=b"hi").fails("EBADF"),
                read(on="server", socket="c").returns(0),
            ],
            seen=[
                syn(at="server", count=1),
                data(at="server", sender="client", count=1),
                fin(at="server", sender="client", count=1),
            ],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "fstat",
            claims={"C4": "true"},
            calls=[
                socket(on="client"),
                fstat(on="client").tells("socket"),
                readlink_fd(on="client").tells("socket:[…]"),
                open_path(on="client", path="notes"),
                fstat(on="client", socket="file").tells("regular file"),
                pipe(on="client", socket="p"),
                fstat(on="client", socket="p").tells("fifo"),
            ],
        ),
        Case(
            # Whatever it is, it gets the lowest number that is free.
            "lowest_number",
            claims={"C38": "true"},
            calls=[
                socket(on="client", socket="a").returns(3),
                socket(on="client", socket="b", type="SOCK_DGRAM").returns(4),
                open_path(on="client", path="notes").returns(5),
                close(on="client", socket="a"),
                socket(on="client", socket="d").returns(3),
                close(on="client", socket="b"),
                open_path(on="client", path="more", new="more").returns(4),
                close(on="client", socket="file"),
                socket(on="client", socket="e").returns(5),
            ],
        ),
        Case(
            "lseek",
            claims={"C4": "wrong"},
            calls=[
                open_path(on="client", path="notes"),
                write(on="client", socket="file", data=b"hello").returns(5),
                lseek(on="client", socket="file", offset=2, whence="SEEK_SET").returns(2),
                read(on="client", socket="file").gives(b"llo"),
                socket(on="client"),
                lseek(on="client", offset=0, whence="SEEK_SET").fails("ESPIPE"),
                lseek(on="client", offset=0, whence="SEEK_CUR").fails("ESPIPE"),
                pipe(on="client", socket="p"),
                lseek(on="client", socket="p", offset=0, whence="SEEK_CUR").fails("ESPIPE"),
            ],
        ),
        Case(
            # It has a name, and connect() reaches it; open() does not.
            "open_path",
            claims={"C4": "wrong"},
            calls=[
                bind(on="client", path="door", socket="door"),
                listen(on="client", socket="door"),
                open_path(on="client", path="door", flags="O_RDWR").fails("ENXIO"),
                open_path(on="client", path="door", flags="O_RDONLY").fails("ENXIO"),
                connect(on="client", path="door", socket="u"),
                accept(on="client", socket="door", new="c"),
                write(on="client", socket="u", data=b"hi").returns(2),
                read(on="client", socket="c").gives(b"hi"),
            ],
        ),
    ],
    look=(
        "`ls -l /proc/PID/fd` shows sockets as `socket:[INODE]` among the files, and `ss -ap` "
        "which socket has that inode (`-e` prints it). ENXIO of a path that `ls -l` shows with an "
        "`s` in front is a program that opens where it should connect."
    ),
    source=(
        "socket(2), fstat(2), proc(5); lseek(2) ESPIPE; open(2) ENXIO; unix(7); Linux net/socket.c "
        "sock_alloc_file(), fs/inode.c init_special_inode(), fs/file.c alloc_fd()"
    ),
)
