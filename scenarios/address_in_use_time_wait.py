"""Who closed first cannot have the port again: it is in TIME-WAIT.

Who sends the first FIN keeps the connection in TIME-WAIT, on Linux for 60 s, so that
late segments meet nothing new (RFC 9293 3.6.1). For bind(2) the port is held as long:
EADDRINUSE. SO_REUSEADDR on the old socket and on the new one lets it pass; on the new
one alone it does not. Where the client closes first, the client has the TIME-WAIT.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    close,
    connect,
    exchange,
    fin,
    listen,
    recv,
    rst,
    shutdown,
    ss,
    syn,
    sysctl,
)

SCENARIO = Scenario(
    cause="local",
    # A port in TIME-WAIT would be in the way of the next run.
    needs=["sock_destroy"],
    seen=[
        syn(at="client", count=1),
        fin(at="client", sender="server", count=1),
        fin(at="client", sender="client", count=1),
    ],
    absent=[rst(at="client")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=1),
        Counted("client", "Tcp.EstabResets", exactly=0),
    ],
    cases=[
        Case(
            "restart",
            claims={"C19": "wrong", "C28": "true", "C112": "true", "C113": "true"},
            calls=[
                bind(on="server", port=17110),
                listen(on="server"),
                connect(on="client", to="server", port=17110),
                accept(on="server"),
                shutdown(on="server", socket="c"),  # the first FIN
                recv(on="client").returns(0),
                close(on="client"),
                recv(on="server", socket="c").returns(0),
                close(on="server", socket="c"),
                close(on="server"),
                ss(on="server", port=17110).tells("TIME-WAIT 0/0"),
                ss(on="client", port=17110).returns(0),
                bind(on="server", port=17110, socket="again").fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "restart_reuseaddr",
            calls=[
                bind(on="server", port=17111, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17111),
                accept(on="server"),
                shutdown(on="server", socket="c"),
                recv(on="client").returns(0),
                close(on="client"),
                recv(on="server", socket="c").returns(0),
                close(on="server", socket="c"),
                close(on="server"),
                ss(on="server", port=17111).tells("TIME-WAIT 0/0"),
                bind(on="server", port=17111, socket="again", options={"SO_REUSEADDR": 1}),
                listen(on="server", socket="again"),
            ],
        ),
        Case(
            # What is in TIME-WAIT keeps the option it had: too late to set it now.
            "reuseaddr_too_late",
            claims={"C19": "wrong", "C28": "true"},
            calls=[
                bind(on="server", port=17112),
                listen(on="server"),
                connect(on="client", to="server", port=17112),
                accept(on="server"),
                shutdown(on="server", socket="c"),
                recv(on="client").returns(0),
                close(on="client"),
                recv(on="server", socket="c").returns(0),
                close(on="server", socket="c"),
                close(on="server"),
                ss(on="server", port=17112).tells("TIME-WAIT 0/0"),
                bind(on="server", port=17112, socket="again", options={"SO_REUSEADDR": 1}).fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            "restart_reuseport",
            calls=[
                bind(on="server", port=17113, options={"SO_REUSEPORT": 1}),
                listen(on="server"),
                connect(on="client", to="server", port=17113),
                accept(on="server"),
                shutdown(on="server", socket="c"),
                recv(on="client").returns(0),
                close(on="client"),
                recv(on="server", socket="c").returns(0),
                close(on="server", socket="c"),
                close(on="server"),
                ss(on="server", port=17113).tells("TIME-WAIT 0/0"),
                # Without any option, and with the other one, the port is taken.
                bind(on="server", port=17113, socket="none").fails("EADDRINUSE"),
                bind(on="server", port=17113, socket="r", options={"SO_REUSEADDR": 1}).fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
                bind(on="server", port=17113, socket="again", options={"SO_REUSEPORT": 1}),
                listen(on="server", socket="again"),
            ],
        ),
        Case(
            "client_closed_first",
            claims={"C19": "true", "C112": "true", "C113": "true"},
            calls=[
                bind(on="server", port=17114),
                listen(on="server"),
                connect(on="client", to="server", port=17114),
                accept(on="server"),
                shutdown(on="client"),  # the first FIN
                recv(on="server", socket="c").returns(0),
                close(on="server", socket="c"),
                close(on="server"),
                recv(on="client").returns(0),
                close(on="client"),
                ss(on="client", port=17114).tells("TIME-WAIT 0/0"),
                ss(on="server", port=17114).returns(0),
                bind(on="server", port=17114, socket="again"),
                listen(on="server", socket="again"),
            ],
        ),
        Case(
            # A client that binds a local port of its own is caught in the same way.
            "client_port",
            claims={"C28": "true", "C51": "wrong"},
            calls=[
                bind(on="client", port=17115),
                connect(on="client", to="server"),
                exchange(on="client", data=b"hi").gives(b"abc"),
                close(on="client"),
                ss(on="client", port=17115).tells("TIME-WAIT 0/0"),
                bind(on="client", port=17115, socket="again").fails(
                    "EADDRINUSE", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            # With SO_REUSEADDR it may bind, and connect as well: the timestamps prove
            # that what comes is new, and the kernel takes the old entry away.
            "client_port_reuseaddr",
            claims={"C51": "wrong"},
            calls=[
                bind(on="client", port=17116, socket="a", options={"SO_REUSEADDR": 1}),
                connect(on="client", to="server", socket="a"),
                exchange(on="client", data=b"hi", socket="a").gives(b"abc"),
                close(on="client", socket="a"),
                ss(on="client", port=17116).tells("TIME-WAIT 0/0"),
                bind(on="client", port=17116, socket="b", options={"SO_REUSEADDR": 1}),
                connect(on="client", to="server", socket="b"),
                exchange(on="client", data=b"hi", socket="b").gives(b"abc"),
            ],
            seen=[syn(at="client", count=2)],
            absent=[rst(at="client")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=2),
                Counted("client", "TcpExt.TWRecycled", exactly=1),
            ],
        ),
        Case(
            # Without timestamps nothing proves it: now connect() is what fails.
            "client_port_no_timestamps",
            fault=sysctl(on="client", values={"net.ipv4.tcp_timestamps": 0}),
            control=[
                connect(on="client", to="server"),
                exchange(on="client", data=b"hi"),
            ],
            calls=[
                bind(on="client", port=17117, socket="a", options={"SO_REUSEADDR": 1}),
                connect(on="client", to="server", socket="a"),
                exchange(on="client", data=b"hi", socket="a").gives(b"abc"),
                close(on="client", socket="a"),
                ss(on="client", port=17117).tells("TIME-WAIT 0/0"),
                bind(on="client", port=17117, socket="b", options={"SO_REUSEADDR": 1}),
                connect(on="client", to="server", socket="b").fails(
                    "EADDRNOTAVAIL", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="elsewhere", socket="b"),
            ],
            seen=[syn(at="client", count=2)],
            absent=[rst(at="client")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=2),
                Counted("client", "TcpExt.TWRecycled", exactly=0),
            ],
        ),
    ],
    look=(
        "`ss -tan state time-wait sport = :PORT` on the host shows connections of the port, `ss "
        "-ltn` nobody who listens, and it goes away by itself within a minute (`ss -o` shows the "
        "timer). A capture shows that this host's FIN was the first. Set SO_REUSEADDR before "
        "bind() in every server."
    ),
    source=(
        "RFC 9293 3.6.1; RFC 6191; socket(7) SO_REUSEADDR, SO_REUSEPORT; Linux "
        "net/ipv4/inet_connection_sock.c inet_bind_conflict(), net/ipv4/tcp_minisocks.c "
        "tcp_time_wait(), net/ipv4/tcp_ipv4.c tcp_twsk_unique()"
    ),
)
