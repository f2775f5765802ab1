"""The process has as many descriptors open as it may: EMFILE.

socket(2) fails before a port or an address is in play. accept(2) fails as well, and
takes nothing: the kernel has completed the connection and goes on holding it, so the
client believes itself served and waits. A server that closes something and asks again
gets it.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    accept,
    any_packet,
    bind,
    close,
    connect,
    data,
    limit_descriptors,
    listen,
    poll,
    recv,
    rst,
    send,
    socket,
    syn,
    syn_ack,
)

SCENARIO = Scenario(
    cause="local",
    cases=[
        Case(
            "socket",
            claims={"C38": "true"},
            calls=[
                limit_descriptors(on="client", spare=2),
                socket(on="client", socket="a"),
                socket(on="client", socket="b", type="SOCK_DGRAM"),
                socket(on="client", socket="c").fails("EMFILE", within_s=(0.0, 0.5)),
                close(on="client", socket="b"),
                socket(on="client", socket="c"),
            ],
            absent=[any_packet(at="client")],
            counted=[Counted("client", "Tcp.ActiveOpens", exactly=0)],
        ),
        Case(
            "accept",
            claims={"C95": "true"},
            calls=[
                bind(on="server", port=17170, options={"SO_REUSEADDR": 1}),
                listen(on="server"),
                socket(on="server", socket="spare"),
                limit_descriptors(on="server", spare=0),
                # The client notices nothing.
                connect(on="client", to="server", port=17170),
                send(on="client", data=b"hi").returns(2),
                accept(on="server").fails("EMFILE", within_s=(0.0, 0.5)),
                accept(on="server").fails("EMFILE", within_s=(0.0, 0.5)),
                # It stays readable: a loop that waits for that spins.
                poll(on="server", events="POLLIN").tells("POLLIN", within_s=(0.0, 0.5)),
                close(on="server", socket="spare"),
                accept(on="server"),
                recv(on="server", socket="c").gives(b"hi"),
            ],
            seen=[
                syn(at="client", count=1),
                syn_ack(at="client", count=1),
                data(at="client", sender="client", count=1),
            ],
            absent=[rst(at="client"), data(at="client", sender="server")],
            counted=[
                Counted("client", "Tcp.ActiveOpens", exactly=1),
                Counted("server", "TcpExt.ListenDrops", exactly=0),
            ],
        ),
    ],
    look=(
        "`ls /proc/PID/fd | wc -l` against `grep 'open files' /proc/PID/limits`; a server is in "
        "this state when `ss -lt` shows a Recv-Q that stays. ENFILE would be the whole machine's "
        "limit (`sysctl fs.file-nr`)."
    ),
    source=(
        "socket(2), accept(2) EMFILE; getrlimit(2) RLIMIT_NOFILE; Linux net/socket.c "
        "__sys_accept4(), fs/file.c alloc_fd()"
    ),
)
