"""The tutorial's HTTP answer satisfies curl and a browser while the request is short.

It reads once, 2047 bytes at most, sends a status line, one field and "Hello", and closes. A
short request was read whole, so the close is orderly. A request with more than 2047 bytes
leaves the rest unread, and close() on a socket with unread data is a RST, not a FIN: the page
has come, and the connection ends in ECONNRESET all the same. curl prints the page and exits
with 56. Chromium has the status 200, notes ERR_CONNECTION_RESET and shows nothing of the page.

The program is the tutorial's own, and listens on IPv4 alone. The lab's server reads the whole
of such a request, and curl exits with 0.

Its setResponse() clears the buffer with the size of a pointer, 8 bytes, which a compiler warns
of. The answer is right by luck: strcat() needs but one zero at the beginning.
"""

from lab import Case, Counted, Scenario, any_packet, fin, rst, run, start

SCENARIO = Scenario(
    cause="peer",
    before=[
        start(on="workshop", argv=["stdbuf", "-oL", "/opt/tutorial/http"], until="Listening...")
    ],
    counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
    cases=[
        Case(
            "short_request",
            family="ipv4",
            # A port in TIME-WAIT would be in the way of the next case.
            needs=["sock_destroy"],
            claims={"C118b": "true"},
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "http://{workshop:url}:16555/",
                    ],
                ).gives(b"Hello\n200 0")
            ],
            seen=[fin(at="client", sender="workshop", count=1)],
            absent=[rst(at="client")],
        ),
        Case(
            "large_request",
            family="ipv4",
            claims={"C118b": "wrong"},
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "-H",
                        "X-Big: " + "a" * 3000,
                        "http://{workshop:url}:16555/",
                    ],
                )
                .returns(56)
                .gives(b"Hello\n200 56")
            ],
            seen=[rst(at="client", sender="workshop")],
        ),
        Case(
            "large_request_read_whole",
            before=[
                start(on="server", argv=["errnolab-web", "--port", "8081"], until="listening on")
            ],
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "-H",
                        "X-Big: " + "a" * 3000,
                        "http://{server:url}:8081/",
                    ],
                ).gives(b"Hello\n200 0")
            ],
            seen=[fin(at="client", sender="client", count=1)],
            absent=[rst(at="client")],
        ),
        Case(
            "chromium",
            family="ipv4",
            needs=["sock_destroy"],
            claims={"C118b": "true"},
            calls=[
                run(
                    on="browser",
                    argv=["errnolab-browse", "http://{workshop:url}:16555/"],
                    timeout_s=30,
                ).tells('…"status": 200, "error": "",…"text": "Hello…')
            ],
            seen=[fin(at="browser", sender="workshop")],
            absent=[rst(at="browser", sender="workshop")],
            counted=[Counted("browser", "Tcp.ActiveOpens", at_least=1)],
        ),
        Case(
            "chromium_large_request",
            family="ipv4",
            claims={"C118b": "wrong"},
            calls=[
                run(
                    on="browser",
                    argv=["errnolab-browse", "http://{workshop:url}:16555/?" + "a" * 3000],
                    timeout_s=30,
                )
                .returns(1)
                .tells('…"status": 200, "error": "net::ERR_CONNECTION_RESET",…"text": "",…')
            ],
            seen=[rst(at="browser", sender="workshop")],
            counted=[Counted("browser", "Tcp.ActiveOpens", at_least=1)],
        ),
        Case(
            "sizeof",
            claims={"C118": "wrong"},
            before=[],
            calls=[run(on="workshop", argv=["/opt/tutorial/sizeof_pointer"]).gives(b"0 120\n")],
            absent=[any_packet(at="workshop")],
            counted=[Counted("workshop", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            "warning",
            claims={"C118": "wrong"},
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "g++",
                        "-fsyntax-only",
                        "-Werror=sizeof-pointer-memaccess",
                        "-Wall",
                        "/opt/tutorial/http.cpp",
                    ],
                ).returns(1)
            ],
            absent=[any_packet(at="workshop")],
            counted=[Counted("workshop", "Tcp.ActiveOpens", exactly=0)],
        ),
    ],
    source="RFC 9112 9.6; RFC 2525 2.17; Linux net/ipv4/tcp.c, __tcp_close()",
    look="`strace` shows one recv() of fewer bytes than `ss -tn` has in Recv-Q, and then close().",
)
