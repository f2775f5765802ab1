"""There is no such socket: socket(2) refuses the domain, type or protocol.

A domain that the kernel does not have is EAFNOSUPPORT, a type that the domain does not
have ESOCKTNOSUPPORT, a protocol that does not go with the type EPROTONOSUPPORT, and a
number that is out of range EINVAL. No port and no address are in play yet.
"""

from lab import Case, Counted, Scenario, any_packet, socket

SCENARIO = Scenario(
    cause="local",
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=0),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            # 99 is beyond every domain that Linux knows.
            "domain",
            calls=[
                socket(on="client", domain=99).fails("EAFNOSUPPORT", within_s=(0.0, 0.5)),
                socket(on="client", domain="AF_UNSPEC").fails("EAFNOSUPPORT", within_s=(0.0, 0.5)),
            ],
        ),
        Case(
            # IPPROTO_TCP is 6, IPPROTO_UDP is 17.
            "protocol",
            claims={"C46": "true", "C47": "wrong"},
            calls=[
                socket(on="client", type="SOCK_STREAM", protocol=17).fails(
                    "EPROTONOSUPPORT", within_s=(0.0, 0.5)
                ),
                socket(on="client", type="SOCK_DGRAM", protocol=6).fails(
                    "EPROTONOSUPPORT", within_s=(0.0, 0.5)
                ),
                # A raw socket must say which protocol: there is no default.
                socket(on="client", type="SOCK_RAW").fails("EPROTONOSUPPORT", within_s=(0.0, 0.5)),
                socket(on="client", domain="AF_UNIX", protocol=6).fails(
                    "EPROTONOSUPPORT", within_s=(0.0, 0.5)
                ),
            ],
        ),
        Case(
            # Nothing on IP serves SOCK_RDM; SOCK_SEQPACKET is SCTP's, where it is there.
            "type",
            claims={"C42": "wrong"},
            calls=[
                socket(on="client", type="SOCK_RDM").fails("ESOCKTNOSUPPORT", within_s=(0.0, 0.5)),
                socket(on="client", domain="AF_UNIX", type="SOCK_RDM").fails(
                    "ESOCKTNOSUPPORT", within_s=(0.0, 0.5)
                ),
                socket(on="client", domain="AF_UNIX", type="SOCK_SEQPACKET"),
            ],
        ),
        Case(
            "out_of_range",
            calls=[
                socket(on="client", type=77).fails("EINVAL", within_s=(0.0, 0.5)),
                socket(on="client", protocol=300).fails("EINVAL", within_s=(0.0, 0.5)),
                socket(on="client", protocol=-1).fails("EINVAL", within_s=(0.0, 0.5)),
            ],
        ),
    ],
    look=(
        "`strace -e trace=socket PROGRAM` shows the three numbers. A protocol that the kernel "
        "could have is a module that is not loaded or not built (`modprobe sctp`); a sandbox "
        "(seccomp, RestrictAddressFamilies= of systemd) answers EAFNOSUPPORT or EPERM instead."
    ),
    source=(
        "socket(2); Linux net/socket.c __sock_create(), net/ipv4/af_inet.c inet_create(), "
        "net/ipv6/af_inet6.c inet6_create(), net/unix/af_unix.c unix_create()"
    ),
)
