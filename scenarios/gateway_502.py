"""The gateway says 502: it asked the server and got a refusal, a reset or nothing whole.

The client's own connection is in order, so its calls have no error at all: what it gets is a
page with a status. The errno belongs to the gateway's calls, and is in its log: connect()
gets ECONNREFUSED (111) where nothing listens or a firewall refuses, and EHOSTUNREACH (113)
where a router or a firewall says that the host is unreachable (over IPv6 that comes with the first
retransmission, after the gateway's patience of 1 s); recv() gets ECONNRESET (104) where the
server gives up in the middle. A server that closes without an answer gives no errno, and is a
502 too.

An answer that is cut off when part of it has passed is no 502: the status 200 was sent before,
and the client misses bytes (curl ends with 18).
"""

from lab import Case, Counted, Scenario, given, reject, rst, run, start, syn

SCENARIO = Scenario(
    cause="service",
    before=[
        # The log still has what an earlier run met; nginx appends to it.
        run(on="gateway", argv=["truncate", "-s", "0", "/run/errnolab/nginx-error.log"]),
    ],
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
                given("url"),
            ],
        ).gives(b"502 0"),
        run(
            on="gateway",
            argv=["sh", "-c", "grep -F '[error]' /run/errnolab/nginx-error.log | tail -n 1"],
        ).tells(given("error")),
    ],
    seen=[syn(at="client", count=1)],
    counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
    cases=[
        Case(
            "refused",
            claims={"C116": "true", "C117": "true"},
            given={
                "url": "http://{gateway:url}/refused",
                "error": (
                    "…connect() failed (111: Connection refused) while connecting to upstream…"
                ),
            },
            seen=[syn(at="client", count=1), rst(at="gateway", sender="server")],
            absent=[rst(at="client")],
        ),
        Case(
            "rejected",
            family="ipv4",
            fault=reject(
                on="server", to="server", sender="gateway", port=8089, reply="icmp-host-unreachable"
            ),
            control=[
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
                        "http://{gateway:url}/refused",
                    ],
                ).gives(b"502 0")
            ],
            given={
                "url": "http://{gateway:url}/refused",
                "error": "…connect() failed (113: No route to host) while connecting to upstream…",
            },
            absent=[rst(at="gateway")],
        ),
        Case(
            "reset",
            before=[
                run(on="gateway", argv=["truncate", "-s", "0", "/run/errnolab/nginx-error.log"]),
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-web", "--port", "8083", "--fail", "reset"],
                ),
            ],
            given={
                "url": "http://{gateway:url}/reset",
                "error": (
                    "…recv() failed (104: Connection reset by peer) while reading response header…"
                ),
            },
            seen=[syn(at="client", count=1), rst(at="gateway", sender="server")],
            absent=[rst(at="client")],
        ),
        Case(
            "closed",
            before=[
                run(on="gateway", argv=["truncate", "-s", "0", "/run/errnolab/nginx-error.log"]),
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-web", "--port", "8085", "--fail", "close"],
                ),
            ],
            given={
                "url": "http://{gateway:url}/close",
                "error": "…upstream prematurely closed connection while reading response header…",
            },
        ),
        Case(
            "cut_off",
            before=[
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-web", "--port", "8084", "--fail", "truncate"],
                )
            ],
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
                        "http://{gateway:url}/truncate",
                    ],
                )
                .returns(18)
                .gives(b"200 18")
            ],
        ),
        Case(
            "served",
            before=[
                start(on="server", until="listening on", argv=["errnolab-web", "--port", "8080"])
            ],
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
                        "http://{gateway:url}/",
                    ],
                ).gives(b"200 0")
            ],
        ),
    ],
    source="RFC 9110 15.6.3; nginx ngx_http_upstream_module, proxy_pass",
    look=(
        "The client's own socket is well, so look at the gateway: its error log names the call and "
        "the errno (`connect() failed (111: Connection refused)`)."
    ),
)
