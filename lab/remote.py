"""A host of the lab as a test uses it: programs and functions that run there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab import sending, trace
from lab.calls import Call
from lab.errors import CommandFailed, HostLost, LabError, NotAnswered
from lab.hosts import Host
from lab.inside import function as inside
from lab.program import IN_A_HOST, Outcome

# What a host may need to end a program that is late, and to say so.
ENDING_S = 20.0
CALL_S = 30.0


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
        """Return the errnos that its calls on the network got, in order.

        Raises: LabError if it was not traced.
        """
        if not self.trace:
            raise LabError(f"{self.argv[0]} was not traced: {self.untraced}")
        found = trace.errnos(trace.parse(self.trace))
        return [got.errno_name for got in found for _ in range(got.times)]


class RemoteHost:
    """A host of the lab, as a test uses it: programs and functions that run there."""

    def __init__(
        self, role: str, host: Callable[[str], Host], environment: Callable[[], Mapping[str, str]]
    ) -> None:
        """Name it; `host` gives its channel, `environment` what programs find there."""
        self.role, self._host, self._environment = role, host, environment

    def run(
        self, argv: Sequence[str], *, timeout_s: float = 10.0, stdin: bytes = b"",
        env: Mapping[str, str] | None = None, trace: bool = True,
    ) -> Ran:  # fmt: skip
        """Run a program in this host, and wait until it and all that it started have ended.

        Args: `timeout_s` is when it is ended (SIGTERM, and SIGKILL 2 s later). Its environment
        is PATH, HOME, LANG, what tells it where the server is (SERVER, a name; SERVER4 and
        SERVER6, addresses; PORT; URL), and `env`. Without `trace` its errnos are not known.
        Raises: CommandFailed, status 127, if the host has no such program; HostLost; TypeError,
        if `argv` is one text.
        """
        if isinstance(argv, str):
            raise TypeError(f"argv is a list of words: {shlex.split(argv)}, not {argv!r}")
        got, _ = self._made("supervise", timeout_s, env or {}, argv=list(argv), trace=trace,
                            **({"stdin": stdin} if stdin else {}))  # fmt: skip
        if got.missing:
            raise CommandFailed(self.role, argv, 127, stderr=got.missing)
        return Ran(
            tuple(argv), got.status, _text(got.stdout), _text(got.stderr), got.ran_ms, got.late,
            got.left, got.stdout_bytes, got.stderr_bytes, got.trace,
            got.untraced if trace else "that was not asked for",
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
        got, result = self._made("function", deadline_s, {}, program=sending.PROGRAM, data=task)
        print(_text(got.stdout), end="")
        what, said = f"{self.role}: {function.__name__}", _last(_text(got.stderr))
        if got.late:
            raise NotAnswered(f"{what} did not return in {deadline_s:g} s{said}")
        if not result:
            why = "returned too much" if result is None else f"ended with {got.status}"
            raise NotAnswered(f"{what}: its process {why}{said}")
        return _answer(what, json.loads(result))

    def _made(
        self, name: str, timeout_s: float, env: Mapping[str, str], **arguments: Any
    ) -> tuple[Outcome, str | None]:
        """Have a call made that runs a program; return the outcome, and its result if any.

        Whatever ends this, an interrupt too, ends the program and all that it started.
        """
        host = self._host(self.role)
        environment = {**IN_A_HOST, **self._environment(), **env}
        arguments = {**arguments, "env": environment, "timeout_s": timeout_s}
        step = Call(self.role, name, arguments, socket="").step("ipv4", "")
        within_s = timeout_s + ENDING_S
        caller = host.do("caller_open")
        try:
            asked = host.ask("caller_call", caller=caller, step=step, deadline_s=within_s)
            answer = host.answer(asked, within_s=within_s + ENDING_S)
        finally:
            host.do("caller_close", caller=caller)
        if "outcome" not in answer:
            raise HostLost(f"{self.role}: {answer.get('lost', 'a program could not be ended')}")
        return Outcome.of(answer["outcome"]), answer.get("result")


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


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
