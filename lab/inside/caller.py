"""The caller: a process of its own that makes socket calls one by one.

It is forked, not started: that takes a millisecond. Being a process it can be
ended whatever call it hangs in, and all its sockets with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Union

from lab.inside import calls
from lab.inside.descendants import end_marked

if TYPE_CHECKING:
    from lab.inside.winsock_caller import WinsockCaller

# Either is asked in the same way; an ordinary host does not even load the other.
AnyCaller = Union["Caller", "WinsockCaller"]
_callers: dict[int, AnyCaller] = {}
_folder: list[str] = []
# The absolute paths that calls named and that were not there before: files of theirs, if any.
_outside: list[Path] = []
# Says in a host's environment, if it is "winsock", that its calls are Winsock's.
KIND = "ERRNOLAB_CALLER"
# How long to rest between looks at whether a call is under way.
LOOK_EVERY_S = 0.0005


class Caller:
    """The agent's end of a caller. What it starts is in its process group, and ends with it."""

    def __init__(self, folder: str = "") -> None:
        """Fork it; it works in a folder, if one is given."""
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            _answer_calls(theirs, folder)
        with contextlib.suppress(PermissionError):
            os.setpgid(self.pid, self.pid)
        theirs.close()
        self.number = self.pid
        self.pipe = ours
        self.lines = ours.makefile("r")

    def call(self, step: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        """Have one call made; return the answer, {"hung": True} or {"lost": why}."""
        return self._say(step, begun=False) or self.answer(deadline_s)

    def begin(self, step: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        """Have a call begun; return {} when it is under way, or what `call` returns of no answer.

        It is under way when it has returned, or when the process sleeps in it.
        """
        deadline = time.monotonic() + deadline_s
        lost = self._say(step, begun=True) or self._read(deadline_s)
        while "begun" in lost:
            asleep = state_of(self.pid) == "S"
            # An answer that came until now would have been there before it slept again.
            if select.select([self.pipe], [], [], 0)[0] or asleep:
                return {}
            if time.monotonic() > deadline:
                return {"hung": True}
            time.sleep(LOOK_EVERY_S)
        return lost

    def answer(self, deadline_s: float) -> dict[str, Any]:
        """Wait for the answer to the call that was begun."""
        return self._read(deadline_s)

    def _say(self, step: dict[str, Any], begun: bool) -> dict[str, Any]:
        _note_path(step)
        try:
            self.pipe.sendall(json.dumps([step, begun]).encode() + b"\n")
        except OSError as gone:
            return {"lost": str(gone)}
        return {}

    def _read(self, deadline_s: float) -> dict[str, Any]:
        self.pipe.settimeout(deadline_s)
        try:
            line = self.lines.readline()
        except TimeoutError:
            return {"hung": True}
        except OSError as gone:
            return {"lost": str(gone)}
        answer: dict[str, Any] = json.loads(line) if line else {"lost": "the caller was ended"}
        return answer

    def kill(self) -> None:
        """End it at once, with all that it started."""
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it, and with it all its sockets."""
        self.kill()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        self.lines.close()
        self.pipe.close()


def state_of(pid: int) -> str:
    """Return a process's state, "S" if it sleeps (proc(5)); "" if it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def caller_open() -> int:
    """Start a caller and return its id; the callers of a host share a folder, where they work."""
    if not _callers:
        _folder.append(tempfile.mkdtemp(prefix="errnolab-"))
    caller = _new(_folder[-1])
    _callers[caller.number] = caller
    return caller.number


def _new(folder: str) -> AnyCaller:
    """Return a caller of the kind that the host's image asks for."""
    if os.environ.get(KIND) == "winsock":
        from lab.inside.winsock_caller import WinsockCaller  # noqa: PLC0415 - no other host needs it

        return WinsockCaller(folder)
    return Caller(folder)


def caller_call(caller: int, step: dict[str, Any], deadline_s: float) -> dict[str, Any]:
    """Make one call (see `calls.make`); {"hung"} if it does not return in time."""
    return _callers[caller].call(step, deadline_s)


def caller_begin(caller: int, step: dict[str, Any], deadline_s: float) -> dict[str, Any]:
    """Begin a call; {} when it is under way: `caller_answer` waits for its answer."""
    return _callers[caller].begin(step, deadline_s)


def caller_answer(caller: int, deadline_s: float) -> dict[str, Any]:
    """Return the answer to the call that was begun; {"hung"} if it does not come in time."""
    return _callers[caller].answer(deadline_s)


def caller_close(caller: int) -> None:
    """End a caller and with it all its sockets; with the last one go the folder and its like."""
    _callers.pop(caller).close()
    if not _callers:
        end_marked()
        _remove_files()
        _folder.pop()


def callers_end() -> None:
    """End every caller at once (an interrupt); calls under way return {"lost"}."""
    for caller in list(_callers.values()):
        caller.kill()
    end_marked()
    _remove_files()


def _note_path(step: dict[str, Any]) -> None:
    """Note the file that a call may make outside the folder, unless somebody has it already."""
    path = Path(step.get("path") or step.get("address") or "")
    # A path that is too long is EINVAL to the call, and an error here.
    with contextlib.suppress(OSError):
        if path.is_absolute() and not path.exists():
            _outside.append(path)


def _remove_files() -> None:
    """Remove the callers' folder, and what they made outside it."""
    for folder in _folder:
        shutil.rmtree(folder, ignore_errors=True)
    while _outside:
        with contextlib.suppress(OSError):
            _outside.pop().unlink()


def _answer_calls(pipe: socket.socket, folder: str) -> NoReturn:
    """Answer calls until the pipe closes. Runs in the child."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.setpgid(0, 0)
        if folder:
            os.chdir(folder)
        close_all_but(pipe.fileno())
        sockets = calls.Sockets(pipe.fileno())
        for line in pipe.makefile("r"):
            step, begun = json.loads(line)
            if begun:
                pipe.sendall(b'{"begun": true}\n')
            answer = _answer(sockets, step)
            pipe.sendall(json.dumps(answer).encode() + b"\n")
        status = 0
    finally:
        os._exit(status)


def _answer(sockets: calls.Sockets, step: dict[str, Any]) -> dict[str, Any]:
    try:
        return calls.make(sockets, **step)
    except Exception:  # A mistake in the step: the runner shows it.
        return {"lost": traceback.format_exc()}


def close_all_but(kept: int) -> None:
    """Close what was inherited: the channel, the lock, other callers' pipes."""
    for path in list(Path("/proc/self/fd").iterdir()):
        fd = int(path.name)
        if fd > 2 and fd != kept:
            with contextlib.suppress(OSError):
                os.close(fd)
