"""The words for faults: each says where, on what traffic, and how it is made.

A fault becomes a `Plan` when the run knows the lab: commands to make it, commands
to undo it (last first), and where its hits are counted. It reads the old state
while it plans and changes nothing; `lab/breaking.py` carries plans out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from socket import IPPROTO_TCP
from typing import Any, Protocol

from lab.known import Known
from lab.topology import DESTINATIONS, ECHO_PORT, HOSTS, Family

# ICMP error names of iptables' REJECT target, by family; tcp-reset is in both.
REJECT_REPLIES: dict[Family, tuple[str, ...]] = {
    "ipv4": (
        "icmp-net-unreachable", "icmp-host-unreachable", "icmp-port-unreachable",
        "icmp-proto-unreachable", "icmp-net-prohibited", "icmp-host-prohibited",
        "icmp-admin-prohibited", "tcp-reset",
    ),
    "ipv6": (
        "icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable",
        "icmp6-port-unreachable", "icmp6-policy-fail", "icmp6-reject-route", "tcp-reset",
    ),
}  # fmt: skip
SERVICES = ("echo", "echo_udp")  # as in images/host/service.sh
ROUTE_KINDS = ("unreachable", "prohibit", "throw")


class Site(Protocol):
    """The part of a lab that a plan may look at: nothing here changes anything."""

    @property
    def family(self) -> Family:
        """Return the address family of the run."""

    @property
    def flavour(self) -> str:
        """Return which iptables works here: "nft" or "legacy"."""

    def address(self, role: str) -> str:
        """Return a role's address in this family."""

    def interface(self, host: str, toward: str) -> str:
        """Return the name of a host's interface on the network that leads to a role."""

    def look(self, host: str, *argv: str) -> str:
        """Run a command that changes nothing and return its output."""


@dataclass(frozen=True)
class Hits:
    """Where a fault's hits are counted: a command's output, or kernel counters.

    `read` turns the output of `command` into a number; with `counters` it is the
    growth of their sum.
    """

    host: str
    counters: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    read: Callable[[str], int] = int


@dataclass(frozen=True)
class Plan:
    """What a fault is on one lab in one family."""

    host: str
    mechanism: str
    commands: list[list[str]]
    undo: list[list[str]]
    hits: Hits
    # A rest before the fault, where the kernel limits the rate of what it makes.
    rest_s: float = 0.0


@dataclass(frozen=True)
class Fault:
    """A fault as a scenario writes it.

    `planner` makes the plan from the site and `arguments`, which are data, so that
    what depends on the family can stand in them. `needs` are names that `doctor`
    knows; `spares` are the protocols that the bystander's echo must keep using
    while the fault is in force.
    """

    on: str
    kind: str
    mechanism: str
    planner: Callable[..., Plan] = field(repr=False)
    arguments: dict[str, Any] = field(default_factory=dict)
    to: str = "server"
    needs: tuple[str, ...] = ()
    spares: tuple[str, ...] = ("tcp", "udp")
    wrong: tuple[str, ...] = ()

    def plan(self, site: Site) -> Plan:
        """Return what this fault is on a lab in one family; looks, and changes nothing."""
        return self.planner(site, on=self.on, to=self.to, **self.arguments)

    def mistakes(self) -> list[str]:
        """Return what is wrong with the fault as it is written."""
        found = [*self.wrong, *_wrong_target(self.arguments.get("target", ["DROP"]))]
        if self.on not in HOSTS:
            found.append(f"{self.kind}: no host '{self.on}': there are {', '.join(HOSTS)}")
        if self.to not in DESTINATIONS:
            found.append(
                f"{self.kind}: no destination '{self.to}': there are {', '.join(DESTINATIONS)}"
            )
        return found


# --- the service ------------------------------------------------------------


