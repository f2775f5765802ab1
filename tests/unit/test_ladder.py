"""The ladder shows each packet once, where it went and where it ended."""

from __future__ import annotations

from lab.ladder import ASCII, STATES_MARGIN, WIDTH, draw, merge
from lab.states import Change
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
    changes = [change("client", "ESTAB"), change("server", "ESTAB", port=40001)]
    text = draw([*FORWARDED, *REFUSED], 0, changes, unicode=False)
    assert text.isascii()
    assert ASCII.right in text


def test_nothing_seen_is_said() -> None:
    assert rows() == ["            (no packet)"]


def change(host: str, state: str, t_s: float = 0.0, port: int = 40000) -> Change:
    ends = [("198.18.0.10", port), ("198.18.2.10", 16555)]
    names = ("client", "server") if host != "server" else ("server", "client")
    local, remote = ends if host != "server" else ends[::-1]
    return Change(host, round(t_s * 1e9), local, remote, state, names)


def state_rows(*changes: Change) -> list[str]:
    return draw(FORWARDED, 0, changes).splitlines()[1:]


def test_state_is_beside_its_host_and_in_order_with_the_packets() -> None:
    before, syn, after = state_rows(
        change("client", "SYN-SENT", 0.001), change("server", "ESTAB", -1)
    )
    assert before.split() == ["-1000.00", "│", "│", "│", "ESTAB"]
    assert "SYN" in syn
    assert after.split() == ["1.00", "SYN-SENT", "│", "│", "│"]


def test_columns_stand_one_below_the_other() -> None:
    title, *lines = draw(FORWARDED, 0, [change(host, "FIN-WAIT-1") for host in
                                        ("client", "router", "server")]).splitlines()  # fmt: skip
    columns = [STATES_MARGIN + WIDTH * number for number in range(3)]
    assert [title.index(host) for host in ("client", "router", "server")] == columns
    assert all(line[at] in "│┼" for line in lines for at in columns)


def test_several_connections_have_numbers_and_fit_a_terminal() -> None:
    lines = state_rows(
        change("client", "FIN-WAIT-1"), change("server", "CLOSE-WAIT", port=40001),
        change("server", "CLOSE-WAIT"),
    )  # fmt: skip
    assert sum("1 FIN-WAIT-1 │" in line for line in lines) == 1
    assert [line.split("│")[-1] for line in lines if "CLOSE" in line] == [
        " 2 CLOSE-WAIT", " 1 CLOSE-WAIT",
    ]  # fmt: skip
    assert [line.strip() for line in lines[-2:]] == [
        "1: client:40000 ▶ server:16555", "2: server:16555 ▶ client:40001",
    ]  # fmt: skip
    assert max(map(len, lines)) <= 98  # It is printed two columns in.


def test_state_of_a_host_without_a_column_is_told_in_words() -> None:
    assert state_rows(change("bystander", "ESTAB"))[-1].endswith("│   bystander: ESTAB")


def test_without_states_nothing_is_different() -> None:
    assert draw(FORWARDED, 0, []) == draw(FORWARDED, 0)
    assert len(draw(FORWARDED, 0, [change("client", "ESTAB")])) > len(draw(FORWARDED, 0))


def test_late_sighting_joins_the_newest_like_it() -> None:
    groups = merge([packet("client", 0.0), packet("client", 1.0), packet("router", 1.1)])
    assert [[p.at for p in group] for group in groups] == [["client"], ["client", "router"]]


def test_guest_that_saw_packets_has_a_column_of_its_own() -> None:
    way = [
        packet(at, n / 1e4, dst="gateway") for n, at in enumerate(("client", "router", "gateway"))
    ]
    onward = [
        packet(at, 0.001 + n / 1e4, src="gateway") for n, at in enumerate(("gateway", "server"))
    ]
    title, first, second = draw([*way, *onward], 0).splitlines()
    assert title.split() == ["t", "ms", "client", "router", "gateway", "server"]
    assert first.rindex("▶") == title.index("gateway") - 1
    assert second.rindex("▶") == title.index("server") - 1
    assert max(map(len, (title, first, second))) <= 100
