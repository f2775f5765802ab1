"""Nobody has the datagram's port: a connected socket hears of it, an unconnected one does not.

The service is stopped; the host is well. Its kernel answers the datagram with ICMP port
unreachable, and sending succeeds all the same: the answer comes later.

connect(2) on a UDP socket sends nothing, and it succeeds. But from then on the kernel knows
whom this socket speaks with and tells it of hard errors: the next call fails with
ECONNREFUSED, whichever call that is. In `receiving` it is recv(2). In `sending` it is the
next send(2), which sends nothing then; it is told once, and the send after that one works.

An unconnected socket may speak with many. To it the error of one of them is not told:
recvfrom(2) waits for ever, or until its time-out. The ICMP message is the same, and comes to
the same host.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    connect,
    data,
    icmp,
    per_family,
    poll,
    recv,
    recvfrom,
    send,
    sendto,
    stop,
)

SCENARIO = Scenario(
    cause="service",
    fault=stop(on="server", service="echo_udp"),
    cases=[
        Case(
            "receiving",
            calls=[
                connect(on="client", to="server", proto="udp"),
                send(on="client", data=b"one").returns(3),
                recv(on="client").fails("ECONNREFUSED"),
            ],
            seen=[
                data(at="server", sender="client", proto="udp", count=1),
                icmp(
                    at="client",
                    error=per_family(ipv4=(3, 3), ipv6=(1, 4)),
                    sender="server",
                    count=1,
                ),
            ],
            absent=[data(at="client", sender="server", proto="udp")],
            counted=[
                Counted("server", per_family(ipv4="Udp.NoPorts", ipv6="Udp6.NoPorts"), exactly=1),
            ],
        ),
        Case(
            "sending",
            calls=[
                connect(on="client", to="server", proto="udp"),
                send(on="client", data=b"one").returns(3),
                # The error is there when the socket is ready with POLLERR.
                poll(on="client", events="POLLIN", timeout_s=5.0).tells("POLLERR"),
                send(on="client", data=b"two").fails("ECONNREFUSED"),
                send(on="client", data=b"three").returns(5),
                poll(on="client", events="POLLIN", timeout_s=5.0).tells("POLLERR"),
            ],
            # The second one has not left.
            seen=[
                data(at="client", sender="client", proto="udp", count=2),
                icmp(
                    at="client",
                    error=per_family(ipv4=(3, 3), ipv6=(1, 4)),
                    sender="server",
                    count=2,
                ),
            ],
            absent=[data(at="client", sender="server", proto="udp")],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=2,
                ),
                Counted("server", per_family(ipv4="Udp.NoPorts", ipv6="Udp6.NoPorts"), exactly=2),
            ],
        ),
        Case(
            "unconnected",
            calls=[
                sendto(on="client", to="server", data=b"one", options={"SO_RCVTIMEO": 0.3}).returns(
                    3
                ),
                recvfrom(on="client").fails("EAGAIN", within_s=(0.25, 1.5)),
                sendto(on="client", to="server", data=b"two").returns(3),
            ],
            seen=[
                data(at="server", sender="client", proto="udp", count=2),
                icmp(
                    at="client",
                    error=per_family(ipv4=(3, 3), ipv6=(1, 4)),
                    sender="server",
                    count=2,
                ),
            ],
            absent=[data(at="client", sender="server", proto="udp")],
            counted=[
                # The kernel took them in; it knows nobody to tell.
                Counted(
                    "client",
                    per_family(ipv4="Icmp.InDestUnreachs", ipv6="Icmp6.InDestUnreachs"),
                    exactly=2,
                ),
                Counted("server", per_family(ipv4="Udp.NoPorts", ipv6="Udp6.NoPorts"), exactly=2),
            ],
        ),
    ],
    look=(
        "`ss -lun` on the server shows nobody on the port, and `nstat -az UdpNoPorts` there grows. "
        "`tcpdump -n udp or icmp or icmp6` shows port unreachable from the server itself; from "
        "another address it would be a firewall's. `strace` shows whether the socket is connected."
    ),
    source=(
        "RFC 1122 4.1.3.1 and 4.1.3.3; RFC 4443 3.1; udp(7); Linux net/ipv4/udp.c "
        "__udp4_lib_rcv(), __udp4_lib_err(); net/ipv6/udp.c __udp6_lib_err()"
    ),
)
