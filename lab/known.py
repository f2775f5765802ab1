"""Values that a scenario names and only a run knows: the family, the SYN schedule.

A scenario is data, so it cannot ask for the kernel's settings. It says
`syn_timeout(retries=1)` or `per_family(ipv4=…, ipv6=…)`, and `resolve` puts the
value in when the run knows its facts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

from lab.topology import Family

T = TypeVar("T")


@dataclass(frozen=True)
class Facts:
    """What a run knows: the family, and the sysctls of the calling host by dotted name."""

    family: Family
    sysctls: dict[str, str]

    @property
    def linear_timeouts(self) -> int:
        """Return tcp_syn_linear_timeouts, 0 where the kernel (before 6.5) has none."""
        return int(self.sysctls.get("net.ipv4.tcp_syn_linear_timeouts") or 0)


@dataclass(frozen=True)
class Known:
    """A value that `at` finds out from the facts; `text` is what a check or a list prints."""

    text: str
    at: Callable[[Facts], Any]

    def __repr__(self) -> str:
        return self.text


def per_family(*, ipv4: Any, ipv6: Any) -> Any:
    """Return a value that depends on the address family."""
    return Known(
        f"per_family(ipv4={ipv4!r}, ipv6={ipv6!r})",
        lambda facts: resolve(ipv4 if facts.family == "ipv4" else ipv6, facts),
    )


def syn_times(retries: int, linear: int) -> tuple[list[float], float]:
    """Return when the SYNs of a connect() that nobody answers leave, and when it gives up.

    Args: `retries` is tcp_syn_retries or TCP_SYNCNT; `linear` is
    tcp_syn_linear_timeouts.
    Returns: seconds after the first SYN, the first being 0.0; and the time-out.
    Source: Linux net/ipv4/tcp_timer.c, tcp_write_timeout() and
    tcp_retransmit_timer(): the first linear + 1 rounds last 1 s, each later one
    twice the one before; it gives up after the first round that ends with
    retries + linear retransmissions, or 2^(retries + 1) - 1 s, behind it.
    """
    times, now, wait = [0.0], 0.0, 1.0
    limit_s = 2 ** (retries + 1) - 1
    while True:
        now += wait
        retransmitted = len(times) - 1
        if retransmitted and (retransmitted >= retries + linear or now >= limit_s):
            return times, now
        times.append(now)
        if len(times) > linear + 1:
            wait *= 2


def late(nominal_s: float) -> tuple[float, float]:
    """Return the range for a kernel timer: it never fires early, and up to 3 % and 0.2 s late."""
    return nominal_s, nominal_s * 1.03 + 0.2


def syn_timeout(*, retries: int) -> Any:
    """Return the range of seconds in which an unanswered connect() gives up."""
    return Known(
        f"syn_timeout(retries={retries})",
        lambda facts: late(syn_times(retries, facts.linear_timeouts)[1]),
    )


def syn_schedule(*, retries: int) -> Any:
    """Return the seconds after the first at which an unanswered connect() sends its SYNs."""
    return Known(
        f"syn_schedule(retries={retries})",
        lambda facts: tuple(syn_times(retries, facts.linear_timeouts)[0]),
    )


def syn_retransmissions(*, retries: int) -> Any:
    """Return how many times an unanswered connect() sends its SYN again."""
    return Known(
        f"syn_retransmissions(retries={retries})",
        lambda facts: len(syn_times(retries, facts.linear_timeouts)[0]) - 1,
    )


def resolve(thing: T, facts: Facts) -> T:
    """Return a copy of a word, or of a tuple of them, with every Known value found out."""
    if isinstance(thing, Known):
        return thing.at(facts)  # type: ignore[no-any-return]
    if isinstance(thing, dict):
        return {key: resolve(value, facts) for key, value in thing.items()}  # type: ignore[return-value]
    if isinstance(thing, (tuple, list)):
        return type(thing)(resolve(item, facts) for item in thing)
    if is_dataclass(thing) and not isinstance(thing, type):
        changed = {
            field.name: resolve(getattr(thing, field.name), facts)
            for field in fields(thing)
            if field.init
        }
        return replace(thing, **changed)
    return thing
