"""Faults of a service that any program meets: it answers nothing, hangs up, resets, is not there.

New connections of a caller to a port are redirected, on the service's own host (iptables
nat REDIRECT): to `errnolab-misbehave` (images/host/misbehave.py), or to a port where nobody
listens, so that the host's own kernel refuses. The service itself is not touched, other
callers keep it, and what was connected before stays connected.
"""

from __future__ import annotations

import json
from typing import Any

from lab.faults.firewall import needs_of, only_first, planned, tool
from lab.faults.plan import Fault, Hits, Plan, Site
from lab.topology import DESTINATIONS, ECHO_PORT

HOW = ("silent", "close", "close_at_once", "reset", "reset_at_once", "half")
# Where the redirected come to: below the ports that the kernel gives to callers.
MISBEHAVING, SHUT, PORTS = 20_000, 24_000, 4_000
NEEDS = ("nat-redirect", "conntrack")
LISTEN = "0A"  # of /proc/net/tcp


def misbehave(
    *, how: str, on: str = "server", to: str = "server", port: int = ECHO_PORT,
    sender: str = "client", times: Any = None,
) -> Fault:  # fmt: skip
    """Let a service accept the connections of a caller, and then misbehave.

    Args: `how` is "silent", it reads all, never answers and keeps the connection; "close",
    it reads the request (or waits 1 s for one) and closes in order, without a reply;
    "reset", the same with a RST; "half", it answers half of a reply and closes;
    "close_at_once" and "reset_at_once", it does so without reading anything. `times` is how
    many connections are treated so before the service is let be. Hits are connections.
    """
    arguments = {"how": how, "port": port, "sender": sender, "times": times}
    return Fault(on, "misbehave", "redirect", _plan_misbehave, arguments, to,
                 (*needs_of(times), *NEEDS), check=_wrong)  # fmt: skip


def shut(
    *, on: str = "server", to: str = "server", port: int = ECHO_PORT, sender: str = "client"
) -> Fault:
    """Shut a TCP port for one caller: the host's own kernel refuses, as if nobody listened.

    It stands in for `stop` where the service is not ours to stop. Hits are SYNs.
    """
    arguments = {"port": port, "sender": sender}
    return Fault(on, "shut", "redirect", _plan_shut, arguments, to, (*needs_of(None), *NEEDS),
                 check=_wrong)  # fmt: skip


def _wrong(port: Any, sender: str, how: str = HOW[0], times: Any = None) -> list[str]:
    found = []
    if how not in HOW:
        found.append(f"how='{how}' is not one of {', '.join(HOW)}")
    if sender not in DESTINATIONS:
        found.append(f"no sender '{sender}': there are {', '.join(DESTINATIONS)}")
    if not (isinstance(port, int) and 1 <= port <= 65535):
        found.append(f"port {port} is not 1 to 65535")
    if times is not None and not (isinstance(times, int) and times > 0):
        found.append(f"times={times!r} is not a number of connections")
    return found


def _plan_misbehave(
    site: Site, *, on: str, to: str, how: str, port: int, sender: str, times: int | None
) -> Plan:
    there = free_port(site, on, MISBEHAVING + port % PORTS)
    label = f"errnolab:misbehave:{how}:{sender}:{to}:{port}" + (f":{times}" if times else "")
    redirected = _redirected(site, on, to, port, sender, there, label, times)
    name = f"misbehave-{how}-{sender}-{to}-{site.family}-{port}"
    spec = json.dumps({"port": there, "how": how})
    # The program first, so that nobody is sent where nobody listens.
    return Plan(
        on, redirected.mechanism,
        commands=[["errnolab-misbehave", "start", name, spec], *redirected.commands],
        # Last first: the rule goes, then the program, and then what is known of its connections.
        undo=[redirected.undo[0], ["errnolab-misbehave", "stop", name], *redirected.undo[1:]],
        hits=Hits(on, command=("cat", f"/run/errnolab/{name}.hits")),
    )  # fmt: skip


def _plan_shut(site: Site, *, on: str, to: str, port: int, sender: str) -> Plan:
    nowhere = free_port(site, on, SHUT + port % PORTS)
    label = f"errnolab:shut:{sender}:{to}:{port}"
    return _redirected(site, on, to, port, sender, nowhere, label)


def _redirected(
    site: Site, on: str, to: str, port: int, sender: str, there: int, label: str,
    times: int | None = None,
) -> Plan:  # fmt: skip
    """Plan to send a caller's new connections to another port of the host.

    The kernel remembers where a connection went until some time after its end, and a new
    one from the same port goes the same way: that is forgotten when the rule is out.
    """
    flow = ["-s", site.address(sender), "-d", site.address(to), "-p", "tcp"]
    rule = [
        "PREROUTING", "-t", "nat", *flow, "--dport", str(port), *only_first(times),
        "-m", "comment", "--comment", label, "-j", "REDIRECT", "--to-ports", str(there),
    ]  # fmt: skip
    forget = ["errnolab-misbehave", "forget", "-f", site.family]
    plan = planned(site, on, rule, label)
    counted = (tool(site), "-w", "-t", "nat", "-nvxL", "PREROUTING")
    assert plan.hits is not None
    return Plan(
        on, f"redirect ({site.flavour})",
        commands=plan.commands,
        undo=[[*forget, "-p", "tcp", "--reply-port-src", str(there)], *plan.undo],
        hits=Hits(on, command=counted, read=plan.hits.read),
    )  # fmt: skip


def free_port(site: Site, on: str, first: int) -> int:
    """Return the first TCP port from `first` on where nobody listens on a host."""
    listing = site.look(on, "cat", "/proc/net/tcp", "/proc/net/tcp6")
    rows = [row for row in map(str.split, listing.splitlines()) if len(row) > 3]
    taken = {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTEN}
    return next(port for port in range(first, first + PORTS) if port not in taken)
