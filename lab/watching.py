"""What is seen of a lab while something happens: captures, and what its kernels counted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lab import hosts
from lab.errors import LabError
from lab.lab import Lab
from lab.topology import NOBODYS, SPECIAL, Family
from lab.wire import Packet, Raw, of_calls, parse

LOOPBACK = set(SPECIAL["loopback"].values())

Captured = dict[str, list[Raw]]


@contextlib.contextmanager
def capture(lab: Lab, at: Iterable[str]) -> Iterator[Any]:
    """Capture at some hosts; yields a function that ends it and returns (raw, lost)."""
    vantages = [lab.hosts[role] for role in at]

    def stop() -> tuple[Captured, dict[str, int]]:
        answers = hosts.ask_all(vantages, "capture_stop")
        raw = {at: [tuple(packet) for packet in packets] for at, (packets, _) in answers.items()}
        return raw, {at: lost for at, (_, lost) in answers.items()}

    with once(stop) as stop_once:
        hosts.ask_all(vantages, "capture_start")
        yield stop_once


def look(lab: Lab, at: Iterable[str]) -> Captured:
    """Return what the captures under way at some hosts have seen until now."""
    answers = hosts.ask_all([lab.hosts[role] for role in at], "capture_look")
    return {at: [tuple(packet) for packet in packets] for at, packets in answers.items()}


@contextlib.contextmanager
def once(stop: Any) -> Iterator[Any]:
    """Yield `stop`, to be called when its result is wanted; call it anyhow in the end."""
    called = []

    def stop_once() -> Any:
        called.append(True)
        return stop()

    try:
        yield stop_once
    finally:
        if not called:
            with contextlib.suppress(LabError):
                stop()


def packets_of(
    lab: Lab, roles: Iterable[str], families: Iterable[Family], raw: Captured
) -> list[Packet]:
    """Return the packets that some hosts' calls made, of what was captured at each vantage.

    A TCP connection counts if its SYN was captured.
    """
    families, names, block = list(families), lab.block.names(), lab.block
    theirs = set(roles)
    callers = {address for address, role in names.items() if role in theirs} | LOOPBACK
    # Who asks for an address that nobody has does so because of the calls.
    callers |= {block.address(role, family) for role in NOBODYS for family in families}
    # The bystander's echo with a server that makes calls is none of theirs.
    echoes = [{block.address(role, f) for role in ("bystander", "server")} for f in families]
    packets = [packet for at, seen in raw.items() for packet in parse(at, seen, names)]
    # From its link-local address a host also asks for neighbours, which no call makes it do.
    local = {a for role in theirs for a in lab.interfaces[role] if a.startswith("fe80:")}
    return [
        packet
        for packet in of_calls(packets, callers | local)
        if {packet.src_ip, packet.dst_ip} not in echoes
        and (packet.proto in ("tcp", "udp") or packet.involves(callers))
    ]


def growth(
    before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    return {
        host: {name: value - before[host].get(name, 0) for name, value in after[host].items()}
        for host in after
    }
