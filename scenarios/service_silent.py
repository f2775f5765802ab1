"""The service takes the connection and the request, and no answer comes, whatever it runs.

Any program can meet this: its connections to the service are led, on the server, to one that
reads all and says nothing, and the service itself never learns of them. (In `silent_peer` calls
on the server play that peer.) connect(2) and send(2) succeed, the kernel acknowledges the
request, and recv(2) waits until the caller's own patience ends it: EAGAIN. A caller that has
none waits for ever, and that it closed its own sending half changes nothing.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    ack,
    connect,
    data,
    fin,
    misbehave,
    recv,
    rst,
    send,
    shutdown,
    state,
)

SCENARIO = Scenario(
    cause="service",
    fault=misbehave(how="silent"),
    absent=[
        data(at="server", sender="server"),
        fin(at="client", sender="server"),
        rst(at="client"),
    ],
    counted=[
        Counted("client", "TcpExt.TCPOrigDataSent", exactly=1),
        Counted("server", "Tcp.OutRsts", exactly=0),
    ],
    cases=[
        Case(
            "receive_timeout",
            calls=[
                connect(on="client", to="server", options={"SO_RCVTIMEO": 0.5}),
                send(on="client", data=b"request").returns(7),
                # Ticks may make it a little shorter.
                recv(on="client").fails("EAGAIN", within_s=(0.49, 1.0)),
                state(on="client").tells("ESTAB"),
            ],
            seen=[
                data(at="server", sender="client", count=1),
                ack(at="client", sender="server", count=1),
            ],
        ),
        Case(
            "all_said",
            calls=[
                connect(on="client", to="server", options={"SO_RCVTIMEO": 0.5}),
                send(on="client", data=b"request").returns(7),
                shutdown(on="client", how="SHUT_WR"),
                recv(on="client").fails("EAGAIN", within_s=(0.49, 1.0)),
                state(on="client").tells("FIN-WAIT-2"),
            ],
            seen=[
                data(at="server", sender="client", count=1),
                fin(at="server", sender="client", count=1),
            ],
            counted=[
                # The FIN is counted with the data.
                Counted("client", "TcpExt.TCPOrigDataSent", exactly=2),
                Counted("server", "Tcp.OutRsts", exactly=0),
            ],
        ),
    ],
    look=(
        "`ss -tn` at the caller shows ESTAB (or FIN-WAIT-2) with Send-Q 0: the peer's kernel has "
        "all. On the server `ss -tnp` names the process that has the connection: another than the "
        "service, or none, says that something in front of it took it; `strace -p` on it shows "
        "whether it waits for more or for somebody else."
    ),
    source=(
        "RFC 9293 3.8.3 and 3.9.1; socket(7) SO_RCVTIMEO, recv(2) EAGAIN; iptables-extensions(8) "
        "REDIRECT; Linux net/ipv4/tcp.c tcp_recvmsg_locked()"
    ),
)
