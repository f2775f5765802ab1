"""The peer of an idle connection vanishes, and keepalive finds out.

With nothing to send, nobody misses a peer: recv(2) would wait for ever. SO_KEEPALIVE has
the kernel ask when nothing came for TCP_KEEPIDLE seconds (the default is two hours) and
again every TCP_KEEPINTVL; after TCP_KEEPCNT questions without an answer recv(2) tells
ETIMEDOUT, and a RST tells the peer, should it still be there.

The question is an ACK of one byte less than was acknowledged. To TCP the ICMP error that
quotes it is about data long since delivered, so it is ignored: the errno stays ETIMEDOUT,
where unacknowledged data would have given EHOSTUNREACH. TCP_USER_TIMEOUT, where it is
set, decides instead of TCP_KEEPCNT.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    ack,
    any_icmp,
    bind,
    connect,
    drop,
    exchange,
    icmp,
    listen,
    per_family,
    recv,
    reject,
    rst,
    setsockopt,
)

SCENARIO = Scenario(
    cause="peer",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi")],
    before=[
        bind(on="server", to="server", port=17202, options={"SO_REUSEADDR": 1}),
        listen(on="server"),
        connect(
            on="client",
            to="server",
            port=17202,
            options={"TCP_KEEPIDLE": 1, "TCP_KEEPINTVL": 1},
        ),
        accept(on="server"),
    ],
    cases=[
        Case(
            "vanished",
            fault=drop(on="router", to="server", port=17202, flags=""),
            calls=[
                setsockopt(on="client", option="TCP_KEEPCNT", value=2),
                # The clock begins here.
                setsockopt(on="client", option="SO_KEEPALIVE", value=1),
                # Questions after 1 s and 2 s; it gives up after 3 s, less what lies between
                # the two calls.
                recv(on="client").fails("ETIMEDOUT", within_s=(2.3, 3.5)),
            ],
            # The last of the handshake, and two questions.
            seen=[
                ack(at="client", sender="client", count=3),
                ack(at="server", sender="client", count=1),
                rst(at="router", sender="client", count=1),
            ],
            absent=[rst(at="server"), any_icmp(at="client")],
            counted=[
                Counted("client", "TcpExt.TCPKeepAlive", exactly=2),
                Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
            ],
        ),
        Case(
            "unreachable",
            fault=reject(
                on="router",
                to="server",
                port=17202,
                flags="",
                reply=per_family(ipv4="icmp-host-unreachable", ipv6="icmp6-addr-unreachable"),
            ),
            calls=[
                setsockopt(on="client", option="TCP_KEEPCNT", value=1),
                setsockopt(on="client", option="SO_KEEPALIVE", value=1),
                recv(on="client").fails("ETIMEDOUT", within_s=(1.3, 2.4)),
            ],
            # The question and the RST are both answered.
            seen=[
                ack(at="client", sender="client", count=2),
                ack(at="server", sender="client", count=1),
                rst(at="router", sender="client", count=1),
                icmp(at="client", error=per_family(ipv4=(3, 1), ipv6=(1, 3)), count=2),
            ],
            absent=[rst(at="server")],
            counted=[
                Counted("client", "TcpExt.TCPKeepAlive", exactly=1),
                Counted("client", "TcpExt.OutOfWindowIcmps", exactly=1),
                Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
            ],
        ),
        Case(
            "user_timeout",
            fault=drop(on="router", to="server", port=17202, flags=""),
            calls=[
                setsockopt(on="client", option="TCP_KEEPCNT", value=9),
                setsockopt(on="client", option="TCP_USER_TIMEOUT", value=1500),
                setsockopt(on="client", option="SO_KEEPALIVE", value=1),
                # After 1 s it asks; after 2 s, the first time that it looks behind 1.5 s,
                # it gives up.
                recv(on="client").fails("ETIMEDOUT", within_s=(1.3, 2.4)),
            ],
            seen=[
                ack(at="client", sender="client", count=2),
                ack(at="server", sender="client", count=1),
                rst(at="router", sender="client", count=1),
            ],
            absent=[rst(at="server"), any_icmp(at="client")],
            counted=[
                Counted("client", "TcpExt.TCPKeepAlive", exactly=1),
                Counted("client", "TcpExt.TCPAbortOnTimeout", exactly=1),
            ],
        ),
    ],
    look=(
        "`ss -tno` at the caller shows `timer:(keepalive,…)` and nothing unacknowledged; without "
        "that timer nobody is looking. A capture shows single ACKs, nothing back, and a RST from "
        "this host. `nstat TcpExtTCPKeepAlive` grows."
    ),
    source=(
        "RFC 9293 3.8.4; RFC 1122 4.2.3.6; tcp(7) TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, "
        "TCP_USER_TIMEOUT; Linux net/ipv4/tcp_timer.c tcp_keepalive_timer(), "
        "net/ipv4/tcp_ipv4.c tcp_v4_err()"
    ),
)
