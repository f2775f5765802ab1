"""Socket options by the names that the man pages give them.

Python's socket module lacks some of them, and its numbers are the interpreter's;
these are Linux's own (asm-generic/socket.h, linux/tcp.h, linux/in.h, linux/in6.h).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_IPV6 = 1, 0, 6, 41


def _int(value: int) -> bytes:
    return struct.pack("=i", value)


def _seconds(value: float) -> bytes:
    """Return a struct timeval."""
    return struct.pack("@ll", int(value), round(value % 1 * 1e6))


def _linger(value: int) -> bytes:
    """Return a struct linger that is on, for so many seconds."""
    return struct.pack("=ii", 1, value)


def _ports(value: Any) -> bytes:
    """Return a range of ports (first, last) as IP_LOCAL_PORT_RANGE has it."""
    first, last = value
    return struct.pack("=I", last << 16 | first)


# name: (level, number, how a value is written)
OPTIONS: dict[str, tuple[int, int, Callable[[Any], bytes]]] = {
    "SO_REUSEADDR": (SOL_SOCKET, 2, _int),
    "SO_TYPE": (SOL_SOCKET, 3, _int),
    "SO_ERROR": (SOL_SOCKET, 4, _int),
    "SO_BROADCAST": (SOL_SOCKET, 6, _int),
    "SO_SNDBUF": (SOL_SOCKET, 7, _int),
    "SO_RCVBUF": (SOL_SOCKET, 8, _int),
    "SO_KEEPALIVE": (SOL_SOCKET, 9, _int),
    "SO_OOBINLINE": (SOL_SOCKET, 10, _int),
    "SO_LINGER": (SOL_SOCKET, 13, _linger),
    "SO_REUSEPORT": (SOL_SOCKET, 15, _int),
    "SO_RCVLOWAT": (SOL_SOCKET, 18, _int),
    "SO_RCVTIMEO": (SOL_SOCKET, 20, _seconds),
    "SO_SNDTIMEO": (SOL_SOCKET, 21, _seconds),
    "SO_TIMESTAMP": (SOL_SOCKET, 29, _int),
    "SO_ACCEPTCONN": (SOL_SOCKET, 30, _int),
    "SO_MARK": (SOL_SOCKET, 36, _int),
    "SO_PROTOCOL": (SOL_SOCKET, 38, _int),
    "SO_DOMAIN": (SOL_SOCKET, 39, _int),
    "SO_RXQ_OVFL": (SOL_SOCKET, 40, _int),
    "TCP_NODELAY": (IPPROTO_TCP, 1, _int),
    "TCP_MAXSEG": (IPPROTO_TCP, 2, _int),
    "TCP_CORK": (IPPROTO_TCP, 3, _int),
    "TCP_KEEPIDLE": (IPPROTO_TCP, 4, _int),
    "TCP_KEEPINTVL": (IPPROTO_TCP, 5, _int),
    "TCP_KEEPCNT": (IPPROTO_TCP, 6, _int),
    "TCP_SYNCNT": (IPPROTO_TCP, 7, _int),
    "TCP_LINGER2": (IPPROTO_TCP, 8, _int),
    "TCP_DEFER_ACCEPT": (IPPROTO_TCP, 9, _int),
    "TCP_WINDOW_CLAMP": (IPPROTO_TCP, 10, _int),
    "TCP_INFO": (IPPROTO_TCP, 11, _int),
    "TCP_QUICKACK": (IPPROTO_TCP, 12, _int),
    "TCP_USER_TIMEOUT": (IPPROTO_TCP, 18, _int),
    "IP_TTL": (IPPROTO_IP, 2, _int),
    "IP_HDRINCL": (IPPROTO_IP, 3, _int),
    "IP_PKTINFO": (IPPROTO_IP, 8, _int),
    "IP_MTU_DISCOVER": (IPPROTO_IP, 10, _int),
    "IP_RECVERR": (IPPROTO_IP, 11, _int),
    "IP_RECVTTL": (IPPROTO_IP, 12, _int),
    "IP_MTU": (IPPROTO_IP, 14, _int),
    "IP_FREEBIND": (IPPROTO_IP, 15, _int),
    "IP_BIND_ADDRESS_NO_PORT": (IPPROTO_IP, 24, _int),
    "IP_LOCAL_PORT_RANGE": (IPPROTO_IP, 51, _ports),
    "IPV6_UNICAST_HOPS": (IPPROTO_IPV6, 16, _int),
    "IPV6_MTU_DISCOVER": (IPPROTO_IPV6, 23, _int),
    "IPV6_MTU": (IPPROTO_IPV6, 24, _int),
    "IPV6_RECVERR": (IPPROTO_IPV6, 25, _int),
    "IPV6_V6ONLY": (IPPROTO_IPV6, 26, _int),
    "IPV6_RECVPKTINFO": (IPPROTO_IPV6, 49, _int),
    "IPV6_RECVHOPLIMIT": (IPPROTO_IPV6, 51, _int),
    "IPV6_FREEBIND": (IPPROTO_IPV6, 78, _int),
}


def written(name: str, value: Any) -> tuple[int, int, bytes]:
    """Return level, number and value as setsockopt(2) takes them."""
    level, number, write = OPTIONS[name]
    return level, number, write(value)
