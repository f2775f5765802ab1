"""Port 16555 is 40 ab on the wire; without htons(3) the program is at port 43840.

Numbers of several bytes go over the network with the highest byte first. This machine has the
lowest first (little-endian, as nearly all are), so a port must be turned before it goes into
struct sockaddr_in. 16555 is 0x40ab; forgotten, the kernel reads ab 40, which is 43840. Nothing
fails in the program itself: bind(2) and listen(2) return 0, and only the client is refused,
at a port where nobody is.

If client and server both forget it they find each other, at 43840, as long as both are of one
byte order: so the mistake may be found late. A raw socket of the server's shows the two bytes
of the destination port as they arrive.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_packet,
    bind,
    connect,
    exchange,
    getsockname,
    htonl,
    htons,
    listen,
    ntohl,
    ntohs,
    per_family,
    readv,
    rst,
    run,
    socket,
    stop,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="service",
    control=[connect(on="client", to="server"), exchange(on="client", data=b"hi")],
    cases=[
        Case(
            "functions",
            calls=[
                htons(on="client", number=16555).tells("40 ab"),
                htons(on="client", number=16555).returns(43840),
                ntohs(on="client", number=43840).returns(16555),
                htonl(on="client", number=0xCB00710A).tells("cb 00 71 0a"),
                ntohl(on="client", number=0x0A7100CB).returns(0xCB00710A),
                # The lowest byte first; on a machine with the highest first nothing turns.
                run(on="client", argv=["python3", "-c", "import sys; print(sys.byteorder)"]).gives(
                    b"little\n"
                ),
                # They come with either header alone.
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-Werror=implicit-function-declaration",
                        "/opt/tutorial/snippets/byte_order_netinet.c",
                    ],
                ).returns(0),
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-Werror=implicit-function-declaration",
                        "/opt/tutorial/snippets/byte_order_arpa.c",
                    ],
                ).returns(0),
            ],
            absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
            claims={"C25": "true", "C26": "true"},
        ),
        Case(
            # Protocol 6: the segments from the client, each behind its IP header of 20 bytes.
            "on_the_wire",
            family="ipv4",
            needs=["raw-sockets"],
            before=[
                socket(on="server", type="SOCK_RAW", protocol=6, socket="raw"),
                connect(on="server", to="client", port=0, socket="raw"),
            ],
            calls=[
                connect(on="client", to="server", options={"SO_LINGER": 0}),
                # What is before the destination port, its two bytes, and the rest: 40 is "@".
                readv(on="server", sizes=[22, 2, 200], socket="raw").tells("…|@\\xab|…"),
            ],
            seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
            claims={"C25": "true"},
        ),
        Case(
            # Over IPv6 a raw socket gives them without the header.
            "on_the_wire",
            family="ipv6",
            needs=["raw-sockets"],
            before=[
                socket(on="server", type="SOCK_RAW", protocol=6, socket="raw"),
                connect(on="server", to="client", port=0, socket="raw"),
            ],
            calls=[
                connect(on="client", to="server", options={"SO_LINGER": 0}),
                # What is before the destination port, its two bytes, and the rest: 40 is "@".
                readv(on="server", sizes=[2, 2, 200], socket="raw").tells("…|@\\xab|…"),
            ],
            seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
            claims={"C25": "true"},
        ),
        Case(
            "forgotten_htons",
            fault=stop(on="server", service="echo"),
            calls=[
                bind(
                    on="server",
                    port=16555,
                    port_in_host_order=True,
                    socket="l",
                    options={"SO_REUSEADDR": 1},
                ),
                listen(on="server", socket="l"),
                getsockname(on="server", socket="l").tells(
                    per_family(ipv4="0.0.0.0:43840", ipv6="[::]:43840")
                ),
                connect(on="client", to="server", port=16555).fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="server", port=43840, socket="there"),
                accept(on="server", socket="l"),
            ],
            seen=[
                syn(at="server", count=2),
                rst(at="client", count=1),
                syn_ack(at="client", count=1),
            ],
            counted=[Counted("client", "Tcp.AttemptFails", exactly=1)],
            claims={"C25": "true"},
        ),
        Case(
            # The service is all right this time, and it is the client that knocks at 43840.
            "client_forgot",
            calls=[
                connect(on="client", to="server", port=16555, port_in_host_order=True).fails(
                    "ECONNREFUSED", within_s=(0.0, 0.5)
                ),
                connect(on="client", to="server", port=16555, socket="right"),
                exchange(on="client", data=b"hi", socket="right").gives(b"abc"),
            ],
            seen=[
                syn(at="server", count=2),
                rst(at="client", count=1),
                syn_ack(at="client", count=1),
            ],
            counted=[Counted("client", "Tcp.AttemptFails", exactly=1)],
        ),
        Case(
            "both_forgot",
            before=[
                bind(
                    on="server",
                    port=17507,
                    port_in_host_order=True,
                    socket="l",
                    options={"SO_REUSEADDR": 1},
                ),
                listen(on="server", socket="l"),
            ],
            calls=[
                connect(
                    on="client",
                    to="server",
                    port=17507,
                    port_in_host_order=True,
                    options={"SO_LINGER": 0},
                ),
                accept(on="server", socket="l"),
                # 17507 is 44 63, and 63 44 is 25412.
                getsockname(on="server", socket="c").tells("{server:url}:25412"),
            ],
            seen=[syn(at="server", count=1), syn_ack(at="client", count=1)],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
        ),
    ],
    look=(
        "`ss -ltnp` on the server shows the program at a port that nobody chose: 256 * (PORT % "
        "256) + PORT / 256, 43840 for 16555 and 36895 for 8080. `tcpdump -n` shows the clients' "
        "SYNs to the right port, and the RSTs."
    ),
    source=(
        "byteorder(3), ip(7), raw(7); RFC 1700 Data Notations; POSIX.1-2017 <arpa/inet.h>; Linux "
        "net/ipv4/af_inet.c __inet_bind(), net/ipv4/raw.c raw_v4_match()"
    ),
)
