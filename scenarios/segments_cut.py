"""One send() arrives as two: a stream has no boundaries, and the path may make some.

The router cuts the segment behind its first byte and lets the second piece come 0.4 s
later. recv(2) gives what is there: "h", and then "ello". So does a segment that is
too long for the path, or a full window. Whoever takes one recv() for one message has half
of one here, without any error.
"""

from lab import (
    Counted,
    Scenario,
    accept,
    bad_path,
    bind,
    connect,
    cut,
    data,
    delay,
    listen,
    recv,
    send,
)

SCENARIO = Scenario(
    cause="packet",
    claims={"C119": "true"},
    before=[
        bind(on="server", to="server", port=17313, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
    ],
    fault=[
        bad_path(
            cut(to="server", port=17313, at=[1]),
            delay(to="server", port=17313, ms=400, flags="data", nth=[2]),
        ),
        # The handshake shows the sender how slow the path is: it waits, and sends nothing again.
        delay(to="server", port=17313, ms=600, replies=True),
    ],
    calls=[
        connect(on="client", to="server", port=17313),
        accept(on="server"),
        send(on="client", data=b"hello").returns(5),
        # On a busy machine the call itself comes late, but not by the delay.
        recv(on="server", socket="c").gives(b"h", within_s=(0.0, 0.3)),
        recv(on="server", socket="c").gives(b"ello", within_s=(0.02, 1.0)),
    ],
    # Without the fault it is one recv().
    control=[
        bind(on="server", to="server", port=17313, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17313),
        accept(on="server"),
        send(on="client", data=b"hello").returns(5),
        recv(on="server", socket="c").gives(b"hello"),
    ],
    seen=[
        data(at="client", sender="client", count=1),
        data(at="server", sender="client", count=2),
    ],
    counted=[Counted("client", "Tcp.RetransSegs", exactly=0)],
    look="`strace -e trace=network` on both: fewer sends than recvs, and the bytes are the same.",
    source="RFC 9293 3.4, 3.9.1.2 and 3.9.1.3; tcp(7), recv(2)",
)
