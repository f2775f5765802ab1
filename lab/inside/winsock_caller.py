"""The caller of a Windows host: socket calls go to caller.exe, all else to a Linux caller.

Each of the two is started when it is first needed. Calls of both are asked for and
answered as those of `Caller`, so that nobody else need know which host has which.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from lab.inside import winsock
from lab.inside.caller import LOOK_EVERY_S, Caller, state_of
from lab.inside.winsock import CannotMakeError, Lines, Reply

PROGRAM = ("/opt/errnolab/windows/wine", "/opt/errnolab/windows/caller.exe")
SERVER = "wineserver"
START_S = 30.0
# A question to the wineserver is slept through too: a call is under way if it sleeps longer.
ASLEEP_S = 0.03
# How long the wineserver may take to see that a program is gone.
CLOSED_S = 5.0

Answer = dict[str, Any]
_numbers = itertools.count(-1, -1)


class WinsockCaller:
    """A Windows host's caller: the same as a `Caller`, of which it has one for what is Linux's."""

    def __init__(self, folder: str = "") -> None:
        """Start nothing yet; `number` is no process's."""
        self.number = next(_numbers)
        self._folder = folder
        self._linux: Caller | None = None
        self._program: CallerProgram | None = None
        self._killed = False
        self._asked: Caller | CallerProgram | None = None

    def call(self, step: dict[str, Any], deadline_s: float) -> Answer:
        """Have one call made; return the answer, {"hung": True} or {"lost": why}."""
        return self._for(step).call(step, deadline_s)

    def begin(self, step: dict[str, Any], deadline_s: float) -> Answer:
        """Have a call begun; return {} once it is under way, else what `call` returns."""
        self._asked = self._for(step)
        return self._asked.begin(step, deadline_s)

    def answer(self, deadline_s: float) -> Answer:
        """Wait for the answer to the call that was begun."""
        return self._asked.answer(deadline_s) if self._asked else {"lost": "none was begun"}

    def kill(self) -> None:
        """End all at once, with all that they started."""
        self._killed = True
        for each in self._running():
            each.kill()

    def close(self) -> None:
        """End all, and with them all sockets."""
        for each in self._running():
            each.close()

    def _running(self) -> list[Caller | CallerProgram]:
        return [each for each in (self._program, self._linux) if each]

    def _for(self, step: dict[str, Any]) -> Caller | CallerProgram:
        if winsock.makes(step):
            return self._program or self._started_program()
        self._linux = self._linux or Caller(self._folder)
        return self._linux

    def _started_program(self) -> CallerProgram:
        """Start caller.exe; once more if it ended before it had made any call, as Wine lets it."""
        self._program = CallerProgram()
        if self._program.ended_at_once() and not self._killed:
            self._program.close()
            self._program = CallerProgram()
        return self._program


