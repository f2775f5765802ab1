"""The tutorial's client on Windows says `connect failed!`, whatever failed.

Here it is as written, compiled by MinGW with -lwsock32 and run by Wine. It sends a line and
prints the reply. Where connect() fails it prints the same two words for each reason and ends
with -1, of which a Linux parent sees 255: nobody listens (10061, WSAECONNREFUSED), nobody answers
(10060, WSAETIMEDOUT), no way leads there (10065, WSAEHOSTUNREACH). WSAGetLastError() held the
reason, and was not asked.

It leaves the socket open, too. The end of the process closes it. A client that tries again
instead has a new handle each time, and the system one socket more; with closesocket() it is the
same handle again.

The corrected client prints the code, closes the socket, and looks at what inet_pton() says of
the address. The lab's client for Windows is run beside: it names the call and the code.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    data,
    drop,
    ended,
    feed,
    fin,
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
    control=[
        run(on="windows", argv=["errnolab-exe", "errnolab-client", "{server}", "hello"]).gives(
            b"hello"
        )
    ],
    cases=[
        Case(
            "answered",
            claims={"C31": "true", "C35": "true"},
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client", "{server}"],
                    stdin=b"hello\n",
                ),
                ended(on="windows").returns(0),
                # A program of the C library writes lines that end in CR and LF.
                output(on="windows").gives(b"recv data:hello\r\n"),
                run(
                    on="windows", argv=["errnolab-exe", "errnolab-client", "{server}", "hello"]
                ).gives(b"hello"),
            ],
            seen=[
                syn(at="server", count=2),
                data(at="server", sender="windows", count=2),
                data(at="windows", sender="server"),
                fin(at="server", sender="windows", count=2),
            ],
            absent=[rst(at="windows")],
            counted=[Counted("windows", "Tcp.ActiveOpens", exactly=2)],
        ),
        Case(
            "refused",
            claims={"C32": "wrong"},
            fault=stop(),
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client", "{server}"],
                    stdin=b"hello\n",
                ),
                ended(on="windows").returns(255),
                output(on="windows").gives(b"connect failed!\r\n"),
                output(on="windows", stream="stderr").gives(b""),
                run(on="windows", argv=["errnolab-exe", "errnolab-client", "{server}", "hello"])
                .returns(1)
                .tells("errnolab-client: connect to {server} port 16555: WSAECONNREFUSED (10061)…"),
            ],
            seen=[
                syn(at="server", count=2),
                rst(at="windows", sender="server", count=2),
            ],
            absent=[data(at="windows")],
            counted=[Counted("windows", "Tcp.AttemptFails", exactly=2)],
        ),
        Case(
            "silent",
            claims={"C32": "wrong"},
            fault=[
                # Two minutes with the kernel's own setting; Windows gives up after 21 s.
                sysctl(on="windows", values={"net.ipv4.tcp_syn_retries": 1}),
                drop(on="router", to="server", sender="windows"),
            ],
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client", "{server}"],
                    stdin=b"hello\n",
                ),
                # 3 s; the kernel's timers run late by up to 13 %, and it began before.
                ended(on="windows").returns(255, within_s=(2.0, 4.5)),
                output(on="windows").gives(b"connect failed!\r\n"),
                output(on="windows", stream="stderr").gives(b""),
                run(on="windows", argv=["errnolab-exe", "errnolab-client", "{server}", "hello"])
                .returns(1)
                .tells("errnolab-client: connect to {server} port 16555: WSAETIMEDOUT (10060)…"),
            ],
            seen=[syn(at="windows"), syn(at="router")],
            absent=[rst(at="windows"), any_packet(at="server")],
            counted=[
                Counted("windows", "TcpExt.TCPTimeouts", at_least=2),
                Counted("windows", "Tcp.AttemptFails", exactly=2),
            ],
        ),
        Case(
            "unreachable",
            claims={"C32": "wrong"},
            fault=route(on="windows", kind="unreachable", to="server"),
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client", "{server}"],
                    stdin=b"hello\n",
                ),
                ended(on="windows").returns(255),
                output(on="windows").gives(b"connect failed!\r\n"),
                output(on="windows", stream="stderr").gives(b""),
                run(on="windows", argv=["errnolab-exe", "errnolab-client", "{server}", "hello"])
                .returns(1)
                .tells("errnolab-client: connect to {server} port 16555: WSAEHOSTUNREACH (10065)…"),
            ],
            absent=[any_packet(at="windows"), any_packet(at="server")],
            counted=[Counted("windows", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            "corrected_refused",
            fault=stop(),
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client-corrected", "{server}"],
                    stdin=b"hello\n",
                ),
                ended(on="windows").returns(255),
                output(on="windows").gives(b"connect failed: 10061\r\n"),
            ],
            seen=[
                syn(at="server", count=1),
                rst(at="windows", sender="server", count=1),
            ],
            absent=[data(at="windows")],
            counted=[Counted("windows", "Tcp.AttemptFails", exactly=1)],
        ),
        Case(
            "corrected_unreachable",
            fault=route(on="windows", kind="unreachable", to="server"),
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client-corrected", "{server}"],
                    stdin=b"hello\n",
                ),
                ended(on="windows").returns(255),
                output(on="windows").gives(b"connect failed: 10065\r\n"),
            ],
            absent=[any_packet(at="windows"), any_packet(at="server")],
            counted=[Counted("windows", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            "bad_address",
            claims={"C31": "wrong", "C32": "wrong"},
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client", "198.18.0.300"],
                    stdin=b"hello\n",
                ),
                ended(on="windows").returns(255),
                output(on="windows").gives(b"connect failed!\r\n"),
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-client-corrected", "198.18.0.300"],
                    stdin=b"hello\n",
                    program="corrected",
                ),
                ended(on="windows", program="corrected").returns(255),
                output(on="windows", program="corrected").gives(
                    b"no IPv4 address: 198.18.0.300\r\n"
                ),
            ],
            absent=[any_packet(at="windows"), any_packet(at="server")],
            counted=[Counted("windows", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            "left_open",
            fault=stop(),
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-left-open", "{server}", "20"],
                    stdin=None,
                    until="handles",
                ),
                output(on="windows").gives(b"10061, 20 handles\r\n"),
                # The wineserver holds the sockets of all, and had fewer than 20 for itself.
                run(
                    on="windows",
                    argv=[
                        "sh",
                        "-c",
                        "test $(ls -l /proc/$(pidof wineserver)/fd | grep -c socket) -ge 20",
                    ],
                ).returns(0),
                feed(on="windows", data=b""),
                ended(on="windows").returns(0),
            ],
            seen=[
                syn(at="server", count=20),
                rst(at="windows", sender="server", count=20),
            ],
            counted=[Counted("windows", "Tcp.AttemptFails", exactly=20)],
        ),
        Case(
            "closed",
            fault=stop(),
            calls=[
                start(
                    on="windows",
                    argv=["errnolab-exe", "tutorial-left-open", "{server}", "20", "close"],
                    stdin=None,
                    until="handles",
                ),
                output(on="windows").gives(b"10061, 1 handles\r\n"),
                run(
                    on="windows",
                    argv=[
                        "sh",
                        "-c",
                        "test $(ls -l /proc/$(pidof wineserver)/fd | grep -c socket) -lt 20",
                    ],
                ).returns(0),
                feed(on="windows", data=b""),
                ended(on="windows").returns(0),
            ],
            seen=[
                syn(at="server", count=20),
                rst(at="windows", sender="server", count=20),
            ],
            counted=[Counted("windows", "Tcp.AttemptFails", exactly=20)],
        ),
    ],
    look=(
        "Where a program hides the code, ask beside it: `errnolab-client.exe ADDRESS hi` from the "
        "same host meets the same failure and says which. A number of handles that only grows "
        "(the task manager has a column for it) is a program that does not close what failed."
    ),
    source=(
        "Microsoft's documentation of connect(), WSAGetLastError() and inet_addr(); connect(2); "
        "Wine 8.0 dlls/ws2_32/socket.c"
    ),
)
