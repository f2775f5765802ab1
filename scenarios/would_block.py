"""There is nothing to do yet, and the caller will not wait: EAGAIN.

With O_NONBLOCK a call says so at once; with SO_RCVTIMEO or SO_SNDTIMEO after that time,
by the same errno (EWOULDBLOCK is the same number on Linux). Nothing is wrong with the
connection: poll(2) tells when to call again. A sender meets it when the peer does not
read, so that the peer's window and its own buffer are full.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_packet,
    bind,
    connect,
    data,
    fcntl,
    fill,
    listen,
    poll,
    recv,
    rst,
    send,
    setsockopt,
    syn,
)

SCENARIO = Scenario(
    cause="nothing",
    # The time-outs are counted in ticks of the kernel's clock (4 ms, or 10): the first one
    # is already under way, so they may end a tick early. They end a little late under load.
    cases=[
        Case(
            "recv",
            calls=[
                connect(on="client", to="server", options={"SO_RCVTIMEO": 0.5}),
                recv(on="client").fails("EAGAIN", within_s=(0.48, 1.0)),
                fcntl(on="client", blocking=False),
                recv(on="client").fails("EAGAIN", within_s=(0.0, 0.5)),
            ],
            seen=[syn(at="client", count=1)],
            absent=[data(at="client"), rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
        Case(
            "recv_udp",
            calls=[
                connect(on="client", to="server", proto="udp", options={"SO_RCVTIMEO": 0.5}),
                recv(on="client").fails("EAGAIN", within_s=(0.48, 1.0)),
                fcntl(on="client", blocking=False),
                recv(on="client").fails("EAGAIN", within_s=(0.0, 0.5)),
            ],
            absent=[any_packet(at="client", proto="udp"), any_packet(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            "accept",
            claims={"C93": "wrong", "C95": "true"},
            calls=[
                bind(on="client", port=17180, options={"SO_RCVTIMEO": 0.5}),
                listen(on="client"),
                accept(on="client").fails("EAGAIN", within_s=(0.48, 1.0)),
                fcntl(on="client", blocking=False),
                accept(on="client").fails("EAGAIN", within_s=(0.0, 0.5)),
            ],
            absent=[any_packet(at="client")],
            counted=[Counted("client", "Tcp.PassiveOpens", exactly=0)],
        ),
        Case(
            # The server has accepted, and does not read.
            "send",
            claims={"C88": "true"},
            calls=[
                bind(on="server", port=17181, options={"SO_REUSEADDR": 1, "SO_RCVBUF": 8192}),
                listen(on="server"),
                connect(on="client", to="server", port=17181, options={"SO_SNDBUF": 8192}),
                accept(on="server"),
                fill(on="client"),
                # What is on its way arrives, and makes room once more.
                poll(on="client", events="POLLIN", timeout_s=0.3).returns(0),
                fill(on="client"),
                setsockopt(on="client", option="SO_SNDTIMEO", value=0.5),
                send(on="client", data=b"x").fails("EAGAIN", within_s=(0.48, 1.0)),
                fcntl(on="client", blocking=False),
                send(on="client", data=b"x").fails("EAGAIN", within_s=(0.0, 0.5)),
            ],
            seen=[data(at="server", sender="client")],
            absent=[data(at="client", sender="server"), rst(at="client")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=1),
                # The server has told the client that its window is closed.
                Counted("server", "TcpExt.TCPToZeroWindowAdv", at_least=1),
            ],
        ),
    ],
    look=(
        "`ss -tanpo` shows the connection well, in ESTAB: a Send-Q that stays (and a timer "
        "`persist`) means that the peer does not read, which its own Recv-Q confirms."
    ),
    source=(
        "recv(2), send(2), accept(2) EAGAIN; socket(7) SO_RCVTIMEO; RFC 9293 3.8.6.1; Linux "
        "net/ipv4/tcp.c, net/core/stream.c sk_stream_wait_memory(), net/core/sock.c "
        "sock_set_timeout()"
    ),
)
