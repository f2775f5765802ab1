"""The two right ways in which Linux reports an ICMP error from a blocking connect().

On veth links, and so on Docker's bridges, the SYN, the router's answer and its
delivery all run inside the client's connect(), while it holds the socket. The
kernel then keeps the error as a soft one, counts LockDroppedIcmps, and reports it
when the next SYN is answered. Where the answer comes from another context (real
hardware, threaded NAPI) the call fails at once.
Source: Linux net/ipv4/tcp_ipv4.c tcp_v4_err(), net/ipv6/tcp_ipv6.c tcp_v6_err().
"""

from __future__ import annotations

from lab.scenario import Counted, Picture
from lab.wire import syn

REPORTED_AT_ONCE = Picture(
    name="at once",
    why="the ICMP error came while nobody held the socket, so connect() failed with it",
    within_s=(0.0, 0.2),
    seen=(syn(at="client", count=1),),
    counted=(Counted("client", "TcpExt.LockDroppedIcmps", exactly=0),),
)
REPORTED_LATE = Picture(
    name="with the first retransmission",
    why=(
        "the ICMP error came while connect() held the socket (one kernel carries it from host to "
        "host), so it was kept as a soft error and reported when the second SYN was answered"
    ),
    # The retransmission timer is 1 s, and late by up to 13 % (known.late); the rest is for a
    # busy machine.
    within_s=(0.9, 1.3),
    seen=(syn(at="client", count=2),),
    counted=(Counted("client", "TcpExt.LockDroppedIcmps", at_least=1),),
)
ICMP_REPORTED = (REPORTED_AT_ONCE, REPORTED_LATE)
