"""The lock that keeps a second run, and the host's own health check, out."""

from __future__ import annotations

import contextlib
import fcntl
import time
from typing import TextIO

from lab.inside.state import RUN

_held: list[TextIO] = []


def lock(owner: str) -> str:
    """Hold this host until the channel closes; return "" or who holds it.

    The health check takes the same lock in shared mode, so waiting a moment
    lets a check that is under way end.
    """
    handle = (RUN / "lock").open("r+")
    for _ in range(150):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip()
            if holder:
                return holder
            time.sleep(0.02)
        else:
            handle.truncate(0)
            handle.write(owner)
            handle.flush()
            _held.append(handle)
            return ""
    return "its own health check"


def unlock() -> None:
    """Let go of the lock, and of the name in it."""
    for handle in _held:
        with contextlib.suppress(OSError):
            handle.truncate(0)
            handle.close()
