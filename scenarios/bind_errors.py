"""bind(2) returns 0, or -1 and an errno that names one of a few mistakes.

It compares with what this host has and with what its other sockets have, and nothing else:
no packet leaves, and bind() waits for nobody. The common error is EADDRINUSE, somebody has the
port (address_in_use). EADDRNOTAVAIL means that no interface has the address, often that of a
client's peer or of a service that moved. EINVAL means that the socket has its name already, or
that the length is too short to be one of the family. EAFNOSUPPORT means that the structure
says another family than the socket, and ENOTSOCK that the descriptor is no socket at all.

A port below 1024 is EACCES for a program without the right to it (low_port); in a container
the engine usually gives that right to all. After an error the socket is as it was, and bind()
may be called once more.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    bind,
    getsockname,
    per_family,
    pipe,
)

SCENARIO = Scenario(
    cause="local",
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=0),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            # 16 and 28 are the sizes of the two structures.
            "good",
            calls=[
                bind(
                    on="client", to="client", port=17440, length=per_family(ipv4=16, ipv6=28)
                ).returns(0, within_s=(0.0, 0.5)),
                getsockname(on="client").tells("{client:url}:17440"),
            ],
            claims={"C21": "true", "C27": "true"},
        ),
        Case(
            "bound_already",
            calls=[
                bind(on="client", port=17441),
                bind(on="client", port=17442).fails("EINVAL", within_s=(0.0, 0.5)),
                getsockname(on="client").tells(per_family(ipv4="0.0.0.0:17441", ipv6="[::]:17441")),
            ],
            claims={"C27": "true"},
        ),
        Case(
            # One byte less than the least: 16, and over IPv6 24 (sockaddr_sizes).
            "short_length",
            calls=[
                bind(on="client", port=17443, length=per_family(ipv4=15, ipv6=23)).fails(
                    "EINVAL", within_s=(0.0, 0.5)
                ),
                bind(on="client", port=17443, length=0).fails("EINVAL", within_s=(0.0, 0.5)),
                # The socket took no harm.
                bind(on="client", port=17443),
            ],
            claims={"C27": "true"},
        ),
        Case(
            "taken",
            calls=[
                bind(on="client", port=17444, socket="first"),
                bind(on="client", port=17444).fails("EADDRINUSE", within_s=(0.0, 0.5)),
                bind(on="client", port=17445),
            ],
            claims={"C27": "true"},
        ),
        Case(
            "foreign",
            calls=[
                bind(on="client", to="server", port=17446).fails(
                    "EADDRNOTAVAIL", within_s=(0.0, 0.5)
                ),
                bind(on="client", to="client", port=17446),
            ],
            claims={"C27": "true"},
        ),
        Case(
            # AF_INET is 2 and AF_INET6 is 10; the longer structure has room for either.
            "wrong_family",
            calls=[
                bind(
                    on="client",
                    to="client",
                    port=17447,
                    sockaddr_family=per_family(ipv4=10, ipv6=2),
                ).fails("EAFNOSUPPORT", within_s=(0.0, 0.5)),
            ],
            claims={"C27": "true"},
        ),
        Case(
            "no_socket",
            calls=[
                pipe(on="client", socket="pipe"),
                bind(on="client", port=17448, socket="pipe").fails("ENOTSOCK", within_s=(0.0, 0.5)),
            ],
            claims={"C27": "true"},
        ),
    ],
    look=(
        "`strace -e trace=bind PROGRAM` shows family, address, port and length of the call. `ss "
        "-ltunp` shows who has the port, `ip address` which addresses the host has, `sysctl "
        "net.ipv4.ip_unprivileged_port_start` from which port on everybody may bind."
    ),
    source=(
        "bind(2), ip(7), ipv6(7); Linux net/socket.c __sys_bind(), net/ipv4/af_inet.c "
        "inet_bind_sk(), __inet_bind(), net/ipv6/af_inet6.c inet6_bind_sk(), "
        "net/ipv4/inet_connection_sock.c inet_csk_get_port()"
    ),
)
