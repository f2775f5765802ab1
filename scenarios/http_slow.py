"""Clients that send slowly, and a server that waits for all of them at once.

A request may come byte by byte: the server keeps what it has until the empty line is there,
and answers once. A client that begins a request and stops is answered 408 when its time is
up, and the connection is closed; one that says nothing at all after its answer is let go
without a word. Meanwhile another client is served at once, where the tutorial's server would
sit in recv() for the slow one.
"""

from lab import Case, Counted, Scenario, connect, cut, data, delay, fin, recv, run, send, start

SCENARIO = Scenario(
    cause="time",
    before=[
        start(
            on="server",
            argv=["errnolab-web", "--port", "8080", "--request-s", "1"],
            until="listening on",
        )
    ],
    counted=[Counted("client", "Tcp.EstabResets", exactly=0)],
    cases=[
        Case(
            "byte_by_byte",
            fault=[
                cut(to="server", port=8080, every=1),
                # The handshake shows curl how slow the path is: it waits, and sends nothing again.
                delay(to="server", port=8080, ms=300, replies=True),
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
                        "%{http_code}",
                        "-H",
                        "Host: server",
                        "-H",
                        "Accept:",
                        "-H",
                        "User-Agent:",
                        "http://{server:url}:8080/",
                    ],
                ).gives(b"Hello\n200")
            ],
            seen=[
                data(at="client", sender="client", count=1),
                # GET / HTTP/1.1, Host: server and the empty line, each with CRLF: 32 bytes.
                data(at="server", sender="client", count=32),
            ],
        ),
        Case(
            "request_not_ended",
            calls=[
                connect(on="client", to="server", port=8080),
                send(on="client", data=b"GET / HTTP/1.1\r\nHost: ser"),
                # The limit is 1 s; a busy machine may add to it.
                recv(on="client", size=28).gives(
                    b"HTTP/1.1 408 Request Timeout", within_s=(0.8, 4.0)
                ),
            ],
            seen=[fin(at="client", sender="server")],
        ),
        Case(
            "another_is_served_meanwhile",
            calls=[
                connect(on="client", to="server", port=8080),
                send(on="client", data=b"GET / HTTP/1.1\r\nHost: ser"),
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code}",
                        "http://{server:url}:8080/",
                    ],
                ).gives(b"Hello\n200"),
                recv(on="client", size=28).gives(b"HTTP/1.1 408 Request Timeout"),
            ],
            seen=[fin(at="client", sender="server")],
        ),
        Case(
            "idle_after_the_answer",
            # Were both limits the same it would be chance which one ends a begun request.
            before=[
                start(
                    on="server",
                    argv=["errnolab-web", "--port", "8080", "--idle-s", "1"],
                    until="listening on",
                )
            ],
            calls=[
                connect(on="client", to="server", port=8080),
                send(on="client", data=b"GET / HTTP/1.1\r\nHost: server\r\n\r\n"),
                recv(on="client", size=15).gives(b"HTTP/1.1 200 OK"),
                recv(on="client", size=2048),
                recv(on="client").returns(0, within_s=(0.7, 4.0)),
            ],
            seen=[fin(at="client", sender="server")],
        ),
    ],
    source="RFC 9110 15.5.9; RFC 9112 9.5",
    look="`ss -tno` on the server shows the connection, with nothing in Recv-Q, for as long.",
)
