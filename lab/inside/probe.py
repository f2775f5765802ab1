"""What this kernel can do: each thing that a fault is made of is tried, on loopback."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from lab.inside.programs import run

# One instruction, "return TC_ACT_UNSPEC": a filter that lets everything pass.
PASS_ALL = "1,6 0 0 4294967295"
ON_INGRESS = ["tc", "filter", "add", "dev", "lo", "ingress"]
# A rule with all that ours are made of, for packets that do not come.
TOOLS = ("iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy")
RULE = [
    "FORWARD", "-i", "lo", "-p", "tcp", "--dport", "9", "--tcp-flags", "SYN,ACK", "SYN",
    "-m", "comment", "--comment", "errnolab:probe", "-j", "REJECT", "--reject-with", "tcp-reset",
]  # fmt: skip
COMMANDS = {
    **{tool: [tool, "-w", "-I", *RULE] for tool in TOOLS},
    "nft": ["nft", "list", "ruleset"],
    "clsact": ["tc", "qdisc", "add", "dev", "lo", "clsact"],
    "tc-bpf": [*ON_INGRESS, "bpf", "da", "bytecode", PASS_ALL],
    "tc-u32": [*ON_INGRESS, "protocol", "ip", "u32", "match", "u32", "0", "0", "flowid", "1:1"],
    "act_gact": [*ON_INGRESS, "matchall", "action", "ok"],
    "netem": ["tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "0"],
    "tbf": ["tc", "qdisc", "replace", "dev", "lo", "root",
            "tbf", "rate", "10gbit", "burst", "10mb", "latency", "1s"],
}  # fmt: skip
UNDO = (
    *([tool, "-w", "-D", *RULE] for tool in TOOLS),
    ["tc", "qdisc", "del", "dev", "lo", "clsact"],
    ["tc", "qdisc", "del", "dev", "lo", "root"],
)
# A match is a module of its own, whichever iptables asks for it.
MATCHES = {
    "conntrack": ["!", "--syn", "-m", "conntrack", "--ctstate", "NEW,INVALID"],
    "limit": ["-m", "limit", "--limit", "1/hour", "--limit-burst", "2"],
}
# A rule that sends connections to another port of this host.
REDIRECT = [
    "PREROUTING", "-t", "nat", "-i", "lo", "-p", "tcp", "--dport", "9",
    "-m", "comment", "--comment", "errnolab:probe", "-j", "REDIRECT", "--to-ports", "10",
]  # fmt: skip
NFT_FAMILIES = ("ip", "ip6")
LINEAR_TIMEOUTS = Path("/proc/sys/net/ipv4/tcp_syn_linear_timeouts")
SOCKETS = {
    "raw-sockets": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
    "packet-sockets": (socket.AF_PACKET, socket.SOCK_DGRAM, 0),
    "ipv6": (socket.AF_INET6, socket.SOCK_STREAM, 0),
}


def probe() -> dict[str, str]:
    """Return each thing by name, with "" if it is there or the reason why it is not."""
    found = {name: _try_command(argv) for name, argv in COMMANDS.items()}
    for argv in UNDO:
        run(argv)
    tools = [tool for tool in TOOLS if not found[tool]]
    found |= {name: _try_match(tools, match) for name, match in MATCHES.items()}
    found["nat-redirect"] = _try_redirect(tools)
    found["conntrack"] = found["conntrack"] or _try_command(["conntrack", "-C"])
    found |= {name: _try_socket(*kind) for name, kind in SOCKETS.items()}
    linear = LINEAR_TIMEOUTS.exists()
    found["tcp_syn_linear_timeouts"] = "" if linear else "the kernel has none: they came with 6.5"
    found["sock_destroy"] = _try_destroy()
    return found


def _try_match(tools: list[str], match: list[str]) -> str:
    """Try a rule with a match in every iptables that works."""
    rule = ["FORWARD", "-i", "lo", "-p", "tcp", "--dport", "9", *match,
            "-m", "comment", "--comment", "errnolab:probe", "-j", "DROP"]  # fmt: skip
    reasons = [_try_command([tool, "-w", "-I", *rule]) for tool in tools]
    for tool in tools:
        run([tool, "-w", "-D", *rule])
    return next(filter(None, reasons), "") if tools else "no iptables works"


def _try_redirect(tools: list[str]) -> str:
    """Try a rule that redirects in every iptables that works; leave no chain that was not there."""
    kept = [family for family in NFT_FAMILIES if _has("chain", family, "nat", "PREROUTING")]
    tables = [family for family in NFT_FAMILIES if _has("table", family, "nat")]
    reasons = [_try_command([tool, "-w", "-I", *REDIRECT]) for tool in tools]
    for tool in tools:
        run([tool, "-w", "-D", *REDIRECT])
    for family in NFT_FAMILIES:
        if family not in kept:
            run(["nft", "delete", "chain", family, "nat", "PREROUTING"])
        if family not in tables:
            run(["nft", "delete", "table", family, "nat"])
    return next(filter(None, reasons), "") if tools else "no iptables works"


def _has(kind: str, *what: str) -> bool:
    """Tell whether there is such a chain or table of nftables."""
    return run(["nft", "list", kind, *what])[0] == 0


def _try_destroy() -> str:
    """Let `ss -K` end a connection of our own, on loopback, as `settle` does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=2.0) as ours:
            _status, _stdout, stderr = run(["ss", "-K", "-tn", "dport", "=", f":{port}"])
            if ours.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNABORTED:
                return ""
    return next(iter(stderr.strip().splitlines()), "`ss -K` ended nothing")


def _try_command(argv: list[str]) -> str:
    status, stdout, stderr = run(argv)
    if status == 0:
        return ""
    return next(iter((stderr or stdout).strip().splitlines()), f"status {status}")


def _try_socket(family: int, kind: int, protocol: int) -> str:
    try:
        socket.socket(family, kind, protocol).close()
    except OSError as error:
        return str(error)
    return ""
