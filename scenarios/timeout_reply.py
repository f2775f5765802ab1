"""The SYN arrives, and the answer to it is lost on the way back.

The server's kernel answers every SYN with a SYN-ACK, and sends it again by a timer
of its own; the router drops them all. The caller cannot tell this from `timeout`.
The server can: it holds a connection in SYN-RECV.
"""

from lab import (
    Counted,
    Scenario,
    connect,
    drop_reply,
    syn,
    syn_ack,
    syn_retransmissions,
    syn_schedule,
    syn_timeout,
)

SCENARIO = Scenario(
    cause="firewall",
    claims={"C68": "wrong", "C69": "true"},
    fault=drop_reply(on="router", sender="server"),
    calls=[
        connect(on="client", to="server", options={"TCP_SYNCNT": 1}).fails(
            "ETIMEDOUT", within_s=syn_timeout(retries=1)
        ),
    ],
    seen=[
        syn(at="client", schedule=syn_schedule(retries=1)),
        syn(at="server", schedule=syn_schedule(retries=1)),
        syn_ack(at="server"),
        syn_ack(at="router"),
    ],
    absent=[syn_ack(at="client")],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=syn_retransmissions(retries=1)),
    ],
    look=(
        "`ss -tan state syn-recv` on the server shows the caller, and a capture there shows "
        "the SYN-ACK leaving: the way back is broken, not the way there."
    ),
    source="RFC 9293 3.8.3 and 3.10.7.4; Linux net/ipv4/tcp_timer.c, tcp_write_timeout()",
)
