"""Words: options and state of a socket, and what the kernel and the process keep for all."""

from __future__ import annotations

from typing import Any

from lab.calls.call import Call
from lab.topology import ECHO_PORT


def setsockopt(*, on: str, option: str, value: Any, socket: str = "s") -> Call:
    """setsockopt(2), by the option's name in the man pages."""
    return Call(on, "setsockopt", {"option": option, "value": value}, socket=socket)


def getsockopt(*, on: str, option: str, socket: str = "s") -> Call:
    """getsockopt(2) of an option that is a number, which is the value."""
    return Call(on, "getsockopt", {"option": option}, socket=socket)


def so_error(*, on: str, socket: str = "s") -> Call:
    """getsockopt(2) SO_ERROR; the value is the pending errno, which is cleared."""
    return getsockopt(on=on, option="SO_ERROR", socket=socket)


def fcntl(*, on: str, blocking: bool, socket: str = "s") -> Call:
    """fcntl(2) F_SETFL: set O_NONBLOCK, or clear it."""
    return Call(on, "fcntl", {"blocking": blocking}, socket=socket)


def state(*, on: str, socket: str = "s") -> Call:
    """getsockopt(2) TCP_INFO; it tells the state as `ss` writes it: "SYN-SENT", "UNCONN"."""
    return Call(on, "state", socket=socket)


def ss(*, on: str, port: int = ECHO_PORT, state: str = "") -> Call:
    """Run ss(8); the value is how many sockets a port has (in a state, "SYN-RECV").

    It tells state, Recv-Q and Send-Q of each: "LISTEN 2/1, ESTAB 0/0".
    """
    return Call(on, "ss", {"port": port, "state": state}, socket="")


def forget_peers(*, on: str) -> Call:
    """Let the kernel forget whom it has spoken with (`ip tcp_metrics flush`)."""
    return Call(on, "forget_peers", socket="")


def limit_descriptors(*, on: str, spare: int) -> Call:
    """setrlimit(2) RLIMIT_NOFILE, so that no more than `spare` descriptors can be opened."""
    return Call(on, "limit_descriptors", {"spare": spare}, socket="")
