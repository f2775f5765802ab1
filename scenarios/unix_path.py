"""The address of an AF_UNIX socket: a path, relative or not, or a name that is no path at all.

An absolute path is usual, because two programs seldom work in one folder, but a relative one
binds as well, and so does a name in Linux's abstract namespace: its first byte is zero, no file
is made, and it is gone with its socket. sun_path has 108 bytes. A path may fill all of them, the
final zero is then left out; what is longer is EINVAL.

The errors are those of a file and of a service. ENOENT means that the path is not there.
ECONNREFUSED means that nobody listens behind it: the socket is bound and no more, or its program
has gone and has left the file behind. bind(2) to such a file is EADDRINUSE, so a server removes
it first (unlink). EAGAIN means that the listener's queue is full: TCP would send its SYN again,
a UNIX socket says it at once if it does not block, and waits for room if it does. EPROTOTYPE
means that the other is of another type. Nothing leaves the host, whatever happens.
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
    getpeername,
    getsockname,
    listen,
    open_path,
    recv,
    send,
)

SCENARIO = Scenario(
    cause="service",
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=0),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            "relative",
            calls=[
                bind(on="client", path="relative", socket="l"),
                listen(on="client", socket="l"),
                getsockname(on="client", socket="l").tells("./relative"),
                connect(on="client", path="relative"),
                getpeername(on="client").tells("./relative"),
                accept(on="client", socket="l"),
                send(on="client", data=b"hi").returns(2),
                recv(on="client", socket="c").gives(b"hi"),
            ],
            claims={"C40": "wrong"},
        ),
        Case(
            # The usual address: whoever has the path may connect, whatever folder he is in.
            "absolute",
            calls=[
                bind(on="client", path="/tmp/errnolab.sock", socket="l"),
                listen(on="client", socket="l"),
                getsockname(on="client", socket="l").tells("/tmp/errnolab.sock"),
                connect(on="client", path="/tmp/errnolab.sock"),
                getpeername(on="client").tells("/tmp/errnolab.sock"),
                accept(on="client", socket="l"),
                send(on="client", data=b"hi").returns(2),
                recv(on="client", socket="c").gives(b"hi"),
                open_path(on="client", path="errnolab.sock", flags="O_RDONLY").fails("ENOENT"),
            ],
        ),
        Case(
            # "@" stands for the zero. There is no file of the name.
            "abstract",
            calls=[
                bind(on="client", path="@errnolab", socket="l"),
                listen(on="client", socket="l"),
                getsockname(on="client", socket="l").tells("@errnolab"),
                connect(on="client", path="@errnolab"),
                accept(on="client", socket="l"),
                send(on="client", data=b"hi").returns(2),
                recv(on="client", socket="c").gives(b"hi"),
                open_path(on="client", path="errnolab", flags="O_RDONLY").fails("ENOENT"),
                # It goes with the socket, and can be had again at once.
                close(on="client", socket="l"),
                connect(on="client", path="@errnolab", socket="late").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
                bind(on="client", path="@errnolab", socket="again"),
            ],
            claims={"C40": "wrong"},
        ),
        Case(
            # "./" and 106 letters are 108 bytes; the length is 110, or 111 with the final zero.
            "too_long",
            calls=[
                bind(on="client", path="x" * 106, length=110, socket="fits"),
                bind(on="client", path="y" * 106, length=111).fails("EINVAL", within_s=(0.0, 0.5)),
                bind(on="client", path="y" * 106).fails("EINVAL", within_s=(0.0, 0.5)),
                bind(on="client", path="y" * 105),
                connect(on="client", path="z" * 107, socket="c").fails(
                    "EINVAL", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "missing",
            calls=[
                connect(on="client", path="nobody").fails("ENOENT", within_s=(0.0, 0.5)),
                connect(on="client", path="no/folder", socket="b").fails(
                    "ENOENT", within_s=(0.0, 0.5)
                ),
                bind(on="client", path="no/folder", socket="l").fails(
                    "ENOENT", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "nobody_listens",
            calls=[
                bind(on="client", path="bound", socket="l"),
                connect(on="client", path="bound").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                listen(on="client", socket="l"),
                connect(on="client", path="bound"),
            ],
        ),
        Case(
            # The program ended, and nobody removed the file.
            "left_behind",
            calls=[
                bind(on="client", path="old", socket="l"),
                listen(on="client", socket="l"),
                close(on="client", socket="l"),
                connect(on="client", path="old").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                bind(on="client", path="old", socket="again").fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
                # Any file is in the way of bind(), and none but a socket answers.
                open_path(on="client", path="file"),
                bind(on="client", path="file", socket="again").fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
                connect(on="client", path="file", socket="b").fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            # listen(0) has room for one, as over TCP.
            "queue_full",
            calls=[
                bind(on="client", path="full", socket="l"),
                listen(on="client", backlog=0, socket="l"),
                connect(on="client", path="full", socket="first"),
                connect(on="client", path="full", socket="second", blocking=False).fails(
                    "EAGAIN", within_s=(0.0, 0.5)
                ),
                # A blocking connect() waits, here for as long as SO_SNDTIMEO lets it.
                connect(
                    on="client", path="full", socket="third", options={"SO_SNDTIMEO": 0.3}
                ).fails("EAGAIN", within_s=(0.3, 0.8)),
                accept(on="client", socket="l"),
                connect(on="client", path="full", socket="second"),
            ],
        ),
        Case(
            "wrong_type",
            calls=[
                bind(on="client", path="stream", socket="l"),
                listen(on="client", socket="l"),
                connect(on="client", path="stream", type="SOCK_DGRAM").fails(
                    "EPROTOTYPE", within_s=(0.0, 0.5)
                ),
                connect(on="client", path="stream", socket="right"),
            ],
        ),
    ],
    look=(
        "`ss -xlp` lists the listeners with their paths (abstract ones with @), Recv-Q above "
        "Send-Q for a full queue; `ls -l PATH` shows an s for a socket, whoever is behind it; "
        "`strace -e trace=connect PROGRAM` shows the path, relative to `ls -l /proc/PID/cwd`."
    ),
    source=(
        "unix(7), connect(2), bind(2), unlink(2); Linux net/unix/af_unix.c unix_validate_addr(), "
        "unix_find_bsd(), unix_find_abstract(), unix_stream_connect(), unix_bind_bsd()"
    ),
)
