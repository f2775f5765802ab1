"""The calls that a caller can make, by name; each module has those of one kind."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

from lab.inside.calls import (
    data,
    descriptors,
    functions,
    messages,
    names,
    options,
    programs,
    sockets,
    supervised,
    waiting,
)
from lab.inside.calls.table import CALLS, Answer, Sockets
from lab.inside.octets import as_octets, as_text

__all__ = ["CALLS", "Sockets", "make"]
# Arguments that are bytes, or lists of such: no part of a call's time is spent on them.
OCTETS = ("data", "stdin")
# Calls that may take a part of what they are given.
TAKE = ("send", "write", "send_rest")
# Importing a module puts its calls into the table.
MODULES = (data, descriptors, functions, messages, names, options, programs, sockets, supervised,
           waiting)  # fmt: skip


def make(
    held: Sockets, call: str, socket_name: str, opening: dict[str, Any] | None = None,
    interrupted_after_s: float | None = None, restart: bool = False, **arguments: Any,
) -> Answer:  # fmt: skip
    """Make one call and return {value, errno, elapsed_ms, at_ns} and what more it tells.

    `elapsed_ms` is of the call alone; `at_ns` is when it began (CLOCK_REALTIME).
    Args: `opening` (domain, type, protocol, options, blocking) is how a socket is
    made, before and outside of that time, if the name has none; a signal comes
    `interrupted_after_s`, and with `restart` its handler has SA_RESTART.
    """
    try:
        if opening:
            _open(held, socket_name, **opening)
    except OSError as error:
        return {"lost": f"it was not made, for it has no socket: {error}"}
    entry = CALLS[call]
    arguments |= {key: _octets(arguments[key]) for key in OCTETS if arguments.get(key) is not None}
    first = (held, socket_name) if entry.held else (held.number(socket_name),)
    with _signals(interrupted_after_s, restart) as signals:
        at_ns, begun = time.time_ns(), time.perf_counter()
        try:
            told = entry.function(*first, **arguments)
        except OSError as error:
            told = -1, {"errno": error.errno or 0, "detail": error.strerror}
        elapsed_ms = (time.perf_counter() - begun) * 1e3
    value, more = told if isinstance(told, tuple) else (told, {})
    if entry.new and value >= 0:
        held.add(arguments.get("new", socket_name), value)
    for name, number in more.pop("opened", {}).items():
        held.add(name, number)
    if call == "close":
        held.closed.add(socket_name)
    if call in TAKE:
        given = arguments.get("data", held.rests.get(socket_name, b""))
        held.rests[socket_name] = given[max(value, 0) :]
    if signals:
        more["signals"] = signals
    if "data" in more:
        more["data"] = as_text(more["data"])
    return {"value": value, "errno": 0, "elapsed_ms": elapsed_ms, "at_ns": at_ns, **more}


def _octets(text: str | list[str]) -> bytes | list[bytes]:
    return as_octets(text) if isinstance(text, str) else [as_octets(piece) for piece in text]


def _open(held: Sockets, name: str, blocking: bool, **how: Any) -> None:
    """Make a socket unless the name has one; a later call may change how it blocks."""
    if not held.is_open(name):
        held.add(name, sockets.opened(**how))
    os.set_blocking(held.number(name), blocking)


@contextlib.contextmanager
def _signals(after_s: float | None, restart: bool) -> Iterator[list[str]]:
    """Note the signals that come meanwhile; let a SIGALRM come after a while, if wanted."""
    came: list[str] = []

    def note(number: int, _frame: Any) -> None:
        came.append(signal.Signals(number).name)

    for number in (signal.SIGPIPE, signal.SIGALRM):
        signal.signal(number, note)
        signal.siginterrupt(number, not restart)
    if after_s:
        signal.setitimer(signal.ITIMER_REAL, after_s)
    try:
        yield came
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
