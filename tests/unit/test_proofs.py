"""Each expectation becomes a proof, and a proof holds only if what came is what was wanted."""

from __future__ import annotations

import errno
import socket
from dataclasses import replace
from typing import Any

import pytest

from lab import (
    Case,
    Counted,
    Picture,
    connect,
    drop,
    getaddrinfo,
    kill,
    poll,
    recv,
    run,
    send,
    so_error,
    state,
    stop,
    syn,
    sysctl,
)
from lab.calls import Call, Wanted
from lab.proofs import (
    Observation,
    came,
    duration,
    errno_name,
    gave,
    limit_met,
    meaning,
    name_of,
    preview,
    prove,
)
from lab.result import Proof
from tests.unit.packets import packet

CONNECT = connect(on="client", to="server")
REFUSED = CONNECT.fails("ECONNREFUSED", within_s=(0.0, 0.2))


def answer(value: Any = 0, number: int = 0, ms: float = 0.4, **more: Any) -> dict[str, Any]:
    return {"value": value, "errno": number, "elapsed_ms": ms, **more}


def seen(
    *calls: dict[str, Any], hits: tuple[int | None, ...] = (), lost: int = 0, syns: int = 1,
    blind: tuple[str, ...] = (),
) -> Observation:  # fmt: skip
    packets = [packet(t_s=n) for n in range(syns)]
    missed = {"client": lost, "router": 0}
    return Observation(calls, packets, {"client": {}}, hits, missed, blind)


def proof_of(call: Call, got: dict[str, Any]) -> Proof:
    proofs, _picture = prove(Case(calls=[call]), seen(got))
    return proofs[0]


CALLS = [
    (REFUSED, answer(-1, errno.ECONNREFUSED), True),
    (REFUSED, answer(-1, errno.ETIMEDOUT), False),
    (REFUSED, answer(-1, errno.ECONNREFUSED, ms=201), False),
    (REFUSED, answer(0), False),
    (CONNECT.fails("ETIMEDOUT", within_s=(3.0, 3.3)), answer(-1, errno.ETIMEDOUT, 2999), False),
    (CONNECT, answer(0), True),
    (CONNECT, answer(-1, errno.EHOSTUNREACH), False),
    (CONNECT.fails("EINTR", signal="SIGALRM"), answer(-1, errno.EINTR, signals=["SIGALRM"]), True),
    (CONNECT.fails("EINTR", signal="SIGALRM"), answer(-1, errno.EINTR), False),
    (CONNECT.returns(0, signal="SIGALRM"), answer(0, signals=["SIGALRM"]), True),
    (CONNECT.returns(0, signal="SIGALRM"), answer(0), False),
    (CONNECT.fails("EINTR", signal="none"), answer(-1, errno.EINTR, signals=["SIGALRM"]), False),
    (CONNECT.fails("EINTR", signal="none"), answer(-1, errno.EINTR), True),
    (send(on="client", data=b"two").returns_between(1, 2), answer(1), True),
    (send(on="client", data=b"two").returns_between(1, 2), answer(2), True),
    (send(on="client", data=b"two").returns_between(1, 2), answer(0), False),
    (send(on="client", data=b"two").returns_between(1, 2), answer(3), False),
    (send(on="client", data=b"two").returns_between(0, 2), answer(-1, errno.EAGAIN), False),
    (send(on="client", data=b"two").returns(3), answer(3), True),
    (send(on="client", data=b"two").returns(3), answer(2), False),
    (recv(on="client").gives(b"abc"), answer(3, data=b"abc".hex()), True),
    (recv(on="client").gives(b"abc"), answer(3, data=b"abd".hex()), False),
    (recv(on="client").gives(b""), answer(-1, errno.ECONNRESET), False),
    (so_error(on="client").reports("EHOSTUNREACH"), answer(errno.EHOSTUNREACH), True),
    (so_error(on="client").reports("EHOSTUNREACH"), answer(0), False),
    (so_error(on="client").reports(""), answer(0), True),
    (so_error(on="client").reports(""), answer(errno.EHOSTUNREACH), False),
    (so_error(on="client").reports(""), answer(-1, errno.EBADF), False),
    (state(on="client").tells("ESTAB"), answer(1, detail="ESTAB"), True),
    (state(on="client").tells("ESTAB"), answer(7, detail="UNCONN"), False),
    (state(on="client").tells("ESTAB"), answer(1), False),
    (state(on="client").tells("ESTAB"), answer(-1, errno.EBADF, detail="ESTAB"), False),
    (poll(on="client").tells("", within_s=(0.5, 0.6)), answer(0, ms=510), True),
    (poll(on="client").tells("", within_s=(0.5, 0.6)), answer(0, ms=499), False),
    (poll(on="client").tells(""), answer(1, detail="POLLOUT"), False),
    (poll(on="client").returns(0), answer(1, detail="POLLOUT"), False),
    (CONNECT, {"hung": True, "value": None, "errno": 0, "elapsed_ms": 15000.0}, False),
    (CONNECT, answer(None, lost="the caller was ended"), False),
]  # fmt: skip


