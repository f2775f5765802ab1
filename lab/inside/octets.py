"""Bytes as text, for a step and its answer; long runs of the same are written short.

And what is kept of a stream that may be endless.
"""

from __future__ import annotations

# From how many bytes on it is worth looking, and the longest piece looked for.
LONG, PIECE = 1024, 16
# How much of a stream is kept, at its beginning and at its end.
KEPT = 16 * 1024


def as_text(octets: bytes) -> str:
    """Return bytes as hexadecimal, "78" * 5000000 as "78*5000000"."""
    if len(octets) > LONG:
        for size in range(1, PIECE + 1):
            times = len(octets) // size
            # The beginning is looked at first, for the whole may be large.
            if octets.startswith(octets[:size] * 8) and octets == octets[:size] * times:
                return f"{octets[:size].hex()}*{times}"
    return octets.hex()


def as_octets(text: str) -> bytes:
    """Return the bytes that a text stands for."""
    piece, _, times = text.partition("*")
    return bytes.fromhex(piece) * int(times or 1)


class Ends:
    """The first and the last bytes of a stream (16 KiB each, unless said), and their number."""

    def __init__(self, kept: int = KEPT) -> None:
        """Begin with nothing."""
        self.count, self._kept = 0, kept
        self._first, self._last = bytearray(), bytearray()

    def add(self, piece: bytes) -> None:
        """Take what came next."""
        self.count += len(piece)
        room = self._kept - len(self._first)
        self._first += piece[:room]
        self._last += piece[room:]
        del self._last[: -self._kept]

    def octets(self) -> bytes:
        """Return what is kept; a line in the middle says how much is not."""
        left_out = self.count - len(self._first) - len(self._last)
        mark = b"\n[%d bytes are left out]\n" % left_out if left_out else b""
        return bytes(self._first) + mark + bytes(self._last)
