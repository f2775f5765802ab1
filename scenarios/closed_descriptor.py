"""A closed descriptor is a number, and soon somebody else's.

After close() the number stands for nothing: EBADF, and no packet leaves. But the kernel gives
the next descriptor the lowest number that is free, which is this one. A program, or another
thread of it, that goes on to use the old number then writes to a connection that it does not
know, and nothing fails. This is also why a socket whose connect() failed has to be closed: until
then its number is taken.

What close() ends is the number and not the socket. Another descriptor of the same socket, made
by dup(2), goes on as before.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    bind,
    close,
    connect,
    data,
    dup,
    exchange,
    fin,
    fstat,
    keep_number,
    recv,
    rst,
    send,
    socket,
    syn,
)

SCENARIO = Scenario(
    cause="local",
    cases=[
        Case(
            "nobodys",
            calls=[
                socket(on="client"),
                keep_number(on="client", new="old"),
                close(on="client"),
                send(on="client", socket="old", data=b"hi").fails("EBADF", within_s=(0.0, 0.4)),
                recv(on="client", socket="old").fails("EBADF", within_s=(0.0, 0.4)),
                fstat(on="client", socket="old").fails("EBADF"),
                close(on="client", socket="old").fails("EBADF"),
            ],
            absent=[any_packet(at="client")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=0),
                Counted("client", "Tcp.OutRsts", exactly=0),
            ],
            claims={"C102": "true"},
        ),
        Case(
            # What is sent by the old number goes out on the new connection.
            "number_again",
            before=[
                connect(on="client", to="server"),
                keep_number(on="client", new="old"),
            ],
            calls=[
                close(on="client"),
                send(on="client", socket="old", data=b"lost").fails("EBADF"),
                connect(on="client", to="elsewhere", socket="next"),
                send(on="client", socket="old", data=b"stray").returns(5),
                recv(on="client", socket="next").gives(b"stray", within_s=(0.0, 1.0)),
            ],
            seen=[
                syn(at="client", count=2),
                fin(at="client", sender="client", count=1),
                data(at="client", sender="elsewhere", count=1),
            ],
            absent=[data(at="client", sender="server"), rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
            claims={"C102": "wrong"},
        ),
        Case(
            "dup_lives",
            before=[
                connect(on="client", to="server"),
                keep_number(on="client", new="old"),
                dup(on="client", new="copy"),
            ],
            calls=[
                close(on="client"),
                send(on="client", socket="old", data=b"hi").fails("EBADF"),
                exchange(on="client", socket="copy", data=b"hi").gives(b"abc"),
            ],
            seen=[
                syn(at="client", count=1),
                data(at="server", sender="client", count=1),
                data(at="client", sender="server", count=1),
            ],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
            claims={"C102": "wrong"},
        ),
        Case(
            # Nobody listens there. The socket that failed has its number until it is closed.
            "after_failed_connect",
            calls=[
                connect(on="client", to="server", port=17370).fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
                keep_number(on="client", new="old"),
                fstat(on="client", socket="old").tells("socket"),
                close(on="client"),
                fstat(on="client", socket="old").fails("EBADF"),
                bind(on="client", socket="next"),
                fstat(on="client", socket="old").tells("socket"),
                connect(on="client", to="server", socket="old"),
                exchange(on="client", socket="next", data=b"hi").gives(b"abc"),
            ],
            seen=[
                syn(at="client", count=2),
                rst(at="client", sender="server", count=1),
                data(at="client", sender="server", count=1),
            ],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=2),
                Counted("client", "Tcp.AttemptFails", exactly=1),
            ],
        ),
    ],
    look=(
        "`strace -e trace=desc,network` shows the numbers: a close() and then a call with the same "
        "number, before or after a socket() that returned it. `ls -l /proc/PID/fd` shows what a "
        "number stands for now."
    ),
    source=(
        "close(2), dup(2), socket(2); POSIX.1-2017 2.14 (the lowest number not open); Linux "
        "fs/file.c alloc_fd(), close_fd()"
    ),
)
