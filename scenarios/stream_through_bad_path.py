"""A path that loses, doubles and reorders packets, and a stream that arrives whole.

The router sends the second segment of a request on twice, loses the fifth and holds the
twelfth back until two more have passed. The program sees nothing of it: each byte comes
once and in its place, the whole a little later. The kernels have the work: the receiver
keeps what came too early (TCPOFOQueue), says what came twice (DSACK), and the sender sends
again what was lost (RetransSegs). All this holds as long as the connection lives.
"""

from lab import Counted, Scenario, bad_path, connect, data, duplicate, exchange, lose, reorder

SCENARIO = Scenario(
    cause="packet",
    claims={"C6": "true"},
    fault=bad_path(
        duplicate(to="server", nth=[2]),
        lose(to="server", nth=[5]),
        reorder(to="server", nth=[12], after=2),
    ),
    calls=[
        connect(on="client", to="server"),
        # About 42 segments; the pattern's length is prime, so that no two of them are alike.
        exchange(on="client", data=bytes(range(251)) * 240).gives(
            bytes(range(251)) * 240, within_s=(0.0, 4.0)
        ),
    ],
    seen=[
        data(at="client", sender="client"),
        data(at="server", sender="client"),
    ],
    counted=[
        Counted("client", "Tcp.RetransSegs", at_least=1),
        Counted("client", "TcpExt.TCPDSACKRecv", at_least=1),
        Counted("server", "TcpExt.TCPOFOQueue", at_least=1),
        Counted("server", "TcpExt.TCPDSACKOldSent", at_least=1),
    ],
    look=(
        "`ss -ti` shows retrans and reordering of a connection, `nstat` on the receiver "
        "TcpExtTCPOFOQueue (too early) and TcpExtTCPDSACKOldSent (twice)."
    ),
    source=(
        "RFC 9293 3.8, 3.10.7.4; RFC 2018, RFC 2883 (DSACK); Linux net/ipv4/tcp_input.c "
        "tcp_data_queue_ofo(), tcp_send_dupack()"
    ),
)
