"""Segments that say nothing about the SYN do not disturb connect().

While a SYN waits for its answer, only a SYN, or an acknowledgment with a RST, or one
of what was never sent, means anything. A RST without ACK, a FIN, the bare ACK of the
SYN, data, and whatever has a wrong checksum are dropped in silence: no RST, and no
ICMP either. The SYN is sent again after a second, as if nothing had come.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    ack,
    answer,
    any_icmp,
    connect,
    data,
    exchange,
    fin,
    given,
    rst,
    segment,
    state,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="packet",
    fault=answer(to="server", by=[given("segment")], times=1),
    calls=[
        # The first retransmission is due after 1 s; the kernel's timers run an eighth late at most.
        connect(on="client", to="server").returns(0, within_s=(1.0, 1.4)),
        state(on="client").tells("ESTAB"),
    ],
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    seen=[
        given("came"),
        syn(at="client", schedule=(0.0, 1.0)),
        syn(at="server", count=1),
        syn_ack(at="server", count=1),
    ],
    absent=[rst(at="client", sender="client"), rst(at="server"), any_icmp(at="client")],
    counted=[
        Counted("client", "TcpExt.TCPSynRetrans", exactly=1),
        Counted("client", "Tcp.AttemptFails", exactly=0),
        Counted("client", "Tcp.OutRsts", exactly=0),
        Counted("client", "Tcp.InCsumErrors", exactly=given("wrong_checksums")),
    ],
    cases=[
        Case(
            "rst_without_ack",
            claims={"C71": "wrong"},
            given={
                "segment": segment("RST"),
                "came": rst(at="client", sender="server", count=1),
                "wrong_checksums": 0,
            },
        ),
        # With a right checksum this one is ECONNREFUSED. No checksum is left to a device
        # here, since the segment was made by a program: the client's kernel checks it.
        Case(
            "rst_with_wrong_checksum",
            claims={"C71": "wrong", "C77": "wrong"},
            given={
                "segment": segment("RST,ACK", bad_checksum=True),
                "came": rst(at="client", sender="server", count=1),
                "wrong_checksums": 1,
            },
        ),
        Case(
            "syn_ack_with_wrong_checksum",
            claims={"C77": "wrong"},
            given={
                "segment": segment("SYN,ACK", bad_checksum=True),
                "came": syn_ack(at="client", count=2),
                "wrong_checksums": 1,
            },
        ),
        Case(
            "fin",
            given={
                "segment": segment("FIN"),
                "came": fin(at="client", sender="server", count=1),
                "wrong_checksums": 0,
            },
        ),
        Case(
            "fin_ack",
            given={
                "segment": segment("FIN,ACK"),
                "came": fin(at="client", sender="server", count=1),
                "wrong_checksums": 0,
            },
        ),
        Case(
            "ack",
            given={
                "segment": segment("ACK"),
                "came": ack(at="client", sender="server", count=1),
                "wrong_checksums": 0,
            },
        ),
        Case(
            "data",
            given={
                "segment": segment("PSH,ACK", payload="hello"),
                "came": data(at="client", sender="server", count=1),
                "wrong_checksums": 0,
            },
        ),
    ],
    look=(
        "A connect() that takes one second and then succeeds. `tcpdump -v` at the caller shows "
        "what came instead of the SYN-ACK, and whether its checksum is right; `nstat "
        "TcpInCsumErrors` counts those that are wrong."
    ),
    source=(
        "RFC 9293 3.1 (checksum) and 3.10.7.3, second and fifth; Linux net/ipv4/tcp_input.c, "
        "tcp_rcv_synsent_state_process(); net/ipv4/tcp_ipv4.c, tcp_v4_rcv()"
    ),
)
