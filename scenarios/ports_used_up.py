"""No local port is left: three calls name it by three errnos.

connect(2) over TCP says EADDRNOTAVAIL, bind(2) and listen(2) EADDRINUSE, and UDP, which
takes its port with connect(2) or sendto(2), EAGAIN. connect(2) may use one port for
several destinations at once, so one destination can be exhausted and another not; a
port in TIME-WAIT counts as used. bind(2) with port 0 takes the port from all of them.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    bind,
    close,
    connect,
    exchange,
    listen,
    poll,
    rst,
    sendto,
    ss,
    syn,
    sysctl,
)

SCENARIO = Scenario(
    cause="local",
    absent=[rst(at="client")],
    # A port in TIME-WAIT would be in the way of the next case.
    needs=["sock_destroy"],
    # A range of one or two ports stands for one of 28 thousand.
    fault=sysctl(on="client", values={"net.ipv4.ip_local_port_range": "17130 17130"}),
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi")],
    cases=[
        Case(
            "connect",
            fault=sysctl(on="client", values={"net.ipv4.ip_local_port_range": "17130 17131"}),
            calls=[
                connect(on="client", to="server", socket="a"),
                connect(on="client", to="server", socket="b"),
                connect(on="client", to="server", socket="c").fails(
                    "EADDRNOTAVAIL", within_s=(0.0, 0.5)
                ),
                # The same two ports serve another destination.
                connect(on="client", to="elsewhere", socket="d"),
                # Who names a port himself is not bound to the range.
                bind(on="client", port=17132, socket="e"),
                connect(on="client", to="server", socket="e"),
            ],
            seen=[syn(at="client", count=4)],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=4)],
        ),
        Case(
            "bind",
            calls=[
                connect(on="client", to="server", socket="a"),
                bind(on="client", to="client", socket="b").fails("EADDRINUSE", within_s=(0.0, 0.5)),
                # Only connect() knows the destination: let it choose the port.
                bind(
                    on="client",
                    to="client",
                    socket="late",
                    options={"IP_BIND_ADDRESS_NO_PORT": 1},
                ),
                listen(on="client", socket="late").fails("EADDRINUSE", within_s=(0.0, 0.5)),
                connect(on="client", to="server", socket="late").fails(
                    "EADDRNOTAVAIL", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="elsewhere", socket="late"),
            ],
            seen=[syn(at="client", count=2)],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=2)],
        ),
        Case(
            # UDP has no connections that could share a port.
            "udp",
            calls=[
                connect(on="client", to="server", proto="udp", socket="a"),
                connect(on="client", to="elsewhere", proto="udp", socket="b").fails(
                    "EAGAIN", within_s=(0.0, 0.5)
                ),
                sendto(on="client", to="elsewhere", data=b"hi", socket="c").fails(
                    "EAGAIN", within_s=(0.0, 0.5)
                ),
                bind(on="client", proto="udp", socket="d").fails("EADDRINUSE", within_s=(0.0, 0.5)),
            ],
            absent=[any_packet(at="client", proto="udp"), any_packet(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            # Short connections, each closed by the caller first, use up ports like this.
            "time_wait",
            calls=[
                connect(on="client", to="server", socket="a"),
                exchange(on="client", data=b"hi", socket="a").gives(b"abc"),
                close(on="client", socket="a"),
                ss(on="client", port=17130).tells("TIME-WAIT 0/0"),
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
        Case(
            # tcp_tw_reuse=1 lets connect() take it a second later; the default, 2, does on
            # loopback only.
            "time_wait_reused",
            fault=sysctl(
                on="client",
                values={"net.ipv4.ip_local_port_range": "17133 17133", "net.ipv4.tcp_tw_reuse": 1},
            ),
            calls=[
                connect(on="client", to="server", socket="a"),
                exchange(on="client", data=b"hi", socket="a").gives(b"abc"),
                close(on="client", socket="a"),
                # A pause: nobody knows this UDP socket, so nothing comes.
                connect(on="client", to="server", proto="udp", socket="pause"),
                poll(on="client", events="POLLIN", timeout_s=1.2, socket="pause").returns(0),
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
    ],
    look=(
        "`ss -tan dst ADDRESS:PORT | wc -l` on the caller's host, TIME-WAIT and all, against the "
        "size of net.ipv4.ip_local_port_range: near it, ports are used up towards that address "
        "and port. Nothing is sent for a call that fails."
    ),
    source=(
        "connect(2), bind(2), ip(7) ip_local_port_range, "
        "IP_BIND_ADDRESS_NO_PORT; Linux net/ipv4/inet_hashtables.c __inet_hash_connect(), "
        "net/ipv4/inet_connection_sock.c inet_csk_find_open_port(), net/ipv4/af_inet.c "
        "inet_autobind(), net/ipv4/tcp_ipv4.c tcp_twsk_unique()"
    ),
)
