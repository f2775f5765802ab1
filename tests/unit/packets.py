"""Packets for tests: raw ones as an agent sends them, and parsed ones."""

from __future__ import annotations

import socket
from typing import Any

import dpkt

from lab.topology import Block
from lab.wire import ETH_IPV4, ETH_IPV6, OUTGOING, Packet, Raw

BLOCK = Block(0)
NAMES = BLOCK.names()
CLIENT, SERVER = BLOCK.address("client", "ipv4"), BLOCK.address("server", "ipv4")
CLIENT6, SERVER6 = BLOCK.address("client", "ipv6"), BLOCK.address("server", "ipv6")
ROUTER, ROUTER6 = BLOCK.address("router", "ipv4"), BLOCK.address("router", "ipv6")


def tcp_bytes(flags: int, *, reply: bool = False, data: bytes = b"", seq: int = 1) -> bytes:
    """Return a TCP packet over IPv4 between client:40000 and server:16555."""
    ends = (SERVER, CLIENT) if reply else (CLIENT, SERVER)
    ports = (16555, 40000) if reply else (40000, 16555)
    segment = dpkt.tcp.TCP(sport=ports[0], dport=ports[1], flags=flags, seq=seq, data=data)
    return ip4(*ends, dpkt.ip.IP_PROTO_TCP, segment)


def ip4(source: str, target: str, protocol: int, inner: Any) -> bytes:
    packet = dpkt.ip.IP(
        src=socket.inet_aton(source), dst=socket.inet_aton(target), p=protocol, data=inner
    )
    return bytes(packet)


def ip6(source: str, target: str, protocol: int, inner: Any) -> bytes:
    packet = dpkt.ip6.IP6(
        src=socket.inet_pton(socket.AF_INET6, source),
        dst=socket.inet_pton(socket.AF_INET6, target),
        nxt=protocol, hlim=64, plen=len(bytes(inner)), data=inner,
    )  # fmt: skip
    return bytes(packet)


def raw(data: bytes, t_ns: int = 0, *, outgoing: bool = False) -> Raw:
    """Return a captured packet as the agent sends it."""
    protocol = ETH_IPV6 if data[0] >> 4 == 6 else ETH_IPV4
    return t_ns, 2, "eth0", protocol, OUTGOING if outgoing else 0, 1, b"\2\0\0\0\0\1", data


def packet(at: str = "client", t_s: float = 0.0, **changes: Any) -> Packet:
    """Return a SYN from the client to the server, as a vantage saw it, with changes."""
    fields: dict[str, Any] = {
        "src_ip": CLIENT, "dst_ip": SERVER, "src": "client", "dst": "server", "proto": "tcp",
        "flags": "S", "sport": 40000, "dport": 16555, "outgoing": at == "client",
    }  # fmt: skip
    return Packet(at, round(t_s * 1e9), **{**fields, **changes})
