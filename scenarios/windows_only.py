"""What the tutorial says of Windows alone, and what Linux has in its place.

A program for Windows calls WSAStartup() before its first socket, WSACleanup() when it is done,
and links with -lwsock32 (for <winsock2.h> it is -lws2_32, but the old library has what is used
there). Linux has none of the four: sockets are calls of the kernel, and the functions that
make them are in the C library that every program is linked with. The cases show that there is
nothing to call and nothing to link. What becomes of the four where they are is shown by the
host `windows` (windows_startup) and by MinGW's linker (windows_link).

<sys/unistd.h>, which the client includes beside <winsock2.h>, is another matter: MinGW has it
for programs that come from UNIX, and Microsoft's compiler has not. The C library of Linux has
a header of that name, which does nothing but include <unistd.h>; without <winsock2.h> beside
it that says nothing of Windows.
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
            "winsock2",
            calls=[
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "/opt/tutorial/snippets/winsock2.c"],
                ).returns(1),
                run(on="workshop", argv=["find", "/usr/include", "-iname", "winsock*"]).gives(b""),
            ],
            claims={"C29": "not here"},
        ),
        Case(
            "unistd",
            calls=[
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "-xc", "-"],
                    stdin=b"#include <winsock2.h>\n#include <sys/unistd.h>\n",
                ).returns(1),
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "-xc", "-"],
                    stdin=b"#include <sys/unistd.h>\n",
                ).returns(0),
            ],
            claims={"C30": "not here"},
        ),
        Case(
            "lwsock32",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "gcc",
                        "/opt/tutorial/snippets/lwsock32.c",
                        "-lwsock32",
                        "-o",
                        "/dev/null",
                    ],
                ).returns(1),
                # Without the library it links.
                run(
                    on="workshop",
                    argv=["gcc", "/opt/tutorial/snippets/lwsock32.c", "-o", "/dev/null"],
                ).returns(0),
            ],
            claims={"C36": "not here"},
        ),
        Case(
            "cleanup",
            calls=[
                run(
                    on="workshop",
                    argv=["gcc", "-xc", "-", "-o", "/dev/null"],
                    stdin=b"int WSACleanup(void);\nint main(void) { return WSACleanup(); }\n",
                ).returns(1),
                run(
                    on="workshop",
                    argv=["gcc", "-xc", "-", "-o", "/dev/null"],
                    stdin=b"int close(int);\nint main(void) { return close(0); }\n",
                ).returns(0),
            ],
            claims={"C37": "not here"},
        ),
    ],
    look=(
        "`fatal error: winsock2.h: No such file or directory` or `cannot find -lwsock32` on Linux "
        "means that the program was written for Windows: include <sys/socket.h>, <netinet/in.h>, "
        "<arpa/inet.h> and <unistd.h>, call close() for closesocket(), and link with nothing."
    ),
    source=(
        "socket(2), close(2), libc(7); Microsoft's documentation of WSAStartup(), WSACleanup() "
        "and winsock2.h"
    ),
)
