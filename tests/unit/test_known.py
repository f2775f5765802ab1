"""What a scenario names and only a run knows is found out rightly."""

from __future__ import annotations

import pytest

from lab import Scenario, connect, per_family, syn, syn_schedule, syn_timeout
from lab.known import Facts, Known, late, resolve, syn_retransmissions, syn_times
from lab.topology import Family


def facts(family: Family = "ipv4", linear: str = "4") -> Facts:
    return Facts(family, {"net.ipv4.tcp_syn_linear_timeouts": linear})


# Retries, linear timeouts, seconds to the end, SYNs sent; the first six rows are
# those of the ground truth, measured or read in tcp_timer.c.
SCHEDULES = [
    (1, 0, 3, 2), (2, 0, 7, 3), (6, 0, 127, 7),
    (1, 4, 3, 3), (2, 4, 7, 6), (3, 4, 19, 8), (6, 4, 131, 11),
]  # fmt: skip


@pytest.mark.parametrize(("retries", "linear", "gives_up_s", "syns"), SCHEDULES)
def test_syn_schedule_is_the_kernels(retries: int, linear: int, gives_up_s: int, syns: int) -> None:
    times, end = syn_times(retries, linear)
    assert (end, len(times)) == (gives_up_s, syns)


def test_first_rounds_last_a_second_and_later_ones_double() -> None:
    assert syn_times(6, 4)[0] == [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67]
    assert syn_times(6, 0)[0] == [0, 1, 3, 7, 15, 31, 63]


def test_kernel_without_linear_timeouts_doubles_from_the_start() -> None:
    assert facts(linear="").linear_timeouts == 0
    assert Facts("ipv4", {}).linear_timeouts == 0
    assert resolve(syn_schedule(retries=2), facts(linear="")) == (0.0, 1.0, 3.0)


def test_a_timer_is_never_early_and_a_little_late() -> None:
    first, last = late(131.0)
    assert first == 131.0
    # What was measured for the default of six retries.
    assert first <= 133.4 <= last
    assert last < 136


def test_schedule_and_count_agree() -> None:
    for retries in range(1, 7):
        times = resolve(syn_schedule(retries=retries), facts())
        assert resolve(syn_retransmissions(retries=retries), facts()) == len(times) - 1


def test_per_family_gives_each_family_its_own() -> None:
    word = per_family(ipv4="EHOSTUNREACH", ipv6="ENETUNREACH")
    assert resolve(word, facts("ipv4")) == "EHOSTUNREACH"
    assert resolve(word, facts("ipv6")) == "ENETUNREACH"


def test_known_values_are_found_out_wherever_they_stand() -> None:
    """In a call's expectation, in a pattern in a list, and one inside another."""
    scenario = Scenario(
        calls=[
            connect(on="client", to="server").fails(
                per_family(ipv4="ETIMEDOUT", ipv6="EACCES"), within_s=syn_timeout(retries=1)
            )
        ],
        seen=[
            syn(at="client", count=per_family(ipv4=syn_retransmissions(retries=1), ipv6=7)),
        ],
    )
    whole = resolve(scenario, facts("ipv4"))
    assert whole.calls[0].wanted.errno_name == "ETIMEDOUT"
    assert whole.calls[0].wanted.within_s == late(3.0)
    assert whole.seen[0].count == 2


def test_known_value_prints_as_it_is_written() -> None:
    assert repr(syn_timeout(retries=1)) == "syn_timeout(retries=1)"
    assert isinstance(syn_timeout(retries=1), Known)