def stop(*, on: str = "server", service: str = "echo") -> Fault:
    """Stop a service, so that nothing listens on its port.

    Its hits are the RSTs that the host's kernel sends (Tcp.OutRsts).
    """
    wrong = () if service in SERVICES else (f"stop: no service '{service}': {', '.join(SERVICES)}",)
    arguments = {"service": service}
    return Fault(on, "stop", "process", _plan_stop, arguments, spares=("udp",), wrong=wrong)


def _plan_stop(_site: Site, *, on: str, to: str, service: str) -> Plan:
    return Plan(
        on, "process",
        commands=[["errnolab-service", "stop", service]],
        undo=[["errnolab-service", "start", service]],
        hits=Hits(on, counters=("Tcp.OutRsts",)),
    )  # fmt: skip


# --- iptables ---------------------------------------------------------------


def reject(
    *, on: str, to: str, port: int = ECHO_PORT, reply: Any, flags: str = "SYN",
    sender: str = "client",
) -> Fault:  # fmt: skip
    """Refuse TCP segments of a flow with an ICMP error or a RST (iptables REJECT).

    Args: `reply` is a name of iptables' --reject-with; but for tcp-reset each family
    has its own, so give per_family(ipv4=…, ipv6=…); `flags` is what a segment must
    have: "SYN" (and no ACK), "SYN,ACK", or "PSH" for data.
    """
    target = ["REJECT", "--reject-with", reply]
    wrong: tuple[str, ...] = ()
    if sum(reply in known for known in REJECT_REPLIES.values()) == 1:
        wrong = (f"reject: '{reply}' is of one family; give per_family(ipv4=…, ipv6=…)",)
    return _rule("reject", on, sender, to, "--dport", port, flags, target, wrong)


def _wrong_target(target: list[Any]) -> list[str]:
    """Return what is wrong with a rule's target, once its reply is known."""
    reply = target[-1]
    known = {"DROP", *(name for names in REJECT_REPLIES.values() for name in names)}
    return [] if isinstance(reply, Known) or reply in known else [f"reject: no reply '{reply}'"]


def drop(
    *, on: str, to: str, port: int = ECHO_PORT, flags: str = "SYN", sender: str = "client"
) -> Fault:
    """Drop TCP segments of a flow without a word (iptables DROP)."""
    return _rule("drop", on, sender, to, "--dport", port, flags, ["DROP"])


def drop_reply(
    *, on: str, sender: str, port: int = ECHO_PORT, flags: str = "SYN,ACK", to: str = "client"
) -> Fault:
    """Drop what a service sends back (iptables DROP on the source port)."""
    return _rule("drop_reply", on, sender, to, "--sport", port, flags, ["DROP"])


# What iptables' --tcp-flags must look at, and find set, for each word.
FLAG_MATCHES = {
    "SYN": ("SYN,ACK,RST,FIN", "SYN"),
    "SYN,ACK": ("SYN,ACK,RST,FIN", "SYN,ACK"),
    "PSH": ("SYN,PSH,RST", "PSH"),
}


def _rule(
    kind: str, on: str, sender: str, to: str, port_match: str, port: int, flags: str,
    target: list[Any], wrong: tuple[str, ...] = (),
) -> Fault:  # fmt: skip
    if flags not in FLAG_MATCHES:
        wrong += (f"{kind}: flags '{flags}' are not one of {', '.join(FLAG_MATCHES)}",)
    if sender not in DESTINATIONS:
        wrong += (f"{kind}: no sender '{sender}': there are {', '.join(DESTINATIONS)}",)
    arguments = {"label": f"errnolab:{kind}", "sender": sender, "port": [port_match, str(port)],
                 "flags": flags, "target": target}  # fmt: skip
    return Fault(
        on, kind, "iptables", _plan_rule, arguments, to, needs=("iptables",), wrong=wrong
    )  # fmt: skip


