"""Faults made with iptables: packets of a flow are dropped, or refused with an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lab.faults.plan import Fault, Hits, Plan, Site
from lab.known import Known, per_family
from lab.topology import DESTINATIONS, ECHO_PORT, Family

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

REPLIES = per_family(**REJECT_REPLIES)
# What a host itself answers to a datagram for a port where nobody listens.
UNREACHABLE_PORT = per_family(ipv4="icmp-port-unreachable", ipv6="icmp6-port-unreachable")

# What iptables' --tcp-flags must look at, and find set, for each word.
FLAG_MATCHES = {
    "SYN": ("SYN,ACK,RST,FIN", "SYN"),
    "SYN,ACK": ("SYN,ACK,RST,FIN", "SYN,ACK"),
    "ACK": ("SYN,ACK,RST,FIN,PSH", "ACK"),
    "PSH": ("SYN,PSH,RST", "PSH"),
    "FIN": ("SYN,FIN,RST", "FIN"),
    "RST": ("RST", "RST"),
    "": (),
}


def reject(
    *, on: str, to: str, port: int = ECHO_PORT, reply: Any, flags: str = "SYN",
    sender: str = "client", proto: str = "tcp", times: Any = None,
) -> Fault:  # fmt: skip
    """Refuse packets of a flow with an ICMP error or a RST (iptables REJECT).

    Args: `reply` is a name of iptables' --reject-with; but for tcp-reset each family
    has its own, so give per_family(ipv4=…, ipv6=…); `flags` is what a TCP segment
    must have: "SYN" (and no ACK), "SYN,ACK", "ACK" (alone), "PSH" for data, "FIN",
    "RST", or "" for any; `times` is how many are refused before the flow is let be.
    """
    target = ["REJECT", "--reject-with", reply]
    return _rule("reject", on, sender, to, proto, ["--dport", str(port)], flags, target, times)


def drop(
    *, on: str, to: str, port: int = ECHO_PORT, flags: str = "SYN", sender: str = "client",
    proto: str = "tcp", times: Any = None,
) -> Fault:  # fmt: skip
    """Drop packets of a flow without a word (iptables DROP); arguments as `reject`."""
    return _rule("drop", on, sender, to, proto, ["--dport", str(port)], flags, ["DROP"], times)


def drop_reply(
    *, on: str, sender: str, port: int = ECHO_PORT, flags: str = "SYN,ACK", to: str = "client",
    proto: str = "tcp", times: Any = None,
) -> Fault:  # fmt: skip
    """Drop what a service sends back (iptables DROP on the source port)."""
    return _rule(
        "drop_reply", on, sender, to, proto, ["--sport", str(port)], flags, ["DROP"], times
    )


def drop_untracked(*, on: str, to: str, port: int = ECHO_PORT, sender: str = "client") -> Fault:
    """Drop segments of connections that the firewall did not see begin (conntrack).

    So does a stateful firewall that was restarted and lost its table: it is emptied.
    """
    rule = _rule("drop_untracked", on, sender, to, "tcp", ["--dport", str(port)], "", ["DROP"],
                 match=["!", "--syn", "-m", "conntrack", "--ctstate", "NEW,INVALID"],
                 needs=("conntrack",))  # fmt: skip
    return replace(rule, planner=_plan_untracked)


def silence_icmp(*, on: str, to: str = "client", error: Any) -> Fault:
    """Drop the ICMP errors of one type that a host itself sends, so that nobody learns of them.

    Args: `error` is iptables' name of the type: "fragmentation-needed" (IPv4),
    "packet-too-big" (IPv6).
    """
    return Fault(on, "silence_icmp", "iptables", _plan_silence, {"error": error}, to,
                 needs=("iptables",))  # fmt: skip


def _rule(
    kind: str, on: str, sender: str, to: str, proto: str, port: Sequence[str], flags: str,
    target: list[Any], times: Any = None, match: Sequence[str] = (), needs: tuple[str, ...] = (),
) -> Fault:  # fmt: skip
    arguments = {"kind": kind, "sender": sender, "proto": proto, "port": list(port),
                 "flags": flags if proto == "tcp" else "", "target": target, "times": times,
                 "match": list(match), "replies": REPLIES}  # fmt: skip
    return Fault(
        on, kind, "iptables", _plan_rule, arguments, to, (*needs_of(times), *needs),
        check=_wrong_rule,
    )  # fmt: skip


def needs_of(times: Any) -> tuple[str, ...]:
    """Return what a rule needs of the kernel, by the names that `doctor` knows."""
    return ("iptables",) if times is None else ("iptables", "limit")


def _wrong_rule(
    kind: str, sender: str, proto: str, port: Sequence[str], flags: str, target: Sequence[Any],
    times: Any, match: Sequence[str], replies: Any,
) -> list[str]:  # fmt: skip
    """Return what is wrong with a rule, once its values (and so the family) are known."""
    found = []
    if target[0] == "REJECT" and not isinstance(replies, Known) and target[-1] not in replies:
        found.append(f"no reply '{target[-1]}': there are {', '.join(replies)}")
    if flags not in FLAG_MATCHES:
        found.append(f"flags '{flags}' are not one of {', '.join(filter(None, FLAG_MATCHES))}")
    if sender not in DESTINATIONS:
        found.append(f"no sender '{sender}': there are {', '.join(DESTINATIONS)}")
    if proto not in ("tcp", "udp"):
        found.append(f"proto {proto!r} is not tcp or udp")
    if not 1 <= int(port[1]) <= 65535:
        found.append(f"port {port[1]} is not 1 to 65535")
    if times is not None and not (isinstance(times, int) and times > 0):
        found.append(f"times={times!r} is not a number of packets")
    return found


def tool(site: Site) -> str:
    """Return the iptables of a site's family and flavour."""
    return ("iptables" if site.family == "ipv4" else "ip6tables") + f"-{site.flavour}"


