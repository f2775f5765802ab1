"""Values that a scenario names and only a run knows: the family, the SYN schedule.

A scenario is data, so it cannot ask for the kernel's settings. It says
`syn_timeout(retries=1)` or `per_family(ipv4=…, ipv6=…)`, and `resolve` puts the
value in when the run knows its facts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from lab.topology import Family

T = TypeVar("T")
NEWEST = (99, 0)
# The settings of a new kernel as it comes, where no run has looked.
AS_IT_COMES = {"net.ipv4.tcp_syn_linear_timeouts": "4", "net.ipv4.tcp_syn_retries": "6"}
# What holds no Known value: most of what `resolve` is given, so it looks for them first.
PLAIN = (str, bytes, int, float, type(None))


@dataclass(frozen=True)
class Facts:
    """What a run knows: the family, the sysctls of the calling host by dotted name.

    `given` is what a case brings with it, for words that several cases share.
    """

    family: Family
    sysctls: dict[str, str]
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kernel(self) -> tuple[int, int]:
        """Return the kernel's version, (6, 18); the newest where nothing is known."""
        numbers = re.findall(r"\d+", self.sysctls.get("kernel.osrelease", ""))[:2]
        return (int(numbers[0]), int(numbers[1])) if len(numbers) == 2 else NEWEST

    @property
    def linear_timeouts(self) -> int:
        """Return tcp_syn_linear_timeouts, 0 where the kernel (before 6.5) has none."""
        return int(self.sysctls.get("net.ipv4.tcp_syn_linear_timeouts") or 0)

    @property
    def syn_retries(self) -> int:
        """Return tcp_syn_retries, six where nothing is known."""
        return int(self.sysctls.get("net.ipv4.tcp_syn_retries") or 6)


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


def given(name: str) -> Any:
    """Return what the case was given under a name (`Case.given`)."""

    def found(facts: Facts) -> Any:
        if name not in facts.given:
            raise ValueError(f"given({name!r}), which the case was not given")
        return resolve(facts.given[name], facts)

    return Known(f"given({name!r})", found)


def since(kernel: tuple[int, int], *, then: Any, before: Any) -> Any:
    """Return a value that depends on the kernel: `then` from a version on, `before` until then."""
    return Known(
        f"since({kernel!r}, then={then!r}, before={before!r})",
        lambda facts: resolve(then if facts.kernel >= kernel else before, facts),
    )


# The kernel's longest round (TCP_RTO_MAX).
ROUND_MAX_S = 120.0


def syn_times(retries: int, linear: int, user_timeout_ms: int = 0) -> tuple[list[float], float]:
    """Return when the SYNs of a connect() that nobody answers leave, and when it gives up.

    Args: `retries` is tcp_syn_retries or TCP_SYNCNT; `linear` is
    tcp_syn_linear_timeouts; `user_timeout_ms` is TCP_USER_TIMEOUT, 0 if not set.
    Returns: seconds after the first SYN, the first being 0.0; and the time-out.
    Source: Linux net/ipv4/tcp_timer.c, tcp_write_timeout(), tcp_model_timeout(),
    tcp_retransmit_timer() and tcp_clamp_rto_to_user_timeout(): the first linear + 1
    rounds last 1 s, each later one twice the one before, 120 s at most; it gives up
    after the first round that ends with retries + linear retransmissions, or
    2^(retries + 1) - 1 s, behind it. A user timeout takes the place of that time, and
    ends a round in which it runs out; but not the first, and the count still holds.
    """
    times, now, wait = [0.0], 0.0, 1.0
    limit_s = user_timeout_ms / 1e3 or float(
        2 ** (min(retries, 6) + 1) - 1 + max(retries - 6, 0) * ROUND_MAX_S
    )
    left = wait
    while True:
        now += left
        retransmitted = len(times) - 1
        if retransmitted and (retransmitted >= retries + linear or now >= limit_s):
            return times, now
        times.append(now)
        if len(times) > linear + 1:
            wait = min(wait * 2, ROUND_MAX_S)
        left = min(wait, max(limit_s - now, 0.0)) if user_timeout_ms else wait


def late(nominal_s: float) -> tuple[float, float]:
    """Return the range for a kernel timer: it never fires early, and up to 13 % and 0.2 s late.

    Source: Linux kernel/time/timer.c: the wheel's levels round up by 1/63 to 8/63 of
    the time. (At 250 Hz 1 s is 3 % late at most, 4 s 6 %, and all 131 s of the default
    4 %; other clocks have other unlucky times.) The 0.2 s are for a busy machine.
    """
    return nominal_s, nominal_s * 1.13 + 0.2


def syn_timeout(
    *, retries: int | None = None, linear: int | None = None, user_timeout_ms: int = 0
) -> Any:
    """Return the range of seconds in which an unanswered connect() gives up.

    Args: `retries` is TCP_SYNCNT, or a tcp_syn_retries that is set as part of the
    fault, and `linear` such a tcp_syn_linear_timeouts: left out, they are the calling
    host's. `user_timeout_ms` is TCP_USER_TIMEOUT.
    """
    return _of_syns(
        "syn_timeout", lambda times, end_s: late(end_s), retries, linear, user_timeout_ms
    )


def syn_schedule(
    *, retries: int | None = None, linear: int | None = None, user_timeout_ms: int = 0
) -> Any:
    """Return the seconds after the first at which an unanswered connect() sends its SYNs."""
    return _of_syns(
        "syn_schedule", lambda times, end_s: tuple(times), retries, linear, user_timeout_ms
    )


def syn_retransmissions(
    *, retries: int | None = None, linear: int | None = None, user_timeout_ms: int = 0
) -> Any:
    """Return how many times an unanswered connect() sends its SYN again."""
    return _of_syns(
        "syn_retransmissions", lambda times, end_s: len(times) - 1, retries, linear,
        user_timeout_ms,
    )  # fmt: skip


def _of_syns(
    word: str, part: Callable[[list[float], float], Any], retries: int | None,
    linear: int | None, user_timeout_ms: int,
) -> Known:  # fmt: skip
    """Return a word for a part of what `syn_times` finds out."""
    said = [("retries", retries), ("linear", linear), ("user_timeout_ms", user_timeout_ms or None)]
    text = ", ".join(f"{name}={value}" for name, value in said if value is not None)

    def at(facts: Facts) -> Any:
        return part(
            *syn_times(
                facts.syn_retries if retries is None else retries,
                facts.linear_timeouts if linear is None else linear,
                user_timeout_ms,
            )
        )

    return Known(f"{word}({text})", at)


def resolve(thing: T, facts: Facts) -> T:
    """Return a copy of a word, or of a tuple of them, with every Known value found out."""
    if isinstance(thing, PLAIN):
        return thing
    if isinstance(thing, Known):
        return thing.at(facts)  # type: ignore[no-any-return]
    return rebuilt(thing, lambda part: resolve(part, facts))


def rebuilt(thing: T, change: Callable[[Any], Any]) -> T:
    """Return a copy of a word, or of what holds words, of which each part is changed."""
    if isinstance(thing, dict):
        return {key: change(value) for key, value in thing.items()}  # type: ignore[return-value]
    if isinstance(thing, (tuple, list)):
        return type(thing)(change(item) for item in thing)
    if is_dataclass(thing) and not isinstance(thing, type):
        changed = {
            field.name: change(getattr(thing, field.name)) for field in fields(thing) if field.init
        }
        return replace(thing, **changed)
    return thing
