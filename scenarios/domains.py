"""socket(2) with the domains, types and protocols of the tutorial's list: what each one is.

AF_INET, AF_INET6 and AF_LOCAL are what it says, and the kernel tells by SO_DOMAIN, SO_TYPE and
SO_PROTOCOL what was made: protocol 0 became 6 (TCP) for a stream and 17 (UDP) for datagrams.
AF_ROUTE is another matter. On Linux it is another name of AF_NETLINK, 16: a socket can be made
of it, but it speaks netlink, knows no streams, and is no descriptor on which one reads the
routing messages of BSD.

A family, type or protocol that this kernel does not have is refused at once, with -1 and an
errno that strerror(3) turns into a sentence (wrong_protocol has the other ways to be refused).
SCTP and TIPC are modules that many kernels lack; where they are there, socket() takes them.
No packet is sent: a socket by itself is a table entry of its own host.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    any_packet,
    getsockname,
    getsockopt,
    run,
    socket,
)

SCENARIO = Scenario(
    cause="nothing",
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=0),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            "inet",
            family="ipv4",
            calls=[
                socket(on="client", domain="AF_INET"),
                getsockopt(on="client", option="SO_DOMAIN").returns(2),
                getsockname(on="client").tells("0.0.0.0:0"),
            ],
            claims={"C39": "true"},
        ),
        Case(
            "inet6",
            family="ipv6",
            calls=[
                socket(on="client", domain="AF_INET6"),
                getsockopt(on="client", option="SO_DOMAIN").returns(10),
                getsockname(on="client").tells("[::]:0"),
            ],
            claims={"C39": "true"},
        ),
        Case(
            # AF_LOCAL and AF_UNIX are one number, 1.
            "local",
            calls=[
                socket(on="client", domain=1),
                getsockopt(on="client", option="SO_DOMAIN").returns(1),
                getsockopt(on="client", option="SO_PROTOCOL").returns(0),
            ],
            claims={"C39": "true"},
        ),
        Case(
            "route",
            calls=[
                # The C library's own two names, compared by the compiler: 16 both.
                run(
                    on="workshop",
                    argv=["gcc", "-fsyntax-only", "/opt/tutorial/snippets/af_route.c"],
                ).returns(0),
                socket(on="client", domain=16, type="SOCK_RAW"),
                getsockopt(on="client", option="SO_DOMAIN").returns(16),
                # Its address is a netlink one, of 12 bytes.
                getsockname(on="client", length=128).tells("length 12"),
                socket(on="client", domain=16, socket="stream").fails(
                    "ESOCKTNOSUPPORT", within_s=(0.0, 0.5)
                ),
            ],
            claims={"C39": "wrong"},
        ),
        Case(
            "stream_is_tcp",
            calls=[
                socket(on="client", type="SOCK_STREAM"),
                getsockopt(on="client", option="SO_TYPE").returns(1),
                getsockopt(on="client", option="SO_PROTOCOL").returns(6),
                # To name it makes no difference.
                socket(on="client", type="SOCK_STREAM", protocol=6, socket="named"),
                getsockopt(on="client", option="SO_PROTOCOL", socket="named").returns(6),
            ],
            claims={"C41": "true", "C47": "true"},
        ),
        Case(
            "datagram_is_udp",
            calls=[
                socket(on="client", type="SOCK_DGRAM"),
                getsockopt(on="client", option="SO_TYPE").returns(2),
                getsockopt(on="client", option="SO_PROTOCOL").returns(17),
                socket(on="client", type="SOCK_DGRAM", protocol=17, socket="named"),
                getsockopt(on="client", option="SO_PROTOCOL", socket="named").returns(17),
            ],
            claims={"C41": "true", "C47": "true"},
        ),
        Case(
            # The C library's own socket(), errno and strerror(), in the C locale.
            "strerror",
            calls=[
                run(
                    on="client",
                    argv=[
                        "python3",
                        "-c",
                        "import ctypes\n"
                        "c = ctypes.CDLL(None, use_errno=True)\n"
                        "c.strerror.restype = ctypes.c_char_p\n"
                        "value, number = c.socket(2, 1, 17), ctypes.get_errno()\n"
                        "print(value, number, c.strerror(number).decode())",
                    ],
                ).gives(b"-1 93 Protocol not supported\n"),
                socket(on="client", domain="AF_INET", protocol=17).fails(
                    "EPROTONOSUPPORT", within_s=(0.0, 0.5)
                ),
            ],
            claims={"C45": "true"},
        ),
        Case(
            # Either the kernel has them, or it says so in the errno that belongs to it.
            "sctp_and_tipc",
            calls=[
                run(
                    on="client",
                    argv=[
                        "python3",
                        "-c",
                        "import errno, socket\n"
                        "for name, domain, protocol, refusal in (\n"
                        "    ('SCTP', socket.AF_INET, 132, errno.EPROTONOSUPPORT),\n"
                        "    ('TIPC', 30, 0, errno.EAFNOSUPPORT),\n"
                        "):\n"
                        "    try:\n"
                        "        socket.socket(domain, socket.SOCK_STREAM, protocol).close()\n"
                        "        print(name, 'is here')\n"
                        "    except OSError as error:\n"
                        "        assert error.errno == refusal, error\n"
                        "        print(name, errno.errorcode[error.errno])",
                    ],
                ).returns(0),
            ],
        ),
    ],
    look=(
        "`ss -a -f inet`, `-f inet6`, `-f unix` and `-f netlink` list the sockets of each domain; "
        "/proc/net/protocols lists what this kernel has, and `strace -e trace=socket PROGRAM` "
        "shows which numbers a program asks for."
    ),
    source=(
        "socket(2), socket(7), netlink(7), strerror(3); Linux net/socket.c __sock_create(), "
        "net/ipv4/af_inet.c inet_create(), net/netlink/af_netlink.c netlink_create()"
    ),
)
