"""An HTTP answer is a status line, fields, an empty line, and then the content.

The server's side is written by hand here, a send() for a whole answer, and curl reads it.
The tutorial's layout names the parts in their order; it does not show that each line ends
with CRLF, and leaves out the empty line that parts the fields from the content.

Without the empty line the content is taken for a field, and a field needs a colon: curl
ends with status 8. A lone LF at the end of a line is less than the standard asks for, but
recipients may take it (RFC 9112 2.2), and curl does; a program that relies on it will meet
one that does not.
"""

from lab import Case, Counted, Scenario, accept, bind, close, data, listen, recv, run, send

SCENARIO = Scenario(
    cause="nothing",
    before=[bind(on="server", port=7080, options={"SO_REUSEADDR": 1}), listen(on="server")],
    seen=[data(at="client", sender="server", count=1)],
    counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
    cases=[
        Case(
            "whole",
            claims={"C115": "true"},
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "--max-time",
                        "8",
                        "-w",
                        " status %{http_code}",
                        "http://{server:url}:7080/",
                    ],
                )
                .in_background()
                .gives(b"Hello\n status 200"),
                accept(on="server"),
                recv(on="server", socket="c"),
                send(
                    on="server",
                    socket="c",
                    data=b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nHello\n",
                ).returns(len(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nHello\n")),
                close(on="server", socket="c"),
            ],
        ),
        Case(
            "no_blank_line",
            claims={"C115": "wrong"},
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "--max-time",
                        "8",
                        "-w",
                        " status %{http_code}",
                        "http://{server:url}:7080/",
                    ],
                )
                .in_background()
                .returns(8),
                accept(on="server"),
                recv(on="server", socket="c"),
                send(
                    on="server", socket="c", data=b"HTTP/1.1 200 OK\r\nConnection: close\r\nHello\n"
                ).returns(len(b"HTTP/1.1 200 OK\r\nConnection: close\r\nHello\n")),
                close(on="server", socket="c"),
            ],
        ),
        Case(
            "bare_newlines",
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "--max-time",
                        "8",
                        "-w",
                        " status %{http_code}",
                        "http://{server:url}:7080/",
                    ],
                )
                .in_background()
                .gives(b"Hello\n status 200"),
                accept(on="server"),
                recv(on="server", socket="c"),
                send(
                    on="server", socket="c", data=b"HTTP/1.1 200 OK\nConnection: close\n\nHello\n"
                ).returns(len(b"HTTP/1.1 200 OK\nConnection: close\n\nHello\n")),
                close(on="server", socket="c"),
            ],
        ),
    ],
    source="RFC 9112 2.1 and 2.2; curl(1), exit code 8",
    look=(
        "`curl -v` shows each line of the head as it came; status 8 of curl is a head that it "
        "cannot read."
    ),
)
