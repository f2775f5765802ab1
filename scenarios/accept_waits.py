"""accept(2) with an empty queue waits, unless it was told not to.

By default it sleeps until a handshake is finished, however long that takes. With O_NONBLOCK
on the listener it says EAGAIN at once, and with SO_RCVTIMEO after that time. So one errno
means that nobody has come yet, and the listener is as well as before: the next client is
accepted. poll(2) tells when there is one.

If connections wait already, it takes one and does not sleep; listen(2) of 2 lets two wait, and
on Linux a third.

The accepted socket does not have the listener's O_NONBLOCK: on Linux it blocks unless
accept4(2) was given SOCK_NONBLOCK. It does have its time-out.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    data,
    fcntl,
    listen,
    poll,
    recv,
    rst,
    send,
    setsockopt,
    socket,
    ss,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="nothing",
    before=[
        bind(on="server", to="server", port=17468, options={"SO_REUSEADDR": 1}),
        listen(on="server", backlog=2),
        # For a rest between calls: nothing ever comes to it.
        socket(on="client", type="SOCK_DGRAM", socket="rest"),
    ],
    seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
    absent=[rst(at="client"), rst(at="server")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=1),
        Counted("server", "TcpExt.ListenOverflows", exactly=0),
    ],
    cases=[
        Case(
            "blocks",
            claims={"C93": "true"},
            calls=[
                accept(on="server").returns_between(3, 99, within_s=(0.4, 3.0)).in_background(),
                poll(on="client", socket="rest", events="POLLIN", timeout_s=0.5).returns(0),
                connect(on="client", to="server", port=17468),
                send(on="client", data=b"hi").returns(2),
                recv(on="server", socket="c").gives(b"hi"),
            ],
        ),
        Case(
            "two_wait",
            claims={"C52": "true"},
            calls=[
                connect(on="client", to="server", port=17468, socket="first"),
                connect(on="client", to="server", port=17468, socket="second"),
                ss(on="server", port=17468, state="LISTEN").tells("LISTEN 2/2"),
                send(on="client", socket="first", data=b"first").returns(5),
                send(on="client", socket="second", data=b"second").returns(6),
                accept(on="server", new="one"),
                accept(on="server", new="two"),
                recv(on="server", socket="one").gives(b"first"),
                recv(on="server", socket="two").gives(b"second"),
                ss(on="server", port=17468, state="LISTEN").tells("LISTEN 0/2"),
            ],
            seen=[
                syn(at="server", count=2),
                syn_ack(at="client", count=2),
                data(at="server", sender="client", count=2),
            ],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=2),
                Counted("server", "TcpExt.ListenOverflows", exactly=0),
            ],
        ),
        Case(
            # The time is counted in ticks of the kernel's clock, and may end one early.
            "receive_timeout",
            claims={"C93": "wrong"},
            calls=[
                setsockopt(on="server", option="SO_RCVTIMEO", value=0.5),
                accept(on="server").fails("EAGAIN", within_s=(0.48, 1.5)),
                connect(on="client", to="server", port=17468),
                accept(on="server"),
                # The accepted socket has the time-out as well.
                recv(on="server", socket="c").fails("EAGAIN", within_s=(0.48, 1.5)),
            ],
        ),
        Case(
            "non_blocking",
            claims={"C93": "wrong"},
            calls=[
                fcntl(on="server", blocking=False),
                accept(on="server").fails("EAGAIN"),
                connect(on="client", to="server", port=17468),
                poll(on="server", events="POLLIN", timeout_s=1.0).tells("POLLIN"),
                accept(on="server"),
                # It blocks: nothing of O_NONBLOCK came with it.
                recv(on="server", socket="c").returns(2, within_s=(0.2, 2.0)).in_background(),
                poll(on="client", socket="rest", events="POLLIN", timeout_s=0.3).returns(0),
                send(on="client", data=b"hi").returns(2),
            ],
        ),
        Case(
            "accept4",
            calls=[
                connect(on="client", to="server", port=17468),
                accept(on="server", flags="SOCK_NONBLOCK"),
                recv(on="server", socket="c").fails("EAGAIN"),
            ],
        ),
    ],
    look=(
        "`strace -e trace=accept4,poll -p PID` shows whether the program sleeps in accept4() or "
        "asks again and again; `cat /proc/PID/wchan` says inet_csk_accept while it sleeps. Recv-Q "
        "0 in `ss -ltn` means that there is nothing to accept."
    ),
    source=(
        "accept(2) EAGAIN and its notes on O_NONBLOCK; socket(7) SO_RCVTIMEO; Linux "
        "net/ipv4/inet_connection_sock.c inet_csk_accept(), inet_csk_wait_for_connect()"
    ),
)
