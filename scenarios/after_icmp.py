"""After an ICMP error the socket can be used again, and may remember the error.

It is closed (UNCONN), as after a RST, and connect() works on it. But two things of the
error can be left in it, which only close() takes away for certain.

An error that came while connect() held the socket was noted (a soft error), and
tcp_disconnect() forgets to clear the note: SO_ERROR tells it once more, and a later
attempt that nobody answers fails with the old EHOSTUNREACH in place of ETIMEDOUT. Under
IPv4 the error also stays in the error queue, even without IP_RECVERR: a connection that
is well is ready with POLLERR for ever, and an event loop spins.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    answer,
    connect,
    drop,
    exchange,
    getpeername,
    given,
    icmp,
    icmp_error,
    per_family,
    poll,
    recv,
    recv_error,
    reject,
    rst,
    send,
    shutdown,
    so_error,
    socket,
    ss,
    state,
    syn,
)

SCENARIO = Scenario(
    cause="caller",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    seen=[
        syn(at="client", count=given("syns")),
        icmp(at="client", error=per_family(ipv4=(3, 1), ipv6=(1, 3)), count=given("errors")),
        syn(at="server", count=given("arrive")),
    ],
    absent=[rst(at="client")],
    counted=[
        Counted("client", "Tcp.AttemptFails", exactly=given("failed")),
        Counted("client", "TcpExt.LockDroppedIcmps", exactly=given("held")),
    ],
    cases=[
        # A program on the router answers, a moment after connect() began to wait.
        Case(
            "calls",
            claims={"C74": "true", "C75": "wrong", "C79": "wrong"},
            fault=answer(
                to="server",
                by=[icmp_error(per_family(ipv4=(3, 1), ipv6=(1, 3)))],
                times=1,
                delay_s=0.05,
            ),
            calls=[
                socket(on="client"),
                state(on="client").tells("UNCONN"),
                connect(on="client", to="server").fails("EHOSTUNREACH", within_s=(0.0, 0.4)),
                state(on="client").tells("UNCONN"),
                ss(on="client", state="SYN-SENT").returns(0),
                so_error(on="client").reports(""),
                getpeername(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                recv(on="client").fails("ENOTCONN", within_s=(0.0, 0.5)),
                send(on="client", data=b"hi").fails("EPIPE", within_s=(0.0, 0.5)),
                shutdown(on="client", how="SHUT_RDWR").fails("ENOTCONN", within_s=(0.0, 0.5)),
            ],
            given={"syns": 1, "errors": 1, "arrive": 0, "failed": 1, "held": 0},
        ),
        # The router's kernel answers while connect() holds the socket; the answer to the
        # second SYN ends the attempt. Then nobody answers any more.
        Case(
            "wrong_errno_later",
            fault=[
                drop(on="router", to="server"),
                reject(
                    on="router",
                    to="server",
                    reply=per_family(ipv4="icmp-host-unreachable", ipv6="icmp6-addr-unreachable"),
                    times=2,
                ),
            ],
            calls=[
                connect(on="client", to="server", options={"TCP_USER_TIMEOUT": 500}).fails(
                    "EHOSTUNREACH", within_s=(0.9, 1.3)
                ),
                connect(on="client", to="server").fails("EHOSTUNREACH", within_s=(0.9, 1.3)),
                # To read it is to clear it: now the errno is the right one.
                so_error(on="client").reports("EHOSTUNREACH"),
                so_error(on="client").reports(""),
                connect(on="client", to="server").fails("ETIMEDOUT", within_s=(0.9, 1.3)),
            ],
            given={"syns": 6, "errors": 2, "arrive": 0, "failed": 3, "held": 1},
        ),
        Case(
            "pollerr_for_ever",
            claims={"C74": "true", "C75": "wrong", "C79": "wrong"},
            family="ipv4",
            fault=answer(to="server", by=[icmp_error((3, 1))], times=1, delay_s=0.05),
            calls=[
                connect(on="client", to="server").fails("EHOSTUNREACH", within_s=(0.0, 0.4)),
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                # Nothing to read: poll should wait.
                poll(on="client", events="POLLIN", timeout_s=0.3).tells(
                    "POLLERR", within_s=(0.0, 0.5)
                ),
                so_error(on="client").reports(""),
                poll(on="client", events="POLLIN", timeout_s=0.3).tells(
                    "POLLERR", within_s=(0.0, 0.5)
                ),
                recv_error(on="client").tells("EHOSTUNREACH from ICMP 3/1"),
                poll(on="client", events="POLLIN", timeout_s=0.3).returns(0, within_s=(0.3, 0.7)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            given={"syns": 2, "errors": 1, "arrive": 1, "failed": 1, "held": 0},
        ),
        Case(
            "no_pollerr",
            claims={"C74": "true", "C75": "wrong", "C79": "wrong"},
            family="ipv6",
            fault=answer(to="server", by=[icmp_error((1, 3))], times=1, delay_s=0.05),
            calls=[
                connect(on="client", to="server").fails("EHOSTUNREACH", within_s=(0.0, 0.4)),
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                poll(on="client", events="POLLIN", timeout_s=0.3).returns(0, within_s=(0.3, 0.7)),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            given={"syns": 2, "errors": 1, "arrive": 1, "failed": 1, "held": 0},
        ),
    ],
    look=(
        "An errno that names a router while a capture shows no ICMP error for this attempt: look "
        "in `strace` for an earlier connect() on the same descriptor that had one. A program "
        "that spins in poll() with POLLERR while SO_ERROR says 0 has an error in the queue: "
        "recvmsg with MSG_ERRQUEUE reads it. A new socket has neither."
    ),
    source=(
        "connect(2) NOTES; ip(7) IP_RECVERR; Linux net/ipv4/tcp.c, tcp_disconnect() (clears "
        "neither sk_err_soft nor sk_error_queue); net/ipv4/tcp_timer.c, tcp_write_err(); "
        "net/ipv4/tcp_ipv4.c, tcp_v4_err(); net/ipv6/tcp_ipv6.c, tcp_v6_err(); "
        "net/core/sock.c, sk_getsockopt() SO_ERROR"
    ),
)
