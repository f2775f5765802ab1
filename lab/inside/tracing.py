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
from collections.abc import Iterable, Iterator, Sequence
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
    first: list[bytes] = []
    last: deque[bytes] = deque()
    room, size, cut = limit // 2, 0, False
    for line in _telling(lines):
        if not last and len(line) <= room:
            first.append(line)
            room -= len(line)
            continue
        last.append(line)
        size += len(line)
        while size > limit // 2 and last:
            size -= len(last.popleft())
            cut = True
    return b"".join([*first, *([b"[cut]\n"] if cut else []), *last]).decode("ascii", "replace")


def _telling(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Return the lines that are not of a transfer on something else than a socket."""
    aside: set[bytes] = set()
    for line in lines:
        transfer, resumed = _TRANSFER.match(line), _RESUMED.match(line)
        if transfer:
            if line.endswith(_UNFINISHED):
                aside.add(transfer[1])
        elif resumed and resumed[1] in aside:
            aside.discard(resumed[1])
        else:
            yield line
