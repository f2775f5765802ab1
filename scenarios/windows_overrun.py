"""A reply of 2048 bytes, and the tutorial's client on Windows writes behind its buffer unseen.

recv() may fill all 2048 bytes, and recData[ret] = 0 is then one byte too far, as on Linux
(client_overrun). What comes of it is another thing. g++ of MinGW, too, puts the C++ string
with the line that was sent behind the buffer, so the zero changes its pointer, and at the end
free() is given the wrong one. The C library of Windows asks the heap to free it, and Wine's heap
refuses without a word: all is printed, and the status is 0. What the heap of Windows does then
was not looked at.

-fstack-protector-all does not see it either: eight bytes lie between the buffer and its guard,
and the zero falls on the first of them. Compiled with -fsanitize=bounds, to stop where an index
is outside of its array, the program ends at that line: 0xC000001D, an illegal instruction, which
is how the check stops it. MinGW has no AddressSanitizer.

With 2047 bytes all is well. The corrected client asks for 2047 at most, and takes the rest with
the next recv().
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
        data(at="windows", sender="client"),
    ],
    counted=[Counted("windows", "Tcp.ActiveOpens", exactly=1)],
    cases=[
        Case(
            "2047",
            claims={"C33": "true"},
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client-checked", "{client}"],
                    stdin=b"a line that is longer than sixteen bytes\n",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"a line that is longer than sixteen bytes"),
                send(on="client", data=b"1234567\n" * 255 + b"1234567", socket="c").returns(2047),
                ended(on="windows").returns(0),
                output(on="windows").gives(b"recv data:" + b"1234567\r\n" * 256),
                output(on="windows", stream="stderr").gives(b""),
            ],
        ),
        Case(
            "2048",
            claims={"C33": "wrong"},
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client-checked", "{client}"],
                    stdin=b"a line that is longer than sixteen bytes\n",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"a line that is longer than sixteen bytes"),
                send(on="client", data=b"1234567\n" * 256, socket="c").returns(2048),
                # Its code has 32 bits; a status on Linux has 8.
                ended(on="windows").returns(139).tells("…crashed: 0xC000001D…"),
                output(on="windows").gives(b""),
            ],
        ),
        Case(
            "2048_plain",
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client", "{client}"],
                    stdin=b"a line that is longer than sixteen bytes\n",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"a line that is longer than sixteen bytes"),
                send(on="client", data=b"1234567\n" * 256, socket="c").returns(2048),
                ended(on="windows").returns(0),
                output(on="windows").gives(b"recv data:" + b"1234567\r\n" * 256 + b"\r\n"),
                output(on="windows", stream="stderr").gives(b""),
            ],
        ),
        Case(
            "2048_protected",
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client-protected", "{client}"],
                    stdin=b"a line that is longer than sixteen bytes\n",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"a line that is longer than sixteen bytes"),
                send(on="client", data=b"1234567\n" * 256, socket="c").returns(2048),
                ended(on="windows").returns(0),
                output(on="windows").gives(b"recv data:" + b"1234567\r\n" * 256 + b"\r\n"),
            ],
        ),
        Case(
            "corrected",
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client-corrected", "{client}"],
                    stdin=b"a line that is longer than sixteen bytes\n",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"a line that is longer than sixteen bytes"),
                send(on="client", data=b"1234567\n" * 256, socket="c").returns(2048),
                close(on="client", socket="c"),
                ended(on="windows").returns(0),
                output(on="windows").gives(b"recv data:" + b"1234567\r\n" * 256 + b"\r\n"),
            ],
        ),
    ],
    look=(
        "A program that ends well today has not been right: which variable is hit is the "
        "compiler's choice, and what follows the C library's. Compile it with `-fsanitize=bounds "
        "-fsanitize-undefined-trap-on-error` (MinGW), or `/fsanitize=address` (Microsoft's "
        "compiler), and run it again."
    ),
    source=(
        "recv(2); gcc(1), -fsanitize=bounds; Microsoft's documentation of free() and of NTSTATUS "
        "values; RFC 9293 3.9.1.3"
    ),
)
