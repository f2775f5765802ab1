"""The peer of a connection cannot be reached any more, and the router says so.

An ICMP error does not end a connection that was established, whatever its code: Linux
keeps the errno and goes on with its retransmissions (with IP_RECVERR it tells it as well).
Only when it gives up does recv(2) tell the kept errno, in the place of ETIMEDOUT. So
EHOSTUNREACH or ECONNREFUSED on a connection that worked comes as late as ETIMEDOUT, and
says why.

RFC 1122 wanted port unreachable to abort the connection; RFC 5927 tells why stacks do not.
After host unreachable over IPv4 Linux keeps the retransmission timer short, to find out
soon that the path is mended (RFC 6069); over IPv6 it does so only after no route (1/0).
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    data,
    exchange,
    icmp,
    listen,
    per_family,
    recv,
    reject,
    rst,
    send,
)

SCENARIO = Scenario(
    cause="route",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi")],
    before=[
        bind(on="server", to="server", port=17201, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="server", port=17201, options={"TCP_USER_TIMEOUT": 1500}),
        accept(on="server"),
        send(on="client", data=b"one").returns(3),
        recv(on="server", socket="c").gives(b"one"),
    ],
    cases=[
        Case(
            "host_unreachable",
            fault=reject(
                on="router",
                to="server",
                port=17201,
                flags="",
                reply=per_family(ipv4="icmp-host-unreachable", ipv6="icmp6-addr-unreachable"),
            ),
            calls=[
                send(on="client", data=b"two").returns(3),
                # The first retransmission after 0.4 s and more, and 1.5 s behind it, as in
                # peer_vanished; with the short timer the next tick of that.
                recv(on="client").fails("EHOSTUNREACH", within_s=(1.55, 2.6)),
            ],
            seen=[
                data(at="client", sender="client"),
                data(at="server", sender="client", count=1),
                icmp(at="client", error=per_family(ipv4=(3, 1), ipv6=(1, 3))),
            ],
            absent=[rst(at="client")],
            # Every 0.2 s, or after twice the time each.
            counted=[
                Counted("client", "Tcp.RetransSegs", at_least=per_family(ipv4=6, ipv6=4)),
                Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
            ],
        ),
        Case(
            "port_unreachable",
            fault=reject(
                on="router",
                to="server",
                port=17201,
                flags="",
                reply=per_family(ipv4="icmp-port-unreachable", ipv6="icmp6-port-unreachable"),
            ),
            calls=[
                send(on="client", data=b"two").returns(3),
                recv(on="client").fails("ECONNREFUSED", within_s=(1.55, 2.4)),
            ],
            # "one", "two", the probe, and "two" three times again.
            seen=[
                data(at="client", sender="client", count=6),
                data(at="server", sender="client", count=1),
                icmp(at="client", error=per_family(ipv4=(3, 3), ipv6=(1, 4)), count=5),
            ],
            absent=[rst(at="client")],
            counted=[
                Counted("client", "Tcp.RetransSegs", exactly=4),
                Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
            ],
        ),
    ],
    look=(
        "`tcpdump icmp or icmp6` while it hangs: the sender of the error is where the path ends. "
        "`nstat TcpExtTCPAbortOnTimeout` grows with the errno; with an ECONNREFUSED of connect(2) "
        "it does not."
    ),
    source=(
        "RFC 1122 4.2.3.9; RFC 5927 5.2; RFC 6069; tcp(7); Linux net/ipv4/tcp_ipv4.c tcp_v4_err(), "
        "net/ipv6/tcp_ipv6.c tcp_v6_err(), net/ipv4/tcp_timer.c tcp_write_err()"
    ),
)
