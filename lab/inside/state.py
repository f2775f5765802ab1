"""The state of this host: what its kernel counted, and what a fault could change."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.inside.programs import run, start

RUN = Path("/run/errnolab")


def wait_ready(within_s: float) -> bool:
    """Tell whether the entry point has set this host up, waiting for it."""
    deadline = time.monotonic() + within_s
    while not (RUN / "ready").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def remember(name: str, value: Any) -> None:
    """Keep a value (JSON) in this host for the next command; see `recall`."""
    (RUN / f"{name}.json").write_text(json.dumps(value))


def recall(name: str) -> Any:
    """Return what was kept under a name, or None."""
    path = RUN / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def interfaces() -> dict[str, str]:
    """Return address to interface name, for every address of this host."""
    links = json.loads(run(["ip", "-j", "address"])[1])
    return {info["local"]: link["ifname"] for link in links for info in link["addr_info"]}


# --- what the kernel counted --------------------------------------------------


def counters() -> dict[str, int]:
    """Return every SNMP counter of this namespace: "TcpExt.TCPTimeouts" to its value."""
    found = {}
    for name in ("snmp", "netstat"):
        lines = Path(f"/proc/net/{name}").read_text().splitlines()
        for titles, values in zip(lines[::2], lines[1::2]):
            group, names = titles.split(":", 1)
            for title, value in zip(names.split(), values.split(":", 1)[1].split()):
                found[f"{group}.{title}"] = int(value)
    with contextlib.suppress(FileNotFoundError):
        for line in Path("/proc/net/snmp6").read_text().splitlines():
            title, value = line.split()
            group = next(g for g in ("UdpLite6", "Icmp6", "Udp6", "Ip6") if title.startswith(g))
            found[f"{group}.{title[len(group) :]}"] = int(value)
    return found


SYSCTLS = (
    "kernel.osrelease",
    "net.ipv4.ip_forward",
    "net.ipv6.conf.all.forwarding",
    "net.ipv4.tcp_syn_retries",
    "net.ipv4.tcp_syn_linear_timeouts",
    "net.ipv4.tcp_retries2",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_abort_on_overflow",
    "net.core.somaxconn",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.icmp_ratelimit",
    "net.ipv6.icmp.ratelimit",
)


def sysctls() -> dict[str, str]:
    """Return the sysctls that decide what the lab shows, "" where the kernel has none."""
    return {name: _sysctl(name) for name in SYSCTLS}


def _sysctl(name: str) -> str:
    try:
        return Path("/proc/sys", name.replace(".", "/")).read_text().strip()
    except OSError:
        return ""


# --- what a fault could change --------------------------------------------------

# What `ip` tells in one go, for each family.
IP_BATCH = "route show table all\nrule\naddress\nlink\nneighbour show nud permanent\n"
STATE_COMMANDS = {
    "ipv4": [["ip", "-4", "-o", "-batch", "-"]],
    "ipv6": [["ip", "-6", "-o", "-batch", "-"]],
    "tc": [["tc", "qdisc"]],
}
RULE_COMMANDS = {
    "nft": [["nft", "--stateless", "list", "ruleset"]],
    # With -t the table is made if it is not there yet, as the first rule would make it.
    "legacy": [["iptables-legacy-save", "-t", "filter"], ["ip6tables-legacy-save", "-t", "filter"]],
}
# To make this table would let the host track connections: it is looked at where it is, and
# is no other for having no rules.
NAT_TABLES = {
    "ip_tables_names": "iptables-legacy-save",
    "ip6_tables_names": "ip6tables-legacy-save",
}


def snapshot(flavour: str) -> dict[str, list[str]]:
    """Return this host's state by subject, each a list of lines.

    Counters, timers and what the kernel learns by itself are left out, so that
    two snapshots are equal if and only if nothing was changed between them.
    `flavour` says which iptables is in use, "nft" or "legacy".
    """
    commands = {**STATE_COMMANDS, "filter": RULE_COMMANDS[flavour]}
    started = {subject: [start(argv) for argv in argvs] for subject, argvs in commands.items()}
    state = {
        subject: [line for process in processes for line in _stable_lines(process)]
        for subject, processes in started.items()
    }
    if flavour == "legacy":
        state["filter"] += _legacy_nat_rules()
    # The order of rules means something; that of interfaces and routes does not.
    for subject in STATE_COMMANDS:
        state[subject].sort()
    state["tc"] += _tc_filters(state["tc"])
    state["sysctls"] = sorted(f"{name} = {value}" for name, value in sysctls().items())
    state["services"] = sorted(path.stem for path in RUN.glob("*.pid") if _is_alive(path))
    return state


def _legacy_nat_rules() -> Iterator[str]:
    for names, tool in NAT_TABLES.items():
        if "nat" in Path("/proc/net", names).read_text().split():
            for line in _stable_lines(start([tool, "-t", "nat"])):
                if line.startswith("-A"):
                    yield f"nat {line}"


def _tc_filters(qdiscs: list[str]) -> Iterator[str]:
    devices = [line.split()[4] for line in qdiscs if line.startswith("qdisc clsact")]
    for device in devices:
        for direction in ("ingress", "egress"):
            for line in _stable_lines(start(["tc", "filter", "show", "dev", device, direction])):
                yield f"{device} {direction}: {line}"


def _stable_lines(process: subprocess.Popen[str]) -> list[str]:
    lines = process.communicate(IP_BATCH)[0].splitlines()
    if process.returncode != 0:
        raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
    return [_without_timers(line) for line in lines if line and _is_state(line)]


def _is_state(line: str) -> bool:
    """Tell whether a line is of a person's or a fault's doing.

    What the kernel adds and removes by itself is not: cached routes (path MTU,
    redirect), and the local table, which follows the addresses once DAD is done
    with them. Neither are the comments of iptables-save.
    """
    return not (line.startswith("#") or " cache" in line or "table local proto" in line)


def _without_timers(line: str) -> str:
    if line.startswith(":"):  # of iptables-save: a chain, its policy, and its counters
        line = line.split(" [", maxsplit=1)[0]
    line = line.split(" valid_lft", maxsplit=1)[0].split(" expires", maxsplit=1)[0]
    return line.replace(" tentative", "").rstrip(" \\")


def _is_alive(pidfile: Path) -> bool:
    try:
        os.kill(int(pidfile.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


# --- what calls leave behind --------------------------------------------------

# The states of /proc/net/tcp in which nothing is sent any more, by itself.
LISTEN, TIME_WAIT, CLOSE = "0A", "06", "07"
ESTABLISHED = "01"


def settle(within_s: float = 10.0) -> int:
    """End the TCP connections that a run left behind; return how many are still there.

    A server in SYN-RECV sends its SYN-ACK again for a minute: the next run must
    not see that. Where the kernel cannot end them (INET_DIAG_DESTROY), wait. One in
    TIME-WAIT keeps its port taken for a minute: it is ended too, and where it cannot
    be, not waited for (what needs the port again asks for `sock_destroy`).
    """
    deadline = time.monotonic() + within_s
    while True:
        states = _connections()
        if states:
            run(["ss", "-K", "-tan", "exclude", "listening"])
        left = len(states) - states.count(TIME_WAIT)
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.002)


def end_orphans() -> None:
    """End the TCP connections that no process of this network holds any more, if the kernel can.

    What they send again would be taken for the doing of whoever calls next. Unlike
    `settle` it leaves those alone that somebody uses.
    """
    # A socket that no file stands for has no inode; nor has one that waits to be accepted.
    others = (ESTABLISHED, LISTEN, CLOSE)
    orphans = [row for row in _tcp_rows() if row[9] == "0" and row[3] not in others]
    ports = [[int(end.rpartition(":")[2], 16) for end in row[1:3]] for row in orphans]
    words = [f"( sport = :{ours} and dport = :{theirs} )" for ours, theirs in ports]
    if words:
        run(["ss", "-K", "-tan", "state", "all", " or ".join(words)])


def now_ns() -> int:
    """Return this host's clock, the one that captures and calls use."""
    return time.time_ns()


def _connections() -> list[str]:
    """Return the state of each TCP connection of this host."""
    states = [row[3] for row in _tcp_rows()]
    return [state for state in states if state not in (LISTEN, CLOSE)]


def _tcp_rows() -> list[list[str]]:
    """Return the words of /proc/net/tcp and tcp6, a socket a row."""
    lines = []
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):
            lines += Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    return [line.split() for line in lines]
