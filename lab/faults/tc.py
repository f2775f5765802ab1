"""Faults made with tc: packets are dropped where they enter an interface, or wait to leave it."""

from __future__ import annotations

from ipaddress import ip_address
from socket import IPPROTO_TCP

from lab.faults.plan import Fault, Hits, Plan, Site
from lab.topology import ECHO_PORT, Family


def drop_tc(*, on: str, to: str, port: int = ECHO_PORT, sender: str = "client") -> Fault:
    """Drop the SYNs of a flow where they enter an interface, with a BPF filter of tc.

    The filter is classic BPF on a clsact qdisc, which needs neither act_gact nor
    netem. It matches the flow alone: ARP and neighbour discovery live.
    """
    arguments = {"port": port, "sender": sender}
    return Fault(on, "drop_tc", "tc", _plan_drop_tc, arguments, to, needs=("clsact", "tc-bpf"))


def _plan_drop_tc(site: Site, *, on: str, to: str, port: int, sender: str) -> Plan:
    device = site.interface(on, toward=sender)
    protocol = "ip" if site.family == "ipv4" else "ipv6"
    program = _syn_filter(site.family, site.address(sender), site.address(to), port)
    shoot = ["tc", "filter", "add", "dev", device, "ingress", "protocol", protocol,
             "bpf", "da", "bytecode", program]  # fmt: skip
    return _with_qdisc(site, on, device, "tc (clsact, classic BPF)", ["clsact"], shoot)


def slow_link(*, on: str, toward: str, rate_kbit: int, burst_bytes: int, queue_bytes: int) -> Fault:
    """Let a host's interface on the network that leads to a role send slowly (tc's tbf).

    What is over the burst waits in a queue of so many bytes (with Ethernet headers);
    what finds no room there is dropped, and the host knows: its hits are these drops.
    """
    arguments = {"rate_kbit": rate_kbit, "burst_bytes": burst_bytes, "queue_bytes": queue_bytes}
    return Fault(on, "slow_link", "tc", _plan_slow_link, arguments, toward, needs=("tbf",))


def _plan_slow_link(
    site: Site, *, on: str, to: str, rate_kbit: int, burst_bytes: int, queue_bytes: int
) -> Plan:
    device = site.interface(on, toward=to)
    tbf = ["root", "tbf", "rate", f"{rate_kbit}kbit", "burst", str(burst_bytes),
           "limit", str(queue_bytes)]  # fmt: skip
    return _with_qdisc(site, on, device, "tc (tbf)", tbf)


def _with_qdisc(
    site: Site, on: str, device: str, mechanism: str, qdisc: list[str], *more: list[str]
) -> Plan:
    """Return the plan for a qdisc whose drops are the hits, and for what is put on it."""
    # The kernel gives an interface without a queue length one, with its first qdisc.
    queue = site.look(on, "cat", f"/sys/class/net/{device}/tx_queue_len").strip()
    where = ["dev", device, qdisc[0]]
    return Plan(
        on, mechanism,
        commands=[["tc", "qdisc", "add", "dev", device, *qdisc], *more],
        undo=[
            ["ip", "link", "set", "dev", device, "txqueuelen", queue],
            ["tc", "qdisc", "del", *where],
        ],
        hits=Hits(on, command=("tc", "-s", "qdisc", "show", *where), read=_dropped_by_qdisc),
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