class CallerProgram:
    """caller.exe, which makes calls line by line, in a process group of its own."""

    def __init__(self, program: tuple[str, ...] = PROGRAM) -> None:
        """Start it; whether Winsock is there is its first answer, before the first call's."""
        self._process = subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin and self._process.stdout
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self.pid = self._process.pid
        self._unread = b""
        self._sockets = winsock.Sockets()
        self._started = False
        self._first: Reply | Answer = {}
        self._servers: set[int] = set()
        # The call under way, and its line that has no answer yet.
        self._lines: Lines | None = None
        self._result: Answer | None = None

    def ended_at_once(self) -> bool:
        """Wait for its first answer; tell whether it ended without one."""
        self._first = self._reply(time.monotonic() + START_S)
        return isinstance(self._first, dict) and "lost" in self._first

    def call(self, step: dict[str, Any], deadline_s: float) -> Answer:
        """Have one call made; return the answer, {"hung": True} or {"lost": why}."""
        return self._start(step) or self.answer(deadline_s)

    def begin(self, step: dict[str, Any], deadline_s: float) -> Answer:
        """Have a call begun; return {} when it is under way, or what `call` returns of no answer.

        It is under way when it has returned, or when the process sleeps in it.
        """
        result = self._start(step) or self._go_on(deadline_s, ASLEEP_S)
        if result and "value" in result:
            self._result = result
            return {}
        return result

    def answer(self, deadline_s: float) -> Answer:
        """Wait for the answer to the call that was begun."""
        result, self._result = self._result, None
        return result or self._go_on(deadline_s)

    def kill(self) -> None:
        """End it at once; the wineserver closes its sockets when it sees that."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it, and wait until its sockets are closed."""
        pipes = _links(self.pid, "pipe:")
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        _wait_until_let_go(pipes)

    def _start(self, step: dict[str, Any]) -> Answer:
        """Send the first line of a call; return {}, or why it cannot be."""
        if not self._started:
            first = self._first or self._reply(time.monotonic() + START_S)
            if not isinstance(first, Reply):
                why = f"has said nothing in {START_S:g} s" if "hung" in first else "ended at once"
                return {"lost": f"caller.exe did not start: it {why}"}
            if first.error:
                return {"lost": f"WSAStartup failed: {first.error}"}
            self._started, self._servers = True, set(_servers())
        try:
            self._lines = winsock.lines(self._sockets, **step)
            return self._say(next(self._lines))
        except StopIteration as end:
            return dict(end.value)
        except CannotMakeError as why:
            return {"lost": str(why)}

    def _go_on(self, deadline_s: float, asleep_s: float | None = None) -> Answer:
        """Ask line by line until the call has its answer; {} once it sleeps, if that is wanted."""
        deadline = time.monotonic() + deadline_s
        while self._lines:
            reply = self._reply(deadline, asleep_s)
            if not isinstance(reply, Reply):
                return reply
            try:
                lost = self._say(self._lines.send(reply))
            except StopIteration as end:
                self._lines = None
                return dict(end.value)
            except CannotMakeError as why:
                lost = {"lost": str(why)}
            if lost:
                self._lines = None
                return lost
        return {"lost": "no call was begun"}

    def _say(self, line: str) -> Answer:
        """Send a line; it is read as it is written, so that a large one cannot fill the pipe."""
        unsent = memoryview(f"{line}\n".encode())
        deadline = time.monotonic() + START_S
        while unsent:
            if not select.select([], [self._to], [], max(deadline - time.monotonic(), 0))[1]:
                return {"lost": "caller.exe takes no line"}
            try:
                unsent = unsent[os.write(self._to, unsent) :]
            except OSError as gone:
                return {"lost": f"caller.exe is gone: {gone}"}
        return {}

    def _reply(self, deadline: float, asleep_s: float | None = None) -> Reply | Answer:
        """Return the next answer, {"hung"} or {"lost"} without; {} if it sleeps so long."""
        awake = time.monotonic()
        while b"\n" not in self._unread:
            now = time.monotonic()
            if now >= deadline:
                return self._no_answer()
            rest_s = deadline - now if asleep_s is None else LOOK_EVERY_S
            if select.select([self._from], [], [], rest_s)[0]:
                piece = os.read(self._from, 1 << 16)
                if not piece:
                    return {"lost": "the caller was ended"}
                self._unread += piece
                awake = now
            elif asleep_s is not None:
                if state_of(self.pid) != "S":
                    awake = now
                elif now - awake > asleep_s:
                    return {}
        line, _, self._unread = self._unread.partition(b"\n")
        return Reply.of(line.decode())

    def _no_answer(self) -> Answer:
        """Return {"hung"}, or {"lost"} without the wineserver, which its programs wait for."""
        # One that only asks whether there is a wineserver has its name too, and is gone soon.
        ended = self._servers and self._servers.isdisjoint(_servers())
        return {"lost": "the wineserver was ended"} if ended else {"hung": True}


def _links(pid: int, kind: str) -> set[str]:
    """Return a process's descriptors of a kind: "pipe:[1234]"."""
    found = set()
    with contextlib.suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(str(path.readlink()))
    return {link for link in found if link.startswith(kind)}


def _wait_until_let_go(pipes: set[str]) -> None:
    """Wait until the wineserver has let go of the pipes of a program that has ended.

    It closes all that the program had at one time, its sockets among them.
    """
    deadline = time.monotonic() + CLOSED_S
    while any(_links(pid, "pipe:") & pipes for pid in _servers()):
        if time.monotonic() > deadline:
            return
        time.sleep(LOOK_EVERY_S)


def _servers() -> list[int]:
    found = []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if path.name.isdigit() and (path / "comm").read_text().strip() == SERVER:
                found.append(int(path.name))
    return found
