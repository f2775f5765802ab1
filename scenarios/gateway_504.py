"""The gateway says 504: it asked the server, and its own patience ended first.

Either the server took the connection and never answers, or its SYN meets silence. nginx waits
for a second here, by its own timer, and writes "110: Connection timed out": that is its word
for the timer, no system call returned ETIMEDOUT. The client's connection is in order, and its
recv() returns a page after that second. Without a gateway the client itself would wait: for
ever in the first case, and until its SYNs are used up in the second.
"""

from lab import Case, Counted, Scenario, fin, given, run, start, syn

SCENARIO = Scenario(
    cause="time",
    before=[
        # The log still has what an earlier run met; nginx appends to it.
        run(on="gateway", argv=["truncate", "-s", "0", "/run/errnolab/nginx-error.log"]),
    ],
    calls=[
        # The limit is 1 s; a busy machine may add to it.
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
        ).gives(b"504 0", within_s=(1.0, 6.0)),
        run(
            on="gateway",
            argv=["sh", "-c", "grep -F '[error]' /run/errnolab/nginx-error.log | tail -n 1"],
        ).tells(given("error")),
    ],
    counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
    cases=[
        Case(
            "silent",
            before=[
                run(on="gateway", argv=["truncate", "-s", "0", "/run/errnolab/nginx-error.log"]),
                start(
                    on="server",
                    until="listening on",
                    argv=["errnolab-web", "--port", "8082", "--fail", "silent"],
                ),
            ],
            given={
                "url": "http://{gateway:url}/silent",
                "error": "…upstream timed out (110: Connection timed out) while reading response…",
            },
            seen=[syn(at="server", count=1), fin(at="server", sender="gateway")],
        ),
        Case(
            "black_hole",
            given={
                "url": "http://{gateway:url}/blackhole",
                "error": "…upstream timed out (110: Connection timed out) while connecting to…",
            },
            seen=[syn(at="client", count=1), fin(at="client", sender="client")],
        ),
    ],
    source="RFC 9110 15.6.5; nginx ngx_http_proxy_module, proxy_read_timeout",
    look=(
        "The gateway's error log says `upstream timed out`, and whether it was connecting or "
        "reading: only then look at the path to the server, or at the server."
    ),
)
