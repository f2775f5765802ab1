"""A stream that cannot be cut is given up: the server says why, and serves the others.

Who keeps bytes until a frame is whole needs a limit, or a peer fills its memory: with an
announced length of 4 GB, with bytes that never have a delimiter, with a length field that never
ends. The server gives the connection up as soon as the bytes show it: of the frame that announces
4 GB nothing but the four bytes of its length are taken. It closes orderly, with a FIN: after
a wrong cut no later one can be trusted, so the frames before it have their answers and nothing
comes behind. Its log has what was wanted and what came.

In each case another client was connected before and is served on the same server afterwards.

A client has the same duty. In `client_is_told` it expects frames of 2 bytes of a server that sends
3: it prints the whole frame and ends with status 5. In `client_refuses` it is asked to send a
message that holds the delimiter, and sends nothing: the other side would cut it in two.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    close,
    connect,
    data,
    fin,
    output,
    recv,
    rst,
    run,
    send,
    shutdown,
    start,
)

SCENARIO = Scenario(
    cause="peer",
    seen=[data(at="server", sender="client"), fin(at="client", sender="server", count=2)],
    absent=[rst(at="client"), rst(at="server")],
    counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
    cases=[
        Case(
            "huge_length",
            calls=[
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-server", "--tcp", "--port", "16563", "--framing", "length:4"],
                ),
                connect(on="client", to="server", port=16563).by("second"),
                connect(on="client", to="server", port=16563),
                send(on="client", data=b"\xff\xff\xff\xff").returns(4),
                recv(on="client").returns(0),
                output(on="server", stream="stderr").tells(
                    "errnolab-server: …: wanted a package of at most 2097152 bytes, "
                    "got the announcement of 4294967299; closing"
                ),
                close(on="client"),
                send(on="client", data=b"\0\0\0\2hi").by("second").returns(6),
                recv(on="client").by("second").gives(b"\0\0\0\3abc"),
                shutdown(on="client").by("second"),
                recv(on="client").by("second").returns(0),
            ],
        ),
        Case(
            "negative_length",
            calls=[
                # The field counts itself: it is 4 at the least.
                start(
                    on="server",
                    until="listening on",
                    argv=[
                        "errnolab-server",
                        "--tcp",
                        "--port",
                        "16563",
                        "--framing",
                        "length:4,adjust=-4",
                    ],
                ),
                connect(on="client", to="server", port=16563).by("second"),
                connect(on="client", to="server", port=16563),
                send(on="client", data=b"\0\0\0\3").returns(4),
                recv(on="client").returns(0),
                output(on="server", stream="stderr").tells(
                    "errnolab-server: …: wanted a length of 0 or more, "
                    "got -1 (3 in the field, -4); closing"
                ),
                close(on="client"),
                send(on="client", data=b"\0\0\0\6hi").by("second").returns(6),
                recv(on="client").by("second").gives(b"\0\0\0\7abc"),
                shutdown(on="client").by("second"),
                recv(on="client").by("second").returns(0),
            ],
        ),
        Case(
            "length_without_end",
            calls=[
                # A varint has 7 bits a byte, and the eighth says that more come.
                start(
                    on="server",
                    until="listening on",
                    argv=[
                        "errnolab-server",
                        "--tcp",
                        "--port",
                        "16563",
                        "--framing",
                        "length:varint",
                    ],
                ),
                connect(on="client", to="server", port=16563).by("second"),
                connect(on="client", to="server", port=16563),
                send(on="client", data=b"\xff" * 10).returns(10),
                recv(on="client").returns(0),
                output(on="server", stream="stderr").tells(
                    "errnolab-server: …: wanted a varint of at most 10 bytes, "
                    "got one that goes on; closing"
                ),
                close(on="client"),
                send(on="client", data=b"\2hi").by("second").returns(3),
                recv(on="client").by("second").gives(b"\3abc"),
                shutdown(on="client").by("second"),
                recv(on="client").by("second").returns(0),
            ],
        ),
        Case(
            "no_delimiter",
            calls=[
                start(
                    on="server",
                    until="listening on",
                    argv=[
                        "errnolab-server",
                        "--tcp",
                        "--port",
                        "16562",
                        "--framing",
                        "delimiter:\\n,max=64",
                    ],
                ),
                connect(on="client", to="server", port=16562).by("second"),
                connect(on="client", to="server", port=16562),
                # What came before has its answer.
                send(on="client", data=b"hi\n" + b"x" * 64).returns(67),
                recv(on="client", size=4, flags="MSG_WAITALL").gives(b"abc\n"),
                recv(on="client").returns(0),
                output(on="server", stream="stderr").tells(
                    "errnolab-server: …: wanted the delimiter b'\\n' within 64 bytes, "
                    "got 64 bytes without it; closing"
                ),
                close(on="client"),
                send(on="client", data=b"hi\n").by("second").returns(3),
                recv(on="client").by("second").gives(b"abc\n"),
                shutdown(on="client").by("second"),
                recv(on="client").by("second").returns(0),
            ],
        ),
        Case(
            "too_long",
            calls=[
                start(
                    on="server",
                    until="listening on",
                    argv=[
                        "errnolab-server",
                        "--tcp",
                        "--port",
                        "16562",
                        "--framing",
                        "delimiter:\\n,max=64",
                    ],
                ),
                connect(on="client", to="server", port=16562).by("second"),
                connect(on="client", to="server", port=16562),
                # 64 bytes with the delimiter are just allowed, 65 are not.
                send(on="client", data=b"x" * 63 + b"\n").returns(64),
                recv(on="client", size=64, flags="MSG_WAITALL").gives(b"x" * 63 + b"\n"),
                send(on="client", data=b"x" * 64 + b"\n").returns(65),
                recv(on="client").returns(0),
                output(on="server", stream="stderr").tells(
                    "errnolab-server: …: wanted the delimiter b'\\n' within 64 bytes, "
                    "got 64 bytes without it; closing"
                ),
                close(on="client"),
                send(on="client", data=b"hi\n").by("second").returns(3),
                recv(on="client").by("second").gives(b"abc\n"),
                shutdown(on="client").by("second"),
                recv(on="client").by("second").returns(0),
            ],
        ),
        Case(
            "cut_short",
            calls=[
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-server", "--tcp", "--port", "16561", "--framing", "fixed:8"],
                ),
                connect(on="client", to="server", port=16561).by("second"),
                connect(on="client", to="server", port=16561),
                send(on="client", data=b"one.....two").returns(11),
                shutdown(on="client"),
                recv(on="client", size=8, flags="MSG_WAITALL").gives(b"one....."),
                recv(on="client").returns(0),
                output(on="server", stream="stderr").tells(
                    "errnolab-server: …: wanted a package of at least 8 bytes, "
                    "got the end of the stream after 3 bytes; closing"
                ),
                close(on="client"),
                send(on="client", data=b"one.....").by("second").returns(8),
                recv(on="client").by("second").gives(b"one....."),
                shutdown(on="client").by("second"),
                recv(on="client").by("second").returns(0),
            ],
        ),
        Case(
            "client_is_told",
            calls=[
                run(
                    on="client", argv=["errnolab-client", "--framing", "fixed:2", "{server}", "hi"]
                ).returns(5),
                run(on="client", argv=["errnolab-client", "--framing", "fixed:2", "{server}", "hi"])
                .returns(5)
                .gives(b"ab\n"),
                run(on="client", argv=["errnolab-client", "--framing", "fixed:2", "{server}", "hi"])
                .returns(5)
                .tells(
                    "errnolab-client: replies of {server} port 16555: wanted a package of at least "
                    "2 bytes, got the end of the stream after 1 byte"
                ),
            ],
            seen=[data(at="client", sender="server", count=3)],
            absent=[rst(at="client"), rst(at="server")],
        ),
        Case(
            "client_refuses",
            calls=[
                run(
                    on="client",
                    argv=["errnolab-client", "--framing", "delimiter:\\n", "{server}", "a\nb"],
                ).returns(2),
            ],
            absent=[any_packet(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
        ),
    ],
    look=(
        "The server's log names the client, what was wanted and what came. `tcpdump -X` of the "
        "stream's first bytes shows the length field as it was sent: a huge one is often two "
        "bytes in the other order, or text where a length was wanted."
    ),
    source=(
        "docs/framing.md (images/host/framing.py); RFC 9293 3.6; recv(2); libhv event/hloop.h "
        "package_max_length"
    ),
)
