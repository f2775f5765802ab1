"""Port 0, or no bind(2) at all: the kernel chooses a port out of its range.

bind(2) with port 0 takes a free one at once, and getsockname(2) is how one learns its number.
Without bind(), connect(2) and listen(2) do the same, and so does sendto(2) on a UDP socket.
The range is net.ipv4.ip_local_port_range, for IPv6 too: 32768 to 60999 unless set otherwise.
Here the server or the client is given 17400 to 17499, so that one can see where the numbers
come from; within the range they come in no order.

For clients that is the rule. For a server it is rare, for nobody can know the number: who asks
at the usual port is refused, ECONNREFUSED as if the service did not run, and who is told the
number is served. When no port of the range is free, see ports_used_up.
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
    exchange,
    getsockname,
    listen,
    per_family,
    recvfrom,
    rst,
    sendto,
    socket,
    stop,
    syn,
    syn_ack,
    sysctl,
)

SCENARIO = Scenario(
    cause="nothing",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi")],
    cases=[
        Case(
            "bind",
            fault=sysctl(on="server", values={"net.ipv4.ip_local_port_range": "17400 17499"}),
            calls=[
                bind(on="server", port=0),
                getsockname(on="server").tells(per_family(ipv4="0.0.0.0:174…", ipv6="[::]:174…")),
                # UDP has ports of its own, from the same range.
                bind(on="server", port=0, proto="udp", socket="u"),
                getsockname(on="server", socket="u").tells(
                    per_family(ipv4="0.0.0.0:174…", ipv6="[::]:174…")
                ),
            ],
            absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
            claims={"C23": "true"},
        ),
        Case(
            # A range of one port stands for the number that somebody told the client.
            "client_does_not_know",
            fault=[
                stop(on="server", service="echo"),
                sysctl(on="server", values={"net.ipv4.ip_local_port_range": "17401 17401"}),
            ],
            calls=[
                bind(on="server", port=0, socket="l"),
                listen(on="server", socket="l"),
                connect(on="client", to="server").fails("ECONNREFUSED", within_s=(0.0, 0.5)),
                getsockname(on="server", socket="l").tells(
                    per_family(ipv4="0.0.0.0:17401", ipv6="[::]:17401")
                ),
                connect(on="client", to="server", port=17401, socket="told"),
                accept(on="server", socket="l").tells("{client:url}:…"),
            ],
            seen=[
                syn(at="server", count=2),
                rst(at="client", count=1),
                syn_ack(at="client", count=1),
            ],
            counted=[Counted("client", "Tcp.AttemptFails", exactly=1)],
            claims={"C24": "true"},
        ),
        Case(
            "listen_without_bind",
            fault=sysctl(on="server", values={"net.ipv4.ip_local_port_range": "17402 17402"}),
            calls=[
                socket(on="server", socket="l"),
                getsockname(on="server", socket="l").tells(
                    per_family(ipv4="0.0.0.0:0", ipv6="[::]:0")
                ),
                listen(on="server", socket="l"),
                getsockname(on="server", socket="l").tells(
                    per_family(ipv4="0.0.0.0:17402", ipv6="[::]:17402")
                ),
                connect(on="client", to="server", port=17402),
                accept(on="server", socket="l"),
            ],
            seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
            absent=[rst(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
            claims={"C48": "true"},
        ),
        Case(
            "connect_without_bind",
            fault=sysctl(on="client", values={"net.ipv4.ip_local_port_range": "17400 17499"}),
            before=[
                bind(on="server", port=17505, socket="l", options={"SO_REUSEADDR": 1}),
                listen(on="server", socket="l"),
            ],
            calls=[
                connect(on="client", to="server", port=17505, options={"SO_LINGER": 0}),
                # The address was chosen with the port: by the route to the server.
                getsockname(on="client").tells("{client:url}:174…"),
                accept(on="server", socket="l").tells("{client:url}:174…"),
            ],
            seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
            claims={"C48": "true", "C51": "true"},
        ),
        Case(
            "sendto",
            fault=sysctl(on="client", values={"net.ipv4.ip_local_port_range": "17400 17499"}),
            before=[bind(on="server", port=17506, proto="udp", socket="u")],
            calls=[
                sendto(on="client", to="server", port=17506, data=b"hi").returns(2),
                # The port is chosen, the address for each datagram anew.
                getsockname(on="client").tells(per_family(ipv4="0.0.0.0:174…", ipv6="[::]:174…")),
                recvfrom(on="server", socket="u").tells("{client:url}:174…"),
            ],
            seen=[data(at="server", sender="client", proto="udp", count=1)],
            absent=[any_packet(at="client")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=1,
                ),
            ],
            claims={"C48": "true"},
        ),
    ],
    look=(
        "`ss -ltunp` on the server shows the port that a program really listens on; one inside "
        "`sysctl net.ipv4.ip_local_port_range` was chosen by the kernel, and is another one after "
        "the next start."
    ),
    source=(
        "bind(2), listen(2), connect(2), ip(7) ip_local_port_range; RFC 6056; Linux "
        "net/ipv4/inet_connection_sock.c inet_csk_get_port(), net/ipv4/inet_hashtables.c "
        "__inet_hash_connect(), net/ipv4/af_inet.c inet_autobind(), inet_listen()"
    ),
)
