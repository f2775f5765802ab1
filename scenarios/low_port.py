"""A port below 1024 needs a capability: bind(2) says EACCES.

Ports below net.ipv4.ip_unprivileged_port_start are for processes with
CAP_NET_BIND_SERVICE, which the lab's hosts do not have. Engines set that to 0 in a
container, so that the same program binds port 80 there and fails outside. The setting
holds for TCP and UDP, and for IPv6 as well.
"""

from lab import Case, Counted, Scenario, any_packet, bind, sysctl

SCENARIO = Scenario(
    cause="local",
    claims={"C27": "true"},
    fault=sysctl(on="client", values={"net.ipv4.ip_unprivileged_port_start": 1024}),
    absent=[any_packet(at="client"), any_packet(at="client", proto="udp")],
    counted=[
        Counted("client", "Tcp.ActiveOpens", exactly=0),
        Counted("client", "Tcp.OutSegs", exactly=0),
    ],
    cases=[
        Case(
            "tcp",
            calls=[
                bind(on="client", port=80).fails("EACCES", within_s=(0.0, 0.5)),
                bind(on="client", port=1023).fails("EACCES", within_s=(0.0, 0.5)),
                bind(on="client", port=1024),
            ],
            control=[bind(on="client", port=80), bind(on="client", port=1023, socket="b")],
        ),
        Case(
            "udp",
            calls=[
                bind(on="client", port=53, proto="udp").fails("EACCES", within_s=(0.0, 0.5)),
                bind(on="client", port=1024, proto="udp"),
            ],
            control=[bind(on="client", port=53, proto="udp")],
        ),
    ],
    look=(
        "The port is below `sysctl net.ipv4.ip_unprivileged_port_start` and `getpcaps PID` lacks "
        "cap_net_bind_service. With a higher port, EACCES comes from a security module (`ausearch "
        "-m avc`, the kernel's log)."
    ),
    source=(
        "bind(2) EACCES; ip(7) ip_unprivileged_port_start; capabilities(7); Linux "
        "net/ipv4/af_inet.c __inet_bind(), net/ipv6/af_inet6.c __inet6_bind()"
    ),
)
