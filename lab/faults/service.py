"""Faults of the service: it is stopped, or it hangs."""

from __future__ import annotations

from lab.faults.plan import Fault, Hits, Plan, Site

SERVICES = ("echo", "echo_udp")  # those of images/host/service.sh that run from the start


def stop(*, on: str = "server", service: str = "echo") -> Fault:
    """Stop a service, so that nothing listens on its port.

    Its hits are what the host's kernel answers: RSTs (Tcp.OutRsts), or ICMP port
    unreachable for a datagram.
    """
    spares = ("udp",) if service == "echo" else ("tcp",)
    return Fault(on, "stop", "process", _plan_stop, {"service": service}, spares=spares,
                 check=_wrong_service)  # fmt: skip


def _wrong_service(service: str) -> list[str]:
    return [] if service in SERVICES else [f"no service '{service}': {', '.join(SERVICES)}"]


def _plan_stop(site: Site, *, on: str, to: str, service: str) -> Plan:
    icmp = "Icmp.OutDestUnreachs" if site.family == "ipv4" else "Icmp6.OutDestUnreachs"
    return Plan(
        on, "process",
        commands=[["errnolab-service", "stop", service]],
        undo=[["errnolab-service", "start", service]],
        hits=Hits(on, counters=("Tcp.OutRsts" if service == "echo" else icmp,)),
    )  # fmt: skip
