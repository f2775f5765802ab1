"""States are noted as the kernel has them, and a proof holds only if one connection went so."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lab import Case, connect, went_through
from lab.inside import states as inside
from lab.proofs import Observation, prove
from lab.states import Change, Passage, of_packets, parse
from tests.unit.packets import CLIENT, NAMES, SERVER, SERVER6, packet, tcp_bytes

CLIENT_END, SERVER_END = (CLIENT, 40000), (SERVER, 16555)


def change(state: str, t_s: float = 0.0, host: str = "client", port: int = 40000) -> Change:
    ends = ((CLIENT, port), SERVER_END)
    local, remote = ends if host == "client" else ends[::-1]
    return Change(host, round(t_s * 1e9), local, remote, state, (host, "x"))


def course(*states: str, **where: Any) -> list[Change]:
    return [change(state, number, **where) for number, state in enumerate(states)]


# --- the words ----------------------------------------------------------------------

CLOSER = ("SYN-SENT", "ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT")
WHOLE = course(*CLOSER)


@pytest.mark.parametrize(
    ("wanted", "seen", "holds"),
    [
        (CLOSER, WHOLE, True),
        (("ESTAB", "TIME-WAIT"), WHOLE, True),
        (("TIME-WAIT", "ESTAB"), WHOLE, False),
        (("ESTAB", "ESTAB"), WHOLE, False),
        (("ESTAB", "CLOSED"), WHOLE, False),
        (("ESTAB",), course("ESTAB", host="server"), False),
        (("ESTAB",), [], False),
        # Two halves of two connections are not one whole.
        (("SYN-SENT", "ESTAB"), [*course("SYN-SENT"), *course("ESTAB", port=40001)], False),
        # Nor are two that followed each other between the same ends.
        (("ESTAB", "SYN-SENT"), course("ESTAB", "CLOSED", "SYN-SENT"), False),
        (("SYN-SENT", "CLOSED"), course("ESTAB", "CLOSED", "SYN-SENT", "CLOSED"), True),
    ],
)
def test_one_connection_must_go_through_all_in_order(
    wanted: Sequence[str], seen: list[Change], holds: bool
) -> None:
    assert went_through(on="client", states=wanted).holds(seen) is holds


def test_state_that_is_never_to_be_fails_on_any_connection() -> None:
    passage = went_through(on="client", states=["ESTAB"], never=["CLOSE-WAIT"])
    assert passage.holds(course("ESTAB"))
    assert not passage.holds([*course("ESTAB"), *course("CLOSE-WAIT", port=40001)])


def test_never_says_nothing_where_there_was_no_connection() -> None:
    passage = went_through(on="client", never=["CLOSE-WAIT"])
    assert not passage.holds([])
    assert passage.got([]) == "no connection was seen"
    assert passage.holds(course("ESTAB"))


@pytest.mark.parametrize(
    ("port", "holds"), [(None, True), (16555, True), (40000, True), (1, False)]
)
def test_port_is_of_either_end(port: int | None, holds: bool) -> None:
    assert went_through(on="client", states=["ESTAB"], port=port).holds(course("ESTAB")) is holds


@pytest.mark.parametrize(
    ("passage", "text"),
    [
        (went_through(on="clinet", states=["ESTAB"]), "no host 'clinet'"),
        (went_through(on="client", states=["ESTABLISHED"]), "no state 'ESTABLISHED'"),
        (went_through(on="client", never=["LISTEN"]), "no state 'LISTEN'"),
        (went_through(on="client"), "say which states"),
        (went_through(on="client", states=["ESTAB"], never=["ESTAB"]), "ESTAB is both"),
    ],
)
def test_mistake_is_named(passage: Passage, text: str) -> None:
    assert text in " ".join(Case(states=[passage]).mistakes())
    assert went_through(on="client", states=CLOSER, never=["CLOSED"]).mistakes() == []


# --- the proof ----------------------------------------------------------------------

SEEN = Observation([], [], {}, [], {}, states=WHOLE)


def proofs_of(case: Case, seen: Observation) -> list[tuple[str, bool]]:
    return [(proof.what, proof.ok) for proof in prove(case, seen)[0] if proof.kind == "state"]


def test_passage_becomes_a_proof_that_shows_what_came() -> None:
    case = Case(states=[went_through(on="client", states=["ESTAB", "LAST-ACK"], port=16555)])
    proof = prove(case, SEEN)[0][0]
    assert (proof.kind, proof.ok) == ("state", False)
    assert proof.what == "states of client, port 16555"
    assert proof.wanted == "ESTAB, LAST-ACK"
    assert proof.got == "SYN-SENT, ESTAB, FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT"


def test_recorder_that_did_not_run_proves_nothing() -> None:
    case = Case(states=[went_through(on="client", never=["CLOSE-WAIT"])])
    assert proofs_of(case, SEEN) == [("states of client", True)]
    blind = replace(SEEN, unrecorded={"client": "OSError: none"})
    assert ("states are recorded", False) in proofs_of(case, blind)


def test_case_that_asks_for_no_states_has_no_proof_of_them() -> None:
    assert proofs_of(Case(calls=[connect(on="client", to="server")]), SEEN) == []


def test_connection_without_packets_of_the_calls_is_left_out() -> None:
    """The bystander's, or one that is older than the run."""
    ours, other = change("ESTAB", 2.0), change("ESTAB", 1.0, port=40001)
    assert of_packets([ours, other, change("SYN-SENT", 1.5)], [packet()]) == [
        change("SYN-SENT", 1.5), ours,
    ]  # fmt: skip


