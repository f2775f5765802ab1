"""A name is looked up by datagrams, before the first SYN of nearly every program.

A program that is given `example.test` asks for its address first: getaddrinfo(3) looks into
/etc/hosts, and then sends a UDP datagram to port 53 of a name server, one for each family.
Here the host `workshop` has the lab's server for its name server, where nobody listens on that
port: the question is seen there, an ICMP port unreachable is the answer, and the name stays
unknown. `curl` does the same, and sends no SYN at all.

So whoever holds that datagram sockets are hardly used has used them with each page of the Web.
A name in /etc/hosts needs no question, and an address is no name. An engine may put a resolver
of its own between, in the container: it forwards the question, and keeps the ICMP error to
itself, so that the program waits until its time is up.
"""

from lab import Case, Counted, Scenario, any_packet, data, getaddrinfo, icmp, run

SCENARIO = Scenario(
    cause="service",
    family="ipv4",
    cases=[
        Case(
            # One attempt of one second, for each family.
            "getent",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "env",
                        "RES_OPTIONS=timeout:1 attempts:1",
                        "getent",
                        "hosts",
                        "example.test",
                    ],
                ).returns(2),
            ],
            seen=[
                data(at="workshop", sender="workshop", proto="udp"),
                data(at="server", sender="workshop", proto="udp"),
                icmp(at="workshop", error=(3, 3), sender="server"),
            ],
            absent=[any_packet(at="workshop")],
            counted=[
                Counted("server", "Udp.NoPorts", at_least=1),
                Counted("server", "Icmp.OutDestUnreachs", at_least=1),
                Counted("workshop", "Tcp.ActiveOpens", exactly=0),
            ],
            claims={"C8": "wrong"},
        ),
        Case(
            # curl ends with 6, "Could not resolve host", before it has anything to connect to.
            "curl",
            calls=[
                run(
                    on="workshop",
                    argv=[
                        "env",
                        "RES_OPTIONS=timeout:1 attempts:1",
                        "curl",
                        "-sS",
                        "http://example.test/",
                    ],
                )
                .returns(6)
                .tells("curl: (6) Could not resolve host: example.test"),
            ],
            seen=[
                data(at="server", sender="workshop", proto="udp"),
                icmp(at="workshop", error=(3, 3), sender="server"),
            ],
            absent=[any_packet(at="workshop")],
            counted=[
                Counted("server", "Udp.NoPorts", at_least=1),
                Counted("workshop", "Tcp.ActiveOpens", exactly=0),
            ],
            claims={"C8": "wrong"},
        ),
        Case(
            # What /etc/hosts knows, and what is an address already, is not asked for.
            "no_question",
            calls=[
                run(on="workshop", argv=["getent", "ahostsv4", "server"]).returns(0),
                getaddrinfo(on="workshop", node="server", service="16555", domain="AF_INET").tells(
                    "{server}:16555"
                ),
                getaddrinfo(
                    on="workshop", node="203.0.113.10", service="16555", domain="AF_INET"
                ).tells("203.0.113.10:16555"),
            ],
            absent=[any_packet(at="workshop", proto="udp"), any_packet(at="workshop")],
            counted=[Counted("server", "Udp.NoPorts", exactly=0)],
        ),
    ],
    look=(
        "`tcpdump -n port 53` shows the questions, and `getent hosts NAME` what the system makes "
        "of a name; /etc/resolv.conf and `resolvectl` name the servers. If an address works and "
        "a name does not, the datagrams to port 53 are what fails."
    ),
    source=(
        "getaddrinfo(3), resolv.conf(5) RES_OPTIONS, hosts(5), nsswitch.conf(5); RFC 1035 4.2.1; "
        "RFC 1122 4.1.3.1; Linux net/ipv4/udp.c __udp4_lib_rcv()"
    ),
)
