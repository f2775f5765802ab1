"""A program of the user's, run as it would run anywhere: to its end, or to a time-out.

What it starts ends with it, wherever it has gone; what it prints is read as it comes and
kept in part, so that a flood fills no memory. Its system calls are traced (strace(1)).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.inside import tracing
from lab.inside.calls.table import Sockets, Told, made
from lab.inside.descendants import LOOK_EVERY_S, MARK, become_subreaper, end_descendants
from lab.inside.octets import Ends, as_text

# How long a program has to end after SIGTERM, before SIGKILL.
GRACE_S = 2.0
# What ends together with the program needs a moment for it, and is not left behind.
LINGER_S = 0.1
# How long a tracer may take to write its last lines.
TRACER_S = 2.0
NO_TRACER, NOT_ASKED = "strace is not there", "it was not asked for"


@dataclass
class Watch:
    """Reads the pipes of a program until they end, or a time has come."""

    streams: Mapping[int, Ends | tracing.Essence]
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __post_init__(self) -> None:
        """Look at every pipe, none of which may hold us up."""
        for fd in self.streams:
            os.set_blocking(fd, False)
            self.selector.register(fd, selectors.EVENT_READ)

    def read(self, wait_s: float) -> None:
        """Take what is there, waiting for a while if nothing is."""
        for key, _ in self.selector.select(wait_s):
            if key.fd not in self.streams:
                continue  # the end of the process, which the caller asks for itself
            with contextlib.suppress(BlockingIOError):
                data = os.read(key.fd, 65536)
                if data:
                    self.streams[key.fd].add(data)
                else:
                    self.selector.unregister(key.fd)

    def until_ended(self, process: subprocess.Popen[bytes], deadline: float) -> bool:
        """Read until a process ends; false if it has not at the deadline (monotonic)."""
        with self._woken_by(process.pid) as pause_s:
            while process.poll() is None:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return False
                self.read(min(pause_s, left_s))
        return True

    def until_closed(self, within_s: float) -> None:
        """Read until nobody holds the other end of any pipe."""
        deadline = time.monotonic() + within_s
        while set(self.streams) & {key.fd for key in self.selector.get_map().values()}:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return
            self.read(left_s)

    @contextlib.contextmanager
    def _woken_by(self, pid: int) -> Iterator[float]:
        """Let the end of a process end a wait; yields how long one may last otherwise."""
        try:
            end = os.pidfd_open(pid)
        except (AttributeError, OSError):  # Python 3.8, Linux 5.2
            yield LOOK_EVERY_S
            return
        self.selector.register(end, selectors.EVENT_READ)
        try:
            yield 3600.0
        finally:
            self.selector.unregister(end)
            os.close(end)


@made(held=True)
def _supervise(
    _held: Sockets, _socket: str, argv: list[str], env: dict[str, str], timeout_s: float,
    stdin: bytes = b"", trace: bool = True,
) -> Told:  # fmt: skip
    """Run a program to its end, or to the time-out; tell its outcome.

    The value is 0, or -1 if it could not be started: how it ended is in the outcome.
    """
    outcome = run_program(argv, env, timeout_s, stdin, trace)
    return (-1 if outcome["missing"] else 0), {"outcome": outcome, "detail": outcome["missing"]}


def run_program(
    argv: Sequence[str], env: Mapping[str, str], timeout_s: float, stdin: bytes, trace: bool,
    pass_fds: Sequence[int] = (),
) -> dict[str, Any]:  # fmt: skip
    """Run a program, in a session of its own; return its outcome (see `lab.program.Outcome`).

    Args: `pass_fds` are descriptors that it has too, under the same numbers.
    """
    missing = _why_not_here(argv[0], env)
    if missing:
        return _outcome(missing=missing)
    if trace and not shutil.which("strace"):
        return {**run_program(argv, env, timeout_s, stdin, trace=False), "untraced": NO_TRACER}
    become_subreaper()
    with tempfile.TemporaryDirectory(prefix="program-") as folder, contextlib.ExitStack() as stack:
        out, err = Ends(), Ends()
        lines = tracing.Essence()
        fifo = Path(folder, "trace")
        streams: dict[int, Ends | tracing.Essence] = {}
        if trace:
            os.mkfifo(fifo)
            streams[_opened(stack, fifo)] = lines
        begun, start_ns = time.monotonic(), time.time_ns()
        words = [*(tracing.tracer(str(fifo)) if trace else ()), *argv]
        try:
            process, ends = _start(stack, words, env, stdin, pass_fds)
        except OSError as refused:  # no format that the kernel knows, no such interpreter
            return _outcome(missing=f"{argv[0]}: {refused.strerror}")
        streams |= {ends[0]: out, ends[1]: err}
        watch = Watch(streams)
        ended_with = "" if watch.until_ended(process, begun + timeout_s) else _end(process, watch)
        ran_ms = (time.monotonic() - begun) * 1e3
        left = end_descendants(linger_s=0.0 if ended_with else LINGER_S)
        watch.until_closed(TRACER_S)
        end_descendants(tracers=True)
        said, printed = tracing.apart(err.octets().decode("utf-8", "surrogateescape"))
        if trace and tracing.missing(said):
            return _outcome(missing=tracing.missing(said))
        traced = lines.text()
        return _outcome(
            value=process.returncode, ran_ms=ran_ms, late=bool(ended_with), ended_with=ended_with,
            stdout=as_text(out.octets()), stdout_bytes=out.count,
            stderr=as_text(printed.encode("utf-8", "surrogateescape")), stderr_bytes=err.count,
            left=left, trace=traced, start_ns=start_ns,
            untraced="" if traced else "; ".join(said) if trace else NOT_ASKED,
        )  # fmt: skip


def _outcome(**known: Any) -> dict[str, Any]:
    return {"value": None, "ran_ms": 0.0, "late": False, "ended_with": "", "stdout": "",
            "stderr": "", "stdout_bytes": 0, "stderr_bytes": 0, "left": 0, "trace": "",
            "untraced": "", "missing": "", "start_ns": 0, **known}  # fmt: skip


def _why_not_here(name: str, env: Mapping[str, str]) -> str:
    """Return why there is no such program, "" if there is one."""
    if shutil.which(name, path=env.get("PATH", os.defpath)):
        return ""
    if "/" in name and Path(name).exists():
        return f"{name} is there, but may not be executed"
    return f"{name} is not there" + ("" if "/" in name else f", on the PATH {env.get('PATH')}")


def _start(
    stack: contextlib.ExitStack, argv: Sequence[str], env: Mapping[str, str], stdin: bytes,
    pass_fds: Sequence[int],
) -> tuple[subprocess.Popen[bytes], tuple[int, int]]:  # fmt: skip
    """Start a program; return it, and our ends of its standard output and error."""
    pipes, marked = [os.pipe(), os.pipe()], {**env, MARK: str(os.getppid())}
    source = _source(stdin)
    try:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            argv, stdin=source, stdout=pipes[0][1], stderr=pipes[1][1], env=marked,
            preexec_fn=_as_from_a_shell,  # noqa: PLW1509  # a caller has one thread
            start_new_session=True, pass_fds=pass_fds,
        )  # fmt: skip
    finally:
        for fd in (source, pipes[0][1], pipes[1][1]):
            os.close(fd)
        for ours, _theirs in pipes:
            stack.callback(os.close, ours)
    return process, (pipes[0][0], pipes[1][0])


def _source(stdin: bytes) -> int:
    """Return a descriptor to read some bytes from; /dev/null if there are none."""
    if not stdin:
        return os.open(os.devnull, os.O_RDONLY)
    source = os.memfd_create("stdin")
    os.write(source, stdin)
    os.lseek(source, 0, os.SEEK_SET)
    return source


def _as_from_a_shell() -> None:
    """Let a child hear every signal as it would if a shell had started it."""
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)


def _opened(stack: contextlib.ExitStack, fifo: Path) -> int:
    fd = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    stack.callback(os.close, fd)
    return fd


def _end(process: subprocess.Popen[bytes], watch: Watch) -> str:
    """End a program that is late, and what is in its process group; return what it took."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        if watch.until_ended(process, time.monotonic() + GRACE_S):
            break
    return signal.Signals(number).name
