"""Words: programs that a caller runs. They end with it, whatever happens.

Words of `argv` may hold "{server}", "{server:url}" (in brackets over IPv6), "{server:ipv4}".
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.calls.call import Call, said


def run(*, on: str, argv: Sequence[str], stdin: bytes = b"", timeout_s: float = 10.0) -> Call:
    """Run a program to its end, or kill it at the time-out; the value is its exit status.

    Killed by a signal, the value is minus its number. It gives what was printed to stdout,
    and tells the last line of stderr, or of stdout if there is none. In `argv`, "{server}"
    is the server's address, "{server:url}" with an IPv6 address in brackets.
    """
    arguments = {"argv": argv, "timeout_s": timeout_s, **said(stdin=stdin or None)}
    return Call(on, "run", arguments, socket="", is_status=True)


def start(
    *, on: str, argv: Sequence[str], program: str = "p", until: str = "", stdin: bytes | None = b"",
    timeout_s: float = 5.0,
) -> Call:  # fmt: skip
    """Start a program, and wait until it prints a line with the text `until`, which it tells.

    The value is its process id; -1 if it ends before, or is silent until the time-out.
    What it prints goes into a file, so the C library holds it back until there are 4096
    bytes, or it ends: say ["stdbuf", "-oL", …] or ["python3", "-u", …]. With `stdin=None`
    its standard input stays open: see `feed`.
    """
    arguments = {"argv": argv, "program": program, "timeout_s": timeout_s, "stdin": stdin,
                 **said(until=until)}  # fmt: skip
    return Call(on, "start", arguments, socket="")


def feed(*, on: str, data: bytes, program: str = "p") -> Call:
    """Write to the standard input of a program that was started with none; b"" closes it."""
    arguments = {"program": program, "data": data}
    return Call(on, "feed", arguments, socket="", does="write")


def kill(*, on: str, program: str = "p", signal: str = "SIGINT") -> Call:
    """kill(2) a program that was started: "SIGINT" is Ctrl-C."""
    return Call(on, "kill", {"program": program, "signal_name": signal}, socket="")


def ended(*, on: str, program: str = "p") -> Call:
    """Wait until a program ends; the value is its exit status, or minus a signal's number.

    It tells the last line that it printed, as `run` does.
    """
    return Call(
        on, "ended", {"program": program}, socket="", does="waitpid", is_status=True
    )  # fmt: skip


def output(
    *, on: str, program: str = "p", stream: str = "stdout", until: str = "", timeout_s: float = 5.0
) -> Call:
    """Look at what a program printed so far to "stdout" or "stderr": it gives all of it.

    It waits for a line with the text `until` first, if there is one, and is -1 if none
    comes in time. It tells the last line; the value is the number of bytes.
    """
    more = {"until": until, "timeout_s": timeout_s} if until else {}
    arguments = {"program": program, "stream": stream, **more}
    return Call(on, "output", arguments, socket="", does="read")
