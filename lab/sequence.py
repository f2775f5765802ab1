"""The packets and calls of a case as a drawing: what goes where on a page.

It works from the `wire` and `calls` of a `result.json`; positions are in pixels.
A column is a vantage, a row an event: a packet, a call that begins or returns, a
state that a connection's end was seen in, a silence. Rows are one below the other
whatever time lies between them; a silence longer than a tenth of a second has a row of
its own, which says how long it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.proofs import duration
from lab.topology import VANTAGES, columns

LEFT, STEP, RIGHT = 120, 210, 90
TOP, ROW = 52, 30
# What is added on both sides where there are states.
STATES_MARGIN = 50
# Of a longer exchange the beginning and the end are drawn.
FIRST, LAST = 26, 8
SILENCE_MS = 100.0
# Two sightings of one packet are not further apart than this.
HOPS_MS = 100.0

Columns = Mapping[str, int]

Sighting = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One event.

    `kind` is a packet's (syn, rst, icmp, data, other), "call", "return", "state" or
    "silence". `x1` to `x2` is the way it went, of a state from its column to its text;
    `stopped` says that it got no further although it was meant to; `forged` that it was
    made at `x1` in another host's name.
    """

    kind: str
    y: int
    time: str
    text: str
    x1: float = 0.0
    x2: float = 0.0
    stopped: bool = False
    forged: bool = False


@dataclass(frozen=True)
class Bar:
    """The time that a call took, on its host's column."""

    x: float
    y1: int
    y2: int


@dataclass
class Drawing:
    """The whole of it; `left_out` counts packets that are only in the ladder."""

    rows: list[Row] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    left_out: int = 0
    hosts: Sequence[str] = VANTAGES
    margin: int = 0

    @property
    def columns(self) -> list[tuple[str, float]]:
        """Return each host and where its column stands."""
        return [(name, float(LEFT + number * STEP)) for number, name in enumerate(self.hosts)]

    @property
    def places(self) -> Columns:
        """Return the number of each role's column; the last host stands for elsewhere."""
        numbers = {name: number for number, name in enumerate(self.hosts)}
        return {"elsewhere": len(self.hosts) - 1, **numbers}

    @property
    def width(self) -> int:
        """Return the width without what states add to it."""
        return LEFT + STEP * (len(self.hosts) - 1) + RIGHT

    @property
    def height(self) -> int:
        """Return the height, with room below the last row."""
        return (self.rows[-1].y if self.rows else TOP) + ROW


def draw(
    wire: Sequence[Sighting], calls: Sequence[Mapping[str, Any]],
    states: Sequence[Mapping[str, Any]] = (),
) -> Drawing:  # fmt: skip
    """Return the drawing of one case."""
    groups = merge(wire)
    shown = groups if len(groups) <= FIRST + LAST else groups[:FIRST] + groups[-LAST:]
    drawing = Drawing(
        left_out=len(groups) - len(shown), margin=STATES_MARGIN if states else 0,
        hosts=columns({packet["at"] for packet in wire}),
    )  # fmt: skip
    events: list[tuple[float, int, Any]] = [(group[0]["t_ms"], 1, group) for group in shown]
    for number, call in enumerate(calls):
        begun = 0.0 if number == 0 else call.get("t_ms")
        if begun is not None and call["host"] in drawing.places:
            ended = begun + call["elapsed_ms"]
            events += [(begun, 0, ("call", number, call)), (ended, 2, ("return", number, call))]
    numbers = _numbers(states)
    for state in states:
        if state["host"] in drawing.places:
            number = numbers[_connection(state)]
            text = f"{number} {state['state']}" if number else state["state"]
            events.append((state["t_ms"], 1, ("state", state["host"], text)))
    _place(drawing, sorted(events, key=lambda event: event[:2]))
    return drawing


def _connection(state: Mapping[str, Any]) -> frozenset[str]:
    """Return what is the same on both hosts: "client:43210 → server:16555" and the other way."""
    return frozenset(state["socket"].split(" → "))


def _numbers(states: Sequence[Mapping[str, Any]]) -> dict[frozenset[str], int]:
    """Return the number of each connection, as the ladder has it; 0 for one alone."""
    connections = dict.fromkeys(map(_connection, states))
    return {c: number if connections.keys() - {c} else 0 for number, c in enumerate(connections, 1)}