def _plan_rule(
    site: Site, *, on: str, to: str, label: str, sender: str, port: list[str], flags: str,
    target: list[str],
) -> Plan:  # fmt: skip
    tool = ("iptables" if site.family == "ipv4" else "ip6tables") + f"-{site.flavour}"
    rule = [
        "FORWARD", "-s", site.address(sender), "-d", site.address(to), "-p", "tcp", *port,
        "--tcp-flags", *FLAG_MATCHES[flags], "-m", "comment", "--comment", label, "-j", *target,
    ]  # fmt: skip
    return Plan(
        on, f"iptables ({site.flavour})",
        commands=[[tool, "-w", "-I", *rule]],
        undo=[[tool, "-w", "-D", *rule]],
        hits=Hits(
            on, command=(tool, "-w", "-nvxL", "FORWARD"),
            read=lambda listing: _packets_of_rule(listing, label),
        ),
    )  # fmt: skip


def _packets_of_rule(listing: str, label: str) -> int:
    """Return the packet counter of the rule with a comment, in `iptables -nvxL`."""
    return sum(int(line.split()[0]) for line in listing.splitlines() if f"/* {label} */" in line)


# --- tc ---------------------------------------------------------------------


def drop_tc(*, on: str, to: str, port: int = ECHO_PORT, sender: str = "client") -> Fault:
    """Drop the SYNs of a flow where they enter an interface, with a BPF filter of tc.

    The filter is classic BPF on a clsact qdisc, which needs neither act_gact nor
    netem. It matches the flow alone: ARP and neighbour discovery live.
    """
    arguments = {"port": port, "sender": sender}
    return Fault(on, "drop_tc", "tc", _plan_drop_tc, arguments, to, needs=("clsact", "tc-bpf"))


def _plan_drop_tc(site: Site, *, on: str, to: str, port: int, sender: str) -> Plan:
    device = site.interface(on, toward=sender)
    # The kernel gives an interface without a queue length one, with its first qdisc.
    queue = site.look(on, "cat", f"/sys/class/net/{device}/tx_queue_len").strip()
    protocol = "ip" if site.family == "ipv4" else "ipv6"
    program = _syn_filter(site.family, site.address(sender), site.address(to), port)
    return Plan(
        on, "tc (clsact, classic BPF)",
        commands=[
            ["tc", "qdisc", "add", "dev", device, "clsact"],
            ["tc", "filter", "add", "dev", device, "ingress", "protocol", protocol,
             "bpf", "da", "bytecode", program],
        ],
        undo=[
            ["ip", "link", "set", "dev", device, "txqueuelen", queue],
            ["tc", "qdisc", "del", "dev", device, "clsact"],
        ],
        hits=Hits(
            on, command=("tc", "-s", "qdisc", "show", "dev", device, "clsact"),
            read=_dropped_by_qdisc,
        ),
    )  # fmt: skip


Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand
LET_PASS = -1  # a jump to the end, put in when the program's length is known
# linux/filter.h: ld, ldh and ldb at an offset, ldh and ldb at x + offset, x = 4 * header length
LD, LDH, LDB, LDH_X, LDB_X, LDX_LENGTH = 0x20, 0x28, 0x30, 0x48, 0x50, 0xB1
AND, JEQ, RET = 0x54, 0x15, 0x06
TC_ACT_SHOT, TC_ACT_UNSPEC = 2, 0xFFFFFFFF


def _syn_filter(family: Family, source: str, destination: str, port: int) -> str:
    """Return a classic BPF program, as tc writes it, that shoots the SYNs of a flow.

    It reads from the Ethernet header. IPv4 has TCP's offset in its header length;
    IPv6 (without extension headers, as a SYN here is) has it at 54.
    """
    if family == "ipv4":
        program = [*_require(LDB, 23, IPPROTO_TCP), *_require_address(26, source),
                   *_require_address(30, destination), (LDX_LENGTH, 0, 0, 14),
                   *_require(LDH_X, 16, port), (LDB_X, 0, 0, 27)]  # fmt: skip
    else:
        program = [*_require(LDB, 20, IPPROTO_TCP), *_require_address(22, source),
                   *_require_address(38, destination),
                   *_require(LDH, 56, port), (LDB, 0, 0, 67)]  # fmt: skip
    # SYN set and ACK not.
    program += [(AND, 0, 0, 0x12), (JEQ, 0, LET_PASS, 0x02), (RET, 0, 0, TC_ACT_SHOT)]
    lines = [
        f"{code} {yes} {len(program) - position - 1 if no == LET_PASS else no} {operand}"
        for position, (code, yes, no, operand) in enumerate(program)
    ]
    lines.append(f"{RET} 0 0 {TC_ACT_UNSPEC}")
    return ",".join([str(len(lines)), *lines])


