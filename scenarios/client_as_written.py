"""The tutorial's client says `connect failed!`, whatever failed.

It is the tutorial's Windows client with the changes that POSIX needs. Where there is a
server it sends a line and prints the reply. Where connect() fails it prints the same two
words for each reason and ends with 255: nobody listens (ECONNREFUSED), nobody answers
(ETIMEDOUT), no way leads there (EHOSTUNREACH). errno held the reason, and was not printed.

A text that is no address fails with these words too, and not where the mistake is.
inet_addr() returns 0xffffffff for it, which is also the address 255.255.255.255. The
client does not look and connects to that: ENETUNREACH for TCP, and no packet leaves.
inet_pton() would have said 0, which is no address.

With the tutorial's correction it prints `Connect error(111): Connection refused` in place of
the two words, or 113 and `No route to host`, closes the socket and ends with 255.

The lab's client is run beside it on the same host against the same failure. It names the
call, the errno and what it means.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    connect,
    data,
    drop,
    ended,
    fin,
    inet_addr,
    inet_pton,
    output,
    route,
    rst,
    run,
    start,
    stop,
    syn,
    sysctl,
)

SCENARIO = Scenario(
    cause="caller",
    family="ipv4",
    control=[connect(on="workshop", to="server")],
    cases=[
        Case(
            "answered",
            claims={"C31": "true", "C35": "true"},
            calls=[
                start(on="workshop", argv=["/opt/tutorial/client", "{server}"], stdin=b"hello\n"),
                ended(on="workshop").returns(0),
                output(on="workshop").gives(b"recv data:hello\n"),
                run(on="workshop", argv=["errnolab-client", "{server}", "hello"]).gives(b"hello"),
            ],
            seen=[
                syn(at="server", count=2),
                data(at="server", sender="workshop", count=2),
                data(at="workshop", sender="server"),
                fin(at="server", sender="workshop", count=2),
            ],
            absent=[rst(at="workshop")],
            counted=[Counted("workshop", "Tcp.ActiveOpens", exactly=2)],
        ),
        Case(
            "refused",
            claims={"C32": "wrong"},
            fault=stop(),
            calls=[
                start(on="workshop", argv=["/opt/tutorial/client", "{server}"], stdin=b"hello\n"),
                ended(on="workshop").returns(255),
                output(on="workshop").gives(b"connect failed!\n"),
                output(on="workshop", stream="stderr").gives(b""),
                run(on="workshop", argv=["errnolab-client", "{server}", "hello"])
                .returns(1)
                .tells("errnolab-client: connect to {server} port 16555: ECONNREFUSED (111)…"),
            ],
            seen=[
                syn(at="server", count=2),
                rst(at="workshop", sender="server", count=2),
            ],
            absent=[data(at="workshop")],
            counted=[Counted("workshop", "Tcp.AttemptFails", exactly=2)],
        ),
        Case(
            "silent",
            claims={"C32": "wrong"},
            fault=[
                # Two minutes with the kernel's own setting.
                sysctl(on="workshop", values={"net.ipv4.tcp_syn_retries": 1}),
                drop(on="server", to="server", sender="workshop"),
            ],
            calls=[
                start(on="workshop", argv=["/opt/tutorial/client", "{server}"], stdin=b"hello\n"),
                # 3 s; the kernel's timers run late by up to 13 %, and it began before.
                ended(on="workshop").returns(255, within_s=(2.0, 4.5)),
                output(on="workshop").gives(b"connect failed!\n"),
                output(on="workshop", stream="stderr").gives(b""),
                run(on="workshop", argv=["errnolab-client", "{server}", "hello"])
                .returns(1)
                .tells("errnolab-client: connect to {server} port 16555: ETIMEDOUT (110)…"),
            ],
            seen=[syn(at="workshop"), syn(at="server")],
            absent=[rst(at="workshop"), any_packet(at="client")],
            counted=[
                Counted("workshop", "TcpExt.TCPTimeouts", at_least=2),
                Counted("workshop", "Tcp.AttemptFails", exactly=2),
            ],
        ),
        Case(
            "unreachable",
            claims={"C32": "wrong"},
            fault=route(on="workshop", kind="unreachable", to="server"),
            calls=[
                start(on="workshop", argv=["/opt/tutorial/client", "{server}"], stdin=b"hello\n"),
                ended(on="workshop").returns(255),
                output(on="workshop").gives(b"connect failed!\n"),
                output(on="workshop", stream="stderr").gives(b""),
                run(on="workshop", argv=["errnolab-client", "{server}", "hello"])
                .returns(1)
                .tells("errnolab-client: connect to {server} port 16555: EHOSTUNREACH (113)…"),
            ],
            absent=[any_packet(at="workshop"), any_packet(at="server")],
            counted=[Counted("workshop", "Tcp.AttemptFails", exactly=0)],
        ),
        Case(
            "corrected_refused",
            claims={"C80": "true"},
            fault=stop(),
            calls=[
                start(
                    on="workshop",
                    argv=["/opt/tutorial/client-corrected", "{server}"],
                    stdin=b"hello\n",
                ),
                ended(on="workshop").returns(255),
                output(on="workshop").gives(b"Connect error(111): Connection refused\n"),
                output(on="workshop", stream="stderr").gives(b""),
            ],
            seen=[
                syn(at="server", count=1),
                rst(at="workshop", sender="server", count=1),
            ],
            absent=[data(at="workshop")],
            counted=[Counted("workshop", "Tcp.AttemptFails", exactly=1)],
        ),
        Case(
            "corrected_unreachable",
            claims={"C80": "true"},
            fault=route(on="workshop", kind="unreachable", to="server"),
            calls=[
                start(
                    on="workshop",
                    argv=["/opt/tutorial/client-corrected", "{server}"],
                    stdin=b"hello\n",
                ),
                ended(on="workshop").returns(255),
                output(on="workshop").gives(b"Connect error(113): No route to host\n"),
                output(on="workshop", stream="stderr").gives(b""),
            ],
            absent=[any_packet(at="workshop"), any_packet(at="server")],
            counted=[Counted("workshop", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            "bad_address",
            claims={"C31": "wrong", "C32": "wrong"},
            calls=[
                inet_addr(on="workshop", text="198.18.0.300").returns(4294967295),
                inet_addr(on="workshop", text="255.255.255.255").returns(4294967295),
                start(
                    on="workshop", argv=["/opt/tutorial/client", "198.18.0.300"], stdin=b"hello\n"
                ),
                ended(on="workshop").returns(255),
                output(on="workshop").gives(b"connect failed!\n"),
                # What its connect() met.
                connect(on="workshop", to="broadcast").fails("ENETUNREACH", within_s=(0.0, 0.9)),
                inet_pton(on="workshop", text="198.18.0.300").returns(0),
            ],
            absent=[any_packet(at="workshop"), any_packet(at="server")],
            counted=[Counted("workshop", "Tcp.ActiveOpens", exactly=0)],
        ),
    ],
    look=(
        "Where a program hides the reason, `strace -e trace=network PROGRAM` shows the errno of "
        "its connect(), and the address that it really used. Or ask beside it: `errnolab-client "
        "ADDRESS hi` from the same host meets the same failure and says which."
    ),
    source=(
        "connect(2), inet_addr(3), errno(3); Linux net/ipv4/tcp_ipv4.c tcp_v4_connect(), "
        "net/ipv4/tcp_timer.c tcp_write_timeout()"
    ),
)
