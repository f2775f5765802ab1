"""Connections that nobody holds any more are ended, and those in use are let be."""

from __future__ import annotations

import pytest

from lab.inside import state

# Of /proc/net/tcp: address and port of both ends, the state, the inode.
ROW = "0: 0A0012C6:{ours:04X} 0A0212C6:40AB {state} 0:0 00:0 0 0 0 {inode} 1"


def row(ours: int, state_: str, inode: int) -> list[str]:
    return ROW.format(ours=ours, state=state_, inode=inode).split()


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    commands: list[list[str]] = []
    monkeypatch.setattr(state, "run", commands.append)
    return commands


def test_orphans_are_ended_by_their_ports(
    ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        row(40000, "04", 0),  # FIN-WAIT-1, closed by its process
        row(40001, "06", 0),  # TIME-WAIT
        row(40002, "04", 77),  # FIN-WAIT-1 of who reads on
        row(40003, "01", 0),  # ESTABLISHED, and not accepted yet
        row(40004, "0A", 0),
        row(40005, "07", 0),
    ]
    monkeypatch.setattr(state, "_tcp_rows", lambda: rows)
    state.end_orphans()
    (command,) = ran
    assert command[:5] == ["ss", "-K", "-tan", "state", "all"]
    assert command[5] == (
        "( sport = :40000 and dport = :16555 ) or ( sport = :40001 and dport = :16555 )"
    )


def test_where_there_are_none_nothing_is_run(
    ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "_tcp_rows", lambda: [row(40002, "01", 77)])
    state.end_orphans()
    assert ran == []
