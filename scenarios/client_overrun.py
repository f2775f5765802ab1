"""A reply of 2048 bytes, and the tutorial's client writes behind its buffer.

The buffer has 2048 bytes and recv() may fill them all. The client then ends the text with
recData[ret] = 0, which for ret = 2048 is one byte too far. It needs no attacker: a server
that sends a longer reply is enough.

Compiled with AddressSanitizer the program is stopped at that line: stack-buffer-overflow, a
write of one byte. Without it the zero lands in the C++ string that holds the line that
was sent, in its pointer to the text. All goes well until the end, where free() is given the
wrong pointer and the C library aborts the program. Which variable is hit is the compiler's
choice, and whether anything is noticed can be chance: a pointer whose last byte is zero
already is not harmed.

With 2047 bytes all is well. The lab's client beside it takes the same reply in pieces of
its own size and writes no zero behind them.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    close,
    data,
    ended,
    listen,
    output,
    recv,
    send,
    start,
    syn,
)

SCENARIO = Scenario(
    cause="caller",
    family="ipv4",
    before=[
        bind(on="client", to="client", port=16555, options={"SO_REUSEADDR": 1}),
        listen(on="client"),
    ],
    seen=[
        syn(at="client", count=1),
        data(at="workshop", sender="client"),
    ],
    cases=[
        Case(
            "2047",
            claims={"C33": "true"},
            calls=[
                start(
                    on="workshop",
                    argv=["/opt/tutorial/client-asan", "{client}"],
                    stdin=b"a line that is longer than sixteen bytes\n",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"a line that is longer than sixteen bytes"),
                send(on="client", data=b"1234567\n" * 255 + b"1234567", socket="c").returns(2047),
                ended(on="workshop").returns(0),
                output(on="workshop").gives(b"recv data:" + b"1234567\n" * 256),
                output(on="workshop", stream="stderr").gives(b""),
            ],
            counted=[Counted("workshop", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "2048",
            claims={"C33": "wrong"},
            calls=[
                start(
                    on="workshop",
                    argv=[
                        "sh",
                        "-c",
                        "/opt/tutorial/client-asan {client} >reply 2>report; echo $?; grep -oE"
                        " 'stack-buffer-overflow|WRITE of size 1|client.cpp:51' report | sort -u",
                    ],
                    stdin=b"a line that is longer than sixteen bytes\n",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"a line that is longer than sixteen bytes"),
                send(on="client", data=b"1234567\n" * 256, socket="c").returns(2048),
                ended(on="workshop").returns(0),
                output(on="workshop").gives(
                    b"1\nWRITE of size 1\nclient.cpp:51\nstack-buffer-overflow\n"
                ),
            ],
            counted=[Counted("workshop", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "2048_plain",
            claims={"C33": "wrong"},
            calls=[
                start(
                    on="workshop",
                    argv=["/opt/tutorial/client", "{client}"],
                    stdin=b"a line that is longer than sixteen bytes\n",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"a line that is longer than sixteen bytes"),
                send(on="client", data=b"1234567\n" * 256, socket="c").returns(2048),
                # SIGABRT.
                ended(on="workshop").returns(-6),
                output(on="workshop", stream="stderr").gives(b"free(): invalid pointer\n"),
            ],
            counted=[Counted("workshop", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "robust",
            calls=[
                start(
                    on="workshop",
                    argv=["errnolab-client", "{client}", "hello"],
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hello"),
                send(on="client", data=b"1234567\n" * 256, socket="c").returns(2048),
                close(on="client", socket="c"),
                ended(on="workshop").returns(0),
                output(on="workshop").gives(b"1234567\n" * 256),
                output(on="workshop", stream="stderr").gives(b""),
            ],
            counted=[Counted("workshop", "Tcp.ActiveOpens", exactly=1)],
        ),
    ],
    look=(
        "A client that aborts behind its last line of output has damaged its own memory: compile "
        "it with `-g -fsanitize=address` and run it again, and the report names the line. "
        "`valgrind` does not see a byte between two variables of one stack frame."
    ),
    source="recv(2), abort(3), malloc(3); RFC 9293 3.9.1.3",
)
