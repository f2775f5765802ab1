"""The tracer before a program's words, and what its text tells, cut to a size.

strace -DD: the program stays our direct child, and the tracer is in a process group of
its own, so that ending the program's group does not end it first; it ends by itself after
the last process that it traces. --seccomp-bpf: only the calls below stop, so that a
program runs at its own speed between them. -y: a descriptor of a socket says which
one. -T: how long each call took, which tells a receive time-out from a look at an
empty queue.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

# Java, Go, Node and ssh read and write their sockets with the calls for files. Waiting
# (poll, epoll) gives no errno of the network. io_uring_setup: what a program does through
# a ring is not seen, and this says that it may. Names: strace(1), syscalls(2).
CALLS = "%network,read,write,readv,writev,sendfile,execve,io_uring_setup"
# The Go runtime sends itself this one all the time, to share a thread.
SIGNALS = "!SIGURG"
LIMIT = 4 << 20

# What strace says of a command that it cannot start.
_MISSING = re.compile(r"(?:exec|Can't stat|Cannot find executable)\b.*")
_TRANSFER = re.compile(rb"(\d+) +\S+ (?:read|write)v?\((?!\d+<socket:)")
_RESUMED = re.compile(rb"(\d+) +\S+ <\.\.\. (?:read|write)v? resumed>")
_UNFINISHED = b"<unfinished ...>\n"


def tracer(out: str, prefix: Sequence[str] = ("strace",)) -> list[str]:
    """Return the words to put before a command, so that its calls are written to `out`.

    Args: `prefix` starts strace 6.1, or the bundle: ("/…/ld.so", "--library-path", "/…/lib",
    "/…/strace"). strace looks for the command in PATH. If it cannot be started, strace says
    why on stderr and ends with status 1; without the right to trace it says so, and the
    program runs untraced (see `apart`). In both cases `out` has no execve that succeeded.
    """
    return [
        *prefix, "-DD", "-f", "-y", "-ttt", "-T", "--seccomp-bpf", "-s", "32",
        "-e", f"trace={CALLS}", "-e", f"signal={SIGNALS}", "-o", out, "--",
    ]  # fmt: skip


def apart(stderr: str, strace: str = "strace") -> tuple[list[str], str]:
    """Return (what strace said before the program began, what the program said).

    Args: `strace` is the word that it was started with, by which it calls itself.
    """
    said: list[str] = []
    while stderr.startswith(f"{strace}: "):
        line, _, stderr = stderr.partition("\n")
        said.append(line[len(strace) + 2 :])
    return said, stderr


def missing(said: Iterable[str]) -> str:
    """Return why the command could not be started, as strace said, "" if that is not so."""
    return next((line for line in said if _MISSING.fullmatch(line)), "")


def read(path: str, limit: int = LIMIT) -> str:
    """Return what a trace in a file tells, "" if there is no file; see `essence`."""
    try:
        with Path(path).open("rb") as lines:
            return essence(lines, limit)
    except FileNotFoundError:
        return ""


def essence(lines: Iterable[bytes], limit: int = LIMIT) -> str:
    """Return a trace without what it read and wrote elsewhere than on sockets.

    Of more than `limit` bytes the middle is left out, for the beginning says how it
    started, and the end how it ended; a line "[cut]" stands in its place.
    """
    found = Essence(limit)
    for line in lines:
        found.take(line)
    return found.text()


class Essence:
    """A trace while it comes; what is kept of it is `essence`'s."""

    def __init__(self, limit: int = LIMIT) -> None:
        """Begin with nothing."""
        self._first: list[bytes] = []
        self._last: deque[bytes] = deque()
        self._limit, self._room, self._size, self._cut = limit, limit // 2, 0, False
        self._rest = b""
        # Who is in a transfer on something else than a socket.
        self._aside: set[bytes] = set()

    def add(self, piece: bytes) -> None:
        """Take what came next, whole lines or not."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        for line in whole:
            self.take(line + b"\n")

    def take(self, line: bytes) -> None:
        """Take a whole line."""
        if not self._tells(line):
            return
        if not self._last and len(line) <= self._room:
            self._first.append(line)
            self._room -= len(line)
            return
        self._last.append(line)
        self._size += len(line)
        while self._size > self._limit // 2 and self._last:
            self._size -= len(self._last.popleft())
            self._cut = True

    def _tells(self, line: bytes) -> bool:
        """Tell whether a line is not of a transfer on something else than a socket."""
        transfer, resumed = _TRANSFER.match(line), _RESUMED.match(line)
        if transfer:
            if line.endswith(_UNFINISHED):
                self._aside.add(transfer[1])
            return False
        if resumed and resumed[1] in self._aside:
            self._aside.discard(resumed[1])
            return False
        return True

    def text(self) -> str:
        """Return what was kept."""
        rest, self._rest = self._rest, b""
        if rest:
            self.take(rest)
        kept = [*self._first, *([b"[cut]\n"] if self._cut else []), *self._last]
        return b"".join(kept).decode("ascii", "replace")
