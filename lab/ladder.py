"""The packets of a run drawn as a ladder: one column a host, one line a packet.

```
     t ms   client            router            server
     0.00     │───── SYN ───────┼────────────────▶│
     0.11     │◀────────────────┼──── RST,ACK ────│
     0.50     │───── SYN ──────▶✕                 │    the router let it go no further
     1.50     │───── SYN ──────✕│                 │    it left, and did not come to the router
```
A packet seen at several vantages is one line, at the time the first saw it. Where states
are recorded each change has a line too, beside the host's column, when it was seen:

```
     t ms             client            router            server
     0.04               │───── SYN ───────┼────────────────▶│
     0.09      SYN-SENT │                 │                 │
     0.14               │                 │                 │ SYN-RECV
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lab.states import Change
from lab.topology import VANTAGES
from lab.wire import Packet

WIDTH = 30  # from one column to the next
MARGIN = 12  # before the first column
STATES_MARGIN = 23  # and with room for the states of its host


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


def draw(
    packets: Sequence[Packet], start_ns: int, changes: Sequence[Change] = (), *,
    unicode: bool = True,
) -> str:  # fmt: skip
    """Return the ladder as text, times in milliseconds since `start_ns`."""
    glyphs = UNICODE if unicode else ASCII
    margin = STATES_MARGIN if changes else MARGIN
    title = f"{'t ms':>9}".ljust(margin) + "".join(name.ljust(WIDTH) for name in VANTAGES)
    numbers = _numbers(changes)
    rows = [(group[0].t_ns, " " * (margin - 9) + _row(group, glyphs)) for group in merge(packets)]
    rows += [(c.t_ns, _state_row(c, numbers[c.connection], glyphs)) for c in changes]
    lines = [title.rstrip()]
    for t_ns, row in sorted(rows, key=lambda row: row[0]):
        lines.append(f"{(t_ns - start_ns) / 1e6:9.2f}{row}".rstrip())
    if len(lines) == 1:
        lines.append(f"{'':{MARGIN}}(no packet)")
    told = {number: change.socket.replace("→", glyphs.right) for change in reversed(changes)
            if (number := numbers[change.connection])}  # fmt: skip
    lines += [f"{'':{margin}}{number}: {told[number]}" for number in sorted(told)]
    return "\n".join(lines) + "\n"


def _numbers(changes: Sequence[Change]) -> dict[frozenset[tuple[str, int]], int]:
    """Return the number of each connection, in the order in which they began; 0 for one alone."""
    connections = dict.fromkeys(change.connection for change in changes)
    return {c: number if connections.keys() - {c} else 0 for number, c in enumerate(connections, 1)}


def _bars(glyphs: Glyphs) -> list[str]:
    cells = [" "] * (WIDTH * (len(VANTAGES) - 1) + 1)
    for number in range(len(VANTAGES)):
        cells[number * WIDTH] = glyphs.bar
    return cells


def _state_row(change: Change, number: int, glyphs: Glyphs) -> str:
    """Return the row of a state: before the first column, behind another, or in words."""
    text = f"{number} {change.state}" if number else change.state
    cells = [*_bars(glyphs), " "]
    room = STATES_MARGIN - 9
    if change.host == VANTAGES[0]:
        return f"{text:>{room - 1}} {''.join(cells)}"
    if change.host not in VANTAGES:
        return f"{'':{room}}{''.join(cells)}  {change.host}: {text}"
    at = VANTAGES.index(change.host) * WIDTH + 2
    cells[at : at + len(text)] = list(text)
    return f"{'':{room}}{''.join(cells)}"


def _row(group: Sequence[Packet], glyphs: Glyphs) -> str:
    cells = _bars(glyphs)
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
