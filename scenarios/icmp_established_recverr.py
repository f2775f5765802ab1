"""Every ICMP error that can answer data, on a connection with IP_RECVERR.

With this option the error is told at once: the next recv() fails with the errno of the
table. The connection lives on: the data is sent again, and the recv() after that gives
the echo. What TCP makes nothing of (path MTU, redirects, source quench) is not told.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    answer,
    connect,
    data,
    each_icmp_error,
    given,
    icmp,
    icmp_error,
    per_family,
    recv,
    send,
)

SCENARIO = Scenario(
    cause="packet",
    # A moment later, so that no call holds the socket any more.
    fault=answer(
        to="server", by=[icmp_error(given("error"), mtu=1500)], flags="PSH", times=1, delay_s=0.02
    ),
    before=[
        connect(
            on="client",
            to="server",
            options=per_family(ipv4={"IP_RECVERR": 1}, ipv6={"IPV6_RECVERR": 1}),
        ),
        send(on="client", data=b"one").returns(3),
        recv(on="client").gives(b"one"),
    ],
    control=[connect(on="client", to="server")],
    cases=each_icmp_error(
        "tcp",
        reported=Case(
            calls=[
                send(on="client", data=b"two").returns(3),
                recv(on="client").fails(given("errno"), within_s=(0.0, 0.5)),
                # It is sent again after 200 ms at least.
                recv(on="client").gives(b"two", within_s=(0.0, 1.5)),
            ],
            seen=[
                icmp(at="client", error=given("error"), count=1),
                data(at="client", sender="client", count=3),
                data(at="server", sender="client", count=2),
            ],
            counted=[Counted("client", "Tcp.RetransSegs", exactly=1)],
        ),
        ignored=Case(
            calls=[
                send(on="client", data=b"two").returns(3),
                # The retransmission timer is 200 ms at least, from send() on; a busy machine
                # may come to recv() late.
                recv(on="client").gives(b"two", within_s=(0.0, 1.5)),
            ],
            seen=[
                icmp(at="client", error=given("error"), count=1),
                data(at="client", sender="client", count=3),
                data(at="server", sender="client", count=2),
            ],
            counted=[
                Counted("client", "Tcp.RetransSegs", exactly=1),
                # It came in, and nothing was wrong with it.
                Counted("client", per_family(ipv4="Icmp.InMsgs", ipv6="Icmp6.InMsgs"), at_least=1),
                Counted(
                    "client", per_family(ipv4="Icmp.InErrors", ipv6="Icmp6.InErrors"), exactly=0
                ),
            ],
        ),
    ),
    look=(
        "`ss -ti` shows the retransmissions of the connection, `tcpdump icmp or icmp6` the errors "
        "that answer them; without IP_RECVERR (see `strace`) the program is told nothing until "
        "the connection times out."
    ),
    source=(
        "RFC 792; RFC 1122 3.2.2 and 4.2.3.9; RFC 4443; RFC 5461; RFC 5927; "
        "Linux net/ipv4/icmp.c icmp_err_convert[] and icmp_unreach(), "
        "net/ipv6/icmp.c icmpv6_err_convert(), net/ipv4/tcp_ipv4.c tcp_v4_err(), "
        "net/ipv6/tcp_ipv6.c tcp_v6_err()"
    ),
)
