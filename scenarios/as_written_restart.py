"""The tutorial's server is stopped and cannot be started again, for a minute.

It closes each connection first, so the server's host has the TIME-WAIT of each client that
it served, on the server's port. bind() then says EADDRINUSE, and the program prints `Bind
error(98): Address already in use` and ends with 255, until the last of them is 60 s old.

A server that served nobody can be started again at once, and so can one whose clients left
first: then the client's host has the TIME-WAIT.

SO_REUSEADDR, set before bind(), is what is missing. The lab's server sets it, closes first
too in its case here, and listens again while its connection is in TIME-WAIT.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    close,
    connect,
    ended,
    fin,
    kill,
    output,
    poll,
    recv,
    rst,
    run,
    send,
    ss,
    start,
    went_through,
)

SCENARIO = Scenario(
    cause="local",
    # A port in TIME-WAIT would be in the way of the next run.
    needs=["sock_destroy"],
    before=[
        start(
            on="workshop",
            argv=["stdbuf", "-oL", "/opt/tutorial/server"],
            until="Listening...",
        ),
    ],
    cases=[
        Case(
            "served",
            family="ipv4",
            claims={"C19": "wrong", "C28": "true"},
            calls=[
                connect(on="client", to="workshop"),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").gives(b"abc"),
                recv(on="client").returns(0),
                # A FIN may wait for its ACK for 40 ms: the client's own could bring it along.
                poll(on="client", events="POLLPRI", timeout_s=0.1),
                close(on="client"),
                kill(on="workshop", signal="SIGTERM"),
                ended(on="workshop").returns(-15),
                ss(on="workshop", port=16555).tells("TIME-WAIT 0/0"),
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    program="again",
                    until="Listening...",
                ).returns(-1),
                ended(on="workshop", program="again").returns(255),
                output(on="workshop", program="again").gives(
                    b"Bind error(98): Address already in use\n"
                ),
            ],
            seen=[
                fin(at="client", sender="workshop", count=1),
                fin(at="workshop", sender="client", count=1),
            ],
            absent=[rst(at="client"), rst(at="workshop")],
            counted=[
                Counted("workshop", "Tcp.PassiveOpens", exactly=1),
                Counted("workshop", "Tcp.EstabResets", exactly=0),
            ],
            states=[
                went_through(
                    on="workshop",
                    port=16555,
                    states=["ESTAB", "FIN-WAIT-2", "TIME-WAIT"],
                    never=["CLOSE-WAIT"],
                ),
                went_through(
                    on="client", port=16555, states=["ESTAB", "CLOSE-WAIT"], never=["TIME-WAIT"]
                ),
            ],
        ),
        Case(
            "nobody_served",
            family="ipv4",
            claims={"C19": "true"},
            calls=[
                kill(on="workshop", signal="SIGTERM"),
                ended(on="workshop").returns(-15),
                ss(on="workshop", port=16555).returns(0),
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    program="again",
                    until="Listening...",
                ).tells("Listening..."),
                ss(on="workshop", port=16555).tells("LISTEN 0/2048"),
            ],
            absent=[any_packet(at="client"), any_packet(at="workshop")],
            counted=[Counted("workshop", "Tcp.PassiveOpens", exactly=0)],
        ),
        Case(
            "client_left_first",
            family="ipv4",
            claims={"C19": "true"},
            calls=[
                connect(on="client", to="workshop"),
                close(on="client"),
                # The server reads the end, sends nothing and closes too.
                run(on="workshop", argv=["sleep", "0.5"]),
                kill(on="workshop", signal="SIGTERM"),
                ended(on="workshop").returns(-15),
                ss(on="client", port=16555).tells("TIME-WAIT 0/0"),
                ss(on="workshop", port=16555).returns(0),
                start(
                    on="workshop",
                    argv=["stdbuf", "-oL", "/opt/tutorial/server"],
                    program="again",
                    until="Listening...",
                ).tells("Listening..."),
            ],
            seen=[
                fin(at="workshop", sender="client", count=1),
                fin(at="client", sender="workshop", count=1),
            ],
            absent=[rst(at="client"), rst(at="workshop")],
            counted=[Counted("workshop", "Tcp.PassiveOpens", exactly=1)],
        ),
        Case(
            "robust",
            before=[
                start(
                    on="server",
                    argv=["errnolab-server", "--port", "17604"],
                    until="listening",
                ),
            ],
            calls=[
                connect(on="client", to="server", port=17604),
                send(on="client", data=b"hi").returns(2),
                recv(on="client").gives(b"abc"),
                # No request for the end came, so the server closes first.
                recv(on="client").returns(0),
                poll(on="client", events="POLLPRI", timeout_s=0.1),
                close(on="client"),
                kill(on="server", signal="SIGTERM"),
                ended(on="server").returns(0),
                ss(on="server", port=17604).tells("TIME-WAIT 0/0"),
                start(
                    on="server",
                    argv=["errnolab-server", "--port", "17604"],
                    program="again",
                    until="listening",
                ).tells("listening on…"),
                connect(on="client", to="server", port=17604, socket="next"),
                send(on="client", data=b"hi", socket="next").returns(2),
                recv(on="client", socket="next").gives(b"abc"),
            ],
            seen=[
                fin(at="client", sender="server"),
                fin(at="server", sender="client"),
            ],
            absent=[rst(at="client"), rst(at="server")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=2),
                Counted("client", "Tcp.AttemptFails", exactly=0),
            ],
            states=[
                went_through(
                    on="server",
                    port=17604,
                    states=["ESTAB", "FIN-WAIT-2", "TIME-WAIT"],
                    never=["CLOSE-WAIT"],
                ),
            ],
        ),
    ],
    look=(
        "`ss -tan sport = :16555` on the server's host shows TIME-WAIT and no LISTEN, and the "
        "seconds that are left with `-o`. With LISTEN there it is another process that has the "
        "port (`ss -ltnp`)."
    ),
    source=(
        "RFC 9293 3.6.1; bind(2), socket(7) SO_REUSEADDR; Linux net/ipv4/inet_connection_sock.c "
        "inet_bind_conflict(), include/net/tcp.h TCP_TIMEWAIT_LEN"
    ),
)
