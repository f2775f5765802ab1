"""What a browser shows for a page, for an unknown page, and for an address without a page.

A status is a page to a browser, 404 and a gateway's 502 alike: the connection was good. Where
connect() or recv() failed it has a name of its own for the errno: ERR_CONNECTION_REFUSED for
ECONNREFUSED, ERR_CONNECTION_RESET for ECONNRESET, ERR_ADDRESS_UNREACHABLE for EHOSTUNREACH,
and ERR_EMPTY_RESPONSE where the server closed without a word, for which there is no errno.
"""

from lab import Case, Counted, Scenario, given, per_family, reject, rst, run, start, syn

SCENARIO = Scenario(
    cause="service",
    calls=[
        run(on="browser", argv=["errnolab-browse", given("url")], timeout_s=30)
        .returns(given("status"))
        .tells(given("told")),
    ],
    seen=[syn(at="browser")],
    counted=[Counted("browser", "Tcp.ActiveOpens", at_least=1)],
    cases=[
        Case(
            "page",
            claims={"C117": "true"},
            before=[start(on="server", argv=["errnolab-web"], until="listening on")],
            given={
                "url": "http://{server:url}:8080/",
                "status": 0,
                "told": '…"status": 200, "error": "",…"text": "Hello…',
            },
        ),
        Case(
            "not_found",
            claims={"C117": "true"},
            before=[start(on="server", argv=["errnolab-web"], until="listening on")],
            given={
                "url": "http://{server:url}:8080/nothing",
                "status": 0,
                "told": '…"status": 404, "error": "",…',
            },
        ),
        Case(
            "bad_gateway",
            claims={"C117": "true"},
            given={
                "url": "http://{gateway:url}/refused",
                "status": 0,
                "told": '…"status": 502, "error": "",…502 Bad Gateway…',
            },
        ),
        Case(
            "refused",
            given={
                "url": "http://{server:url}:8089/",
                "status": 1,
                "told": '…"status": null, "error": "net::ERR_CONNECTION_REFUSED",…',
            },
            seen=[syn(at="browser"), rst(at="browser", sender="server")],
        ),
        Case(
            "reset",
            before=[
                start(on="server", until="listening on", argv=["errnolab-web", "--fail", "reset"])
            ],
            given={
                "url": "http://{server:url}:8080/",
                "status": 1,
                "told": '…"status": null, "error": "net::ERR_CONNECTION_RESET",…',
            },
            seen=[syn(at="browser"), rst(at="browser", sender="server")],
        ),
        Case(
            "closed",
            before=[
                start(on="server", until="listening on", argv=["errnolab-web", "--fail", "close"])
            ],
            given={
                "url": "http://{server:url}:8080/",
                "status": 1,
                "told": '…"status": null, "error": "net::ERR_EMPTY_RESPONSE",…',
            },
        ),
        Case(
            "unreachable",
            fault=reject(
                on="router",
                to="server",
                sender="browser",
                port=8080,
                reply=per_family(ipv4="icmp-host-unreachable", ipv6="icmp6-addr-unreachable"),
            ),
            before=[start(on="server", argv=["errnolab-web"], until="listening on")],
            control=[
                start(on="server", argv=["errnolab-web"], until="listening on"),
                run(on="browser", argv=["curl", "-s", "http://{server:url}:8080/"]).gives(
                    b"Hello\n"
                ),
            ],
            given={
                "url": "http://{server:url}:8080/",
                "status": 1,
                "told": '…"status": null, "error": "net::ERR_ADDRESS_UNREACHABLE",…',
            },
        ),
    ],
    source="connect(2); recv(2); Chromium net/base/net_errors_posix.cc, MapSystemError()",
    look="The page itself names the error; `chrome://net-export` has the errno of each connect().",
)