@pytest.mark.parametrize(("call", "got", "holds"), CALLS)
def test_call_holds_if_value_errno_and_time_do(
    call: Call, got: dict[str, Any], holds: bool
) -> None:
    assert proof_of(call, got).ok is holds


def test_text_is_built_from_what_was_compared() -> None:
    proof = proof_of(REFUSED, answer(-1, errno.ETIMEDOUT, 3050))
    assert proof.what == "client connect to server:16555"
    assert proof.wanted == f"ECONNREFUSED ({errno.ECONNREFUSED}) in 0 to 0.2 s"
    assert proof.got == f"ETIMEDOUT ({errno.ETIMEDOUT}) after 3.05 s"


def test_what_is_told_is_shown_instead_of_the_value() -> None:
    events = poll(on="client").tells("POLLOUT")
    assert proof_of(events, answer(1, detail="POLLOUT|POLLERR")).wanted == "POLLOUT"
    assert proof_of(events, answer(1, detail="POLLOUT|POLLERR")).got.startswith("POLLOUT|POLLERR")
    assert proof_of(events, answer(0)).got.startswith("nothing")


LIMITED = replace(
    REFUSED.wanted, limit="reset",
    instead=Wanted(value=0, within_s=(0.0, 2.0), limit="codes", instead=Wanted("EIO", value=-1)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("got", "ok", "limit"),
    [
        (answer(-1, errno.ECONNREFUSED), True, ""),
        (answer(0), True, "reset"),
        (answer(-1, errno.EIO), True, "codes"),
        (answer(-1, errno.EPERM), False, ""),
        # What comes instead has its own time.
        (answer(-1, errno.ECONNREFUSED, 1000), False, ""),
        (answer(0, 0, 1000), True, "reset"),
        (answer(0, 0, 3000), False, ""),
        (answer(-1, errno.EIO, 9000), True, "codes"),
    ],
)
def test_something_else_may_come_by_a_limit(got: dict[str, Any], ok: bool, limit: str) -> None:
    call = replace(REFUSED, wanted=LIMITED)
    assert proof_of(call, got).ok is ok
    assert limit_met(call, got) == limit
    assert proof_of(call, got).got.endswith(f" (limit: {limit})") is bool(limit)


def test_what_may_come_instead_is_said_with_its_limit() -> None:
    wanted = proof_of(replace(REFUSED, wanted=LIMITED), answer(0)).wanted
    assert wanted.endswith(
        f"in 0 to 0.2 s, or value 0 in 0 to 2 s (reset), or EIO ({errno.EIO}) (codes)"
    )


def test_errno_that_comes_as_a_value_is_named() -> None:
    pending, none = so_error(on="client").reports("EPIPE"), so_error(on="client").reports("")
    assert proof_of(pending, answer(errno.EPIPE)).wanted == f"EPIPE ({errno.EPIPE}) as value"
    assert proof_of(none, answer(errno.EPIPE)).got.startswith(f"EPIPE ({errno.EPIPE}) as value")
    assert proof_of(none, answer(0)).wanted == "no errno (0) as value"


RUN = run(on="client", argv=["x"])


@pytest.mark.parametrize(
    ("call", "value", "ok"),
    [
        (RUN, 0, True),
        (RUN, 1, False),
        (RUN.gives(b""), 0, True),
        (RUN.gives(b""), 1, False),
        (RUN.tells("late"), -9, False),
        (RUN.returns(1).tells("late"), 1, True),
        (RUN.returns(1).tells("late"), 0, False),
        (RUN.returns(1).tells("soon"), 1, False),
    ],
)
def test_program_must_end_as_said_and_well_if_nothing_is_said(
    call: Call, value: int, ok: bool
) -> None:
    """What it printed before it was killed, or gave up, proves nothing."""
    assert proof_of(call, answer(value, data="", detail="late")).ok is ok


def test_call_that_hung_says_so() -> None:
    got = {"hung": True, "value": None, "errno": 0, "elapsed_ms": 15000.0}
    assert proof_of(CONNECT, got).got == "no answer after 15.0 s"


ORDER = [
    # The packet came at 2 s; the call began at 1.9 s.
    (CONNECT.after(syn(at="client")), 101.0, True, "1 ms after"),
    (CONNECT.after(syn(at="client")), 98.0, False, "2 ms before"),
    (CONNECT.before(syn(at="client")), 98.0, True, "2 ms before"),
    (CONNECT.before(syn(at="client")), 101.0, False, "1 ms after"),
    (CONNECT.after(syn(at="server")), 101.0, False, "there was none"),
    (CONNECT.before(syn(at="server")), 98.0, False, "there was none"),
]


@pytest.mark.parametrize(("call", "ms", "ok", "got"), ORDER)
def test_call_returned_after_or_before_the_first_such_packet(
    call: Call, ms: float, ok: bool, got: str
) -> None:
    looked = replace(
        seen(answer(ms=ms, at_ns=1_900_000_000)), packets=[packet(t_s=2), packet(t_s=9)]
    )
    order = prove(Case(calls=[call]), looked)[0][1]
    assert (order.ok, order.got) == (ok, got)
    assert order.what == "client connect to server:16555 returned"


def test_call_that_hung_returned_neither_before_nor_after() -> None:
    hung = {"hung": True, "value": None, "errno": 0, "elapsed_ms": 15000.0, "at_ns": 0}
    case = Case(calls=[CONNECT.after(syn(at="client")).before(syn(at="client"))])
    both = prove(case, seen(hung))[0][1:3]
    assert [(proof.ok, proof.got) for proof in both] == [(False, "it did not return")] * 2


# --- the wire and the counters ------------------------------------------------------


def holds(case: Case, observation: Observation) -> dict[str, bool]:
    proofs, _picture = prove(case, observation)
    return {
        proof.what: proof.ok
        for proof in proofs
        if proof.kind != "call" and proof.what != "something was counted"
    }


def test_without_a_hit_or_a_counter_nothing_is_proven() -> None:
    """A fault may be a setting, which nothing counts."""
    proofs, _picture = prove(Case(calls=[CONNECT], absent=[syn(at="server")]), seen(answer()))
    assert [proof.what for proof in proofs if not proof.ok] == ["something was counted"]


def test_absent_packet_that_came_fails_the_proof() -> None:
    case = Case(calls=[CONNECT], absent=[syn(at="client")])
    assert holds(case, seen(answer())) == {"SYN at client": False}
    assert holds(case, seen(answer(), syns=0)) == {"SYN at client": True}


def test_capture_with_a_gap_proves_nothing() -> None:
    """What was not seen may have been lost by the capture."""
    case = Case(calls=[CONNECT], seen=[syn(at="client")])
    assert holds(case, seen(answer(), lost=2))["captures are complete"] is False
    assert "captures are complete" not in holds(case, seen(answer()))


def test_capture_that_did_not_see_what_surely_came_proves_nothing() -> None:
    case = Case(calls=[CONNECT], absent=[syn(at="client")])
    shown = holds(case, seen(answer(), syns=0, blind=("client",)))
    assert shown["captures are complete"] is False


def test_fault_must_have_been_hit() -> None:
    case = Case(calls=[CONNECT], fault=drop(on="router", to="server"))
    what = "the fault on router (drop) was hit"
    assert holds(case, seen(answer(), hits=(0,))) == {what: False}
    assert holds(case, seen(answer(), hits=(3,))) == {what: True}


def test_each_of_several_faults_must_have_been_hit() -> None:
    case = Case(calls=[CONNECT], fault=[drop(on="router", to="server"), stop()])
    assert holds(case, seen(answer(), hits=(2, 0))) == {
        "the fault on router (drop) was hit": True,
        "the fault on server (stop) was hit": False,
    }


def test_of_one_fault_before_several_services_one_must_have_been_hit() -> None:
    beside = [replace(drop(on="router", to="server"), group=0) for _ in range(2)]
    case = Case(calls=[CONNECT], fault=[*beside, replace(stop(), group=1)])
    drops, stops = "the fault on router (drop) was hit", "the fault on server (stop) was hit"
    assert holds(case, seen(answer(), hits=(1, 0, 1))) == {drops: True, stops: True}
    assert holds(case, seen(answer(), hits=(0, 0, 1))) == {drops: False, stops: True}
    assert holds(case, seen(answer(), hits=(0, 1, 0))) == {drops: True, stops: False}


def test_setting_that_nothing_counts_needs_no_hits_and_is_no_proof() -> None:
    settings = {"net.ipv4.tcp_syncookies": 0}
    case = Case(calls=[CONNECT], fault=[sysctl(values=settings), drop(on="router", to="server")])
    assert holds(case, seen(answer(), hits=(None, 1))) == {
        "the fault on router (drop) was hit": True
    }


@pytest.mark.parametrize(
    ("wanted", "told", "ok"),
    [
        ("198.18.0.10:…", "198.18.0.10:40000", True),
        ("198.18.0.10:…", "198.18.0.10", False),
        ("198.18.0.1:…", "198.18.0.10:4", False),
        ("…", "", True),
        ("a.c", "abc", False),
        ("socket:[…]", "socket:[…]", True),
        ("…x…", "axb", True),
    ],
)
def test_what_is_told_may_have_a_part_that_is_not_known(wanted: str, told: str, ok: bool) -> None:
    assert gave(CONNECT.tells(wanted), {**answer(), "detail": told}) is ok


def test_name_that_was_not_found_is_an_errno_of_its_own() -> None:
    word = getaddrinfo(on="client", node="x").fails("EAI_NONAME")
    got = answer(-1, socket.EAI_NONAME)
    assert gave(word, got)
    assert came(word, got) == "EAI_NONAME (-2)"
    assert not gave(word, answer(-1, errno.ENOENT))


def test_program_that_hangs_up_is_no_call_that_failed() -> None:
    """Its status is -1 then, and nothing but the number of the signal."""
    word = run(on="client", argv=["x"])
    assert gave(word.returns(-1), answer(-1))
    assert not gave(word, answer(-1))


def test_data_of_one_pattern_is_compared_whole() -> None:
    word = recv(on="client").gives(bytes(5000))
    assert gave(word, {**answer(5000), "data": "00*5000"})
    assert not gave(word, {**answer(5001), "data": "00*5001"})
    assert came(word, {**answer(5000), "data": "00*5000"}).endswith("… (5000 bytes)")


@pytest.mark.parametrize(
    ("word", "name"),
    [
        (CONNECT.by("second"), "client (second) connect to server:16555"),
        (connect(on="client", address="::1", port=80), "client connect to [::1]:80"),
        (connect(on="client", path="@x"), "client connect @x"),
        (run(on="client", argv=["curl", "-v"]), "client run curl"),
        (kill(on="client", program="curl"), "client kill curl"),
        (recv(on="client").in_background(), "client recv, in the background"),
    ],
)
def test_call_is_named_by_who_makes_it_and_what_it_is_about(word: Call, name: str) -> None:
    assert name_of(word) == name


@pytest.mark.parametrize(
    ("wish", "grown", "ok"),
    [
        ({"exactly": 1}, {"Tcp.X": 1}, True),
        ({"exactly": 1}, {"Tcp.X": 2}, False),
        ({"exactly": 0}, {"Tcp.X": 0}, True),
        ({"exactly": 0}, {}, False),
        ({"at_least": 1}, {"Tcp.X": 5}, True),
        ({"at_least": 1}, {"Tcp.X": 0}, False),
    ],
)
def test_counter_must_have_grown_so(wish: dict[str, int], grown: dict[str, int], ok: bool) -> None:
    """A counter that the kernel does not have is never proof, not even of 0."""
    case = Case(calls=[CONNECT], counted=[Counted("client", "Tcp.X", **wish)])
    assert holds(case, replace(seen(answer()), counters={"client": grown})) == {"client Tcp.X": ok}


# --- pictures -----------------------------------------------------------------------

AT_ONCE = Picture(
    "at once", "nobody held the socket", (0.0, 0.2), seen=(syn(at="client", count=1),)
)
LATE = Picture("late", "it was kept", (0.9, 1.3), seen=(syn(at="client", count=2),))
TWO = Case(calls=[CONNECT.fails("EHOSTUNREACH")], pictures=(AT_ONCE, LATE))


def error(ms: float) -> dict[str, Any]:
    return answer(-1, errno.EHOSTUNREACH, ms)


@pytest.mark.parametrize(("ms", "syns", "name"), [(0.3, 1, "at once"), (1020, 2, "late")])
def test_picture_that_was_shown_whole_is_named(ms: float, syns: int, name: str) -> None:
    proofs, picture = prove(TWO, seen(error(ms), syns=syns))
    assert picture is not None
    assert picture.name == name
    assert [proof.what for proof in proofs if not proof.ok] == ["something was counted"]


def test_picture_is_of_the_call_that_fails_for_good() -> None:
    """A connect that is in progress has told nothing yet."""
    begin = connect(on="client", to="server", blocking=False).fails("EINPROGRESS")
    case = Case(calls=[begin, send(on="client", data=b"x").fails("EHOSTUNREACH")],
                pictures=(AT_ONCE, LATE))  # fmt: skip
    _proofs, picture = prove(case, seen(answer(-1, errno.EINPROGRESS, 0.1), error(1020), syns=2))
    assert picture is LATE


def test_half_of_each_picture_is_no_picture() -> None:
    """One SYN, and yet a second's wait: neither explains it."""
    proofs, picture = prove(TWO, seen(error(1020), syns=1))
    assert picture is None
    assert not all(proof.ok for proof in proofs)


# --- words ----------------------------------------------------------------------------


def test_names_for_people() -> None:
    assert name_of(CONNECT) == "client connect to server:16555"
    assert name_of(recv(on="client")) == "client recv"
    assert (errno_name(0), errno_name(111), errno_name(9999)) == ("0", "ECONNREFUSED", "9999")
    assert meaning("ECONNREFUSED") == "Connection refused"
    assert [duration(ms) for ms in (0.42, 42.0, 3021.0)] == ["0.42 ms", "42 ms", "3.02 s"]
    assert preview(b"abc") == "b'abc'"
    assert preview(b"x" * 65536).endswith("(65536 bytes)")
