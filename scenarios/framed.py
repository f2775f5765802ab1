"""The path cuts and joins a stream where it likes: who marks the ends of messages gets them whole.

The naive server takes what one recv(2) gives for a message. It answers "hi" with "abc" as long
as the two bytes come together. In `naive_cut` the router lets the segment end behind its
first byte and the second piece come later: the server meets "h" and "i", knows neither,
and sends each back. In `naive_joined` two requests become one segment: the server meets
"hihi". No call fails in either.

The framed servers meet the same path, cut at worse places, and answer every message. By a fixed
length of 8 bytes: a frame is kept until its 8th byte is there. By a delimiter: it is looked
for in what has come so far, also where the path cuts between its two bytes. By a length
field: four bytes say how long the message is, and the path cuts inside of them. The parser
keeps its state between two recv(2), and so every way to cut a stream gives the same frames.

In the cases of the client both programs speak by the same rule, and every segment of both
directions has one byte.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    bad_path,
    connect,
    cut,
    data,
    delay,
    join,
    recv,
    run,
    send,
    start,
)

SCENARIO = Scenario(
    cause="packet",
    # The client's timer may send again what the delay holds back: its pieces are not counted.
    seen=[data(at="client", sender="client"), data(at="server", sender="client")],
    counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
    cases=[
        Case(
            "naive_cut",
            claims={"C119": "true"},
            before=[
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-server", "--tcp", "--port", "16560", "--naive"],
                ),
            ],
            fault=bad_path(
                cut(to="server", port=16560, at=[1]),
                delay(to="server", port=16560, ms=300, flags="data", nth=[2]),
            ),
            calls=[
                connect(on="client", to="server", port=16560),
                send(on="client", data=b"hi").returns(2),
                # Two answers of one byte; the right one begins with "ab".
                recv(on="client", size=2, flags="MSG_WAITALL").gives(b"hi"),
            ],
            seen=[
                data(at="server", sender="client"),
                data(at="client", sender="server", count=2),
            ],
        ),
        Case(
            "naive_joined",
            claims={"C119": "true"},
            before=[
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-server", "--tcp", "--port", "16560", "--naive"],
                ),
            ],
            fault=join(to="server", port=16560, ms=1000),
            calls=[
                connect(on="client", to="server", port=16560, options={"TCP_NODELAY": 1}),
                send(on="client", data=b"hi").returns(2),
                send(on="client", data=b"hi").returns(2),
                recv(on="client", size=4, flags="MSG_WAITALL").gives(b"hihi"),
            ],
            seen=[
                data(at="server", sender="client", count=1),
                data(at="client", sender="server", count=1),
            ],
        ),
        Case(
            "fixed_length",
            claims={"C120": "true", "C121": "true"},
            before=[
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-server", "--tcp", "--port", "16561", "--framing", "fixed:8"],
                ),
            ],
            fault=bad_path(
                cut(to="server", port=16561, at=[3]),
                delay(to="server", port=16561, ms=300, flags="data", nth=[2]),
            ),
            calls=[
                connect(on="client", to="server", port=16561),
                send(on="client", data=b"one.....two.....").returns(16),
                recv(on="client", size=16, flags="MSG_WAITALL").gives(b"one.....two....."),
            ],
            # Nothing for the first piece: the naive server would have sent it back.
            seen=[
                data(at="server", sender="client"),
                data(at="client", sender="server", count=1),
            ],
        ),
        Case(
            "delimiter",
            claims={"C120": "true", "C121": "true"},
            before=[
                start(
                    on="server",
                    until="listening on",
                    argv=[
                        "errnolab-server",
                        "--tcp",
                        "--port",
                        "16562",
                        "--framing",
                        "delimiter:\\n",
                    ],
                ),
            ],
            fault=bad_path(
                cut(to="server", port=16562, at=[1, 5]),
                delay(to="server", port=16562, ms=300, flags="data", nth=[2]),
            ),
            calls=[
                connect(on="client", to="server", port=16562),
                send(on="client", data=b"hi\nhello\n").returns(9),
                recv(on="client", size=10, flags="MSG_WAITALL").gives(b"abc\nhello\n"),
            ],
        ),
        Case(
            "delimiter_in_two",
            claims={"C120": "true"},
            before=[
                start(
                    on="server",
                    until="listening on",
                    argv=[
                        "errnolab-server",
                        "--tcp",
                        "--port",
                        "16562",
                        "--framing",
                        "delimiter:\\r\\n",
                    ],
                ),
            ],
            fault=bad_path(
                cut(to="server", port=16562, at=[3]),
                delay(to="server", port=16562, ms=300, flags="data", nth=[2]),
            ),
            calls=[
                connect(on="client", to="server", port=16562),
                send(on="client", data=b"hi\r\nhi\r\n").returns(8),
                recv(on="client", size=10, flags="MSG_WAITALL").gives(b"abc\r\nabc\r\n"),
            ],
        ),
        Case(
            "length_field",
            claims={"C120": "true", "C121": "true"},
            before=[
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-server", "--tcp", "--port", "16563", "--framing", "length:4"],
                ),
            ],
            fault=bad_path(
                cut(to="server", port=16563, at=[2, 5]),
                delay(to="server", port=16563, ms=300, flags="data", nth=[2]),
            ),
            calls=[
                connect(on="client", to="server", port=16563),
                send(on="client", data=b"\0\0\0\2hi").returns(6),
                recv(on="client", size=7, flags="MSG_WAITALL").gives(b"\0\0\0\3abc"),
            ],
        ),
        Case(
            "joined",
            claims={"C120": "true"},
            before=[
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-server", "--tcp", "--port", "16563", "--framing", "length:4"],
                ),
            ],
            fault=join(to="server", port=16563, ms=1000),
            calls=[
                connect(on="client", to="server", port=16563, options={"TCP_NODELAY": 1}),
                send(on="client", data=b"\0\0\0\2hi").returns(6),
                send(on="client", data=b"\0\0\0\2hi").returns(6),
                recv(on="client", size=14, flags="MSG_WAITALL").gives(b"\0\0\0\3abc\0\0\0\3abc"),
            ],
            seen=[data(at="server", sender="client", count=1)],
        ),
        Case(
            "client_fixed_length",
            claims={"C120": "true", "C121": "true"},
            before=[
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-server", "--tcp", "--port", "16561", "--framing", "fixed:8"],
                ),
            ],
            fault=[
                cut(to="server", port=16561, every=1),
                cut(to="server", port=16561, every=1, replies=True),
            ],
            calls=[
                run(
                    on="client",
                    argv=[
                        "errnolab-client",
                        "--framing",
                        "fixed:8",
                        "--port",
                        "16561",
                        "{server}",
                        "one.....",
                        "two.....",
                    ],
                ).gives(b"one.....\ntwo.....\n"),
            ],
        ),
        Case(
            "client_delimiter",
            claims={"C120": "true", "C121": "true"},
            before=[
                start(
                    on="server",
                    until="listening on",
                    argv=[
                        "errnolab-server",
                        "--tcp",
                        "--port",
                        "16562",
                        "--framing",
                        "delimiter:\\n",
                    ],
                ),
            ],
            fault=[
                cut(to="server", port=16562, every=1),
                cut(to="server", port=16562, every=1, replies=True),
            ],
            calls=[
                run(
                    on="client",
                    argv=[
                        "errnolab-client",
                        "--framing",
                        "delimiter:\\n",
                        "--port",
                        "16562",
                        "{server}",
                        "hi",
                        "hello",
                        "hi",
                    ],
                ).gives(b"abc\nhello\nabc\n"),
            ],
        ),
        Case(
            "client_length_field",
            claims={"C120": "true", "C121": "true"},
            before=[
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-server", "--tcp", "--port", "16563", "--framing", "length:4"],
                ),
            ],
            fault=[
                cut(to="server", port=16563, every=1),
                cut(to="server", port=16563, every=1, replies=True),
            ],
            calls=[
                run(
                    on="client",
                    argv=[
                        "errnolab-client",
                        "--framing",
                        "length:4",
                        "--port",
                        "16563",
                        "{server}",
                        "hi",
                        "hello",
                        "hi",
                    ],
                ).gives(b"abc\nhello\nabc\n"),
            ],
        ),
    ],
    look=(
        "`strace -e trace=network -p PID` of the server: where a send follows each recv, one recv "
        "is taken for one message. Send half a message by hand and wait: a naive server answers."
    ),
    source=(
        "RFC 9293 3.7.1, 3.9.1.2 and 3.9.1.3; recv(2); docs/framing.md (images/host/framing.py); "
        "libhv event/hloop.h unpack_setting_t"
    ),
)
