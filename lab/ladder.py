"""The packets of a run drawn as a ladder: one column a host, one line a packet.

```
     t ms   client            router            server
     0.00     │───── SYN ───────┼────────────────▶│
     0.11     │◀────────────────┼──── RST,ACK ────│
     0.50     │───── SYN ──────▶✕                 │    the router let it go no further
     1.50     │───── SYN ──────✕│                 │    it left, and did not come to the router
```
A packet seen at several vantages is one line, at the time the first saw it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lab.topology import VANTAGES
from lab.wire import Packet

WIDTH = 30  # from one column to the next
MARGIN = 12  # before the first column


@dataclass(frozen=True)
class Glyphs:
    """The characters of a drawing."""

    bar: str
    line: str
    right: str
    left: str
    stop: str
    cross: str


UNICODE = Glyphs("│", "─", "▶", "◀", "✕", "┼")
ASCII = Glyphs("|", "-", ">", "<", "x", "+")


def merge(packets: Sequence[Packet]) -> list[list[Packet]]:
    """Group the sightings of one packet at several vantages; order by time."""
    groups: list[list[Packet]] = []
    for packet in sorted(packets, key=lambda p: p.t_ns):
        group = next(
            (
                g for g in reversed(groups)
                if g[0].identity == packet.identity and all(p.at != packet.at for p in g)
            ),
            None,
        )  # fmt: skip
        if group is None:
            groups.append([packet])
        else:
            group.append(packet)
    return groups


def draw(packets: Sequence[Packet], start_ns: int, *, unicode: bool = True) -> str:
    """Return the ladder as text, times in milliseconds since `start_ns`."""
    glyphs = UNICODE if unicode else ASCII
    title = f"{'t ms':>9}   " + "".join(name.ljust(WIDTH) for name in VANTAGES)
    lines = [title.rstrip()]
    for group in merge(packets):
        time = f"{(group[0].t_ns - start_ns) / 1e6:9.2f}"
        lines.append((time.ljust(MARGIN) + _row(group, glyphs)).rstrip())
    if len(lines) == 1:
        lines.append(f"{'':{MARGIN}}(no packet)")
    return "\n".join(lines) + "\n"


def _row(group: Sequence[Packet], glyphs: Glyphs) -> str:
    cells = [" "] * (WIDTH * (len(VANTAGES) - 1) + 1)
    for number in range(len(VANTAGES)):
        cells[number * WIDTH] = glyphs.bar
    packet = group[0]
    first, last = (VANTAGES.index(p.at) for p in (group[0], group[-1]))
    lost = first == last and packet.outgoing
    if first == last:
        first, last = _aim(packet, first)
    tips = replace(glyphs, right=glyphs.stop, left=glyphs.stop) if lost else glyphs
    _arrow(cells, first, last, tips)
    if first == last:
        return f"{''.join(cells)}   {packet.at}: {packet.src} to {packet.dst}: {packet.summary}"
    if not lost and last != COLUMNS.get(packet.dst, last):
        cells[last * WIDTH] = glyphs.stop
    _label(cells, packet.summary, first, last)
    return "".join(cells)


# Where a packet to or from a role belongs; elsewhere is the server's, and absent would be.
COLUMNS = {**{name: number for number, name in enumerate(VANTAGES)}, "elsewhere": 2, "absent": 2}


def _aim(packet: Packet, column: int) -> tuple[int, int]:
    """Return the columns of an arrow for a packet that one vantage alone saw."""
    source, target = COLUMNS.get(packet.src, column), COLUMNS.get(packet.dst, column)
    if packet.outgoing and target != column:
        return column, column + (1 if target > column else -1)
    if not packet.outgoing and source != column:
        return column + (1 if source > column else -1), column
    return column, column


def _arrow(cells: list[str], first: int, last: int, glyphs: Glyphs) -> None:
    low, high = sorted((first * WIDTH, last * WIDTH))
    for position in range(low + 1, high):
        cells[position] = glyphs.cross if position % WIDTH == 0 else glyphs.line
    if last > first:
        cells[high - 1] = glyphs.right
    elif last < first:
        cells[low + 1] = glyphs.left


def _label(cells: list[str], text: str, first: int, last: int) -> None:
    if not text:
        return
    step = 1 if last > first else -1
    low = min(first, first + step) * WIDTH
    room = WIDTH - 5
    shown = f" {text[: room - 2]} "
    at = low + 2 + (room - len(shown)) // 2 + 1
    cells[at : at + len(shown)] = list(shown)
