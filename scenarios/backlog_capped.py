"""The backlog that listen() asks for is capped by net.core.somaxconn, silently.

listen(2) takes the smaller of the two, at the time of the call, and returns 0 all the
same; a negative backlog is a huge one to it. So a service that asks for 2048 has room
for far fewer where somaxconn is small (128 before Linux 5.4, 4096 since; each network
namespace, each container has its own). The caller of the first connection beyond it
meets `accept_queue_full`. A listener keeps what it got: raising somaxconn helps once
listen() is called again.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    bind,
    connect,
    exchange,
    listen,
    poll,
    rst,
    since,
    ss,
    state,
    syn,
    syn_ack,
    sysctl,
)

SCENARIO = Scenario(
    cause="queue",
    fault=sysctl(on="server", values={"net.core.somaxconn": 1}),
    control=[connect(on="client", to="server"), exchange(on="client", data=b"one")],
    cases=[
        Case(
            "new_listener",
            claims={"C11": "wrong", "C52": "wrong"},
            calls=[
                bind(on="server", port=17105, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=2048).returns(0),
                ss(on="server", port=17105).tells("LISTEN 0/1"),
                connect(on="client", to="server", port=17105, socket="first"),
                connect(on="client", to="server", port=17105, socket="second"),
                ss(on="server", port=17105, state="LISTEN").tells("LISTEN 2/1"),
                connect(on="client", to="server", port=17105, blocking=False).fails("EINPROGRESS"),
                poll(on="client", timeout_s=0.2).returns(0, within_s=(0.2, 0.6)),
                state(on="client").tells("SYN-SENT"),
            ],
            seen=[
                syn(at="client", count=3),
                syn(at="server", count=3),
                syn_ack(at="server", count=2),
            ],
            absent=[rst(at="server")],
            counted=[
                Counted("server", "TcpExt.ListenOverflows", exactly=1),
                Counted("server", "TcpExt.ListenDrops", exactly=1),
            ],
        ),
        Case(
            "old_listener",
            claims={"C11": "wrong", "C52": "wrong"},
            before=[
                bind(on="server", port=17105, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=2048),
                ss(on="server", port=17105).tells(
                    since((5, 4), then="LISTEN 0/2048", before="LISTEN 0/128")
                ),
            ],
            calls=[
                connect(on="client", to="server", port=17105, socket="first"),
                connect(on="client", to="server", port=17105, socket="second"),
                connect(on="client", to="server", port=17105, socket="third"),
                ss(on="server", port=17105, state="LISTEN").tells(
                    since((5, 4), then="LISTEN 3/2048", before="LISTEN 3/128")
                ),
                listen(on="server", backlog=2048).returns(0),
                ss(on="server", port=17105, state="LISTEN").tells("LISTEN 3/1"),
                connect(on="client", to="server", port=17105, blocking=False).fails("EINPROGRESS"),
                poll(on="client", timeout_s=0.2).returns(0, within_s=(0.2, 0.6)),
            ],
            seen=[
                syn(at="client", count=4),
                syn(at="server", count=4),
                syn_ack(at="server", count=3),
            ],
            absent=[rst(at="server")],
            counted=[
                Counted("server", "TcpExt.ListenOverflows", exactly=1),
                Counted("server", "TcpExt.ListenDrops", exactly=1),
            ],
        ),
        Case(
            "negative",
            claims={"C52": "wrong"},
            calls=[
                bind(on="server", port=17105, options={"SO_REUSEADDR": 1}),
                listen(on="server", backlog=-1).returns(0),
                ss(on="server", port=17105).tells("LISTEN 0/1"),
                connect(on="client", to="server", port=17105).returns(0, within_s=(0.0, 0.5)),
            ],
            seen=[syn(at="server", count=1), syn_ack(at="server", count=1)],
            absent=[rst(at="server")],
            counted=[Counted("server", "TcpExt.ListenOverflows", exactly=0)],
        ),
    ],
    look=(
        "`ss -ltn` shows the backlog in force in Send-Q: if it is smaller than what the service is "
        "configured for, `sysctl net.core.somaxconn` in its own network namespace is why; after "
        "raising it the service must listen again (restart or reload)."
    ),
    source=(
        "listen(2); Linux net/socket.c __sys_listen_socket(), net/ipv4/af_inet.c "
        "__inet_listen_sk(), Documentation/networking/ip-sysctl.rst somaxconn"
    ),
)
