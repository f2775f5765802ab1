"""The service runs, and something on the path answers its SYN with a RST.

The router's firewall (iptables REJECT --reject-with tcp-reset) puts the server's
address on the RST, so the caller cannot tell it from `refused`. The wire can: the
RST is made at the router, and the server saw no SYN.
"""

from lab import Counted, Scenario, connect, reject, rst, syn

SCENARIO = Scenario(
    cause="firewall",
    claims={"C71": "true", "C73": "wrong"},
    fault=reject(on="router", to="server", reply="tcp-reset"),
    calls=[
        connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
    ],
    seen=[
        syn(at="client", count=1),
        syn(at="router", count=1),
        rst(at="router", sender="server", count=1),
        rst(at="client", sender="server", count=1),
    ],
    absent=[syn(at="server"), rst(at="server")],
    counted=[Counted("client", "Tcp.AttemptFails", exactly=1)],
    look=(
        "The server's `ss -ltn` shows the port, and a capture there shows no SYN: the RST was "
        "made on the way (its TTL tells how far away). Look for REJECT rules: `iptables "
        "-nvL`, `nft list ruleset`."
    ),
    source="RFC 9293 3.10.7.3; Linux net/ipv4/tcp_input.c tcp_reset(); iptables-extensions(8)",
)
