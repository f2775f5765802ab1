"""Three sends, one recv: what is sent piece by piece is one stream to the reader.

The path has no part in it here. In `read_late` each send(2) is a segment of its own, and
nobody reads until all three are in the receiver's queue: recv(2) gives the 12 bytes of all.
In `msg_more` and `cork` the sender's kernel was asked to wait for more, and made one segment
of three sends. In all of them every byte is right and in its place, and no errno says that
there were three messages.

A server that takes one recv(2) for one message gets a long one that nobody sent. It works
as long as the client waits for each reply, and fails for the first one that does not. See
`split` for the opposite, `segments_joined` for a path that does it, and `framed` for the
remedy.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    data,
    delay,
    listen,
    recv,
    send,
    setsockopt,
)

SCENARIO = Scenario(
    cause="caller",
    claims={"C119": "true"},
    before=[
        bind(on="server", to="server", port=17322, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
    ],
    cases=[
        Case(
            "read_late",
            calls=[
                connect(on="client", to="server", port=17322, options={"TCP_NODELAY": 1}),
                accept(on="server"),
                send(on="client", data=b"one.").returns(4),
                send(on="client", data=b"two.").returns(4),
                send(on="client", data=b"six.").returns(4),
                recv(on="server", socket="c").gives(b"one.two.six."),
            ],
            seen=[
                data(at="client", sender="client", count=3),
                data(at="server", sender="client", count=3),
            ],
            counted=[Counted("client", "Tcp.RetransSegs", exactly=0)],
        ),
        Case(
            "msg_more",
            # The kernel waits for more no longer than its retransmission timer says. A slow
            # handshake makes that more than a second, in which even a busy machine sends thrice.
            fault=delay(to="server", port=17322, replies=True, flags="SYN,ACK", ms=600),
            calls=[
                connect(on="client", to="server", port=17322, options={"TCP_NODELAY": 1}),
                accept(on="server"),
                send(on="client", data=b"one.", flags="MSG_MORE").returns(4),
                send(on="client", data=b"two.", flags="MSG_MORE").returns(4),
                send(on="client", data=b"six.").returns(4),
                recv(on="server", socket="c").gives(b"one.two.six."),
            ],
            seen=[
                data(at="client", sender="client", count=1),
                data(at="server", sender="client", count=1),
            ],
            counted=[Counted("client", "Tcp.RetransSegs", exactly=0)],
        ),
        Case(
            "cork",
            fault=delay(to="server", port=17322, replies=True, flags="SYN,ACK", ms=600),
            calls=[
                connect(on="client", to="server", port=17322),
                accept(on="server"),
                setsockopt(on="client", option="TCP_CORK", value=1),
                send(on="client", data=b"one.").returns(4),
                send(on="client", data=b"two.").returns(4),
                send(on="client", data=b"six.").returns(4),
                setsockopt(on="client", option="TCP_CORK", value=0),
                recv(on="server", socket="c").gives(b"one.two.six."),
            ],
            seen=[
                data(at="client", sender="client", count=1),
                data(at="server", sender="client", count=1),
            ],
            counted=[Counted("client", "Tcp.RetransSegs", exactly=0)],
        ),
    ],
    look=(
        "`strace -e trace=network` on both: more sends than recvs, and the bytes are the same. "
        "`tcpdump` at the sender shows whether its kernel made one segment of them."
    ),
    source=(
        "RFC 9293 3.7.4, 3.9.1.2 and 3.9.1.3; tcp(7) TCP_CORK, TCP_NODELAY; send(2) MSG_MORE; "
        "Linux net/ipv4/tcp.c tcp_push(), tcp_recvmsg()"
    ),
)
