"""A RST that acknowledges the SYN ends connect(), whatever else stands in it.

In SYN-SENT there is no window yet to check a sequence number against: the RST is good
if its acknowledgment is (RFC 9293 3.10.7.3). So a forger need know only the ports and
the client's initial sequence number. Linux says ECONNREFUSED, though nobody may have
refused: the errno is of the state, not of the reason. It ends a connect() that has
waited for long, too.
"""

from lab import Case, Counted, Scenario, answer, connect, rst, segment, syn, syn_ack

SCENARIO = Scenario(
    cause="packet",
    claims={"C71": "true"},
    calls=[
        # One round trip by way of a program; the margin is for a busy machine.
        connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.3)),
    ],
    seen=[
        syn(at="client", count=1),
        syn(at="router", count=1),
        rst(at="client", sender="server", count=1),
    ],
    absent=[syn(at="server"), rst(at="server"), syn_ack(at="client")],
    counted=[
        Counted("client", "Tcp.AttemptFails", exactly=1),
        Counted("client", "Tcp.OutRsts", exactly=0),
    ],
    cases=[
        Case("right_acknowledgment", fault=answer(to="server", by=[segment("RST,ACK")])),
        Case(
            "any_sequence_number",
            fault=answer(to="server", by=[segment("RST,ACK", seq=3000000000)]),
        ),
        # RFC 9293 3.5.3: a RST may carry a text that says why; Linux passes it to nobody.
        Case(
            "with_text",
            fault=answer(to="server", by=[segment("RST,ACK", payload="go away")]),
        ),
        Case("with_syn", fault=answer(to="server", by=[segment("SYN,RST,ACK")])),
        Case("with_fin", fault=answer(to="server", by=[segment("FIN,RST,ACK")])),
        # Before the SYN is sent again, which is after 1 s.
        Case(
            "late",
            fault=answer(to="server", by=[segment("RST,ACK")], delay_s=0.5),
            calls=[connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.5, 0.9))],
        ),
    ],
    look=(
        "A capture at the server shows neither SYN nor RST: another made it. `tcpdump -v` at the "
        "caller shows its TTL and its odd sequence number, where the server's own RST to a SYN "
        "has seq 0."
    ),
    source="RFC 9293 3.10.7.3; Linux net/ipv4/tcp_input.c, tcp_rcv_synsent_state_process()",
)
