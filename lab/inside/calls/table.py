"""What a caller holds, and the table of the calls that it can make.

A call is a function of a module beside this one: it takes the descriptor and the
call's arguments, and returns its value, or (value, more to tell). It raises OSError
as the call does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Answer = dict[str, Any]
Told = tuple[int, Answer]
Function = TypeVar("Function", bound=Callable[..., "int | Told"])


@dataclass
class Sockets:
    """What a caller holds: its sockets by name; one that was closed is EBADF.

    `programs` and `children` are the processes that it started, by name; `control` is
    the descriptor on which it is told what to do, -1 if that is none of its own. `rests`
    is what a send of each socket was given and did not take.
    """

    control: int = -1
    numbers: dict[str, int] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    programs: dict[str, Any] = field(default_factory=dict)
    children: dict[str, int] = field(default_factory=dict)
    rests: dict[str, bytes] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """Return the descriptor, -1 if there is none; its number may be another's by now."""
        return self.numbers[name] if self.is_open(name) else -1

    def is_open(self, name: str) -> bool:
        """Tell whether a name stands for an open socket."""
        return name in self.numbers and name not in self.closed

    def add(self, name: str, number: int) -> None:
        """Give a new descriptor a name."""
        self.numbers[name] = number
        self.closed.discard(name)


@dataclass(frozen=True)
class Entry:
    """A call: its function; `new` if its value is a new descriptor.

    `held` if it takes all that the caller holds, and the socket's name, in place of a
    descriptor.
    """

    function: Callable[..., int | Told]
    new: bool = False
    held: bool = False


CALLS: dict[str, Entry] = {}


def made(*, new: bool = False, held: bool = False) -> Callable[[Function], Function]:
    """Put a function into the table, under its name without underscores around it."""

    def put(function: Function) -> Function:
        CALLS[function.__name__.strip("_")] = Entry(function, new, held)
        return function

    return put
