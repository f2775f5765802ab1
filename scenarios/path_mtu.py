"""A link on the path takes smaller packets, says so, and the caller learns it.

The router's next link takes 1300 bytes. The first full-size segment is too large for it;
the router drops it and answers with ICMP, 3/4 over IPv4 and 2/0 over IPv6, which carries
the 1300. No call tells of it: the kernel keeps the number for that destination (for ten
minutes; getsockopt(2) IP_MTU shows it), and sends the data again at once in smaller
segments. mtu_black_hole is the same path without the ICMP.
"""

from lab import (
    Counted,
    Scenario,
    accept,
    bind,
    connect,
    data,
    exchange,
    getsockopt,
    icmp,
    listen,
    mtu,
    per_family,
    poll,
    recv,
    route_via,
    send,
)

SCENARIO = Scenario(
    cause="nothing",
    fault=[
        mtu(on="router", toward="server", size=1300),
        # What is learned belongs to the route that was used, and goes with this one.
        route_via(on="client", to="elsewhere", via="router"),
    ],
    control=[connect(on="client", to="server"), exchange(on="client", data=b"x" * 5000)],
    calls=[
        bind(on="server", port=17210, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(on="client", to="elsewhere", port=17210),
        accept(on="server"),
        getsockopt(on="client", option=per_family(ipv4="IP_MTU", ipv6="IPV6_MTU")).returns(1500),
        send(on="client", data=b"x" * 2000).returns(2000),
        # Time for both segments to arrive; nothing is told meanwhile.
        poll(on="client", events="POLLPRI", timeout_s=0.1).returns(0),
        recv(on="server", socket="c", size=4000).gives(b"x" * 2000, within_s=(0.0, 0.5)),
        getsockopt(on="client", option=per_family(ipv4="IP_MTU", ipv6="IPV6_MTU")).returns(1300),
    ],
    seen=[
        icmp(at="client", error=per_family(ipv4=(3, 4), ipv6=(2, 0)), count=1),
        data(at="server", sender="client"),
    ],
    # Sent again, but not by a timer.
    counted=[
        Counted("client", "Tcp.RetransSegs", at_least=1),
        Counted("client", "TcpExt.TCPTimeouts", exactly=0),
    ],
    look=(
        "`ip route get ADDRESS` shows `mtu 1300` and when that expires; `ss -ti` shows pmtu:1300. "
        "A capture shows one ICMP message, and smaller segments after it."
    ),
    source=(
        "RFC 1191 3 and 4; RFC 8201 4; ip(7) IP_MTU; Linux net/ipv4/tcp_ipv4.c "
        "tcp_v4_mtu_reduced(), net/ipv6/tcp_ipv6.c tcp_v6_mtu_reduced(), net/ipv4/tcp_input.c "
        "tcp_simple_retransmit()"
    ),
)
