"""What the headers and the library have: checked by compiling.

TLI, the interface of UNIX System V that sockets won against, has left no trace: no <xti.h> to
include, and no t_open() to link with. The functions that turn byte order come with
<netinet/in.h> alone, as the tutorial has it, and with <arpa/inet.h> alone, where POSIX
describes them. The prototypes that it lists for reading and writing agree with the headers,
or the compiler would say `conflicting types`, and so do the sizes of the addresses.

bzero() is no specialty of Linux. It comes from 4.2BSD, was in POSIX until 2001 as a legacy
function and left it in 2008: asked for the older standard alone (_POSIX_C_SOURCE=200112L) the
headers have it, asked for the newer (200809L) they do not. memset() is in plain C since 1990.

The host `workshop` compiles the snippets, which lie in images/workshop; nothing is sent.
"""

from lab import Case, Counted, Scenario, any_packet, run

SCENARIO = Scenario(
    cause="nothing",
    family="ipv4",
    absent=[any_packet(at="workshop"), any_packet(at="workshop", proto="udp")],
    counted=[
        Counted("workshop", "Tcp.ActiveOpens", exactly=0),
        Counted("workshop", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            "xti",
            calls=[
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "/opt/tutorial/snippets/xti.c"],
                ).returns(1),
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "-xc", "-"],
                    stdin=b"#include <tiuser.h>\n",
                ).returns(1),
                run(
                    on="workshop",
                    argv=["find", "/usr/include", "-name", "xti.h", "-o", "-name", "tiuser.h"],
                ).gives(b""),
                # Sockets have their header.
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "-xc", "-"],
                    stdin=b"#include <sys/socket.h>\n",
                ).returns(0),
            ],
            claims={"C3": "true"},
        ),
        Case(
            "t_open",
            calls=[
                run(
                    on="workshop",
                    argv=["gcc", "/opt/tutorial/snippets/t_open.c", "-o", "/dev/null"],
                )
                .returns(1)
                .tells("collect2: error: ld returned 1 exit status"),
                run(
                    on="workshop",
                    argv=["gcc", "/opt/tutorial/snippets/lwsock32.c", "-o", "/dev/null"],
                ).returns(0),
            ],
            claims={"C3": "true"},
        ),
        Case(
            "byte_order_netinet",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-Werror=implicit-function-declaration",
                        "/opt/tutorial/snippets/byte_order_netinet.c",
                    ],
                ).returns(0),
            ],
            claims={"C26": "true"},
        ),
        Case(
            "byte_order_arpa",
            calls=[
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
            claims={"C26": "true"},
        ),
        Case(
            "bzero_posix_2001",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-std=c99",
                        "-D_POSIX_C_SOURCE=200112L",
                        "-Werror=implicit-function-declaration",
                        "/opt/tutorial/snippets/bzero.c",
                    ],
                ).returns(0),
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-std=c99",
                        "-D_POSIX_C_SOURCE=200809L",
                        "-Werror=implicit-function-declaration",
                        "-fdiagnostics-plain-output",
                        "/opt/tutorial/snippets/bzero.c",
                    ],
                )
                .returns(1)
                .tells("cc1: some warnings being treated as errors"),
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-std=c90",
                        "-pedantic-errors",
                        "/opt/tutorial/snippets/memset.c",
                    ],
                ).returns(0),
            ],
            claims={"C14": "wrong"},
        ),
        Case(
            # 16, 28 and 110 bytes; INET_ADDRSTRLEN 16 and INET6_ADDRSTRLEN 46.
            "sizes",
            calls=[
                run(
                    on="workshop", argv=["gcc", "-fsyntax-only", "/opt/tutorial/snippets/sizes.c"]
                ).returns(0),
            ],
            claims={"C21": "true"},
        ),
        Case(
            "prototypes",
            calls=[
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "/opt/tutorial/snippets/prototypes.c"],
                ).returns(0),
                # A prototype that differs would not pass: here int is not ssize_t.
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "-fdiagnostics-plain-output", "-xc", "-"],
                    stdin=b"#include <unistd.h>\nint read(int fd, void *buf, size_t count);\n",
                )
                .returns(1)
                .tells("…note: previous declaration of …read… with type…"),
            ],
            claims={"C83": "true", "C96": "true"},
        ),
    ],
    look=(
        "`gcc -fsyntax-only FILE` with -Wall says which function has no declaration; "
        "feature_test_macros(7) says what each standard brings; `apropos` and the SYNOPSIS of a "
        "man page name the header."
    ),
    source=(
        "feature_test_macros(7), bzero(3), htons(3), read(2), send(2), recv(2), ip(7); "
        "POSIX.1-2017 <arpa/inet.h>, <netinet/in.h>, <sys/socket.h>"
    ),
)
