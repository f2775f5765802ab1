"""A program of a test's runs to its end, or to the time-out; nothing of it goes on after that."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lab.inside import tasks
from lab.inside.octets import as_octets
from lab.remote import Ran


def run(*argv: str, timeout_s: float = 20.0, **more: Any) -> dict[str, Any]:
    env = more.pop("env", {})
    return tasks.task_run(f"unit-{os.getpid()}-{time.monotonic_ns()}", argv, env, timeout_s, **more)


def text(got: dict[str, Any], stream: str = "stdout") -> str:
    return as_octets(got[stream]).decode()


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; whoever is its parent now may not have noticed."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def test_a_program_that_ends_tells_its_status_and_what_it_printed() -> None:
    got = run("sh", "-c", "cat; echo wrong >&2; exit 3", stdin=b"in")
    assert (got["value"], text(got), text(got, "stderr")) == (3, "in", "wrong\n")
    assert (got["late"], got["ended_with"], got["left"], got["missing"]) == (False, "", 0, "")


def test_without_input_its_standard_input_is_at_its_end() -> None:
    assert text(run("cat")) == ""


def test_its_environment_is_the_hosts_and_what_is_added() -> None:
    got = run("sh", "-c", 'echo "$SERVER4 $PATH"', env={"SERVER4": "198.18.2.10"})
    assert text(got) == f"198.18.2.10 {os.environ['PATH']}\n"


def test_one_that_a_signal_ended_has_its_number_below_zero() -> None:
    assert run("sh", "-c", "kill -9 $$")["value"] == -signal.SIGKILL


@pytest.mark.parametrize("name", ["no-such-program", "/etc/hostname", "/"])
def test_one_that_cannot_be_started_says_so(name: str) -> None:
    got = run(name)
    assert got["value"] is None
    assert got["missing"].startswith(f"{name}: ")


def test_a_flood_is_kept_in_part_and_counted() -> None:
    got = run(sys.executable, "-c", "print('a' * 100000 + 'b' * 100000)")
    printed = text(got)
    assert got["stdout_bytes"] == 200_001
    assert printed.startswith("a" * tasks.KEPT + "\n[… ")
    assert printed.endswith("b" * (tasks.KEPT - 1) + "\n")


def test_one_that_is_late_is_ended() -> None:
    got = run("sleep", "60", timeout_s=0.2)
    assert (got["late"], got["ended_with"], got["value"]) == (True, "SIGTERM", -signal.SIGTERM)
    assert 200 <= got["ran_ms"] < 2000


def test_one_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "GRACE_S", 0.1)
    got = run("sh", "-c", "trap '' TERM; while :; do sleep 0.01; done", timeout_s=0.2)
    assert (got["late"], got["ended_with"], got["value"]) == (True, "SIGKILL", -signal.SIGKILL)


def test_what_it_leaves_behind_is_ended_wherever_it_went() -> None:
    """In a session of its own, with nobody as its parent, holding our pipes."""
    begun = time.monotonic()
    got = run("sh", "-c", "(setsid sleep 60 & echo $!)")
    assert is_gone(int(text(got)))
    assert got["left"] == 1
    assert time.monotonic() - begun < 5


def test_a_child_that_never_started_a_program_is_ended_too() -> None:
    daemon = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0: print(os.getpid(), flush=True); time.sleep(60)\n"
        "    os._exit(0)\n"
        "time.sleep(0.2)\n"
    )
    got = run(sys.executable, "-c", daemon)
    assert is_gone(int(text(got)))
    assert got["left"] == 1


def test_what_is_given_is_read_and_what_is_written_comes_back() -> None:
    program = (
        "import os\n"
        "source, result = map(int, os.environ['ERRNOLAB_FDS'].split(','))\n"
        "os.write(result, os.read(source, 100).upper())\n"
    )
    assert run(sys.executable, "-c", program, given=b"given")["result"] == b"GIVEN"


def test_a_result_that_is_too_large_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "RESULT_MAX", 3)
    program = "import os; os.write(int(os.environ['ERRNOLAB_FDS'].split(',')[1]), b'1234')"
    got = run(sys.executable, "-c", program, given=b"")
    assert (got["result"], got["result_bytes"]) == (None, 4)


@pytest.mark.parametrize("end", [lambda: tasks.task_end("ended"), tasks.tasks_end])
def test_one_that_is_ended_from_elsewhere_returns(end: Any) -> None:
    found: list[dict[str, Any]] = []
    thread = threading.Thread(
        target=lambda: found.append(tasks.task_run("ended", ["sleep", "60"], {}, 60.0))
    )
    thread.start()
    while "ended" not in tasks._running:
        time.sleep(0.001)
    end()
    thread.join(timeout=5)
    assert [got["value"] for got in found] == [-signal.SIGKILL]
    assert "ended" not in tasks._running


def test_to_end_what_has_ended_does_nothing() -> None:
    tasks.task_end("never there")


def test_errnos_are_those_of_the_trace_in_order() -> None:
    trace = "connect(3, …) = -1 EINPROGRESS (…)\nread(3) = 5\nconnect(4, …) = -1 ECONNREFUSED (…)\n"
    ran = Ran(["curl"], 7, "", "", 1.0, False, 0, 0, 0, trace=trace)
    assert ran.errnos == ["EINPROGRESS", "ECONNREFUSED"]


def test_without_a_trace_errnos_are_not_known() -> None:
    ran = Ran(["curl"], 7, "", "", 1.0, False, 0, 0, 0, untraced="not here")
    with pytest.raises(Exception, match="curl was not traced: not here"):
        _ = ran.errnos
