"""How fast frames are cut: `python -m lab.unpackers`, and part of `make bench`.

Each rule of images/host/framing.py cuts streams of small and of large frames, as they
come out of recv (64 KiB at a time), and byte by byte. The best of three is shown, in
processor time, so that a busy machine counts less.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from rich.table import Table

from lab.console import out
from lab.images import IMAGES

ROUNDS = 3
READ = 64 * 1024  # bytes that the programs ask of one recv
SMALL, LARGE = 16, 16 * 1024  # bytes of a message
STREAM = 1 << 20  # bytes of messages in one stream
BYTEWISE = 1 << 16  # bytes of a stream that comes one by one
RULES = ("fixed:{}", "delimiter:\\n", "delimiter:\\r\\n\\r\\n", "length:4", "length:varint")


def load() -> ModuleType:
    """Return images/host/framing.py, which hosts run as it is."""
    folder = str(IMAGES / "host")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("framing")
    finally:
        sys.path.remove(folder)


def cut(rule: Any, stream: bytes, piece: int) -> tuple[int, float]:
    """Cut a stream that comes in pieces of so many bytes.

    Returns: how many frames were in it, and the seconds of processor time, the best of three.
    """
    pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    return min((_cut_once(rule, pieces) for _ in range(ROUNDS)), key=lambda result: result[1])


def _cut_once(rule: Any, pieces: list[bytes]) -> tuple[int, float]:
    unpacker, frames = rule.unpacker(), 0
    begun = time.process_time()
    for piece in pieces:
        for _ in unpacker.feed(piece):
            frames += 1
    unpacker.end()
    return frames, time.process_time() - begun


def stream_of(rule: Any, size: int, total: int) -> bytes:
    """Return a stream of messages of `size` bytes, about `total` bytes of them."""
    package: bytes = rule.pack(b"x" * size)
    return package * (total // size)


def rows() -> Iterator[tuple[str, str, str, str, str]]:
    """Yield (rule, frames of, pieces of, MB/s, frames/s), measured now; 2 to 3 s in all."""
    framing = load()
    for text in RULES:
        for size, piece, total in ((SMALL, READ, STREAM), (LARGE, READ, 8 * STREAM),
                                   (SMALL, 1, BYTEWISE), (LARGE, 1, BYTEWISE)):  # fmt: skip
            rule = framing.parse(text.format(size))
            stream = stream_of(rule, size, total)
            frames, took_s = cut(rule, stream, piece)
            yield (text.format("N"), f"{size} B", "1 B" if piece == 1 else f"{piece >> 10} KiB",
                   f"{len(stream) / took_s / 1e6:.1f}", f"{frames / took_s:,.0f}")  # fmt: skip


def bytewise_ms(total: int) -> float:
    """Return the time that one frame of `total` bytes takes, byte by byte, in ms."""
    rule = load().parse(f"delimiter:\\r\\n,max={2 * total}")
    return 1e3 * cut(rule, stream_of(rule, total, total), 1)[1]


def show() -> None:
    """Measure and print the table."""
    table = Table(box=None, pad_edge=False)
    table.add_column("frames are cut by")
    for column in ("frames of", "read in", "MB/s", "frames/s"):
        table.add_column(column, justify="right")
    for row in rows():
        table.add_row(*row)
    out.print(table)


if __name__ == "__main__":
    show()
