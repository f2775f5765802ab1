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
from lab.topology import VANTAGES, columns
from lab.wire import Packet

WIDTH = 30  # from one column to the next
NARROW = 24  # and where there are more than three
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
    grid = Grid(columns({p.at for p in packets}), UNICODE if unicode else ASCII)
    margin = STATES_MARGIN if changes else MARGIN
    title = f"{'t ms':>9}".ljust(margin) + "".join(name.ljust(grid.width) for name in grid.hosts)
    numbers = _numbers(changes)
    rows = [(group[0].t_ns, " " * (margin - 9) + grid.row(group)) for group in merge(packets)]
    rows += [(c.t_ns, grid.state_row(c, numbers[c.connection])) for c in changes]
    lines = [title.rstrip()]
    for t_ns, row in sorted(rows, key=lambda row: row[0]):
        lines.append(f"{(t_ns - start_ns) / 1e6:9.2f}{row}".rstrip())
    if len(lines) == 1:
        lines.append(f"{'':{MARGIN}}(no packet)")
    told = {number: change.socket.replace("→", grid.glyphs.right) for change in reversed(changes)
            if (number := numbers[change.connection])}  # fmt: skip
    lines += [f"{'':{margin}}{number}: {told[number]}" for number in sorted(told)]
    return "\n".join(lines) + "\n"


def _numbers(changes: Sequence[Change]) -> dict[frozenset[tuple[str, int]], int]:
    """Return the number of each connection, in the order in which they began; 0 for one alone."""
    connections = dict.fromkeys(change.connection for change in changes)
    return {c: number if connections.keys() - {c} else 0 for number, c in enumerate(connections, 1)}


@dataclass(frozen=True)
class Grid:
    """The columns of a drawing, a host each, and what its rows are drawn with."""

    hosts: Sequence[str] = VANTAGES
    glyphs: Glyphs = UNICODE

    @property
    def width(self) -> int:
        """Return how far a column is from the next."""
        return WIDTH if len(self.hosts) <= len(VANTAGES) else NARROW

    def column(self, role: str, otherwise: int) -> int:
        """Return where a packet to or from a role belongs; the last host stands for many."""
        last = len(self.hosts) - 1
        places = {"elsewhere": last, "absent": last, **{h: n for n, h in enumerate(self.hosts)}}
        return places.get(role, otherwise)

    def state_row(self, change: Change, number: int) -> str:
        """Return the row of a state: before the first column, behind another, or in words."""
        text = f"{number} {change.state}" if number else change.state
        cells = [*self._bars(), " "]
        room = STATES_MARGIN - 9
        if change.host == self.hosts[0]:
            return f"{text:>{room - 1}} {''.join(cells)}"
        if change.host not in self.hosts:
            return f"{'':{room}}{''.join(cells)}  {change.host}: {text}"
        at = self.hosts.index(change.host) * self.width + 2
        cells[at : at + len(text)] = list(text)
        return f"{'':{room}}{''.join(cells)}"

    def row(self, group: Sequence[Packet]) -> str:
        """Return the row of a packet, which is an arrow with what it is."""
        cells, packet, glyphs = self._bars(), group[0], self.glyphs
        first, last = (self.hosts.index(p.at) for p in (group[0], group[-1]))
        lost = first == last and packet.outgoing
        if first == last:
            first, last = self._aim(packet, first)
        tips = replace(glyphs, right=glyphs.stop, left=glyphs.stop) if lost else glyphs
        self._arrow(cells, first, last, tips)
        if first == last:
            return f"{''.join(cells)}   {packet.at}: {packet.src} to {packet.dst}: {packet.summary}"
        if not lost and last != self.column(packet.dst, last):
            cells[last * self.width] = glyphs.stop
        self._label(cells, packet.summary, first, last)
        return "".join(cells)

    def _bars(self) -> list[str]:
        cells = [" "] * (self.width * (len(self.hosts) - 1) + 1)
        for number in range(len(self.hosts)):
            cells[number * self.width] = self.glyphs.bar
        return cells

    def _aim(self, packet: Packet, column: int) -> tuple[int, int]:
        """Return the columns of an arrow for a packet that one vantage alone saw."""
        source, target = self.column(packet.src, column), self.column(packet.dst, column)
        if packet.outgoing and target != column:
            return column, column + (1 if target > column else -1)
        if not packet.outgoing and source != column:
            return column + (1 if source > column else -1), column
        return column, column

    def _arrow(self, cells: list[str], first: int, last: int, glyphs: Glyphs) -> None:
        low, high = sorted((first * self.width, last * self.width))
        for position in range(low + 1, high):
            cells[position] = glyphs.cross if position % self.width == 0 else glyphs.line
        if last > first:
            cells[high - 1] = glyphs.right
        elif last < first:
            cells[low + 1] = glyphs.left

    def _label(self, cells: list[str], text: str, first: int, last: int) -> None:
        if not text:
            return
        step = 1 if last > first else -1
        low = min(first, first + step) * self.width
        room = self.width - 5
        shown = f" {text[: room - 2]} "
        at = low + 2 + (room - len(shown)) // 2 + 1
        cells[at : at + len(shown)] = list(shown)
