"""The caller: a process of its own that makes socket calls one by one.

It is forked, not started: that takes a millisecond. Being a process it can be
ended whatever call it hangs in, and all its sockets with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import traceback
from pathlib import Path
from typing import Any, NoReturn

from lab.inside import calls

_callers: dict[int, Caller] = {}


class Caller:
    """The agent's end of a caller."""

    def __init__(self) -> None:
        """Fork it."""
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            _answer_calls(theirs)
        theirs.close()
        self.pipe = ours
        self.lines = ours.makefile("r")

    def call(self, step: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        """Have one call made; return the answer, {"hung": True} or {"lost": why}."""
        self.pipe.settimeout(deadline_s)
        try:
            self.pipe.sendall(json.dumps(step).encode() + b"\n")
            line = self.lines.readline()
        except TimeoutError:
            return {"hung": True}
        except OSError as gone:
            return {"lost": str(gone)}
        answer: dict[str, Any] = json.loads(line) if line else {"lost": "the caller was ended"}
        return answer

    def close(self) -> None:
        """End it, and with it all its sockets."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        self.lines.close()
        self.pipe.close()


def caller_open() -> int:
    """Start a caller and return its id."""
    caller = Caller()
    _callers[caller.pid] = caller
    return caller.pid


def caller_call(caller: int, step: dict[str, Any], deadline_s: float) -> dict[str, Any]:
    """Make one call (see `calls.make`); {"hung"} if it does not return in time."""
    return _callers[caller].call(step, deadline_s)


def caller_close(caller: int) -> None:
    """End a caller and with it all its sockets."""
    _callers.pop(caller).close()


def callers_end() -> None:
    """End every caller at once (an interrupt); calls under way return {"lost"}."""
    for caller in list(_callers.values()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(caller.pid, signal.SIGKILL)


def _answer_calls(pipe: socket.socket) -> NoReturn:
    """Answer calls until the pipe closes. Runs in the child."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _close_all_but(pipe.fileno())
        sockets = calls.Sockets()
        for line in pipe.makefile("r"):
            answer = _answer(sockets, json.loads(line))
            pipe.sendall(json.dumps(answer).encode() + b"\n")
        status = 0
    finally:
        os._exit(status)


def _answer(sockets: calls.Sockets, step: dict[str, Any]) -> dict[str, Any]:
    try:
        return calls.make(sockets, **step)
    except Exception:  # A mistake in the step: the runner shows it.
        return {"lost": traceback.format_exc()}


def _close_all_but(kept: int) -> None:
    """Close what was inherited: the channel, the lock, other callers' pipes."""
    for path in list(Path("/proc/self/fd").iterdir()):
        fd = int(path.name)
        if fd > 2 and fd != kept:
            with contextlib.suppress(OSError):
                os.close(fd)
