"""The service listens, and one caller's connections are led to a port where nobody does.

A rule that translates addresses (a published port, a load balancer's, REDIRECT) still names a
port that its program has left. The SYN reaches the host, which answers with its own RST, in the
name of the port that was asked for: ECONNREFUSED, as if the service were stopped (`refused`).
But `ss -ltn` shows it listening, and other callers are served. A rule that refuses
(`refused_rst`) makes its RST itself, and the host's TCP counts none.
"""

from lab import Counted, Scenario, connect, exchange, rst, shut, ss, syn, syn_ack

SCENARIO = Scenario(
    cause="service",
    fault=shut(),
    calls=[
        # One round trip; the margin is for a busy machine.
        connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
        ss(on="server", port=16555, state="LISTEN").returns(1),
        connect(on="server", to="loopback"),
        exchange(on="server", data=b"hi").gives(b"abc"),
    ],
    seen=[
        syn(at="client", count=1),
        syn(at="server", count=1),
        rst(at="server", sender="server", count=1),
        rst(at="client", sender="server", count=1),
    ],
    absent=[syn_ack(at="client")],
    counted=[
        Counted("client", "Tcp.AttemptFails", exactly=1),
        Counted("server", "Tcp.OutRsts", exactly=1),
    ],
    look=(
        "On the server `ss -ltn` shows the port, and a call of it from the host itself works: so "
        "a rule leads the caller elsewhere. `iptables -t nat -nvL PREROUTING` (`ip6tables`, `nft "
        "list ruleset`) shows it with its counter, and `conntrack -L` where each connection went."
    ),
    source=(
        "RFC 9293 3.10.7.1; iptables-extensions(8) REDIRECT; Linux net/ipv4/tcp_ipv4.c "
        "tcp_v4_rcv() and tcp_v4_send_reset(), net/netfilter/nf_nat_redirect.c"
    ),
)