def test_rows_of_a_host_get_its_name_and_roles() -> None:
    (found,) = parse("client", [[5, CLIENT, 40000, SERVER, 16555, "ESTAB"]], NAMES)
    assert found.socket == "client:40000 → server:16555"
    assert found.connection == change("ESTAB", host="server").connection


# --- inside a host --------------------------------------------------------------------


@pytest.fixture
def kernel() -> Iterator[inside._Kernel]:
    opened = inside._Kernel()
    yield opened
    opened.close()


@contextlib.contextmanager
def connected(family: int, address: str, *, both: bool = False) -> Iterator[list[socket.socket]]:
    """Yield a client's and a server's socket; `both` lets an IPv6 listener take IPv4."""
    kind = socket.AF_INET6 if both else family
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(kind))
        if both:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::" if both else address, 0))
        listener.listen()
        client = stack.enter_context(socket.socket(family))
        client.connect((address, listener.getsockname()[1]))
        yield [client, stack.enter_context(listener.accept()[0])]


def ends(client: socket.socket) -> inside.Ends:
    (local, local_port), (remote, remote_port) = client.getsockname()[:2], client.getpeername()[:2]
    return local, local_port, remote, remote_port, 0


def turned(there: inside.Ends) -> inside.Ends:
    return there[2], there[3], there[0], there[1], there[4]


@pytest.mark.parametrize(
    ("family", "address", "both"),
    [(socket.AF_INET, "127.0.0.1", False), (socket.AF_INET6, "::1", False),
     (socket.AF_INET, "127.0.0.1", True)],
)  # fmt: skip
def test_kernel_tells_the_state_of_both_ends(
    kernel: inside._Kernel, family: int, address: str, both: bool
) -> None:
    """Also of an IPv4 connection that a socket of both families accepted."""
    with connected(family, address, both=both) as (client, server):
        here = ends(client)
        assert [kernel.state(here), kernel.state(turned(here))] == ["ESTAB", "ESTAB"]
        client.shutdown(socket.SHUT_WR)
        assert kernel.state(turned(here)) == "CLOSE-WAIT"
        # The ACK of a FIN may come late.
        assert kernel.state(here) in ("FIN-WAIT-1", "FIN-WAIT-2")
        server.close()
        assert [kernel.state(here), kernel.state(turned(here))] == ["TIME-WAIT", ""]


