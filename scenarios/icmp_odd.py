"""ICMP errors that are not what they should be: forged, from a stranger, or late.

Linux believes an ICMP error if the TCP sequence number that it quotes lies in the
window (RFC 5927 4.1), whoever sent it: a stranger's error ends a connect as the
router's does. One that quotes another number, or that comes when the connection is
established and its SYN acknowledged, is counted (OutOfWindowIcmps) and ignored.
"""

from lab import (
    Case,
    Counted,
    Scenario,
    answer,
    connect,
    exchange,
    icmp,
    icmp_error,
    per_family,
    poll,
    syn,
)

SCENARIO = Scenario(
    cause="packet",
    cases=[
        Case(
            "wrong_sequence_number",
            fault=answer(
                to="server",
                by=[icmp_error(per_family(ipv4=(3, 1), ipv6=(1, 3)), quote_seq_add=1000)],
                times=1,
            ),
            # The second SYN leaves after 1 s, by the retransmission timer.
            calls=[connect(on="client", to="server").returns(0, within_s=(1.0, 1.3))],
            seen=[
                syn(at="client", count=2),
                icmp(at="client", error=per_family(ipv4=(3, 1), ipv6=(1, 3)), count=1),
            ],
            counted=[
                Counted("client", "TcpExt.OutOfWindowIcmps", exactly=1),
                Counted("client", "Tcp.AttemptFails", exactly=0),
            ],
        ),
        Case(
            "from_a_stranger",
            fault=answer(
                to="server",
                by=[
                    icmp_error(per_family(ipv4=(3, 1), ipv6=(1, 3)), sender="bystander"),
                ],
                times=1,
                # A moment later, so that connect() does not hold the socket any more.
                delay_s=0.02,
            ),
            calls=[
                connect(on="client", to="server").fails("EHOSTUNREACH", within_s=(0.0, 0.5)),
            ],
            seen=[
                syn(at="client", count=1),
                icmp(
                    at="client",
                    error=per_family(ipv4=(3, 1), ipv6=(1, 3)),
                    sender="bystander",
                    count=1,
                ),
            ],
            absent=[syn(at="server")],
            counted=[Counted("client", "Tcp.AttemptFails", exactly=1)],
        ),
        Case(
            "late",
            fault=answer(
                to="server",
                by=[icmp_error(per_family(ipv4=(3, 1), ipv6=(1, 3)))],
                times=1,
                delay_s=0.2,
                lets_pass=True,
            ),
            calls=[
                connect(on="client", to="server").returns(0, within_s=(0.0, 0.5)),
                # The error comes meanwhile, and wakes nobody.
                poll(on="client", events="POLLIN", timeout_s=0.5).returns(0),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            control=[
                connect(on="client", to="server"),
                exchange(on="client", data=b"hi").gives(b"abc"),
            ],
            seen=[
                syn(at="client", count=1),
                icmp(at="client", error=per_family(ipv4=(3, 1), ipv6=(1, 3)), count=1),
            ],
            counted=[Counted("client", "TcpExt.OutOfWindowIcmps", exactly=1)],
        ),
    ],
    look=(
        "`tcpdump -vn icmp or icmp6` shows the sender, and the quoted sequence number beside that "
        "of the SYN; `nstat TcpExtOutOfWindowIcmps` counts those that Linux did not believe."
    ),
    source=(
        "RFC 5927 4.1; RFC 1122 3.2.2; Linux net/ipv4/tcp_ipv4.c tcp_v4_err() and "
        "net/ipv6/tcp_ipv6.c tcp_v6_err(), OutOfWindowIcmps"
    ),
)
