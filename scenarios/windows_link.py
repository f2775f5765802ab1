"""The tutorial's Windows client compiles and does not link, unless a library is named behind it.

g++ of MinGW compiles the client. <sys/unistd.h> is there (the client does as well without it),
and `#pragma comment(lib, "ws2_32.lib")`, which names the library to Microsoft's linker, is
ignored with a warning if warnings are asked for. So the linker finds nothing that socket() could
be, and says `undefined reference to '__imp_socket'`, and so for each function of Winsock.

-lws2_32 is what goes with <winsock2.h>. -lwsock32, which the tutorial adds, is the library of
Winsock 1.1. It has what its client calls, and what is linked with it asks for WSOCK32.dll. It
has neither inet_pton() nor getaddrinfo() nor WSAPoll(), so a client that takes addresses as one
does today does not link with it.

The order decides, too. The linker takes from a library what it misses when it comes to it: with
-lws2_32 in front of the source it misses nothing yet, and the error is the same as without.

On Windows no name of a file has a case, and <WS2tcpip.h> is <ws2tcpip.h>. Here the one is a link
to the other.
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
            "no_library",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "sh",
                        "-c",
                        "x86_64-w64-mingw32-g++ -Wall /opt/tutorial/winsock/client.cpp"
                        " -o client.exe 2>report; echo $?;"
                        " grep -oE 'undefined reference to .*|Wunknown-pragmas' report;"
                        " test -e client.exe || echo no client.exe",
                    ],
                    timeout_s=60,
                ).gives(
                    b"1\n"
                    b"Wunknown-pragmas\n"
                    b"undefined reference to `__imp_WSAStartup'\n"
                    b"undefined reference to `__imp_socket'\n"
                    b"undefined reference to `__imp_htons'\n"
                    b"undefined reference to `__imp_inet_addr'\n"
                    b"undefined reference to `__imp_connect'\n"
                    b"undefined reference to `__imp_send'\n"
                    b"undefined reference to `__imp_recv'\n"
                    b"undefined reference to `__imp_closesocket'\n"
                    b"no client.exe\n"
                ),
            ],
        ),
        Case(
            "lwsock32",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "x86_64-w64-mingw32-g++",
                        "/opt/tutorial/winsock/client.cpp",
                        "-lwsock32",
                        "-o",
                        "client.exe",
                    ],
                    timeout_s=60,
                ).returns(0),
                run(
                    on="workshop",
                    argv=[
                        "sh",
                        "-c",
                        "x86_64-w64-mingw32-objdump -p client.exe | grep -oi ws.*dll",
                    ],
                ).gives(b"WSOCK32.dll\n"),
            ],
            claims={"C36": "true"},
        ),
        Case(
            "lws2_32",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "x86_64-w64-mingw32-g++",
                        "/opt/tutorial/winsock/client.cpp",
                        "-lws2_32",
                        "-o",
                        "client.exe",
                    ],
                    timeout_s=60,
                ).returns(0),
                run(
                    on="workshop",
                    argv=[
                        "sh",
                        "-c",
                        "x86_64-w64-mingw32-objdump -p client.exe | grep -oi ws.*dll",
                    ],
                ).gives(b"WS2_32.dll\n"),
            ],
        ),
        Case(
            "library_first",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "sh",
                        "-c",
                        "x86_64-w64-mingw32-g++ -lwsock32 /opt/tutorial/winsock/client.cpp"
                        " -o client.exe 2>report; echo $?; grep -c 'undefined reference' report",
                    ],
                    timeout_s=60,
                ).gives(b"1\n8\n"),
            ],
            claims={"C36": "wrong"},
        ),
        Case(
            # What Winsock 1.1 did not have.
            "lwsock32_too_old",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "sh",
                        "-c",
                        "x86_64-w64-mingw32-gcc /opt/tutorial/snippets/since_winsock_2.c -lwsock32"
                        " -o new.exe 2>report; echo $?; grep -oE '`.+' report",
                    ],
                    timeout_s=60,
                ).gives(b"1\n`__imp_inet_pton'\n`__imp_getaddrinfo'\n`WSAPoll'\n"),
                run(
                    on="workshop",
                    argv=[
                        "x86_64-w64-mingw32-gcc",
                        "/opt/tutorial/snippets/since_winsock_2.c",
                        "-lws2_32",
                        "-o",
                        "new.exe",
                    ],
                    timeout_s=60,
                ).returns(0),
            ],
            claims={"C36": "wrong"},
        ),
        Case(
            "corrected",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "sh",
                        "-c",
                        "x86_64-w64-mingw32-g++ /opt/tutorial/winsock/client-corrected.cpp"
                        " -lwsock32 -o client.exe 2>report; echo $?;"
                        " grep -oE '`.+' report",
                    ],
                    timeout_s=60,
                ).gives(b"1\n`__imp_inet_pton'\n"),
                run(
                    on="workshop",
                    argv=[
                        "x86_64-w64-mingw32-g++",
                        "/opt/tutorial/winsock/client-corrected.cpp",
                        "-lws2_32",
                        "-o",
                        "client.exe",
                    ],
                    timeout_s=60,
                ).returns(0),
            ],
            claims={"C36": "wrong"},
        ),
        Case(
            "unistd",
            calls=[
                run(
                    on="workshop",
                    argv=["x86_64-w64-mingw32-gcc", "-fsyntax-only", "-Wall", "-xc", "-"],
                    stdin=b"#include <winsock2.h>\n#include <sys/unistd.h>\n",
                    timeout_s=60,
                ).returns(0),
            ],
            claims={"C30": "true"},
        ),
        Case(
            # The client calls nothing that this header has.
            "without_unistd",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "sh",
                        "-c",
                        "grep -v sys/unistd.h /opt/tutorial/winsock/client.cpp >client.cpp"
                        " && x86_64-w64-mingw32-g++ -fsyntax-only client.cpp",
                    ],
                    timeout_s=60,
                ).returns(0),
            ],
            claims={"C30": "wrong"},
        ),
    ],
    look=(
        "`undefined reference to '__imp_…'` names a function of a DLL: it was declared, and no "
        "import library that has it stands behind what calls it. Put `-lws2_32` at the end of the "
        "line. `x86_64-w64-mingw32-objdump -p PROGRAM.exe | grep 'DLL Name'` shows what was linked."
    ),
    source=(
        "ld(1), -l; gcc(1), -l; Microsoft's documentation of winsock2.h and of "
        "`#pragma comment(lib)`"
    ),
)
