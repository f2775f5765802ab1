"""A server's steps: bind, listen, accept, and answer until the client leaves.

The tutorial gives them in this order, and a server that keeps to them answers each
request of a connection: here errnolab-server, which takes a line for a request. Two lines
get two answers on one connection, and the server closes when the client has closed.

The tutorial's own program does less than its steps say. It calls recv() and send() once
and closes: the second request meets a socket that is no more, and the server's kernel
answers it with a RST. send() had already returned 3 by then, for it only puts the bytes
into the client's kernel; recv() gives 0, and only the next send() fails, with EPIPE.

Nor is each step needed. listen() on a socket that was never bound gives it an address: the
wildcard, and a port of the kernel's choice.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    connect,
    data,
    exchange,
    fin,
    getsockname,
    listen,
    poll,
    recv,
    rst,
    send,
    shutdown,
    socket,
    start,
    syn,
    syn_ack,
    sysctl,
)

SCENARIO = Scenario(
    cause="peer",
    cases=[
        Case(
            "robust_server",
            claims={"C9": "true"},
            before=[
                start(
                    on="server",
                    argv=["errnolab-server", "--port", "17600", "--framing", "delimiter:\\n"],
                    until="listening",
                ),
            ],
            calls=[
                connect(on="client", to="server", port=17600),
                send(on="client", data=b"one\n").returns(4),
                recv(on="client").gives(b"one\n"),
                send(on="client", data=b"hi\n").returns(3),
                recv(on="client").gives(b"abc\n"),
                shutdown(on="client"),
                recv(on="client").returns(0),
            ],
            seen=[
                data(at="client", sender="client", count=2),
                data(at="client", sender="server", count=2),
                fin(at="client", sender="client", count=1),
                fin(at="client", sender="server", count=1),
            ],
            absent=[rst(at="client"), rst(at="server")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=1),
                Counted("client", "Tcp.EstabResets", exactly=0),
            ],
        ),
        Case(
            "as_written",
            family="ipv4",
            claims={"C9": "wrong"},
            before=[
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    until="Listening...",
                ),
            ],
            calls=[
                # At its end the socket resets what is left: no TIME-WAIT for the next run.
                connect(on="client", to="workshop", options={"SO_LINGER": 0}),
                send(on="client", data=b"one").returns(3),
                recv(on="client").gives(b"one"),
                # The FIN is there before the second request leaves.
                recv(on="client").returns(0),
                send(on="client", data=b"two").returns(3),
                # The RST.
                poll(on="client", events="POLLPRI", timeout_s=2.0).returns(1),
                recv(on="client").returns(0),
                send(on="client", data=b"three").fails("EPIPE"),
            ],
            seen=[
                data(at="client", sender="client", count=2),
                data(at="client", sender="workshop", count=1),
                fin(at="client", sender="workshop", count=1),
                rst(at="workshop", sender="workshop", count=1),
                rst(at="client", sender="workshop", count=1),
            ],
            absent=[fin(at="client", sender="client")],
            counted=[
                Counted("client", "Tcp.EstabResets", exactly=1),
                Counted("workshop", "Tcp.PassiveOpens", exactly=1),
            ],
        ),
        Case(
            "without_bind",
            claims={"C9": "wrong"},
            # A range of one port: the kernel's choice is known beforehand.
            fault=sysctl(on="server", values={"net.ipv4.ip_local_port_range": "17601 17601"}),
            control=[connect(on="client", to="server"), exchange(on="client", data=b"one")],
            calls=[
                socket(on="server"),
                listen(on="server").returns(0),
                getsockname(on="server").tells("{any:url}:17601"),
                connect(on="client", to="server", port=17601, options={"SO_LINGER": 0}),
                accept(on="server"),
                send(on="client", data=b"one").returns(3),
                recv(on="server", socket="c").gives(b"one"),
            ],
            seen=[
                syn(at="server", count=1),
                syn_ack(at="client", count=1),
                data(at="server", sender="client", count=1),
            ],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
    ],
    look=(
        "A capture shows who sent the first FIN: a server that closes after its first reply sends "
        "it by itself, right behind the data, and answers the next request with a RST. `strace -e "
        "trace=network` on the server shows the order of its calls."
    ),
    source=(
        "bind(2), listen(2), accept(2), send(2); RFC 9293 3.10.7.1; Linux "
        "net/ipv4/inet_connection_sock.c inet_csk_listen_start(), net/ipv4/tcp_input.c "
        "tcp_reset()"
    ),
)
