"""The ladder shows each packet once, where it went and where it ended."""

from __future__ import annotations

from lab.ladder import ASCII, draw, merge
from tests.unit.packets import packet

FORWARDED = [packet("client", 0.0), packet("router", 0.0001), packet("server", 0.0002)]
REFUSED = [
    packet(at, 0.0003 + n / 1e5, flags="RA", src="server", dst="client", outgoing=at == "server")
    for n, at in enumerate(("server", "router", "client"))
]


def rows(*packets: object) -> list[str]:
    return draw(packets, 0).splitlines()[1:]  # type: ignore[arg-type]


def test_packet_seen_three_times_is_one_line() -> None:
    (line,) = rows(*FORWARDED)
    assert line.strip().startswith("0.00")
    assert line.count("SYN") == 1
    assert line.endswith("▶│")


def test_reply_goes_the_other_way() -> None:
    _syn, line = rows(*FORWARDED, *REFUSED)
    assert "RST,ACK" in line
    assert "│◀" in line
    assert "▶" not in line


def test_packet_that_is_stopped_ends_at_the_router() -> None:
    (line,) = rows(*FORWARDED[:2])
    assert line.index("▶") < len(line) - 10
    assert line.endswith("│")


def test_packet_that_did_not_come_to_the_next_host_ends_before_it() -> None:
    """It left, and nobody saw it: the line may not say that the router stopped it."""
    (line,) = rows(packet("client"))
    assert "▶" not in line
    assert "─✕│" in line


def test_retransmission_is_a_line_of_its_own() -> None:
    again = [packet("client", 1.0), packet("router", 1.0001)]
    assert [line.split()[0] for line in rows(*FORWARDED[:2], *again)] == ["0.00", "1000.00"]


def test_rst_made_at_the_router_starts_there() -> None:
    (line,) = rows(
        packet("router", 0.0, flags="R", src="server", dst="client", outgoing=True),
        packet("client", 0.0001, flags="R", src="server", dst="client", outgoing=False),
    )
    left, right = line.split("RST")
    assert "◀" in left
    assert "─" not in right.partition("│")[2]


def test_packet_to_nobody_we_know_is_told_in_words() -> None:
    lost = packet("client", dst="192.0.2.1", dst_ip="192.0.2.1")
    (line,) = rows(lost)
    assert line.endswith("client: client to 192.0.2.1: SYN")


def test_plain_terminals_get_plain_characters() -> None:
    text = draw([*FORWARDED, *REFUSED], 0, unicode=False)
    assert text.isascii()
    assert ASCII.right in text


def test_nothing_seen_is_said() -> None:
    assert rows() == ["            (no packet)"]


def test_late_sighting_joins_the_newest_like_it() -> None:
    groups = merge([packet("client", 0.0), packet("client", 1.0), packet("router", 1.1)])
    assert [[p.at for p in group] for group in groups] == [["client"], ["client", "router"]]
