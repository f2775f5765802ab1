"""What a program has started: found by descent, or by a mark, and ended with it.

A process that becomes a subreaper is the parent of what its descendants leave behind, so
that they are found however often they have forked (prctl(2) PR_SET_CHILD_SUBREAPER). If
it is itself killed, the mark in their environment is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from lab.inside import libc

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
# What marks every process that a program started, even one that nobody is the parent of:
# the number of the agent whose caller it is.
MARK = "ERRNOLAB_PROGRAM"
LOOK_EVERY_S = 0.01


def become_subreaper() -> None:
    """Make this process the parent of whatever its descendants leave behind."""
    libc.call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants(*, linger_s: float = 0.0, tracers: bool = False) -> int:
    """End every process that descends from us; return how many there were.

    Those who end by themselves within `linger_s` do not count; a tracer is left to write
    its last lines, unless `tracers`.
    """
    deadline = time.monotonic() + linger_s
    while _descendants(tracers) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    found: set[int] = set()
    while True:
        there = _descendants(tracers)
        if not there:
            return len(found)
        found |= set(there)
        _kill_all(there)


def end_marked() -> None:
    """End every process of our callers' programs, those too that descend from nobody of ours."""
    mark = f"{MARK}={os.getpid()}".encode()
    while True:
        there = [pid for pid in _processes() if mark in _environment(pid)]
        if not there:
            return
        _kill_all(there)


def _kill_all(pids: Sequence[int]) -> None:
    """Kill processes, and wait a moment for those that are our children."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    time.sleep(0.001)


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _environment(pid: int) -> list[bytes]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []


def _descendants(tracers: bool) -> list[int]:
    """Return the processes that descend from us and still run; no tracers, unless wanted."""
    rows = dict(filter(None, map(_row, _processes())))
    found, parents = [], {os.getpid()}
    while parents:
        children = {pid for pid, (parent, _state, _name) in rows.items() if parent in parents}
        found += sorted(children)
        parents = children
    for pid in found:
        if rows[pid][1] == "Z":
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
    return [
        pid for pid in found if rows[pid][1] != "Z" and (tracers or not _is_tracer(rows[pid][2]))
    ]


def _row(pid: int) -> tuple[int, tuple[int, str, str]] | None:
    """Return a process with its parent, state and name (proc(5)); None if it is gone."""
    try:
        before, _, after = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")
    except OSError:
        return None
    state, parent = after.split()[:2]
    return pid, (int(parent), state, before.partition("(")[2])


def _is_tracer(name: str) -> bool:
    return name == "strace"
