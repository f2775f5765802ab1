"""Every SYN is answered with an ACK of an old connection, and connect() times out.

As in `half_open` the server holds a connection that the client has forgotten. But the
firewall between them drops the client's RSTs, so the server never learns, and no SYN
gets through: ETIMEDOUT, from a server that is well, for this one source port alone.
Challenge ACKs are limited to one in half a second (RFC 5961 7): the second SYN, which
follows the first in milliseconds, is not answered at all.
"""

from lab import (
    Counted,
    Scenario,
    accept,
    ack,
    bind,
    close,
    connect,
    drop,
    exchange,
    given,
    listen,
    rst,
    since,
    state,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="firewall",
    claims={"C69": "true"},
    fault=drop(on="router", to="server", port=17110, flags="RST"),
    before=[
        bind(on="server", port=17110, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        bind(on="client", port=17111, options={"SO_LINGER": 0}),
        connect(on="client", to="server", port=17110),
        accept(on="server", new="old"),
    ],
    calls=[
        close(on="client"),
        bind(on="client", port=17111, options={"TCP_SYNCNT": 1}),
        connect(on="client", to="server", port=17110).fails(
            "ETIMEDOUT", within_s=given("within_s")
        ),
        state(on="server", socket="old").tells("ESTAB"),
        # Another port, and it works.
        connect(on="client", to="server", port=17110, socket="other").returns(0),
    ],
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    # Since Linux 5.6 the ACK makes the first round a few milliseconds long, and the SYN at
    # its end counts as the one retry: the second round, of 2 s, is the last. Since 6.5
    # there are linear time-outs beside it, rounds of 1 s until 3 s have passed.
    given={
        "within_s": since(
            (6, 5), then=(3.0, 3.6), before=since((5, 6), then=(2.0, 2.5), before=(3.0, 3.6))
        ),
        # Two more than the connect() in question sends: of the old and of the other one.
        "syns": since((6, 5), then=2 + 4, before=2 + 2),
        "challenged": since((6, 5), then=4, before=2),
        "acks": since((6, 5), then=3, before=since((5, 6), then=1, before=2)),
        "skipped": since((5, 6), then=1, before=0),
        # The one of the abort, and an answer to each ACK.
        "resets": since((6, 5), then=1 + 3, before=since((5, 6), then=1 + 1, before=1 + 2)),
    },
    seen=[
        syn(at="client", count=given("syns")),
        syn(at="server", count=given("syns")),
        syn_ack(at="server", count=2),
        ack(at="client", sender="server", count=given("acks")),
        rst(at="client", sender="client", count=given("resets")),
    ],
    absent=[rst(at="server")],
    counted=[
        Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
        Counted("server", "TcpExt.TCPSYNChallenge", exactly=given("challenged")),
        Counted("server", "TcpExt.TCPChallengeACK", exactly=given("acks")),
        Counted("server", "TcpExt.TCPACKSkippedChallenge", exactly=given("skipped")),
        Counted("server", "Tcp.EstabResets", exactly=0),
    ],
    look=(
        "A capture at the caller shows an ACK, not a SYN-ACK, for the SYN, and a RST that is of "
        "no avail; at the server no RST arrives. `ss -tan sport = :PORT` at the server shows the "
        "old connection, `ss -K` ends it. Look for the rule that drops RSTs."
    ),
    source=(
        "RFC 9293 3.5.1; RFC 5961 4.2 and 7; Linux Documentation/networking/ip-sysctl.rst, "
        "tcp_invalid_ratelimit; net/ipv4/tcp_input.c, tcp_send_challenge_ack()"
    ),
)
