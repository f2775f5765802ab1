"""The tutorial's client on Windows takes the first piece of a reply for the whole of it.

It calls recv() once, and that is as on Linux (client_pieces): of ab and, a moment later, cd, it
prints ab and is content. The cd meets a socket that is no more and gets a RST. If the server
closes without a reply recv() gives 0, and it prints `recv data:` as if an empty reply had come.
Both end with status 0.

The corrected client marks the end of its line by shutdown() and reads until the end of the
stream. The lab's client for Windows says when it was closed without a reply.
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
    fin,
    listen,
    output,
    poll,
    recv,
    rst,
    send,
    start,
)

SCENARIO = Scenario(
    cause="peer",
    family="ipv4",
    before=[
        bind(on="client", to="client", port=16555, options={"SO_REUSEADDR": 1}),
        listen(on="client"),
    ],
    cases=[
        Case(
            "whole",
            claims={"C34": "true"},
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client", "{client}"],
                    stdin=b"hello\n",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hello"),
                send(on="client", data=b"abcd", socket="c").returns(4),
                ended(on="windows").returns(0),
                output(on="windows").gives(b"recv data:abcd\r\n"),
                recv(on="client", socket="c").returns(0),
            ],
            seen=[
                data(at="windows", sender="client", count=1),
                fin(at="client", sender="windows", count=1),
            ],
            absent=[rst(at="client"), rst(at="windows")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            "two_segments",
            claims={"C34": "wrong"},
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client", "{client}"],
                    stdin=b"hello\n",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hello"),
                send(on="client", data=b"ab", socket="c").returns(2),
                # The client leaves: that is how long the moment is.
                recv(on="client", socket="c").returns(0),
                send(on="client", data=b"cd", socket="c").returns(2),
                # The RST.
                poll(on="client", events="POLLPRI", timeout_s=2.0, socket="c").returns(1),
                ended(on="windows").returns(0),
                output(on="windows").gives(b"recv data:ab\r\n"),
            ],
            seen=[
                data(at="windows", sender="client", count=2),
                fin(at="client", sender="windows", count=1),
                rst(at="client", sender="windows", count=1),
            ],
            counted=[Counted("client", "Tcp.EstabResets", exactly=1)],
        ),
        Case(
            "no_reply",
            claims={"C34": "wrong"},
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client", "{client}"],
                    stdin=b"hello\n",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hello"),
                close(on="client", socket="c"),
                ended(on="windows").returns(0),
                output(on="windows").gives(b"recv data:\r\n"),
            ],
            seen=[fin(at="windows", sender="client", count=1)],
            absent=[data(at="windows", sender="client"), rst(at="windows")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            "corrected_two_segments",
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client-corrected", "{client}"],
                    stdin=b"hello\n",
                ),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hello"),
                send(on="client", data=b"ab", socket="c").returns(2),
                poll(on="client", events="POLLPRI", timeout_s=0.2, socket="c"),
                send(on="client", data=b"cd", socket="c").returns(2),
                close(on="client", socket="c"),
                ended(on="windows").returns(0),
                output(on="windows").gives(b"recv data:abcd\r\n"),
            ],
            seen=[
                data(at="windows", sender="client", count=2),
                fin(at="windows", sender="client", count=1),
            ],
            absent=[rst(at="client"), rst(at="windows")],
            counted=[Counted("windows", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            "robust_no_reply",
            calls=[
                start(on="windows", argv=["errnolab-exe", "errnolab-client", "{client}", "hello"]),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hello"),
                recv(on="client", socket="c").returns(0),
                close(on="client", socket="c"),
                ended(on="windows").returns(4),
                output(on="windows", stream="stderr").tells(
                    "…closed the connection without a reply"
                ),
            ],
            seen=[fin(at="windows", sender="client", count=1)],
            absent=[data(at="windows", sender="client")],
            counted=[Counted("windows", "Tcp.EstabResets", exactly=0)],
        ),
    ],
    look=(
        "A capture shows data from the server behind the client's FIN, and a RST in answer to "
        "them: the client left before the reply was over."
    ),
    source="recv(2), send(2); RFC 9293 3.9.1.3; Microsoft's documentation of recv()",
)
