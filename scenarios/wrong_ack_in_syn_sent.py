"""An ACK of what was never sent is refused, and the SYN is sent again at once.

The peer seems to hold an old connection, so RFC 9293 3.10.7.3 has the client answer
with a RST whose sequence number is the wrong acknowledgment: that ends the old one.
A RST is never answered with a RST. connect() goes on, and since Linux 5.6 it does not
wait for the rest of its second: the SYN follows after two ticks of the kernel's clock,
8 ms at 250 Hz. So the caller notices nothing.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    ack,
    answer,
    connect,
    exchange,
    given,
    rst,
    segment,
    since,
    state,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="packet",
    fault=answer(to="server", by=[given("segment")], times=1),
    calls=[
        # Two ticks are 20 ms where the clock has 100 Hz; the rest is for a busy machine.
        connect(on="client", to="server").returns(
            0, within_s=since((5, 6), then=(0.0, 0.5), before=(1.0, 1.4))
        ),
        state(on="client").tells("ESTAB"),
    ],
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    seen=[
        given("came"),
        syn(at="client", count=2),
        rst(at="client", sender="client", count=given("resets")),
        rst(at="server", sender="client", count=given("resets")),
        syn(at="server", count=1),
        syn_ack(at="server", count=1),
    ],
    absent=[rst(at="server", sender="server")],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=1),
        Counted("client", "Tcp.AttemptFails", exactly=0),
        Counted("client", "Tcp.OutRsts", exactly=given("resets")),
    ],
    cases=[
        # The initial sequence number itself acknowledges nothing: one too low.
        Case(
            "ack_too_low",
            given={
                "segment": segment("ACK", ack_add=-1),
                "came": ack(at="client", sender="server", count=1),
                "resets": 1,
            },
        ),
        Case(
            "ack_too_high",
            given={
                "segment": segment("ACK", ack_add=1),
                "came": ack(at="client", sender="server", count=1),
                "resets": 1,
            },
        ),
        Case(
            "syn_ack_too_low",
            given={
                "segment": segment("SYN,ACK", ack_add=-1),
                "came": syn_ack(at="client", count=2),
                "resets": 1,
            },
        ),
        Case(
            "syn_ack_too_high",
            given={
                "segment": segment("SYN,ACK", ack_add=1),
                "came": syn_ack(at="client", count=2),
                "resets": 1,
            },
        ),
        Case(
            "rst_ack_too_low",
            claims={"C71": "wrong"},
            given={
                "segment": segment("RST,ACK", ack_add=-1),
                "came": rst(at="client", sender="server", count=1),
                "resets": 0,
            },
        ),
        Case(
            "rst_ack_too_high",
            claims={"C71": "wrong"},
            given={
                "segment": segment("RST,ACK", ack_add=1),
                "came": rst(at="client", sender="server", count=1),
                "resets": 0,
            },
        ),
    ],
    look=(
        "A capture shows SYN, ACK, RST, SYN within milliseconds. `tcpdump -S` shows the wrong "
        "acknowledgment, and the RST that has it as its sequence number. At the server `ss -tan` "
        "may show the old connection that answered."
    ),
    source=(
        "RFC 9293 3.5.1 and 3.10.7.3, first and second; Linux net/ipv4/tcp_input.c, "
        "tcp_rcv_synsent_state_process(), since 5.6 with TCP_TIMEOUT_MIN"
    ),
)
