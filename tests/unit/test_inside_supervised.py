"""A program of the user's, run to its end or to a time-out, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from lab.inside import caller as callers
from lab.inside.caller import Caller
from lab.inside.calls import supervised
from lab.inside.descendants import MARK
from lab.inside.octets import KEPT, as_octets, as_text
from tests.unit.maker import alive, until

ENVIRONMENT = {"PATH": os.environ["PATH"], "SERVER": "server4"}


def supervise(
    caller: Caller, *argv: str, timeout_s: float = 5.0, stdin: bytes = b"", trace: bool = False
) -> Any:
    """Return the outcome of a program, run by a caller."""
    step = {"call": "supervise", "socket_name": "", "argv": list(argv), "env": ENVIRONMENT,
            "timeout_s": timeout_s, "trace": trace,
            **({"stdin": as_text(stdin)} if stdin else {})}  # fmt: skip
    answer = caller.call(step, deadline_s=20.0)
    return answer["outcome"]


def shell(caller: Caller, script: str, **more: Any) -> Any:
    return supervise(caller, "sh", "-c", script, **more)


def test_outcome_has_status_time_and_output(caller: Caller) -> None:
    outcome = shell(caller, "echo out; echo err >&2; sleep 0.2; exit 3")
    assert (outcome["value"], outcome["late"], outcome["missing"]) == (3, False, "")
    assert as_octets(outcome["stdout"]) == b"out\n"
    assert as_octets(outcome["stderr"]) == b"err\n"
    # It slept for 200 ms; another 2 s are for a busy machine.
    assert 200 <= outcome["ran_ms"] < 2200
    assert abs(outcome["start_ns"] - time.time_ns()) < 10e9


def test_environment_is_what_was_said_and_no_more(caller: Caller) -> None:
    outcome = supervise(caller, "env")
    names = {line.partition("=")[0] for line in as_octets(outcome["stdout"]).decode().split("\n")}
    assert names - {"", "PWD", "SHLVL", "_"} == {"PATH", "SERVER", MARK}


def test_standard_input_is_what_was_given_or_at_its_end(caller: Caller) -> None:
    assert as_octets(supervise(caller, "cat", stdin=b"a\0b")["stdout"]) == b"a\0b"
    assert supervise(caller, "cat")["stdout_bytes"] == 0


def test_signal_that_ends_a_program_is_its_negative_number(caller: Caller) -> None:
    assert shell(caller, "kill -SEGV $$")["value"] == -signal.SIGSEGV


@pytest.mark.parametrize(
    ("script", "with_what"),
    [("exec sleep 60", "SIGTERM"), ("trap '' TERM; sleep 60; sleep 60", "SIGKILL")],
)
def test_late_program_is_ended_with_what_it_takes(
    caller: Caller, script: str, with_what: str
) -> None:
    outcome = shell(caller, script, timeout_s=0.3)
    assert (outcome["late"], outcome["ended_with"]) == (True, with_what)
    assert outcome["ran_ms"] >= 300


SLEEPS = "sh -c 'echo $$; exec sleep 60'"


@pytest.mark.parametrize("start", [f"{SLEEPS} &", f"setsid {SLEEPS} &", f"(setsid {SLEEPS} &);"])
def test_processes_left_behind_are_ended_and_counted(caller: Caller, start: str) -> None:
    """Also those that have left their parent, process group and session."""
    outcome = shell(caller, f"{start} sleep 0.1; exit 0")
    pid = int(as_octets(outcome["stdout"]))
    assert outcome["left"] == 1
    assert until(lambda: not alive(pid))


def test_what_ends_by_itself_at_the_same_time_is_not_left_behind(caller: Caller) -> None:
    assert shell(caller, "sleep 0.03 & exit 0")["left"] == 0


def test_flood_is_counted_and_kept_in_part(caller: Caller) -> None:
    outcome = shell(caller, "echo first; head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; echo last")
    text = as_octets(outcome["stdout"])
    assert outcome["stdout_bytes"] == len("first\n") + 3_000_000 + len("\nlast\n")
    assert text.startswith(b"first\n")
    assert text.endswith(b"x\nlast\n")
    assert len(text) < 2 * KEPT + 100
    assert b"bytes are left out" in text


def test_endless_flood_is_ended_at_the_time_out(caller: Caller) -> None:
    outcome = supervise(caller, "yes", timeout_s=0.3)
    assert outcome["late"]
    assert outcome["stdout_bytes"] > 2 * KEPT


@pytest.mark.parametrize("name", ["no-such-program", "/no/such/program"])
def test_program_that_is_not_there_is_missing(caller: Caller, name: str) -> None:
    outcome = supervise(caller, name)
    assert outcome["value"] is None
    assert outcome["missing"].startswith(f"{name} is not there")


def test_file_that_may_not_be_executed_is_missing_and_said_so(
    caller: Caller, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.write_text("text")
    assert supervise(caller, str(plain))["missing"].endswith("may not be executed")


def test_without_a_tracer_the_program_runs_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: name != "strace")
    forked = Caller()
    try:
        outcome = supervise(forked, "true", trace=True)
    finally:
        forked.close()
    assert (outcome["value"], outcome["untraced"]) == (0, supervised.NO_TRACER)


def test_interrupt_ends_a_program_wherever_it_has_gone() -> None:
    """The caller is killed, so that what the program started descends from nobody of ours."""
    number = callers.caller_open()
    folder = Path(callers._folder[-1])
    script = f"setsid sh -c 'echo $$ >{folder}/pid; exec sleep 60' & sleep 60"
    step = {"call": "supervise", "socket_name": "", "argv": ["sh", "-c", script],
            "env": ENVIRONMENT, "timeout_s": 50.0, "trace": False}  # fmt: skip
    try:
        assert callers.caller_begin(number, step, 5.0) == {}
        assert until(lambda: (folder / "pid").exists() and bool((folder / "pid").read_text()))
        pid = int((folder / "pid").read_text())
        assert alive(pid)
        callers.callers_end()
        assert until(lambda: not alive(pid))
    finally:
        callers.caller_close(number)
