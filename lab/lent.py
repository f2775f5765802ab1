"""The tracer, lent to a container of a foreign image.

The hosts' image holds strace with its loader and its libraries: it needs nothing of
the image that it runs in. It is copied into the container before that starts, and its
trace is read after it ended; both go with the container.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.engine import Engine
from lab.inside import tracing
from lab.topology import LABEL

# Where it is in the hosts' image (images/host/Dockerfile), and in the foreign container.
KEPT_AT, PLACE = "/opt/errnolab-tracer", "/.errnolab"
LOADER, STRACE = f"{PLACE}/ld.so", f"{PLACE}/strace"
PREFIX = (LOADER, "--library-path", f"{PLACE}/lib", STRACE)
TRACE = f"{PLACE}/out/trace"
# What makes a process is traced too, so that those left behind can be counted; and what ends
# it, for the end itself comes too late to be written if the container ends with it.
MAKING = "clone,clone3,fork,vfork,exit_group"

_LINE = re.compile(rb"(\d+) +[\d.]+ (.*)")
_MADE = re.compile(rb"(?:<\.\.\. )?(?:clone3?|v?fork)\b.*")
_RETURNED = re.compile(rb"\) += (\d+)\b")
_EXIT = re.compile(rb"exit_group\((-?\d+)")
_bundles: dict[str, bytes] = {}


def bundle(here: Engine, image: str, lab: str) -> bytes:
    """Return a tar of the tracer, out of the hosts' image; its paths are those of `PLACE`."""
    if image not in _bundles:
        api = here.client.api
        holder = api.create_container(image, labels={LABEL: lab})["Id"]
        try:
            stream, _ = api.get_archive(holder, KEPT_AT)
            _bundles[image] = _moved(b"".join(stream))
        finally:
            api.remove_container(holder, force=True, v=True)
    return _bundles[image]


def _moved(packed: bytes) -> bytes:
    old, new = KEPT_AT.rpartition("/")[2], PLACE.strip("/")
    result = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(packed)) as source,
        tarfile.open(fileobj=result, mode="w") as target,
    ):
        for member in source:
            content = source.extractfile(member) if member.isfile() else None
            member.name = member.name.replace(old, new, 1)
            target.addfile(member, content)
    return result.getvalue()


def before(argv: Sequence[str]) -> list[str]:
    """Return a command with the tracer before it."""
    words = [
        f"{word},{MAKING}" if word.startswith("trace=") else word
        for word in tracing.tracer(TRACE, PREFIX)
    ]
    return [*words, *argv]


@dataclass
class Traced:
    """What a trace tells.

    `text` is the trace, at most 4 MiB of it; `main` the number of the program's own
    process, as it stands in the trace, "" if there is none; `began_s` when it began.
    """

    text: str = ""
    main: str = ""
    began_s: float = 0.0
    _made: set[bytes] = field(default_factory=set)
    _ended: set[bytes] = field(default_factory=set)
    _threads: set[bytes] = field(default_factory=set)
    _exits: set[int] = field(default_factory=set)

    @property
    def left(self) -> int:
        """Return how many processes were still there when the program's own had ended."""
        return len(self._made - self._ended)

    def died_of(self, name: str) -> bool | None:
        """Tell whether a signal came to the program's own process; None if nothing tells."""
        if not self.main or "\n[cut]\n" in self.text:
            return None
        return re.search(rf"^{self.main} .* --- {name} ", self.text, re.MULTILINE) is not None

    def exited_with(self, status: int) -> bool:
        """Tell whether a process ended itself with a status."""
        return status in self._exits

    def telling(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Return the lines that are not of making and ending processes; note what those say."""
        for line in lines:
            found = _LINE.match(line)
            if found is None or not self._of_making(found[1], found[2]):
                yield line
            if found and found[2].startswith(b"+++ "):
                self._ended.add(found[1])
            if found and not self.main and found[2].startswith(b"execve("):
                self._begin(line)

    def _begin(self, line: bytes) -> None:
        if re.search(rb"\) += 0\b", line):
            number, time = line.split()[:2]
            self.main, self.began_s = number.decode(), float(time)

    def _of_making(self, number: bytes, rest: bytes) -> bool:
        """Note a process that was made, or ends: a number comes with the call's return."""
        exit_ = _EXIT.match(rest)
        if exit_:
            self._exits.add(int(exit_[1]) & 0xFF)
            return True
        if not _MADE.match(rest):
            return False
        if b"CLONE_THREAD" in rest:
            self._threads.add(number)
        returned = _RETURNED.search(rest)
        if returned and number not in self._threads:
            self._made.add(returned[1])
        if not rest.endswith(b"<unfinished ...>"):
            self._threads.discard(number)
        return True


def read(api: Any, container: str) -> Traced:
    """Return what the tracer wrote in a container, nothing if it wrote nothing."""
    from docker.errors import NotFound  # noqa: PLC0415  # the SDK is slow to import

    traced = Traced()
    try:
        stream, _ = api.get_archive(container, TRACE)
    except NotFound:
        return traced
    with tarfile.open(fileobj=io.BufferedReader(_Stream(stream)), mode="r|") as packed:
        for member in packed:
            content = packed.extractfile(member)
            if content:
                traced.text = tracing.essence(traced.telling(content))
    # Read to its end, the connection can be used again.
    for _ in stream:
        pass
    return traced


class _Stream(io.RawIOBase):
    """Pieces of bytes as a file, so that a large one is never here as a whole."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._rest = iter(pieces), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._pieces, b"")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size
