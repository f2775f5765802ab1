"""Programs that a caller runs, calls in the background, and what is left of both in the end."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import (
    accept,
    bind,
    connect,
    ended,
    feed,
    kill,
    output,
    poll,
    recv,
    run,
    socket,
    start,
)
from lab.inside import caller as callers
from lab.inside.caller import Caller
from tests.unit.maker import ON, PATIENCE_S, Answer, Maker, alive, ask, failed, until

SAYS_READY = ["sh", "-c", "echo ready now; echo to stderr >&2; exec sleep 60"]


# --- programs -------------------------------------------------------------------


def test_program_gives_its_output_and_tells_its_last_line(caller: Caller, make: Maker) -> None:
    script = "cat; echo; echo first >&2; echo last >&2; exit 3"
    answer = ask(caller, make, run(on=ON, argv=["sh", "-c", script], stdin=b"a\0b"))
    assert (answer["value"], answer["data"]) == (3, b"a\0b\n".hex())
    assert answer["detail"] == "last"
    assert ask(caller, make, run(on=ON, argv=["echo", "only"]))["detail"] == "only"


def test_program_that_a_signal_ends_returns_its_number_negative(
    caller: Caller, make: Maker
) -> None:
    assert ask(caller, make, run(on=ON, argv=["sh", "-c", "kill -TERM $$"]))["value"] == -15


def test_program_that_is_not_there_is_an_errno(caller: Caller, make: Maker) -> None:
    assert failed(ask(caller, make, run(on=ON, argv=["/no/such/program"]))) == "ENOENT"
    assert failed(ask(caller, make, start(on=ON, argv=["/no/such/program"]))) == "ENOENT"


def test_program_that_does_not_end_is_killed(caller: Caller, make: Maker) -> None:
    answer = ask(caller, make, run(on=ON, argv=["sleep", "60"], timeout_s=0.1))
    assert (answer["value"], answer["detail"]) == (-9, "no end in 0.1 s")


def test_more_than_a_pipe_holds_is_kept(caller: Caller, make: Maker) -> None:
    answer = ask(caller, make, run(on=ON, argv=["head", "-c", "1000000", "/dev/zero"]))
    assert answer["data"] == "00*1000000"


def test_started_program_has_said_that_it_is_ready(caller: Caller, make: Maker) -> None:
    answer = ask(caller, make, start(on=ON, argv=SAYS_READY, until="ready"))
    assert answer["detail"] == "ready now"
    assert alive(answer["value"])
    assert ask(caller, make, output(on=ON))["data"] == b"ready now\n".hex()
    assert until(lambda: ask(caller, make, output(on=ON, stream="stderr"))["value"] > 0)
    assert ask(caller, make, kill(on=ON))["value"] == 0
    answer = ask(caller, make, ended(on=ON))
    assert (answer["value"], answer["detail"]) == (-signal.SIGINT, "to stderr")


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["sh", "-c", "echo no; exit 4"], "it ended with 4: no"),
        (["sh", "-c", "echo no; exec sleep 60"], "it is silent: no"),
    ],
)
def test_program_that_never_says_so_is_no_success(
    caller: Caller, make: Maker, argv: list[str], why: str
) -> None:
    answer = ask(caller, make, start(on=ON, argv=argv, until="ready", timeout_s=0.3))
    assert (answer["value"], answer["errno"], answer["detail"]) == (-1, 0, why)


def test_program_is_fed_until_its_input_is_closed(caller: Caller, make: Maker) -> None:
    ask(caller, make, start(on=ON, argv=["cat"], stdin=None))
    for piece in (b"one\n", b"two\n"):
        assert ask(caller, make, feed(on=ON, data=piece))["value"] == 4
    answer = ask(caller, make, output(on=ON, until="two"))
    assert (answer["value"], answer["data"]) == (8, b"one\ntwo\n".hex())
    answer = ask(caller, make, output(on=ON, until="three", timeout_s=0.1))
    assert (answer["value"], answer["detail"]) == (-1, "it is silent: two")
    assert ask(caller, make, feed(on=ON, data=b""))["value"] == 0
    assert ask(caller, make, ended(on=ON))["value"] == 0


def test_program_has_nothing_to_read_unless_said(caller: Caller, make: Maker) -> None:
    ask(caller, make, start(on=ON, argv=["cat"]))
    assert ask(caller, make, ended(on=ON))["value"] == 0


def test_two_programs_have_names_of_their_own(caller: Caller, make: Maker) -> None:
    for name in ("a", "b"):
        ask(caller, make, start(on=ON, argv=["echo", name], program=name, until=name))
    assert [ask(caller, make, ended(on=ON, program=name))["detail"] for name in ("a", "b")] == [
        "a", "b",
    ]  # fmt: skip


@pytest.mark.parametrize("end", [Caller.close, Caller.kill])
def test_programs_end_with_their_caller(make: Maker, end: Callable[[Caller], None]) -> None:
    """And so do the programs that they started."""
    caller = Caller()
    try:
        script = ["sh", "-c", "sleep 60 & echo $!; wait"]
        answer = ask(caller, make, start(on=ON, argv=script, until="\n", timeout_s=0.3))
        program = ask(caller, make, start(on=ON, argv=["sleep", "60"], program="q"))["value"]
        grandchild = int(bytes.fromhex(ask(caller, make, output(on=ON))["data"]))
        assert (alive(program), alive(grandchild)) == (True, True), answer
        end(caller)
        assert until(lambda: not alive(program) and not alive(grandchild))
    finally:
        if caller.pipe.fileno() >= 0:
            caller.close()


def test_program_ends_when_its_caller_alone_is_killed(caller: Caller, make: Maker) -> None:
    program = ask(caller, make, start(on=ON, argv=["sleep", "60"]))["value"]
    os.kill(caller.pid, signal.SIGKILL)
    assert until(lambda: not alive(program))


# --- in the background ----------------------------------------------------------


def test_call_is_under_way_when_it_sleeps(caller: Caller, make: Maker) -> None:
    """What comes only afterwards ends it."""
    ask(caller, make, connect(on=ON, to="loopback", port=make.listening()))
    make(accept(on=ON, socket="l", new="c"))
    assert caller.begin(make.step(recv(on=ON)), PATIENCE_S) == {}
    assert asleep(caller)
    os.write(make.sockets.number("c"), b"abc")
    assert caller.answer(PATIENCE_S)["data"] == b"abc".hex()


def asleep(caller: Caller) -> bool:
    return Path(f"/proc/{caller.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def test_call_that_is_done_at_once_has_its_answer_waiting(caller: Caller, make: Maker) -> None:
    for name in ("a", "b"):
        assert caller.begin(make.step(socket(on=ON, socket=name)), PATIENCE_S) == {}
        assert caller.answer(PATIENCE_S)["value"] >= 0


def test_call_that_is_busy_is_waited_for_until_it_sleeps(caller: Caller, make: Maker) -> None:
    """A program that is started takes a while before the call sleeps in wait4(2)."""
    begun = time.monotonic()
    assert caller.begin(make.step(run(on=ON, argv=["sleep", "0.5"])), PATIENCE_S) == {}
    assert time.monotonic() - begun < 0.45
    assert caller.answer(PATIENCE_S)["value"] == 0


def test_call_in_the_background_may_hang_like_any_other(caller: Caller, make: Maker) -> None:
    make.closed_port()
    ask(caller, make, bind(on=ON, to="loopback", proto="udp"))
    assert caller.begin(make.step(poll(on=ON, events="POLLIN")), PATIENCE_S) == {}
    assert caller.answer(0.1) == {"hung": True}


def test_caller_that_does_nothing_has_hung(make: Maker, caller: Caller) -> None:
    os.kill(caller.pid, signal.SIGSTOP)
    try:
        assert caller.begin(make.step(socket(on=ON)), 0.1) == {"hung": True}
    finally:
        os.kill(caller.pid, signal.SIGCONT)


def test_caller_that_is_ended_loses_its_call_in_the_background(caller: Caller, make: Maker) -> None:
    ask(caller, make, bind(on=ON, to="loopback", proto="udp"))
    caller.begin(make.step(recv(on=ON)), PATIENCE_S)
    caller.kill()
    assert "lost" in caller.answer(PATIENCE_S)


# --- several callers ------------------------------------------------------------


@pytest.fixture
def two() -> Iterator[list[int]]:
    """Two callers of one host, by number."""
    numbers = [callers.caller_open() for _ in range(2)]
    yield numbers
    for number in numbers:
        callers.caller_close(number)


def made(number: int, step: Answer) -> Answer:
    return callers.caller_call(number, step, PATIENCE_S)


def test_callers_have_descriptors_of_their_own_and_a_folder_in_common(
    two: list[int], make: Maker
) -> None:
    first, second = two
    made(first, make.step(bind(on=ON, path="x", type="SOCK_DGRAM")))
    assert made(second, make.step(recv(on=ON)))["errno"] == errno.EBADF
    answer = made(second, make.step(connect(on=ON, path="x", type="SOCK_DGRAM")))
    assert answer["value"] == 0
    where = made(first, make.step(run(on=ON, argv=["pwd"])))["detail"]
    assert made(second, make.step(run(on=ON, argv=["ls"])))["detail"] == "x"
    assert Path(where).is_dir()


def test_folder_goes_with_the_last_caller(make: Maker) -> None:
    numbers = [callers.caller_open() for _ in range(2)]
    where = Path(made(numbers[0], make.step(run(on=ON, argv=["pwd"])))["detail"])
    made(numbers[0], make.step(bind(on=ON, path="x")))
    there = []
    for number in numbers:
        callers.caller_close(number)
        there.append(where.exists())
    assert there == [True, False]


def test_end_of_all_callers_takes_the_folder_along(two: list[int], make: Maker) -> None:
    """The channel may close without a word, and nobody closes a caller then."""
    where = Path(made(two[0], make.step(run(on=ON, argv=["pwd"])))["detail"])
    callers.callers_end()
    assert not where.exists()


def test_calls_of_two_callers_go_on_at_once(two: list[int], make: Maker) -> None:
    first, second = two
    step = make.step(run(on=ON, argv=["sleep", "0.3"]))
    assert callers.caller_begin(first, step, PATIENCE_S) == {}
    assert made(second, make.step(socket(on=ON)))["elapsed_ms"] < 300
    assert callers.caller_answer(first, PATIENCE_S)["value"] == 0
