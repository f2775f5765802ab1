"""Programs that a test runs in this host: each ends, with all that it started.

All that a program starts carries a mark in its environment, and so is found however far
from it the program's children have gone; what it prints is read as it comes and kept in
part, so that a flood fills no memory.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.inside.octets import as_text

MARK = "ERRNOLAB_TASK"
# How much is kept of what it prints: so much of the beginning, and of the end.
KEPT = 16 * 1024
# How much a function may return, as text.
RESULT_MAX = 32 * 1024 * 1024
# How long a program has to end after SIGTERM, before SIGKILL.
GRACE_S = 2.0
# What ends together with the program needs a moment for it, and is not left behind.
LINGER_S = 0.1
# How long processes may take to die of SIGKILL.
DEATH_S = 5.0
LOOK_EVERY_S = 0.01

_running: dict[str, subprocess.Popen[bytes]] = {}


class Kept:
    """What came over a pipe: all of it counted, the beginning and the end kept."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.first, self.last, self.count = bytearray(), bytearray(), 0

    def take(self, data: bytes) -> None:
        """Keep a piece, or what of it is first or last."""
        self.count += len(data)
        room = KEPT - len(self.first)
        self.first += data[:room]
        self.last += data[room:]
        del self.last[:-KEPT]

    def text(self) -> str:
        """Return what was kept, as `octets` writes it; a line says how much was left out."""
        left_out = self.count - len(self.first) - len(self.last)
        between = f"\n[… {left_out} bytes left out …]\n".encode() if left_out else b""
        return as_text(bytes(self.first) + between + bytes(self.last))


def task_run(
    task: str, argv: Sequence[str], env: Mapping[str, str], timeout_s: float, stdin: bytes = b"",
    given: bytes | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Run a program to its end, or to the time-out; return its outcome.

    Args: `task` is a name that no other has; `env` is added to this host's environment.
    With `given` the program finds the numbers of two descriptors in ERRNOLAB_FDS, "5,6": it
    reads what it is given from the first and may write a result to the second.
    Returns: the keys of `lab.testing.Ran`, text of bytes as of `octets`; "result", with `given`.
    """
    with contextlib.ExitStack() as stack:
        source = _file(stack, stdin)
        fds = [] if given is None else [_file(stack, given), _file(stack, b"")]
        more = {"ERRNOLAB_FDS": ",".join(map(str, fds))} if fds else {}
        try:
            process = subprocess.Popen(
                argv, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={**os.environ, **env, **more, MARK: task}, pass_fds=fds,
                start_new_session=True,
            )  # fmt: skip
        except OSError as missing:
            return _outcome(missing=f"{argv[0]}: {missing.strerror}")
        _running[task] = process
        stack.callback(_forget, task)
        found = _follow(task, process, timeout_s)
        return found if given is None else {**found, **_result(fds[1])}


def task_end(task: str) -> None:
    """End a program, and all that it started, at once; `task_run` then returns."""
    process = _running.get(task)
    if process is not None:
        _kill_all(task, process)


def tasks_end() -> None:
    """End every program (the channel closed)."""
    for task in list(_running):
        task_end(task)


def _forget(task: str) -> None:
    """End whatever is left of a task, whatever happened to who followed it."""
    process = _running.pop(task)
    _kill_all(task, process)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _file(stack: contextlib.ExitStack, content: bytes) -> int:
    """Return a descriptor of a file in memory, to be read from its beginning."""
    fd = os.memfd_create("errnolab")
    stack.callback(os.close, fd)
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _result(fd: int) -> dict[str, Any]:
    size = os.fstat(fd).st_size
    return {"result": os.pread(fd, size, 0) if size <= RESULT_MAX else None, "result_bytes": size}


def _outcome(**known: Any) -> dict[str, Any]:
    return {"value": None, "ran_ms": 0.0, "late": False, "ended_with": "", "stdout": "",
            "stderr": "", "stdout_bytes": 0, "stderr_bytes": 0, "left": 0, "trace": "",
            "untraced": "programs of tests are not traced", "missing": "", **known}  # fmt: skip


def _follow(task: str, process: subprocess.Popen[bytes], timeout_s: float) -> dict[str, Any]:
    """Read what a program prints until it has ended, or is late and was ended."""
    out, err = Kept(), Kept()
    begun = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for pipe, kept in ((process.stdout, out), (process.stderr, err)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe.fileno(), selectors.EVENT_READ, kept)
        ended_with = "" if _ends(process, selector, begun + timeout_s) else _end(process, selector)
        ran_ms = (time.monotonic() - begun) * 1e3
        deadline = time.monotonic() + (0.0 if ended_with else LINGER_S)
        while _kin(task, process) and time.monotonic() < deadline:
            _read(selector, LOOK_EVERY_S)
        left = _kill_all(task, process)
        # With everybody gone that could write, what is in the pipes has an end.
        while selector.get_map() and time.monotonic() < deadline + DEATH_S:
            _read(selector, LOOK_EVERY_S)
    return _outcome(
        value=process.returncode, ran_ms=ran_ms, late=bool(ended_with), ended_with=ended_with,
        stdout=out.text(), stderr=err.text(), stdout_bytes=out.count, stderr_bytes=err.count,
        left=left,
    )  # fmt: skip


def _ends(
    process: subprocess.Popen[bytes], selector: selectors.BaseSelector, deadline: float
) -> bool:
    """Read until a process has ended; false if it has not at the deadline (monotonic)."""
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        _read(selector, LOOK_EVERY_S)
    return True


def _read(selector: selectors.BaseSelector, wait_s: float) -> None:
    """Take what is in the pipes, waiting for a while if nothing is."""
    if not selector.get_map():
        time.sleep(wait_s)
        return
    for key, _ in selector.select(wait_s):
        with contextlib.suppress(BlockingIOError):
            data = os.read(key.fd, 65536)
            if data:
                key.data.take(data)
            else:
                selector.unregister(key.fd)


def _end(process: subprocess.Popen[bytes], selector: selectors.BaseSelector) -> str:
    """End a program that is late, and its process group; return what it took."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        if _ends(process, selector, time.monotonic() + GRACE_S):
            break
    return signal.Signals(number).name


# --- what a program leaves behind -------------------------------------------------------


def _kill_all(task: str, process: subprocess.Popen[bytes]) -> int:
    """Kill whatever of a task still runs, until nothing does; return how many there were."""
    killed: set[int] = set()
    deadline = time.monotonic() + DEATH_S
    while there := _kin(task, process):
        if time.monotonic() > deadline:
            break
        for pid in there:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed |= there
        time.sleep(0.001)
    return len(killed)


def _kin(task: str, process: subprocess.Popen[bytes]) -> set[int]:
    """Return the processes of a task that run: those that bear its mark, and what descends."""
    rows = dict(_processes())
    mark = f"{MARK}={task}".encode()
    found = {pid for pid in rows if mark in _environment(pid)}
    if process.returncode is None:  # After that its number may be another's.
        found |= {process.pid} & rows.keys()
    while True:
        more = {pid for pid, (parent, _state) in rows.items() if parent in found} - found
        if not more:
            return {pid for pid in found if rows[pid][1] not in "ZX"}
        found |= more


def _processes() -> Iterator[tuple[int, tuple[int, str]]]:
    """Yield every process of this host with its parent and state (proc(5))."""
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (path / "stat").read_text().rpartition(")")[2].split()[:2]
                yield int(path.name), (int(parent), state)


def _environment(pid: int) -> list[bytes]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []
