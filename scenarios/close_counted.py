"""close() ends a connection only with the last descriptor of the socket; shutdown() ends it now.

A descriptor is a reference. dup(2) and fork(2) make more of them to one socket, and close(2)
takes one away. While one is left, whoever holds it, no FIN leaves, and the peer sees no end: a
server that forks for each client, and forgets to close its own copy, lets its clients wait for
ever. When the last is closed, or the process that holds it ends, the FIN goes out, from the side
that did so: from a server just as from a client.

shutdown(2) does not count. It works on the socket itself: the FIN leaves at once, however many
descriptors there are, and all of them stay open.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    close,
    connect,
    dup,
    end_child,
    fin,
    fork,
    listen,
    poll,
    recv,
    rst,
    send,
    shutdown,
    state,
)

SCENARIO = Scenario(
    cause="peer",
    absent=[rst(at="client"), rst(at="server")],
    counted=[
        Counted("client", "Tcp.EstabResets", exactly=0),
        Counted("client", "Tcp.RetransSegs", exactly=0),
    ],
    cases=[
        Case(
            # Two descriptors, and no FIN until the second is closed.
            "client_last",
            before=[
                bind(on="server", to="server", port=17350, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17350),
                accept(on="server"),
                dup(on="client", new="copy"),
            ],
            calls=[
                close(on="client").returns(0).before(fin(at="client", sender="client")),
                poll(on="server", socket="c", events="POLLIN", timeout_s=0.3)
                .returns(0)
                .before(fin(at="client", sender="client")),
                send(on="client", socket="copy", data=b"still here").returns(10),
                recv(on="server", socket="c").gives(b"still here"),
                close(on="client", socket="copy")
                .returns(0)
                .after(fin(at="client", sender="client")),
                recv(on="server", socket="c").returns(0, within_s=(0.0, 0.5)),
            ],
            seen=[fin(at="server", sender="client", count=1)],
            absent=[fin(at="client", sender="server"), rst(at="client")],
            claims={"C103": "true"},
        ),
        Case(
            # One of two is closed, and that is all.
            "dup_held",
            before=[
                bind(on="server", to="server", port=17351, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17351),
                accept(on="server"),
                dup(on="client", new="copy"),
            ],
            calls=[
                close(on="client").returns(0),
                poll(on="server", socket="c", events="POLLIN", timeout_s=0.3).returns(0),
                state(on="client", socket="copy").tells("ESTAB"),
                state(on="server", socket="c").tells("ESTAB"),
            ],
            absent=[
                fin(at="client"),
                fin(at="server"),
                rst(at="client"),
            ],
            claims={"C103": "true"},
        ),
        Case(
            # A child of the server holds the socket: the client waits until it ends.
            "fork_held",
            before=[
                bind(on="server", to="server", port=17352, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17352),
                accept(on="server"),
                fork(on="server"),
            ],
            calls=[
                close(on="server", socket="c").returns(0),
                poll(on="client", events="POLLIN", timeout_s=0.3)
                .returns(0)
                .before(fin(at="server", sender="server")),
                state(on="client").tells("ESTAB"),
                end_child(on="server"),
                recv(on="client")
                .returns(0, within_s=(0.0, 0.5))
                .after(fin(at="server", sender="server")),
            ],
            seen=[
                fin(at="server", sender="server", count=1),
                fin(at="client", sender="server", count=1),
            ],
            absent=[fin(at="client", sender="client"), rst(at="client")],
            claims={"C103": "wrong"},
        ),
        Case(
            # The server closes: it is the server that asks for the end.
            "server_first",
            before=[
                bind(on="server", to="server", port=17353, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17353),
                accept(on="server"),
            ],
            calls=[
                close(on="server", socket="c").returns(0).after(fin(at="server", sender="server")),
                recv(on="client").returns(0, within_s=(0.0, 0.5)),
                state(on="client").tells("CLOSE-WAIT"),
            ],
            seen=[fin(at="client", sender="server", count=1)],
            absent=[fin(at="client", sender="client"), rst(at="client")],
            claims={"C103": "wrong"},
        ),
        Case(
            # The FIN leaves though another descriptor is open, and nobody has called close().
            "shutdown",
            before=[
                bind(on="server", to="server", port=17354, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17354),
                accept(on="server"),
                dup(on="client", new="copy"),
            ],
            calls=[
                shutdown(on="client", how="SHUT_WR")
                .returns(0)
                .after(fin(at="client", sender="client")),
                recv(on="server", socket="c").returns(0, within_s=(0.0, 0.5)),
                send(on="client", socket="copy", data=b"more").fails("EPIPE"),
                # Both are open, and the other direction is.
                send(on="server", socket="c", data=b"reply").returns(5),
                recv(on="client", socket="copy").gives(b"reply"),
            ],
            seen=[fin(at="server", sender="client", count=1)],
            absent=[fin(at="client", sender="server"), rst(at="client")],
            claims={"C103": "wrong", "C110": "wrong"},
        ),
    ],
    look=(
        "`ss -tnp` lists every process that holds the socket, with the descriptor's number: more "
        "than one, or a number that the program believes closed. `ls -l /proc/PID/fd` has the "
        "same inode."
    ),
    source=(
        "close(2), dup(2), fork(2), shutdown(2); POSIX.1-2017 close(); Linux fs/file_table.c "
        "__fput(), net/socket.c sock_close(), net/ipv4/tcp.c tcp_shutdown()"
    ),
)
