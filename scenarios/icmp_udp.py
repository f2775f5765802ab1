"""Every ICMP error that can answer a datagram of a connected UDP socket.

Only hard errors are told: port and protocol unreachable, prohibitions, parameter
problems, and a datagram that was too big for the path. The next recv() (or send())
fails with the errno. What may pass, as a missing route, is not told.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    answer,
    connect,
    data,
    each_icmp_error,
    exchange,
    given,
    icmp,
    icmp_error,
    per_family,
    recv,
    send,
)

SCENARIO = Scenario(
    cause="packet",
    fault=answer(to="server", by=[icmp_error(given("error"), mtu=1500)], proto="udp"),
    control=[
        connect(on="client", to="server"),
        exchange(on="client", data=b"hi").gives(b"abc"),
    ],
    cases=each_icmp_error(
        "udp connected",
        reported=Case(
            calls=[
                connect(on="client", to="server", proto="udp", options={"SO_RCVTIMEO": 0.3}),
                send(on="client", data=b"two").returns(3),
                recv(on="client").fails(given("errno"), within_s=(0.0, 0.5)),
            ],
            seen=[
                data(at="client", sender="client", proto="udp", count=1),
                icmp(at="client", error=given("error"), count=1),
            ],
            absent=[data(at="server", proto="udp")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=1,
                ),
            ],
        ),
        ignored=Case(
            calls=[
                connect(on="client", to="server", proto="udp", options={"SO_RCVTIMEO": 0.3}),
                send(on="client", data=b"two").returns(3),
                # Nothing comes: SO_RCVTIMEO ends the wait.
                recv(on="client").fails("EAGAIN", within_s=(0.25, 0.8)),
            ],
            seen=[
                data(at="client", sender="client", proto="udp", count=1),
                icmp(at="client", error=given("error"), count=1),
            ],
            absent=[data(at="server", proto="udp")],
            counted=[
                # It came in, and nothing was wrong with it.
                Counted("client", per_family(ipv4="Icmp.InMsgs", ipv6="Icmp6.InMsgs"), at_least=1),
                Counted(
                    "client", per_family(ipv4="Icmp.InErrors", ipv6="Icmp6.InErrors"), exactly=0
                ),
            ],
        ),
    ),
    look=(
        "`tcpdump -vn udp or icmp or icmp6` shows the datagram and the error that answers it; "
        "`strace -e trace=network` whether the program can hear of it: connect() or IP_RECVERR."
    ),
    source=(
        "RFC 1122 4.1.3.3; RFC 4443; udp(7), ip(7) and ipv6(7) IP_RECVERR; Linux "
        "net/ipv4/icmp.c icmp_err_convert[], net/ipv6/icmp.c icmpv6_err_convert(), "
        "net/ipv4/udp.c __udp4_lib_err(), net/ipv6/udp.c __udp6_lib_err()"
    ),
)
