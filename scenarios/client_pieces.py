"""The tutorial's client takes the first piece of a reply for the whole of it.

It calls recv() once. A short reply in one segment comes whole. If the server sends ab and, a
moment later, cd, the client prints ab and is content: status 0. The cd meets a socket that is
no more and gets a RST. If the server closes without a reply recv() gives 0, and the client
prints `recv data:` as if an empty reply had come: status 0 again.

Its send() is called once too. Here a line of 8 MB is sent to a server that reads 64 KiB and
closes: the unread rest makes a RST of its close, and send() is cut short. The client does not
look at that. Its recv() then fails, so it says `recv failed!` and not that the line was
not sent whole.

The lab's client beside it reads until the end of the stream, says when it was closed without
a reply, and names the errno where one came.
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
                start(on="workshop", argv=["/opt/tutorial/client", "{client}"], stdin=b"hello\n"),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hello"),
                send(on="client", data=b"abcd", socket="c").returns(4),
                ended(on="workshop").returns(0),
                output(on="workshop").gives(b"recv data:abcd\n"),
                recv(on="client", socket="c").returns(0),
            ],
            seen=[
                data(at="workshop", sender="client", count=1),
                fin(at="client", sender="workshop", count=1),
            ],
            absent=[rst(at="client"), rst(at="workshop")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            "two_segments",
            claims={"C34": "wrong"},
            calls=[
                start(on="workshop", argv=["/opt/tutorial/client", "{client}"], stdin=b"hello\n"),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hello"),
                send(on="client", data=b"ab", socket="c").returns(2),
                # The client leaves: that is how long the moment is.
                recv(on="client", socket="c").returns(0),
                send(on="client", data=b"cd", socket="c").returns(2),
                # The RST.
                poll(on="client", events="POLLPRI", timeout_s=2.0, socket="c").returns(1),
                ended(on="workshop").returns(0),
                output(on="workshop").gives(b"recv data:ab\n"),
            ],
            seen=[
                data(at="workshop", sender="client", count=2),
                fin(at="client", sender="workshop", count=1),
                rst(at="client", sender="workshop", count=1),
            ],
            counted=[Counted("client", "Tcp.EstabResets", exactly=1)],
        ),
        Case(
            "no_reply",
            claims={"C34": "wrong"},
            calls=[
                start(on="workshop", argv=["/opt/tutorial/client", "{client}"], stdin=b"hello\n"),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hello"),
                close(on="client", socket="c"),
                ended(on="workshop").returns(0),
                output(on="workshop").gives(b"recv data:\n"),
            ],
            seen=[fin(at="workshop", sender="client", count=1)],
            absent=[data(at="workshop", sender="client"), rst(at="workshop")],
            counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            "long_line",
            claims={"C35": "wrong"},
            calls=[
                start(
                    on="workshop",
                    argv=["/opt/tutorial/client", "{client}"],
                    stdin=b"x" * 8_000_000,
                ),
                accept(on="client"),
                recv(on="client", size=65536, flags="MSG_WAITALL", socket="c").gives(b"x" * 65536),
                close(on="client", socket="c"),
                ended(on="workshop").returns(255),
                output(on="workshop").gives(b"recv failed!\n"),
            ],
            seen=[
                data(at="client", sender="workshop"),
                rst(at="workshop", sender="client"),
            ],
            absent=[data(at="workshop", sender="client"), fin(at="workshop", sender="client")],
            counted=[
                Counted("client", "TcpExt.TCPAbortOnClose", exactly=1),
                Counted("workshop", "Tcp.EstabResets", exactly=1),
            ],
        ),
        Case(
            "robust_two_segments",
            calls=[
                start(on="workshop", argv=["errnolab-client", "{client}", "hello"]),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hello"),
                send(on="client", data=b"ab", socket="c").returns(2),
                poll(on="client", events="POLLPRI", timeout_s=0.2, socket="c"),
                send(on="client", data=b"cd", socket="c").returns(2),
                close(on="client", socket="c"),
                ended(on="workshop").returns(0),
                output(on="workshop").gives(b"abcd"),
            ],
            seen=[
                data(at="workshop", sender="client", count=2),
                fin(at="workshop", sender="client", count=1),
            ],
            absent=[rst(at="client"), rst(at="workshop")],
            counted=[Counted("workshop", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            "robust_no_reply",
            calls=[
                start(on="workshop", argv=["errnolab-client", "{client}", "hello"]),
                accept(on="client"),
                recv(on="client", socket="c").gives(b"hello"),
                recv(on="client", socket="c").returns(0),
                close(on="client", socket="c"),
                ended(on="workshop").returns(4),
            ],
            seen=[fin(at="workshop", sender="client", count=1)],
            absent=[data(at="workshop", sender="client"), rst(at="workshop")],
            counted=[Counted("workshop", "Tcp.EstabResets", exactly=0)],
        ),
        Case(
            "robust_long_line",
            calls=[
                start(on="workshop", argv=["errnolab-client", "{client}"], stdin=b"x" * 8_000_000),
                accept(on="client"),
                recv(on="client", size=65536, flags="MSG_WAITALL", socket="c").gives(b"x" * 65536),
                close(on="client", socket="c"),
                ended(on="workshop").returns(1),
                output(on="workshop", stream="stderr").tells("…ECONNRESET (104)…"),
            ],
            seen=[
                data(at="client", sender="workshop"),
                rst(at="workshop", sender="client"),
            ],
            absent=[data(at="workshop", sender="client"), fin(at="workshop", sender="client")],
            counted=[
                Counted("client", "TcpExt.TCPAbortOnClose", exactly=1),
                Counted("workshop", "Tcp.EstabResets", exactly=1),
            ],
        ),
    ],
    look=(
        "`strace -e trace=network` on the client shows one recv(), what it gave, and a close() "
        "behind it. A capture shows data from the server behind the client's FIN, and a RST in "
        "answer to them: the client left before the reply was over."
    ),
    source=(
        "recv(2), send(2); RFC 9293 3.9.1.3; RFC 2525 2.17; Linux net/ipv4/tcp.c "
        "tcp_recvmsg_locked(), tcp_sendmsg_locked(), __tcp_close()"
    ),
)
