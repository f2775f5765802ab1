"""A datagram keeps its ends: one send, one recv, and what does not fit in is gone.

Three sends are three recvs, of the same lengths, however late they are read. An empty
datagram is a datagram as well: recv(2) gives 0 for it, which here is no end of anything.

The program must ask for enough. recv(2) with room for 4 bytes of a datagram of 10 gives 4
bytes without any error, and the next recv(2) gives the next datagram: the other 6 bytes are
lost. recvmsg(2) says so by MSG_TRUNC in the message's flags. recv(2) that is given the flag
MSG_TRUNC returns the datagram's whole length, more than the room that there was, and with
MSG_PEEK too it leaves the datagram where it is: so a program can ask how long the next one is.

On a stream it is the other way round: the ends are lost, and the bytes stay. See `coalesced`
and `split`.
"""

from lab import Case, Counted, Scenario, bind, data, per_family, recv, recvmsg, sendto

SCENARIO = Scenario(
    cause="caller",
    seen=[data(at="server", sender="client", proto="udp", count=2)],
    counted=[
        Counted("client", per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"), exactly=2),
        # What was cut off is no error to the kernel.
        Counted("server", per_family(ipv4="Udp.InErrors", ipv6="Udp6.InErrors"), exactly=0),
    ],
    cases=[
        Case(
            "kept",
            calls=[
                bind(
                    on="server", to="server", port=17321, proto="udp", options={"SO_RCVTIMEO": 0.3}
                ),
                sendto(on="client", to="server", port=17321, data=b"hello").returns(5),
                sendto(on="client", to="server", port=17321, data=b"").returns(0),
                sendto(on="client", to="server", port=17321, data=b"hi").returns(2),
                recv(on="server").gives(b"hello"),
                recv(on="server").returns(0),
                recv(on="server").gives(b"hi"),
                recv(on="server").fails("EAGAIN", within_s=(0.25, 1.5)),
            ],
            # The empty one is a packet, but not one that carries data.
            seen=[
                data(at="client", sender="client", proto="udp", count=2),
                data(at="server", sender="client", proto="udp", count=2),
            ],
            counted=[
                Counted(
                    "client",
                    per_family(ipv4="Udp.OutDatagrams", ipv6="Udp6.OutDatagrams"),
                    exactly=3,
                ),
                Counted("server", per_family(ipv4="Udp.InErrors", ipv6="Udp6.InErrors"), exactly=0),
            ],
        ),
        Case(
            "cut_short",
            calls=[
                bind(on="server", to="server", port=17321, proto="udp"),
                sendto(on="client", to="server", port=17321, data=b"hello, lab").returns(10),
                sendto(on="client", to="server", port=17321, data=b"next").returns(4),
                recv(on="server", size=4).gives(b"hell"),
                recv(on="server").gives(b"next"),
            ],
        ),
        Case(
            "told_by_recvmsg",
            calls=[
                bind(on="server", to="server", port=17321, proto="udp"),
                sendto(on="client", to="server", port=17321, data=b"hello, lab").returns(10),
                sendto(on="client", to="server", port=17321, data=b"next").returns(4),
                recvmsg(on="server", size=4).tells("MSG_TRUNC"),
                recvmsg(on="server", size=4).tells(""),
            ],
        ),
        Case(
            "whole_length",
            calls=[
                bind(on="server", to="server", port=17321, proto="udp"),
                sendto(on="client", to="server", port=17321, data=b"hello, lab").returns(10),
                sendto(on="client", to="server", port=17321, data=b"next").returns(4),
                recv(on="server", size=4, flags="MSG_TRUNC").returns(10),
                recv(on="server").gives(b"next"),
            ],
        ),
        Case(
            "asked_before",
            calls=[
                bind(on="server", to="server", port=17321, proto="udp"),
                sendto(on="client", to="server", port=17321, data=b"hello, lab").returns(10),
                sendto(on="client", to="server", port=17321, data=b"next").returns(4),
                recv(on="server", size=1, flags="MSG_PEEK|MSG_TRUNC").returns(10),
                recv(on="server", size=10).gives(b"hello, lab"),
                recv(on="server").gives(b"next"),
            ],
        ),
    ],
    look=(
        "`strace -e trace=network` shows the room that recv was given and what it returned: if "
        "they are equal, suspect that more has come. `tcpdump -n udp` shows the length sent."
    ),
    source=(
        "RFC 768; recv(2) MSG_TRUNC, MSG_PEEK; udp(7); Linux net/ipv4/udp.c udp_recvmsg(), "
        "net/ipv6/udp.c udpv6_recvmsg()"
    ),
)