def merge(wire: Sequence[Sighting]) -> list[list[Sighting]]:
    """Group the sightings of one packet at several vantages, in order of time."""
    groups: list[list[Sighting]] = []
    for packet in sorted(wire, key=lambda packet: packet["t_ms"]):
        for group in groups:
            if _same(group, packet):
                group.append(packet)
                break
        else:
            groups.append([packet])
    return groups


def _same(group: Sequence[Sighting], packet: Sighting) -> bool:
    words = ("src", "dst", "proto", "flags", "summary")
    return (
        all(group[0][word] == packet[word] for word in words)
        and packet["t_ms"] - group[0]["t_ms"] < HOPS_MS
        and all(packet["at"] != seen["at"] for seen in group)
    )


def _place(drawing: Drawing, events: Sequence[tuple[float, int, Any]]) -> None:
    began: dict[int, int] = {}
    before = events[0][0] if events else 0.0
    y = TOP
    for t_ms, _order, what in events:
        if t_ms - before > SILENCE_MS:
            drawing.rows.append(Row("silence", y, "", f"{(t_ms - before) / 1e3:.2f} s"))
            y += ROW
        if isinstance(what, list):
            drawing.rows.append(_packet_row(what, y, drawing.places))
        elif what[0] == "state":
            drawing.rows.append(_state_row(drawing.places[what[1]], what[2], t_ms, y))
        else:
            kind, number, call = what
            drawing.rows.append(_call_row(drawing.places[call["host"]], kind, call, t_ms, y))
            x = drawing.rows[-1].x1
            if kind == "call":
                began[number] = y
            else:
                drawing.bars.append(Bar(x, began[number], y))
        before, y = t_ms, y + ROW


def _state_row(column: int, text: str, t_ms: float, y: int) -> Row:
    """Return the row of a state: left of the first column, right of another."""
    x = float(LEFT + column * STEP)
    return Row("state", y, f"{t_ms:.2f}", text, x, x + (14 if column else -14))


def _call_row(column: int, kind: str, call: Mapping[str, Any], t_ms: float, y: int) -> Row:
    x = float(LEFT + column * STEP)
    text = f"{call['call']}()"
    if kind == "return":
        text = outcome(call) + f" after {duration(call['elapsed_ms'])}"
    return Row(kind, y, f"{t_ms:.2f}", text, x, x)


def outcome(call: Mapping[str, Any]) -> str:
    """Return what a call gave: an errno's name, "ok", or that it never came back."""
    if call.get("hung"):
        return "no answer"
    return str(call.get("errno_name") or call.get("lost") or "ok")


def _packet_row(group: Sequence[Sighting], y: int, places: Columns) -> Row:
    packet = group[0]
    first, last, stopped = _way(group, places)
    source = places.get(packet["src"])
    return Row(
        _kind(packet), y, f"{packet['t_ms']:.2f}", packet["summary"],
        LEFT + first * STEP, LEFT + last * STEP, stopped,
        forged=len(group) > 1 and source is not None and source != first,
    )  # fmt: skip


def _way(group: Sequence[Sighting], places: Columns) -> tuple[float, float, bool]:
    """Return the columns from which and to which a packet was seen to go, and if it was stopped."""
    seen = [places[packet["at"]] for packet in group]
    source, target = places.get(group[0]["src"]), places.get(group[0]["dst"])
    first, last = float(seen[0]), float(seen[-1])
    if len(seen) > 1:
        return first, last, target is not None and target != last
    if target is not None and target != first:
        if source == first:  # It left, and nobody saw it come.
            return first, first + (0.5 if target > first else -0.5), True
        return first + (-0.5 if target > first else 0.5), first, True
    if source is not None and source != first:
        return first + (0.5 if source > first else -0.5), first, False
    return first, first + 0.5, False


def _kind(packet: Sighting) -> str:
    if packet["proto"] == "icmp":
        return "icmp"
    if "R" in packet["flags"]:
        return "rst"
    if "S" in packet["flags"]:
        return "syn"
    return "data" if "byte" in packet["summary"] else "other"
