"""Bytes as text, for a step and its answer; long runs of the same are written short."""

from __future__ import annotations

# From how many bytes on it is worth looking, and the longest piece looked for.
LONG, PIECE = 1024, 16


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
