"""A host of the lab as a test uses it: programs and functions that run there."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab import sending
from lab.errors import CommandFailed, LabError, NotAnswered
from lab.hosts import Host
from lab.inside import function as inside
from lab.inside.octets import as_octets

# What a host may need to end a program that is late, and to say so.
ENDING_S = 20.0
CALL_S = 30.0
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Ran:
    """A program that ran in a host, and how it ended.

    `status` is its exit status, or minus the signal's number; with `timed_out` it was
    ended by us. `stdout` and `stderr` hold the first and the last 16 KiB. `left` is the
    number of processes that it left behind, which were ended. `trace` is what strace(1)
    wrote, and `untraced` says why there is none.
    """

    argv: Sequence[str]
    status: int
    stdout: str
    stderr: str
    elapsed_ms: float
    timed_out: bool
    left: int
    stdout_bytes: int
    stderr_bytes: int
    trace: str = field(repr=False, default="")
    untraced: str = field(repr=False, default="")

    @property
    def errnos(self) -> list[str]:
        """Return the errnos that its system calls got, in order. Raises: LabError, untraced."""
        if not self.trace:
            raise LabError(f"{self.argv[0]} was not traced: {self.untraced}")
        return re.findall(r"= -1 (E[A-Z0-9]+)", self.trace)


class RemoteHost:
    """A host of the lab, as a test uses it: programs and functions that run there."""

    def __init__(
        self, role: str, host: Callable[[str], Host], environment: Callable[[], Mapping[str, str]]
    ) -> None:
        """Name it; `host` gives its channel, `environment` what programs find there."""
        self.role, self._host, self._environment = role, host, environment

    def run(
        self, argv: Sequence[str], *, timeout_s: float = 10.0, stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> Ran:  # fmt: skip
        """Run a program in this host, and wait until it and all that it started have ended.

        Args: `timeout_s` is when it is ended (SIGTERM, and SIGKILL 2 s later); `env` is
        added to the host's environment, in which SERVER is a name, SERVER4 and SERVER6
        are addresses, and there are PORT and URL.
        Raises: CommandFailed, status 127, if the host has no such program; HostLost.
        """
        got = self._task(argv, timeout_s, stdin=stdin, env={**self._environment(), **(env or {})})
        return Ran(
            tuple(argv), got["value"], _text(got["stdout"]), _text(got["stderr"]), got["ran_ms"],
            got["late"], got["left"], got["stdout_bytes"], got["stderr_bytes"], got["trace"],
            got["untraced"],
        )  # fmt: skip

    def call(
        self, function: Callable[..., Any], *args: Any, deadline_s: float = CALL_S, **kwargs: Any
    ) -> Any:
        """Call a Python function in this host; return what it returns.

        The host has Python 3.11 and its standard library; `lab.sending` says what can be
        sent. What it prints is printed here. `deadline_s` is ours: a parameter of that
        name must be given by position.
        Raises: what the function raises, as the same class of the standard library, or
        the nearest; Unsendable; NotAnswered, if it does not return in time, ends its
        process, or returns what is no plain data; HostLost.
        """
        task = sending.task(function, args, kwargs)
        # -I: nothing of this host's user is imported; -u: what it printed is there if it dies.
        argv = ["python3", "-Iu", "-c", sending.PROGRAM]
        got = self._task(argv, deadline_s, env=dict(self._environment()), given=task)
        printed, said = _text(got["stdout"]), _text(got["stderr"])
        print(printed, end="")
        what = f"{self.role}: {function.__name__}"
        if got["late"]:
            raise NotAnswered(f"{what} did not return in {deadline_s:g} s{_last(said)}")
        if not got["result"]:
            why = "returned too much" if got["result"] is None else f"ended with {got['value']}"
            raise NotAnswered(f"{what}: its process {why}{_last(said)}")
        return _answer(what, json.loads(got["result"]))

    def _task(self, argv: Sequence[str], timeout_s: float, **more: Any) -> dict[str, Any]:
        """Run a program; return its outcome (see `lab.inside.tasks`)."""
        host, task = self._host(self.role), f"{os.getpid()}-{next(_numbers)}"
        asked = host.ask("task_run", task=task, argv=list(argv), timeout_s=timeout_s, **more)
        try:
            got: dict[str, Any] = host.answer(asked, within_s=timeout_s + ENDING_S)
        except BaseException:
            # An interrupt, say: what was started must not go on.
            host.ask("task_end", task=task)
            raise
        if got["missing"]:
            raise CommandFailed(self.role, argv, 127, stderr=got["missing"])
        return got


def _text(octets: str) -> str:
    return as_octets(octets).decode("utf-8", "replace")


def _last(said: str) -> str:
    lines = said.strip().splitlines()[-12:]
    return "\n" + "\n".join(f"  {line}" for line in lines) if lines else ""


def _answer(what: str, found: Mapping[str, Any]) -> Any:
    """Return what a function returned, or raise what it raised."""
    if "value" in found:
        return inside.decode(found["value"])
    if "unsendable" in found:
        raise NotAnswered(
            f"{what} returned what cannot be sent back: {found['unsendable']}; "
            "return None, bool, numbers, text, bytes, or lists, tuples, sets and dicts of them"
        )
    raised = found["raised"]
    there = InHost(f"\n{raised['traceback']}")
    error = inside.decode_error(raised)
    if error is None:
        kind = raised["classes"][0][1]
        raise NotAnswered(f"{what} ended with {kind}: {raised['text']}") from there
    raise error from there


class InHost(Exception):
    """Where in the host an exception was raised: its traceback there."""