def _require(load: int, offset: int, value: int) -> list[Instruction]:
    """Let the packet pass unless what is at an offset has a value."""
    return [(load, 0, 0, offset), (JEQ, 0, LET_PASS, value)]


def _require_address(offset: int, address: str) -> list[Instruction]:
    packed = ip_address(address).packed
    words = range(0, len(packed), 4)
    return [
        instruction
        for at in words
        for instruction in _require(LD, offset + at, int.from_bytes(packed[at : at + 4], "big"))
    ]


def _dropped_by_qdisc(listing: str) -> int:
    """Return the drops in `tc -s qdisc show`: "… (dropped 3, overlimits 0 requeues 0)"."""
    return sum(
        int(line.split("dropped ")[1].split(",")[0])
        for line in listing.splitlines()
        if "dropped " in line
    )


# --- routes -----------------------------------------------------------------

# What the kernel counts when it answers a packet that it cannot route.
ICMP_SENT: dict[Family, str] = {"ipv4": "Icmp.OutDestUnreachs", "ipv6": "Icmp6.OutDestUnreachs"}
NO_ROUTE_HERE: dict[Family, str] = {"ipv4": "Ip.OutNoRoutes", "ipv6": "Ip6.OutNoRoutes"}
# IPv4 errors made from routes have a token bucket that is not per namespace and
# cannot be set from a container: five at once, then one a second.
ROUTE_ERROR_REST_S = 3.0


def route(*, on: str, kind: str, to: str) -> Fault:
    """Give a router a route that says no: `unreachable`, `prohibit` or `throw`."""
    wrong = () if kind in ROUTE_KINDS else (f"route: no kind '{kind}': {', '.join(ROUTE_KINDS)}",)
    return Fault(on, f"route {kind}", "route", _plan_route, {"kind": kind}, to, wrong=wrong)


def _plan_route(site: Site, *, on: str, to: str, kind: str) -> Plan:
    version, length = ("-4", 32) if site.family == "ipv4" else ("-6", 128)
    way = [kind, f"{site.address(to)}/{length}"]
    return Plan(
        on, "route",
        commands=[["ip", version, "route", "add", *way]],
        undo=[["ip", version, "route", "del", *way]],
        hits=Hits(on, counters=(ICMP_SENT[site.family],)),
        rest_s=ROUTE_ERROR_REST_S if site.family == "ipv4" else 0.0,
    )  # fmt: skip


def no_route(*, on: str, to: str) -> Fault:
    """Take away every route of a host that leads to a destination.

    On the caller's own host the kernel counts OutNoRoutes; on a router, the ICMP
    errors that it sends.
    """
    return Fault(on, "no_route", "route", _plan_no_route, {}, to)


def _plan_no_route(site: Site, *, on: str, to: str) -> Plan:
    version = "-4" if site.family == "ipv4" else "-6"
    listing = site.look(on, "ip", version, "route", "show", "match", site.address(to))
    ways = [line.split() for line in listing.splitlines()]
    counter = (ICMP_SENT if on == "router" else NO_ROUTE_HERE)[site.family]
    return Plan(
        on, "route",
        commands=[["ip", version, "route", "del", *way] for way in ways],
        undo=[["ip", version, "route", "add", *way] for way in ways],
        hits=Hits(on, counters=(counter,)),
        rest_s=ROUTE_ERROR_REST_S if on == "router" and site.family == "ipv4" else 0.0,
    )  # fmt: skip
