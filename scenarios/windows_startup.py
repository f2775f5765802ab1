"""A program for Windows starts Winsock before its first socket, and ends it as often as it began.

Without WSAStartup() there is no socket: socket() fails with 10093, WSANOTINITIALISED. Each
WSAStartup() that succeeded is undone by one WSACleanup(). The last of them closes what is open:
the peer gets its end while the program goes on, and for a new socket there is 10093 again. One
WSACleanup() too many is 10093 itself.

Two libraries of one program may so each begin and end Winsock without asking the other: after
two WSAStartup() and one WSACleanup() all goes on.

A program that leaves out WSACleanup(), as the tutorial's client does, loses nothing if it ends
at once: the end of the process closes its sockets.

Linux has nothing of the kind (windows_only). Two things are Wine's: that end is a FIN, where
Windows documents that open sockets are reset, and send() on such a socket fails with 10038,
WSAENOTSOCK, where Windows documents 10093.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_packet,
    bind,
    data,
    ended,
    feed,
    fin,
    listen,
    output,
    poll,
    recv,
    rst,
    start,
)

SCENARIO = Scenario(
    cause="caller",
    family="ipv4",
    before=[
        bind(on="client", to="client", port=16555, options={"SO_REUSEADDR": 1}),
        listen(on="client"),
    ],
    cases=[
        Case(
            "left_out",
            claims={"C29": "true"},
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-startups", "{client}", "0", "0"],
                ),
                ended(on="windows").returns(0),
                output(on="windows").gives(b"socket: -1, 10093\r\nsocket: -1, 10093\r\n"),
            ],
            absent=[any_packet(at="windows"), any_packet(at="client")],
            counted=[Counted("windows", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            # And the end of the process in place of WSACleanup().
            "started",
            claims={"C29": "true"},
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-startups", "{client}", "1", "0"],
                    stdin=None,
                    until="send",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hi"),
                # Nothing more while it lives.
                poll(on="client", events="POLLIN", timeout_s=0.2, socket="c").returns(0),
                feed(on="windows", data=b""),
                ended(on="windows").returns(0),
                recv(on="client", socket="c").returns(0),
                output(on="windows").gives(
                    b"WSAStartup: 0\r\nsocket: 0\r\nconnect: 0\r\nsend: 2\r\nsocket: 0\r\n"
                ),
            ],
            seen=[
                data(at="client", sender="windows", count=1),
                fin(at="client", sender="windows", count=1),
            ],
            absent=[rst(at="client")],
            counted=[Counted("windows", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "cleaned_up",
            claims={"C37": "true"},
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-startups", "{client}", "1", "1"],
                    stdin=None,
                    until="send",
                ),
                accept(on="client"),
                # The end, while the program lives.
                recv(on="client", socket="c").returns(0),
                output(on="windows").gives(
                    b"WSAStartup: 0\r\nsocket: 0\r\nconnect: 0\r\nWSACleanup: 0\r\n"
                    b"send: -1, 10038\r\nsocket: -1, 10093\r\n"
                ),
                feed(on="windows", data=b""),
                ended(on="windows").returns(0),
            ],
            seen=[fin(at="client", sender="windows", count=1)],
            absent=[data(at="client", sender="windows"), rst(at="client")],
            counted=[Counted("windows", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "twice_begun_once_ended",
            claims={"C37": "true"},
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-startups", "{client}", "2", "1"],
                    stdin=None,
                    until="send",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hi"),
                poll(on="client", events="POLLIN", timeout_s=0.2, socket="c").returns(0),
                feed(on="windows", data=b""),
                ended(on="windows").returns(0),
                output(on="windows").gives(
                    b"WSAStartup: 0\r\nWSAStartup: 0\r\nsocket: 0\r\nconnect: 0\r\n"
                    b"WSACleanup: 0\r\nsend: 2\r\nsocket: 0\r\n"
                ),
            ],
            seen=[
                data(at="client", sender="windows", count=1),
                fin(at="client", sender="windows", count=1),
            ],
            counted=[Counted("windows", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "twice_begun_twice_ended",
            claims={"C37": "true"},
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-startups", "{client}", "2", "2"],
                    stdin=None,
                    until="send",
                ),
                accept(on="client"),
                recv(on="client", socket="c").returns(0),
                output(on="windows").gives(
                    b"WSAStartup: 0\r\nWSAStartup: 0\r\nsocket: 0\r\nconnect: 0\r\n"
                    b"WSACleanup: 0\r\nWSACleanup: 0\r\nsend: -1, 10038\r\nsocket: -1, 10093\r\n"
                ),
                feed(on="windows", data=b""),
                ended(on="windows").returns(0),
            ],
            seen=[fin(at="client", sender="windows", count=1)],
            absent=[data(at="client", sender="windows")],
            counted=[Counted("windows", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "ended_too_often",
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-startups", "{client}", "1", "2"],
                ),
                ended(on="windows").returns(0),
                output(on="windows").gives(
                    b"WSAStartup: 0\r\nsocket: 0\r\nconnect: 0\r\nWSACleanup: 0\r\n"
                    b"WSACleanup: -1, 10093\r\nsend: -1, 10038\r\nsocket: -1, 10093\r\n"
                ),
            ],
            seen=[fin(at="client", sender="windows", count=1)],
            absent=[data(at="client", sender="windows")],
            counted=[Counted("windows", "Tcp.ActiveOpens", exactly=1)],
        ),
    ],
    look=(
        "10093 from the first call of a program is a WSAStartup() that is missing or failed; from "
        "a later one, a WSACleanup() too many, often in a library that undoes what it did not do. "
        "`errnolab explain 10093` has the words of Windows for it."
    ),
    source=(
        "Microsoft's documentation of WSAStartup() and WSACleanup(); Wine 8.0 "
        "dlls/ws2_32/socket.c WSAStartup(), WSACleanup(); RFC 9293 3.10.4"
    ),
)
