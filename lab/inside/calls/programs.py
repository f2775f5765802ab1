"""Programs that a caller runs: they end with it, and what they print is kept in memory.

They print into a file in memory, not to a terminal: the C library then holds back what
it prints until 4096 bytes are there or the program ends (setvbuf(3)); stdbuf(1) changes that.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from lab.inside.calls.data import received
from lab.inside.calls.descriptors import end_with_parent
from lab.inside.calls.table import Sockets, Told, made

LOOK_EVERY_S = 0.005


@dataclass
class Program:
    """A program under way, or one that has ended; its output is in files in memory."""

    process: subprocess.Popen[bytes]
    files: dict[str, int]

    def printed(self, stream: str) -> bytes:
        """Return all that it printed so far."""
        number = self.files[stream]
        return os.pread(number, os.fstat(number).st_size, 0)

    def last_line(self) -> str:
        """Return the last line that it printed to stderr, or to stdout if there is none."""
        for stream in ("stderr", "stdout"):
            lines = self.printed(stream).decode("utf-8", "backslashreplace").strip().splitlines()
            if lines:
                return lines[-1].strip()
        return ""

    def line_with(self, text: str) -> str:
        """Return the first line that holds a text, "" if there is none yet."""
        for stream in ("stdout", "stderr"):
            for line in self.printed(stream).decode("utf-8", "backslashreplace").splitlines():
                if text in line:
                    return line.strip()
        return ""

    def close(self) -> None:
        """Give the files back."""
        for number in self.files.values():
            os.close(number)
        self.files = {}


def _as_a_program(parent: int) -> None:
    """Make a child what a shell's is: it hears Ctrl-C; but it ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    end_with_parent(parent)


def _started(argv: Sequence[str], stdin: bytes | None) -> Program:
    """Start a program; without `stdin` its standard input stays open, to be fed.

    Raises: OSError, ENOENT if there is none of the name.
    """
    files = {name: os.memfd_create(name) for name in ("stdout", "stderr")}
    if stdin is None:
        source, files["stdin"] = os.pipe()
    else:
        source = os.memfd_create("stdin")
        os.write(source, stdin)
        os.lseek(source, 0, os.SEEK_SET)
    try:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            argv, stdin=source, stdout=files["stdout"], stderr=files["stderr"],
            preexec_fn=partial(_as_a_program, os.getpid()),  # noqa: PLW1509  # a caller has one thread
        )  # fmt: skip
    finally:
        os.close(source)
    return Program(process, files)


@made(held=True)
def _run(
    _held: Sockets, _socket: str, argv: list[str], timeout_s: float, stdin: bytes = b""
) -> Told:
    """Run a program to its end, or to the time-out, at which it is killed."""
    program = _started(argv, stdin)
    try:
        value, late = program.process.wait(timeout_s), ""
    except subprocess.TimeoutExpired:
        program.process.kill()
        value, late = program.process.wait(), f"no end in {timeout_s:g} s"
    told = received(program.printed("stdout"), value, detail=late or program.last_line())
    program.close()
    return told


@made(held=True)
def _start(
    held: Sockets, _socket: str, argv: list[str], program: str, timeout_s: float,
    until: str = "", stdin: bytes | None = b"",
) -> Told:  # fmt: skip
    """Start a program and wait until it prints a text; -1 if it ends before, or never does."""
    started = held.programs[program] = _started(argv, stdin)
    line, silent = _wait_for(started, until, timeout_s)
    return (-1, {"detail": silent}) if silent else (started.process.pid, {"detail": line})


def _wait_for(program: Program, text: str, timeout_s: float) -> tuple[str, str]:
    """Wait until a program prints a line with a text; return the line, or why there is none."""
    deadline = time.monotonic() + timeout_s
    while text:
        ended, late = program.process.poll() is not None, time.monotonic() > deadline
        line = program.line_with(text)
        if line:
            return line, ""
        if ended or late:
            why = f"ended with {program.process.returncode}" if ended else "is silent"
            return "", f"it {why}: {program.last_line()}"
        time.sleep(LOOK_EVERY_S)
    return "", ""


@made(held=True)
def _feed(held: Sockets, _socket: str, program: str, data: bytes) -> int:
    """Write to a program's standard input; with nothing to write, close it."""
    files = held.programs[program].files
    if data:
        return os.write(files["stdin"], data)
    os.close(files.pop("stdin"))
    return 0


@made(held=True)
def _kill(held: Sockets, _socket: str, program: str, signal_name: str) -> int:
    os.kill(held.programs[program].process.pid, signal.Signals[signal_name])
    return 0


@made(held=True)
def _ended(held: Sockets, _socket: str, program: str) -> Told:
    """Wait until a program has ended; the value is its status, or minus the signal's number."""
    waited = held.programs[program]
    return waited.process.wait(), {"detail": waited.last_line()}


@made(held=True)
def _output(
    held: Sockets, _socket: str, program: str, stream: str, until: str = "", timeout_s: float = 5.0
) -> Told:
    looked_at = held.programs[program]
    _line, silent = _wait_for(looked_at, until, timeout_s)
    printed = looked_at.printed(stream)
    value = -1 if silent else len(printed)
    return received(printed, value, detail=silent or looked_at.last_line())
