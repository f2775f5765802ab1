"""SOCK_SEQPACKET: connected and reliable like a stream, with the boundaries of datagrams.

It is a third kind of socket beside the two that the tutorial knows, and with AF_UNIX every
Linux has it: there is a connection, with listen(2) and accept(2), nothing is lost or changes
places, and one recv(2) gives what one send(2) took. A message longer than the buffer is cut,
and the rest is gone, as with UDP (MSG_TRUNC tells); a stream would give it to the next recv().
The end of the connection is 0 again, so a message of no bytes cannot be told from it.

Over IP the type means SCTP and nothing else: the kernel takes the two together, or neither.
Where SCTP is a module that this kernel lacks, the errno is ESOCKTNOSUPPORT. With AF_UNIX it has
nothing to do with SCTP, and no packet leaves the host.
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
    getsockopt,
    listen,
    recv,
    recvmsg,
    run,
    send,
    socketpair,
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
            "unix",
            calls=[
                bind(on="client", path="seq", type="SOCK_SEQPACKET", socket="l"),
                listen(on="client", socket="l"),
                connect(on="client", path="seq", type="SOCK_SEQPACKET"),
                accept(on="client", socket="l"),
                getsockopt(on="client", option="SO_TYPE").returns(5),
                getsockopt(on="client", option="SO_PROTOCOL").returns(0),
                send(on="client", data=b"one").returns(3),
                send(on="client", data=b"two").returns(3),
                # Two messages, though there is room for both.
                recv(on="client", socket="c").gives(b"one"),
                recv(on="client", socket="c").gives(b"two"),
                send(on="client", data=b"back", socket="c").returns(4),
                recv(on="client").gives(b"back"),
                close(on="client"),
                recv(on="client", socket="c").returns(0),
            ],
            claims={"C5": "wrong", "C42": "wrong"},
        ),
        Case(
            "cut",
            calls=[
                socketpair(on="client", type="SOCK_SEQPACKET"),
                send(on="client", data=b"eleven byte").returns(11),
                send(on="client", data=b"next").returns(4),
                recvmsg(on="client", size=6, socket="other").tells("MSG_TRUNC"),
                # The other five bytes are gone.
                recv(on="client", socket="other").gives(b"next"),
            ],
        ),
        Case(
            # The same calls on a stream: no boundaries, and no rest that is lost.
            "stream_beside_it",
            calls=[
                socketpair(on="client", type="SOCK_STREAM"),
                send(on="client", data=b"one").returns(3),
                send(on="client", data=b"two").returns(3),
                recv(on="client", size=4, socket="other").gives(b"onet"),
                recv(on="client", socket="other").gives(b"wo"),
            ],
        ),
        Case(
            # Asked for together with SCTP, which loads its module where there is one.
            "inet",
            calls=[
                run(
                    on="client",
                    argv=[
                        "python3",
                        "-c",
                        "import errno, socket\n"
                        "def there(*kind):\n"
                        "    try:\n"
                        "        socket.socket(*kind).close()\n"
                        "    except OSError as error:\n"
                        "        return errno.errorcode[error.errno]\n"
                        "    return 'here'\n"
                        "for domain in socket.AF_INET, socket.AF_INET6:\n"
                        "    sctp = there(domain, socket.SOCK_STREAM, 132)\n"
                        "    seqpacket = there(domain, socket.SOCK_SEQPACKET, 0)\n"
                        "    print('SCTP', sctp, 'SOCK_SEQPACKET', seqpacket)\n"
                        "    assert (sctp, seqpacket) in (\n"
                        "        ('here', 'here'), ('EPROTONOSUPPORT', 'ESOCKTNOSUPPORT'))",
                    ],
                ).returns(0),
            ],
            claims={"C42": "true"},
        ),
    ],
    look=(
        "`ss -x -a` lists them as `u_seq`, streams as `u_str` and datagrams as `u_dgr`; "
        "/proc/net/protocols has a line SCTP where the kernel has SCTP."
    ),
    source=(
        "socket(2), unix(7), recv(2) MSG_TRUNC; RFC 6458 3; Linux net/unix/af_unix.c "
        "unix_seqpacket_sendmsg(), net/ipv4/af_inet.c inet_create(), net/sctp/protocol.c"
    ),
)
