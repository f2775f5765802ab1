"""Five names of the tutorial that no header has, or not the header that it includes.

ETIMEOUT is ETIMEDOUT, ECONNREST is ECONNRESET, and IPPTOTO_UDP is IPPROTO_UDP. There is no
IPPROTO_TIPC: TIPC is a family of its own, AF_TIPC, and takes protocol 0. The compiler says it
at once, so none of these can be a fault of a program that runs: the behaviour that the
tutorial tells beside a name is another matter, and has its own scenarios (timeout, reset).

UNIX_PATH_MAX is 108 as it says, but in <linux/un.h>, which is the kernel's, and not in
<sys/un.h>, which is the C library's and has struct sockaddr_un. A program asks for the size
of sun_path instead. Everything is compiled in the host `workshop`; nothing is sent.
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
            "etimeout",
            calls=[
                # In this form the error is one line, the last.
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-fdiagnostics-plain-output",
                        "/opt/tutorial/snippets/etimeout.c",
                    ],
                )
                .returns(1)
                .tells("…error: …ETIMEOUT… undeclared…did you mean …ETIMEDOUT…?"),
                # With ETIMEDOUT and ECONNRESET, and their numbers, it compiles.
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "/opt/tutorial/snippets/errno_names.c"],
                ).returns(0),
            ],
            claims={"C68": "wrong"},
        ),
        Case(
            "econnrest",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-fdiagnostics-plain-output",
                        "/opt/tutorial/snippets/econnrest.c",
                    ],
                )
                .returns(1)
                .tells("…error: …ECONNREST… undeclared…did you mean …ECONNRESET…?"),
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "/opt/tutorial/snippets/errno_names.c"],
                ).returns(0),
            ],
            claims={"C86": "wrong"},
        ),
        Case(
            "ipptoto_udp",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-fdiagnostics-plain-output",
                        "/opt/tutorial/snippets/ipptoto_udp.c",
                    ],
                )
                .returns(1)
                .tells("…error: …IPPTOTO_UDP… undeclared…did you mean …IPPROTO_UDP…?"),
            ],
            claims={"C44": "wrong"},
        ),
        Case(
            # AF_TIPC is there, beside IPPROTO_TCP, IPPROTO_UDP and IPPROTO_SCTP.
            "ipproto_tipc",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-fdiagnostics-plain-output",
                        "/opt/tutorial/snippets/ipproto_tipc.c",
                    ],
                )
                .returns(1)
                .tells("…error: …IPPROTO_TIPC… undeclared…"),
                run(
                    on="workshop", argv=["gcc", "-fsyntax-only", "/opt/tutorial/snippets/af_tipc.c"]
                ).returns(0),
            ],
            claims={"C44": "wrong"},
        ),
        Case(
            "unix_path_max_linux",
            calls=[
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "/opt/tutorial/snippets/unix_path_max_linux.c"],
                ).returns(0),
            ],
            claims={"C50": "true"},
        ),
        Case(
            "unix_path_max_sys",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "-fsyntax-only",
                        "-fdiagnostics-plain-output",
                        "/opt/tutorial/snippets/unix_path_max_sys.c",
                    ],
                )
                .returns(1)
                .tells("…error: …UNIX_PATH_MAX… undeclared…"),
            ],
            claims={"C50": "wrong"},
        ),
    ],
    look=(
        "`grep -rw ETIMEDOUT /usr/include` finds the name and its number, and `errno -l` (of "
        "moreutils) lists them all; `echo UNIX_PATH_MAX | gcc -E -include sys/un.h -` shows "
        "whether a header has a macro."
    ),
    source=(
        "errno(3); unix(7); POSIX.1-2017 <errno.h>, <netinet/in.h>, <sys/un.h>; Linux "
        "include/uapi/linux/un.h, include/uapi/linux/tipc.h"
    ),
)
