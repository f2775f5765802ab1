"""What the client does when the network fails: seen on the wire, not mocked."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import prices
from lab.testing import LabFixture
from lab.topology import Family

SOURCE = Path(prices.__file__).read_bytes()


@pytest.fixture
def by_name(lab: LabFixture, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a URL with a name that has an IPv6 and an IPv4 address, in this order.

    In `lab.inside` names are looked up on this machine, which does not know the lab's.
    """
    known: Callable[..., Any] = socket.getaddrinfo

    def look_up(host: Any, *more: Any, **options: Any) -> Any:
        if host != "prices.test":
            return known(host, *more, **options)
        return [*known(lab.server6, *more, **options), *known(lab.server4, *more, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return "http://prices.test:8080/"


def test_a_price_takes_one_attempt(lab: LabFixture, by_name: str) -> None:
    with lab.inside("client"), lab.watch() as seen:
        assert prices.price(by_name) == "Hello"
    assert [packet.dst_ip for packet in seen.attempts()] == [lab.server6]


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_refused_connection_is_tried_three_times(lab: LabFixture, family: Family) -> None:
    refused = pytest.raises(prices.PriceUnavailable)
    with lab.fault("refused", family=family) as seen, lab.inside("client"), refused as failed:
        prices.price(lab.url(family))
    assert failed.value.reasons == ["[Errno 111] Connection refused"] * 3
    assert len(seen.attempts()) == len(seen.rsts(at="client", sender="server")) == 3
    assert seen.counters["client"]["Tcp.AttemptFails"] == 3
    first, second, third = (seen.t_ms(packet) for packet in seen.attempts())
    assert second - first >= 200
    assert third - second >= 400


def test_a_server_that_comes_back_in_time_is_not_given_up(
    lab: LabFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is taken out while the client rests before its second attempt."""
    with contextlib.ExitStack() as fault, lab.inside("client"), lab.watch() as seen:
        fault.enter_context(lab.fault("refused"))
        monkeypatch.setattr(prices.time, "sleep", lambda _pause_s: fault.close())
        assert prices.price(lab.url("ipv4")) == "Hello"
    assert len(seen.attempts()) == 2


def test_with_every_syn_dropped_it_gives_up_in_time(lab: LabFixture) -> None:
    with lab.fault("timeout", family="ipv4") as seen, lab.inside("client"):
        begun = time.monotonic()
        with pytest.raises(prices.PriceUnavailable):
            prices.price(lab.url("ipv4"))
        took_s = time.monotonic() - begun
    assert took_s < prices.DEADLINE_S + 1  # a margin for a busy machine
    assert len(seen.attempts()) == 3
    assert seen.syns(at="server") == []
    assert seen.hits == len(seen.syns(at="router"))


def test_with_ipv6_black_holed_it_falls_back_to_ipv4(lab: LabFixture, by_name: str) -> None:
    with lab.fault("timeout", family="ipv6") as seen, lab.inside("client"):
        assert prices.price(by_name) == "Hello"
    tried = [packet.dst_ip for packet in seen.attempts()]
    assert tried == [lab.server6, lab.server4]
    six, four = (seen.t_ms(packet) for packet in seen.attempts())
    assert prices.TIMEOUT_S * 1000 <= four - six < prices.DEADLINE_S * 1000


def test_the_command_says_what_was_wrong(lab: LabFixture) -> None:
    """The program in a host of its own, where names resolve: no root is needed for this."""
    well = lab.client.run(["python3", "-", lab.url()], stdin=SOURCE)
    assert (well.status, well.stdout) == (0, "Hello\n")
    with lab.fault("refused"):
        ran = lab.client.run(["python3", "-", lab.url()], stdin=SOURCE)
    assert ran.status == 1
    assert ran.stderr == "price: no price after 3 attempts: [Errno 111] Connection refused\n"
    assert not ran.timed_out
