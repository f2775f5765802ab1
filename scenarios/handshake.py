"""Three segments make a connection: SYN J, SYN K with ACK J + 1, ACK K + 1.

connect() sends the SYN, whose number J is made up anew for each connection, and sleeps. The
server's kernel answers with a SYN of its own, K, and says which number it expects next: J + 1,
for a SYN counts as one byte. When that has come connect() returns, and the client's kernel
has sent the last ACK, K + 1, just before. Who waits in accept() is woken when the ACK has
come, half a round trip later. In the lab all of it takes 0.1 to 0.2 ms.

So the two calls return at two different moments, and the client is the first. Where the router
holds the SYN-ACK back for 0.3 s connect() sleeps as long, in SYN-SENT; where it holds the last
ACK back connect() has returned while the server's end is still in SYN-RECV. (Numbers are
counted here from those of the SYNs: J and K are 0, and J + 1 is 1.)
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    ack,
    any_icmp,
    bind,
    connect,
    data,
    delay,
    exchange,
    listen,
    poll,
    recv,
    rst,
    send,
    syn,
    syn_ack,
    went_through,
)

SCENARIO = Scenario(
    cause="nothing",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=1),
        Counted("server", "Tcp.PassiveOpens", at_least=1),
        Counted("client", "Tcp.AttemptFails", exactly=0),
    ],
    cases=[
        Case(
            "numbers",
            before=[
                bind(on="server", to="server", port=17300, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                connect(on="client", to="server", port=17300).returns(0),
                accept(on="server"),
            ],
            seen=[
                syn(at="client", count=1),
                syn(at="server", count=1),
                syn_ack(at="server", acks=1, count=1),
                syn_ack(at="client", acks=1, count=1),
                ack(at="client", sender="client", seq=1, acks=1, count=1),
                ack(at="server", sender="client", seq=1, acks=1, count=1),
            ],
            absent=[
                data(at="server", sender="client"),
                ack(at="client", sender="server"),
                rst(at="client"),
                any_icmp(at="client"),
            ],
            claims={"C58": "true", "C67": "true", "C104": "true"},
        ),
        Case(
            # The SYN-ACK comes late, and connect() sleeps until it is there.
            "blocks",
            fault=delay(to="server", port=17301, replies=True, flags="SYN,ACK", times=1, ms=300),
            before=[
                bind(on="server", to="server", port=17301, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                connect(on="client", to="server", port=17301)
                .returns(0, within_s=(0.3, 0.8))
                .after(syn_ack(at="client")),
                accept(on="server"),
            ],
            seen=[
                syn(at="client", count=1),
                syn_ack(at="server", count=1),
                syn_ack(at="client", acks=1, count=1),
            ],
            absent=[rst(at="client"), any_icmp(at="client")],
            states=[
                went_through(on="client", port=17301, states=["SYN-SENT", "ESTAB"]),
                went_through(on="server", port=17301, states=["SYN-RECV", "ESTAB"]),
            ],
            claims={"C78": "true", "C105": "true"},
        ),
        Case(
            # The last ACK comes late: connect() has returned long before.
            "connect_returns",
            fault=delay(to="server", port=17302, flags="ACK", times=1, ms=700),
            before=[
                bind(on="server", to="server", port=17302, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                connect(on="client", to="server", port=17302)
                .returns(0, within_s=(0.0, 0.5))
                .after(syn_ack(at="client"))
                .before(ack(at="server", sender="client")),
                poll(on="server", events="POLLIN", timeout_s=2.0)
                .tells("POLLIN")
                .after(ack(at="server", sender="client")),
            ],
            seen=[
                syn(at="client", count=1),
                syn_ack(at="client", acks=1, count=1),
                ack(at="client", sender="client", seq=1, acks=1, count=1),
                ack(at="server", sender="client", seq=1, acks=1, count=1),
            ],
            absent=[rst(at="client"), any_icmp(at="client")],
            states=[
                went_through(on="client", port=17302, states=["ESTAB"], never=["SYN-RECV"]),
                went_through(on="server", port=17302, states=["SYN-RECV", "ESTAB"]),
            ],
            claims={"C107": "true", "C109": "true"},
        ),
        Case(
            # accept() waits already, and is woken by the ACK and by nothing before it.
            "accept_waiting",
            fault=delay(to="server", port=17303, flags="ACK", times=1, ms=700),
            before=[
                bind(on="server", to="server", port=17303, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                accept(on="server")
                .tells("{client:url}:…", within_s=(0.7, 2.5))
                .after(ack(at="server", sender="client"))
                .in_background(),
                connect(on="client", to="server", port=17303)
                .returns(0, within_s=(0.0, 0.5))
                .after(syn_ack(at="client"))
                .before(ack(at="server", sender="client")),
            ],
            seen=[
                syn_ack(at="server", acks=1, count=1),
                ack(at="server", sender="client", seq=1, acks=1, count=1),
            ],
            absent=[rst(at="client"), any_icmp(at="client")],
            claims={"C108": "true", "C109": "true"},
        ),
        Case(
            "data_after",
            before=[
                bind(on="server", to="server", port=17304, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
            ],
            calls=[
                connect(on="client", to="server", port=17304).returns(0),
                accept(on="server"),
                send(on="client", data=b"request").returns(7),
                recv(on="server", socket="c").gives(b"request"),
                send(on="server", socket="c", data=b"reply").returns(5),
                recv(on="client").gives(b"reply"),
            ],
            seen=[
                ack(at="server", sender="client", seq=1, acks=1, count=1),
                data(at="server", sender="client", count=1),
                data(at="client", sender="server", count=1),
            ],
            absent=[rst(at="client"), any_icmp(at="client")],
            claims={"C60": "true", "C104": "true"},
        ),
    ],
    look=(
        "`tcpdump -S` shows the numbers as they are on the wire; without -S it counts them from "
        "the SYNs. `strace -tt -e connect,accept4` beside it shows when each call returned."
    ),
    source=(
        "RFC 9293 3.5, figure 6, and 3.4; connect(2), accept(2); Linux net/ipv4/tcp_input.c "
        "tcp_rcv_synsent_state_process(), net/ipv4/tcp_minisocks.c tcp_check_req(), "
        "net/ipv4/af_inet.c __inet_stream_connect()"
    ),
)
