"""What a small server says to a good request, to an unknown page, and to nonsense.

The first digit of the status is its class, and it is all that a client must understand:
1xx is on the way, 2xx is a success, 3xx leads elsewhere, 4xx is the client's mistake, 5xx
the server's. The lab's server is the tutorial's grown up: it reads a whole request, however
it comes, and says what is wrong with it where the tutorial's answers 200 to everything.

Garbage is 400. Too much of something has a status of its own for each thing: 413 for the
content, 414 for the request line, 431 for the fields. A method that the server does not know
is 501, one that the page does not have is 405. 301 comes from the gateway, and curl follows
it when told to.

The connection outlives an answer: HTTP/1.1 keeps it for the next request, and curl asks twice
with one SYN. The tutorial's server says "Connection: close", and needs a handshake for each.
"""

from lab import Case, Counted, Scenario, data, fin, run, start, syn

SCENARIO = Scenario(
    cause="nothing",
    before=[start(on="server", argv=["errnolab-web", "--port", "8080"], until="listening on")],
    seen=[syn(at="server", count=1)],
    counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
    cases=[
        Case(
            "ok",
            claims={"C116": "true", "C117": "true"},
            calls=[
                run(
                    on="client",
                    argv=["curl", "-s", "-w", "%{http_code}", "http://{server:url}:8080/"],
                ).gives(b"Hello\n200")
            ],
        ),
        Case(
            "head",
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "-o",
                        "/dev/null",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "--head",
                        "http://{server:url}:8080/",
                    ],
                ).gives(b"200 0")
            ],
        ),
        Case(
            "continue",
            claims={"C116": "true"},
            calls=[
                run(
                    on="client",
                    argv=[
                        "sh",
                        "-c",
                        "curl -s -o /dev/null -D - -H 'Expect: 100-continue' -d content"
                        " http://{server:url}:8080/ | head -n 1",
                    ],
                ).gives(b"HTTP/1.1 100 Continue\r\n")
            ],
        ),
        Case(
            "not_found",
            claims={"C116": "true", "C117": "true"},
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "-o",
                        "/dev/null",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "http://{server:url}:8080/nothing",
                    ],
                ).gives(b"404 0")
            ],
        ),
        Case(
            "garbage",
            claims={"C116": "true"},
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "-o",
                        "/dev/null",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "-X",
                        "GE T",
                        "http://{server:url}:8080/",
                    ],
                ).gives(b"400 0")
            ],
        ),
        Case(
            "method_not_allowed",
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "-o",
                        "/dev/null",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "-X",
                        "PUT",
                        "http://{server:url}:8080/",
                    ],
                ).gives(b"405 0")
            ],
        ),
        Case(
            "method_unknown",
            claims={"C116": "true"},
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "-o",
                        "/dev/null",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "-X",
                        "BREW",
                        "http://{server:url}:8080/",
                    ],
                ).gives(b"501 0")
            ],
        ),
        Case(
            "line_too_long",
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "-o",
                        "/dev/null",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "http://{server:url}:8080/" + "a" * 9000,
                    ],
                ).gives(b"414 0")
            ],
        ),
        Case(
            "fields_too_large",
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "-o",
                        "/dev/null",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "-H",
                        "X-Big: " + "a" * 17000,
                        "http://{server:url}:8080/",
                    ],
                ).gives(b"431 0")
            ],
        ),
        Case(
            "content_too_large",
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "-o",
                        "/dev/null",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "-d",
                        "a" * 70000,
                        "http://{server:url}:8080/",
                    ],
                ).gives(b"413 0")
            ],
        ),
        Case(
            "kept_alive",
            calls=[
                # How many connections curl made for each of the two.
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "--max-time",
                        "8",
                        "-w",
                        "%{num_connects} ",
                        "http://{server:url}:8080/",
                        "http://{server:url}:8080/",
                    ],
                ).gives(b"Hello\n1 Hello\n0 ")
            ],
            seen=[
                syn(at="server", count=1),
                data(at="server", sender="client", count=2),
                fin(at="server", sender="client", count=1),
            ],
        ),
        Case(
            "moved",
            claims={"C116": "true"},
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "-o",
                        "/dev/null",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "http://{gateway:url}/moved",
                    ],
                ).gives(b"301 0")
            ],
            seen=[syn(at="gateway", count=1)],
            absent=[syn(at="server")],
        ),
        Case(
            "moved_and_followed",
            calls=[
                run(
                    on="client",
                    argv=[
                        "curl",
                        "-s",
                        "-o",
                        "/dev/null",
                        "--max-time",
                        "8",
                        "-w",
                        "%{http_code} %{exitcode}",
                        "-L",
                        "http://{gateway:url}/moved",
                    ],
                ).gives(b"200 0")
            ],
            # The connection to the gateway is kept for the second request.
            seen=[syn(at="client", count=1), syn(at="server", count=1)],
        ),
    ],
    source="RFC 9110 15; RFC 9112 3; curl(1)",
    look=(
        "`curl -si` prints the status line; what the server found wrong is in the page that "
        "follows it."
    ),
)
