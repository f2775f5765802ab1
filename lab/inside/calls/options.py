"""Options and state of a socket, and of what the kernel and the process keep for all."""

from __future__ import annotations

import ctypes
import fcntl as python_fcntl
import itertools
import os
import resource
from pathlib import Path
from typing import Any

from lab.inside import libc
from lab.inside.calls.table import Told, made
from lab.inside.options import OPTIONS, written
from lab.inside.programs import run

# net/tcp_states.h, as `ss` writes them.
TCP_STATES = (
    "", "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN",
    "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECV",
)  # fmt: skip


@made()
def _setsockopt(fd: int, option: str, value: Any) -> int:
    level, number, raw = written(option, value)
    return libc.call("setsockopt", fd, level, number, raw, len(raw))


@made()
def _getsockopt(fd: int, option: str) -> int:
    level, number, _write = OPTIONS[option]
    value, size = ctypes.c_int(0), ctypes.c_int(4)
    libc.call("getsockopt", fd, level, number, ctypes.byref(value), ctypes.byref(size))
    return value.value


@made()
def _state(fd: int) -> Told:
    """Tell the TCP state of a socket, as `ss` has it (TCP_INFO, tcpi_state)."""
    number = _getsockopt(fd, "TCP_INFO") & 0xFF
    return number, {"detail": TCP_STATES[number] if number < len(TCP_STATES) else str(number)}


@made()
def _fcntl(fd: int, blocking: bool) -> int:
    flags = python_fcntl.fcntl(fd, python_fcntl.F_GETFL)
    flags = flags & ~os.O_NONBLOCK if blocking else flags | os.O_NONBLOCK
    return python_fcntl.fcntl(fd, python_fcntl.F_SETFL, flags)


@made()
def _ss(_fd: int, port: int, state: str = "") -> Told:
    """Run ss(8) for a TCP port; the value is the number of sockets, told as "STATE recv/send"."""
    status, stdout, stderr = run(
        ["ss", "-Htan", "(", "sport", "=", f":{port}", "or", "dport", "=", f":{port}", ")"]
    )
    if status != 0:
        raise RuntimeError(f"ss ended with status {status}: {stderr}")
    rows = [line.split() for line in stdout.splitlines()]
    rows = [row for row in rows if not state or row[0] == state]
    return len(rows), {"detail": ", ".join(f"{row[0]} {row[1]}/{row[2]}" for row in rows)}


@made()
def _forget_peers(_fd: int) -> int:
    """Flush what the kernel learned of its peers (ip-tcp_metrics(8))."""
    status, _stdout, stderr = run(["ip", "tcp_metrics", "flush"])
    if status != 0:
        raise RuntimeError(f"ip tcp_metrics flush ended with status {status}: {stderr}")
    return 0


@made()
def _limit_descriptors(_fd: int, spare: int) -> int:
    """Let this process open so many descriptors more (RLIMIT_NOFILE): the lowest free ones."""
    # The listing has a descriptor of its own, which is closed once it is done.
    listed = list(Path("/proc/self/fd").iterdir())
    used = {int(path.name) for path in listed if path.is_symlink()}
    free = (number for number in itertools.count() if number not in used)
    limit = next(itertools.islice(free, spare, None))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    return 0