def _chain(on: str, sender: str, to: str) -> str:
    """Return where a host meets the packets of a flow."""
    own = (on, "elsewhere") if on == "server" else (on,)
    return "OUTPUT" if sender in own else "INPUT" if to in own else "FORWARD"


def _plan_rule(
    site: Site, *, on: str, to: str, kind: str, sender: str, proto: str, port: list[str],
    flags: str, target: list[str], times: int | None, match: list[str], replies: Any,
) -> Plan:  # fmt: skip
    chain = _chain(on, sender, to)
    # All that tells a rule from others that may be in force beside it.
    words = ["errnolab", kind, sender, to, proto, port[1], flags.replace(",", "+"), *target[2:]]
    label = ":".join(word.lower() for word in words if word)
    label += f":{times}" if times else ""
    rule = [
        chain, "-s", site.address(sender), "-d", site.address(to), "-p", proto, *port,
        *(["--tcp-flags", *FLAG_MATCHES[flags]] if flags else []), *match, *only_first(times),
        "-m", "comment", "--comment", label, "-j", *target,
    ]  # fmt: skip
    return planned(site, on, rule, label)


def only_first(times: int | None) -> list[str]:
    """Return what makes a rule match so many packets, and then none for an hour."""
    if times is None:
        return []
    return ["-m", "limit", "--limit", "1/hour", "--limit-burst", str(times)]


def _plan_untracked(site: Site, **arguments: Any) -> Plan:
    """Plan the rule, and then to forget what is tracked: Docker has a host track IPv4 anyhow."""
    plan = _plan_rule(site, **arguments)
    return replace(plan, commands=[*plan.commands, ["conntrack", "-F"]])


def planned(site: Site, on: str, rule: list[str], label: str) -> Plan:
    """Return the plan for one rule that begins with its chain and carries a comment."""
    command = tool(site)
    return Plan(
        on, f"iptables ({site.flavour})",
        commands=[[command, "-w", "-I", *rule]],
        undo=[[command, "-w", "-D", *rule]],
        hits=Hits(
            on, command=(command, "-w", "-nvxL", rule[0]),
            read=lambda listing: packets_of_rule(listing, label),
        ),
    )  # fmt: skip


def packets_of_rule(listing: str, label: str) -> int:
    """Return the packet counter of the rule with a comment, in `iptables -nvxL`."""
    return sum(int(line.split()[0]) for line in listing.splitlines() if f"/* {label} */" in line)


def _plan_silence(site: Site, *, on: str, to: str, error: str) -> Plan:
    label = f"errnolab:silence_icmp:{to}:{error}"
    six = site.family == "ipv6"
    match = ["-p", "icmpv6" if six else "icmp", "--icmpv6-type" if six else "--icmp-type", error]
    rule = ["OUTPUT", "-d", site.address(to), *match, "-m", "comment", "--comment", label,
            "-j", "DROP"]  # fmt: skip
    return planned(site, on, rule, label)
