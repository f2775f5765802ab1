"""A service of the user's, as what is known of it from where it listens."""

from __future__ import annotations

import pytest

from lab.servers import Service, _Running
from lab.topology import FAMILIES


@pytest.mark.parametrize(
    ("addresses", "families"),
    [
        (["0.0.0.0"], ["ipv4"]),
        (["198.18.2.10", "127.0.0.1"], ["ipv4"]),
        (["::ffff:198.18.2.10"], ["ipv4"]),
        (["2001:db8:0:2::10"], ["ipv6"]),
        (["::"], ["ipv4", "ipv6"]),
        (["0.0.0.0", "2001:db8:0:2::10"], ["ipv4", "ipv6"]),
    ],
)
def test_service_takes_what_comes_in_the_families_that_it_listens_in(
    addresses: list[str], families: list[str]
) -> None:
    running = _Running(lambda: "", lambda: "")
    service = Service("tcp", 9000, tuple(addresses), running)
    assert [family for family in FAMILIES if service.takes(family)] == families
