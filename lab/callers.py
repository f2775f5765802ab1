"""What makes the calls in a host, and what is expected of them there.

In most hosts a caller makes Linux's calls (`lab/inside/calls`), as scenarios write them. In
`windows` it is a Winsock program (`lab/inside/winsock.py`): a call that a scenario wrote
for Linux is made with the function of Winsock that does the same, and must give the WSA
code of the same meaning. What a host cannot show is a limit, by name, with the reason;
each result of calls there has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from lab import winsock_calls
from lab.calls import connect
from lab.faults import sysctl
from lab.program import Outcome
from lab.scenario import Case
from lab.winsock_calls import SYN_RETRIES


class Caller:
    """Linux's own calls: nothing about them differs from host to host.

    `untraced` is why the system calls of a program in the host cannot be traced, `starter`
    the words that start one there, before its own.
    """

    limits: ClassVar[Mapping[str, str]] = {}
    untraced: ClassVar[str] = ""
    starter: ClassVar[tuple[str, ...]] = ()

    def why_not(self, case: Case, on: str) -> str:
        """Return why the calls of a case on a host cannot be made by it, "" if they can."""
        return ""

    def adapted(self, case: Case, host: str) -> Case:
        """Return a case as this caller's calls on a host make it."""
        return case

    def brings(self, argv: Sequence[str]) -> list[Path]:
        """Return what of this machine a program must see, though nobody said so."""
        return []

    def not_started(self, outcome: Outcome) -> str:
        """Return why a program could not be started, "" if it was."""
        return outcome.missing

    def broke(self, outcome: Outcome) -> str:
        """Return why it says nothing how a program ended, "" if that is as it would be anywhere."""
        return ""


class Winsock(Caller):
    """Winsock 2, as Wine has it.

    Source: Microsoft's documentation of Winsock 2; what Wine 8.0 gave in this lab.
    """

    limits: ClassVar[Mapping[str, str]] = winsock_calls.LIMITS
    untraced: ClassVar[str] = "its calls are Wine's, made in another process"
    starter: ClassVar[tuple[str, ...]] = ("errnolab-exe",)

    def brings(self, argv: Sequence[str]) -> list[Path]:
        """Return the folder of a program that is a file of this machine.

        A folder that the host's image needs itself would be hidden: then it is the file alone.
        """
        program = (Path(argv[0]) if argv else Path()).resolve()
        if not program.is_file():
            return []
        hidden = any(path.is_relative_to(program.parent) for path in NEEDED)
        return [program if hidden else program.parent]

    def not_started(self, outcome: Outcome) -> str:
        """Return what the starter said, if it ended before there was a program."""
        said = self._starter_said(outcome)
        if said and (outcome.status in NOT_STARTED or " could not start: " in said):
            return said
        return outcome.missing

    def broke(self, outcome: Outcome) -> str:
        """Return what the starter said, if Wine ended before the program."""
        return self._starter_said(outcome) if outcome.status == BROKE else ""

    def _starter_said(self, outcome: Outcome) -> str:
        line = outcome.last_line
        return line if line.startswith(f"{self.starter[0]}: ") else ""

    def why_not(self, case: Case, on: str) -> str:
        """Return why the calls of a case on a host cannot be made with Winsock, "" if they can."""
        return next(winsock_calls.lacking(case, on), "")

    def adapted(self, case: Case, host: str) -> Case:
        """Return a case whose errnos are WSA codes, and whose options are what Windows has."""
        fault, control = case.faults, case.control
        retries = winsock_calls.retries(case, host)
        if retries:
            setting = sysctl(on=host, values={SYN_RETRIES: max(retries)})
            if not (fault or control):
                # What has no fault may well fail without one: the service must answer.
                control = [connect(on=host, to="server")]
            fault = [*fault, setting]
        sockets: winsock_calls.Sockets = {}
        counted, pictures = winsock_calls.counted(case, host)
        return replace(
            case, fault=fault, counted=counted, pictures=pictures,
            before=winsock_calls.adapted(case.before, host, sockets),
            calls=winsock_calls.adapted(case.calls, host, sockets),
            control=winsock_calls.adapted(control, host, {}),
        )  # fmt: skip


LINUX = Caller()
CALLERS: Mapping[str, Caller] = {"windows": Winsock()}


def of(host: str) -> Caller:
    """Return what makes the calls in a host."""
    return CALLERS.get(host, LINUX)


def limits(hosts: Iterable[str]) -> dict[str, str]:
    """Return what calls made in some hosts cannot show, by name, with the reason."""
    return {name: why for host in hosts for name, why in of(host).limits.items()}


# --- Winsock -------------------------------------------------------------------------------

# As a shell says that it could not start a program; so does the starter (images/windows).
NOT_STARTED = (126, 127)
# And that Wine ended before the program that it ran.
BROKE = 125
# What a container of the host's image must find at its place, to run anything.
NEEDED = tuple(map(Path, ("/bin/sh", "/dev/null", "/etc/hosts", "/lib/ld.so", "/lib64/ld.so",
                          "/opt/errnolab/windows", "/opt/errnolab/prefix", "/proc/self",
                          "/tmp/errnolab-exe", "/usr/bin/sh", "/usr/lib/wine/wine64",
                          "/usr/lib/x86_64-linux-gnu/wine", "/usr/local/bin/errnolab-exe",
                          "/usr/share/wine", "/usr/sbin/ip", "/var/lib")))  # fmt: skip
