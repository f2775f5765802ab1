"""What a scenario names and only a run knows is found out rightly."""

from __future__ import annotations

import re

import pytest

from lab import Scenario, connect, given, per_family, since, syn, syn_schedule, syn_timeout
from lab.known import NEWEST, Facts, Known, late, resolve, syn_retransmissions, syn_times
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


def test_no_round_lasts_longer_than_two_minutes() -> None:
    """TCP_RTO_MAX: tcp_retransmit_timer() and tcp_model_timeout() both stop there."""
    assert syn_times(7, 0) == ([0, 1, 3, 7, 15, 31, 63, 127], 247)
    assert syn_times(8, 0) == ([0, 1, 3, 7, 15, 31, 63, 127, 247], 367)


# Retries, linear timeouts, TCP_USER_TIMEOUT, seconds to the end, times of the SYNs;
# worked out by hand from tcp_write_timeout() and tcp_clamp_rto_to_user_timeout().
USER_TIMEOUTS = [
    (6, 4, 1500, 1.5, [0, 1]),
    (6, 4, 2500, 2.5, [0, 1, 2]),
    (6, 0, 2500, 2.5, [0, 1]),
    # The first round lasts a second whatever the user says.
    (6, 4, 500, 1.0, [0, 1]),
    # It takes the place of 2^(retries + 1) - 1 s, and so makes it longer, too …
    (1, 4, 4500, 4.5, [0, 1, 2, 3, 4]),
    # … but the count of retransmissions still holds.
    (1, 4, 60000, 7.0, [0, 1, 2, 3, 4, 5]),
    (1, 0, 60000, 3.0, [0, 1]),
    (2, 0, 6500, 6.5, [0, 1, 3]),
]


@pytest.mark.parametrize(
    ("retries", "linear", "user_timeout_ms", "gives_up_s", "syns"), USER_TIMEOUTS
)
def test_user_timeout_takes_the_place_of_the_elapsed_time_alone(
    retries: int, linear: int, user_timeout_ms: int, gives_up_s: float, syns: list[float]
) -> None:
    times, end = syn_times(retries, linear, user_timeout_ms)
    assert times == syns
    assert end == pytest.approx(gives_up_s)


def test_kernel_without_linear_timeouts_doubles_from_the_start() -> None:
    assert facts(linear="").linear_timeouts == 0
    assert Facts("ipv4", {}).linear_timeouts == 0
    assert resolve(syn_schedule(retries=2), facts(linear="")) == (0.0, 1.0, 3.0)


def test_what_a_fault_sets_goes_before_the_facts() -> None:
    """A sysctl that is part of the fault is not yet in the facts, which are the baseline's."""
    assert resolve(syn_schedule(retries=2, linear=0), facts(linear="4")) == (0.0, 1.0, 3.0)
    assert resolve(syn_timeout(retries=2, linear=0), facts(linear="4")) == late(7.0)
    assert resolve(syn_retransmissions(retries=1, linear=0), facts(linear="4")) == 1
    assert resolve(syn_schedule(user_timeout_ms=1500), facts()) == (0.0, 1.0)


def test_retries_left_out_are_the_hosts_own() -> None:
    assert Facts("ipv4", {}).syn_retries == 6
    host = Facts("ipv4", {"net.ipv4.tcp_syn_retries": "2"})
    assert resolve(syn_timeout(), host) == late(7.0)


def test_a_timer_is_never_early_and_a_little_late() -> None:
    first, last = late(131.0)
    assert first == 131.0
    # What was measured for the default of six retries: 133.4 to 135.3 s.
    assert first <= 135.3 <= last
    # The timer wheel's worst, and no more.
    assert last < 149
    assert late(1.0)[1] < 1.4


def test_schedule_and_count_agree() -> None:
    for retries in range(1, 7):
        times = resolve(syn_schedule(retries=retries), facts())
        assert resolve(syn_retransmissions(retries=retries), facts()) == len(times) - 1


def test_per_family_gives_each_family_its_own() -> None:
    word = per_family(ipv4="EHOSTUNREACH", ipv6="ENETUNREACH")
    assert resolve(word, facts("ipv4")) == "EHOSTUNREACH"
    assert resolve(word, facts("ipv6")) == "ENETUNREACH"


def test_given_is_what_the_case_brought() -> None:
    """And what it brought may itself depend on the family."""
    six = per_family(ipv4="EHOSTUNREACH", ipv6="ENETUNREACH")
    brought = Facts("ipv6", {}, {"errno": six, "error": (3, 1)})
    assert resolve(given("errno"), brought) == "ENETUNREACH"
    assert resolve(given("error"), brought) == (3, 1)
    with pytest.raises(ValueError, match=re.escape("given('told'), which the case was not given")):
        resolve(given("told"), brought)


KERNELS = [
    ("6.18.44-fc-v595", (6, 18), "new"),
    ("6.5.0", (6, 5), "new"),
    ("6.4.16-arch1-1", (6, 4), "old"),
    ("5.10.0-28-amd64", (5, 10), "old"),
    # 6.10 is newer than 6.5, though not as text.
    ("6.10.3", (6, 10), "new"),
    # Where nothing is known, a check takes the newest.
    ("", NEWEST, "new"),
    ("unknown", NEWEST, "new"),
]


@pytest.mark.parametrize(("release", "version", "value"), KERNELS)
def test_since_goes_by_the_kernels_version(
    release: str, version: tuple[int, int], value: str
) -> None:
    kernel = Facts("ipv4", {"kernel.osrelease": release})
    assert kernel.kernel == version
    assert resolve(since((6, 5), then="new", before="old"), kernel) == value


def test_since_may_stand_around_what_depends_on_the_family() -> None:
    word = since((6, 5), then=per_family(ipv4=1, ipv6=2), before=3)
    assert resolve(word, Facts("ipv6", {"kernel.osrelease": "6.5.1"})) == 2
    assert resolve(word, Facts("ipv6", {"kernel.osrelease": "6.4.1"})) == 3


def test_known_values_are_found_out_in_tables_and_lists_too() -> None:
    """As the options of a socket are, and the answers of a fault."""
    word = per_family(ipv4=1, ipv6=2)
    assert resolve({"TCP_SYNCNT": word}, facts("ipv6")) == {"TCP_SYNCNT": 2}
    assert resolve([word, (word,)], facts("ipv6")) == [2, (2,)]
    assert resolve([{"error": (word, 0)}], facts("ipv4")) == [{"error": (1, 0)}]
    call = connect(on="client", to="server", options={"TCP_SYNCNT": word})
    assert resolve(call, facts("ipv4")).opening["options"] == {"TCP_SYNCNT": 1}


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
    assert repr(syn_schedule(linear=0, user_timeout_ms=500)) == (
        "syn_schedule(linear=0, user_timeout_ms=500)"
    )
    assert repr(syn_timeout()) == "syn_timeout()"
    assert repr(given("errno")) == "given('errno')"
    assert repr(since((6, 5), then=1, before="x")) == "since((6, 5), then=1, before='x')"
    assert repr(per_family(ipv4="a", ipv6=(3, 1))) == "per_family(ipv4='a', ipv6=(3, 1))"
    assert isinstance(syn_timeout(retries=1), Known)
