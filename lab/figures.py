"""A figure of `make bench`: what was measured, and what it is held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured figure: ours, what it is held against, and the ratio aimed at."""

    name: str
    ours: float
    against: str
    theirs: float
    aim: float
    unit: str = "ms"

    @property
    def ratio(self) -> float:
        """Return ours over theirs."""
        return self.ours / self.theirs

    @property
    def met(self) -> bool:
        """Tell whether the aim is met."""
        return self.ratio <= self.aim