def test_listener_is_no_connection(kernel: inside._Kernel) -> None:
    with connected(socket.AF_INET, "127.0.0.1") as (client, _server):
        remote = ends(client)[2:4]
        assert kernel.state((*remote, "127.0.0.1", 1, 0)) == ""


class Answers:
    """Stands for the kernel: gives the states that it was told, one after another."""

    def __init__(self, *states: str) -> None:
        self.left = list(states)

    def state(self, _ends: inside.Ends) -> str:
        return self.left.pop(0)


def recorded(*states: str, looks: int) -> inside.Recorder:
    recorder = inside.Recorder.__new__(inside.Recorder)
    recorder._begin([], Answers(*states))  # type: ignore[arg-type]
    recorder.begun[ENDS] = 0.0
    for now in range(looks):
        recorder._look_at(ENDS, now)
    return recorder


ENDS = (CLIENT, 40000, SERVER, 16555, 2)


def test_only_changes_are_noted() -> None:
    found = recorded("SYN-SENT", "SYN-SENT", "ESTAB", "ESTAB", looks=4).changes
    assert [row[1:] for row in found] == [(*ENDS[:4], "SYN-SENT"), (*ENDS[:4], "ESTAB")]


def test_what_is_gone_once_may_be_changing_places() -> None:
    found = recorded("ESTAB", "", "TIME-WAIT", looks=2).changes
    assert [row[-1] for row in found] == ["ESTAB", "TIME-WAIT"]


def test_what_is_gone_twice_is_closed_and_asked_for_no_more() -> None:
    recorder = recorded("ESTAB", "", "", looks=2)
    assert [row[-1] for row in recorder.changes] == ["ESTAB", "CLOSED"]
    assert recorder.begun == {}


def test_connection_that_never_comes_is_given_up() -> None:
    assert recorded(*[""] * 10, looks=5).begun == {ENDS: 0.0}
    recorder = recorded(*[""] * 14, looks=7)
    assert (recorder.begun, recorder.changes) == ({}, [])


def test_ends_are_read_from_both_families() -> None:
    assert inside.ends_of(tcp_bytes(0x12, reply=True)) == (SERVER_END, CLIENT_END, 0x12)
    six = socket.inet_pton(socket.AF_INET6, SERVER6)
    header = struct.pack("!IHBB", 6 << 28, 20, 6, 64) + six + six
    segment = struct.pack("!HHIIBBHHH", 7, 8, 0, 0, 0x50, 0x02, 0, 0, 0)
    assert inside.ends_of(header + segment) == ((SERVER6, 7), (SERVER6, 8), 0x02)


def passes(data: bytes) -> bool:
    """Tell whether the kernel lets a packet through the filter."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        inside.attach(theirs, inside.FILTER)
        theirs.setblocking(False)
        ours.send(data)
        try:
            return bool(theirs.recv(256))
        except BlockingIOError:
            return False


SIX = struct.pack("!IHBB", 6 << 28, 20, 6, 64) + bytes(32)


@pytest.mark.parametrize(("flags", "wanted"), [(0x02, 1), (0x12, 1), (0x11, 1), (0x04, 1),
                                               (0x10, 0), (0x18, 0)])  # fmt: skip
def test_filter_takes_what_changes_a_state(flags: int, wanted: int) -> None:
    segment = struct.pack("!HHIIBBHHH", 7, 8, 0, 0, 0x50, flags, 0, 0, 0)
    assert passes(tcp_bytes(flags)) == wanted
    assert passes(SIX + segment) == wanted


def test_filter_leaves_what_is_not_tcp_or_no_beginning() -> None:
    syn = tcp_bytes(0x02)
    assert not passes(syn[:9] + b"\x11" + syn[10:])  # UDP
    assert not passes(syn[:6] + b"\x00\x05" + syn[8:])  # a later fragment
    assert not passes(b"\x50" + syn[1:])
    assert not passes(SIX[:6] + b"\x3a" + SIX[7:] + b"\xff" * 20)
