"""A stateful firewall has lost its table, and knows the connection no more.

It was restarted, or the entry of an idle connection ran out. It drops what does not begin
with a SYN and belongs to no connection that it saw begin, and says nothing: the data of
the established connection never arrives, ETIMEDOUT. A new connection works at once, so
whoever tries by hand finds nothing wrong.
"""

from lab import (
    Counted,
    Scenario,
    accept,
    any_icmp,
    bind,
    connect,
    data,
    drop_untracked,
    exchange,
    listen,
    recv,
    rst,
    send,
    syn,
)

SCENARIO = Scenario(
    cause="firewall",
    fault=drop_untracked(on="router", to="server", port=17211),
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi")],
    before=[
        bind(on="server", to="server", port=17211, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17211, options={"TCP_USER_TIMEOUT": 1500}),
        accept(on="server"),
        send(on="client", data=b"one").returns(3),
        recv(on="server", socket="c").gives(b"one"),
    ],
    calls=[
        send(on="client", data=b"two").returns(3),
        # The first retransmission after 0.4 s and more, and 1.5 s behind it, as in
        # peer_vanished.
        recv(on="client").fails("ETIMEDOUT", within_s=(1.55, 2.4)),
        connect(on="client", to="server", port=17211, socket="new"),
        accept(on="server", new="d"),
        send(on="client", data=b"three", socket="new").returns(5),
        recv(on="server", socket="d").gives(b"three", within_s=(0.0, 0.5)),
    ],
    # "one", "two", its probe, and it three times again; "three".
    seen=[
        syn(at="server", count=2),
        data(at="router", sender="client", count=7),
        data(at="server", sender="client", count=2),
    ],
    absent=[any_icmp(at="client"), rst(at="client")],
    counted=[
        Counted("client", "TcpExt.TCPLossProbes", exactly=1),
        Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
    ],
    look=(
        "A new connection to the same port works while the old one retransmits (`ss -ti`). On the "
        "firewall `conntrack -L` has no entry for the old one, and the counter of the rule for "
        "NEW or INVALID without SYN grows. Connections that idle longer than its time-out need "
        "keepalive."
    ),
    source=(
        "RFC 5382 5 (REQ-5); iptables-extensions(8) conntrack; Linux "
        "net/netfilter/nf_conntrack_proto_tcp.c tcp_new(), "
        "Documentation/networking/nf_conntrack-sysctl.rst nf_conntrack_tcp_loose"
    ),
)
