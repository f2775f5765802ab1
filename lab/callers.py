"""What makes the calls in a host, and what is expected of them there.

In most hosts a caller makes Linux's calls (`lab/inside/calls`), as scenarios write them. In
`windows` it is a Winsock program (`lab/inside/winsock.py`): a call that a scenario wrote
for Linux is made with the function of Winsock that does the same, and must give the WSA
code of the same meaning. What a host cannot show is a limit, by name, with the reason;
each result of calls there has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from lab.calls import Call, Wanted
from lab.faults import Fault, sysctl
from lab.inside import winsock as inside
from lab.program import Outcome
from lab.scenario import Case
from lab.winsock import of_errno


class Caller:
    """Linux's own calls: nothing about them differs from host to host.

    `untraced` is why the system calls of a program in the host cannot be traced, `starter`
    the words that start one there, before its own.
    """

    limits: ClassVar[Mapping[str, str]] = {}
    untraced: ClassVar[str] = ""
    starter: ClassVar[tuple[str, ...]] = ()

    def why_not(self, call: Call) -> str:
        """Return why a call cannot be made, "" if it can."""
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


@dataclass
class _Socket:
    """What an earlier call said of a socket, and a later one depends on."""

    blocking: bool = True


class Winsock(Caller):
    """Winsock 2, as Wine has it.

    Source: Microsoft's documentation of Winsock 2; what Wine 8.0 gave in this lab.
    """

    limits: ClassVar[Mapping[str, str]] = {
        "stack": "the packets, their times and how often they are sent again are those of this "
        "Linux kernel; Windows has a TCP of its own",
        "texts": "Wine's texts for the codes are not those of Windows: compare the numbers",
    }

    untraced: ClassVar[str] = "its calls are Wine's, made in another process"
    starter: ClassVar[tuple[str, ...]] = ("errnolab-exe",)

    def brings(self, argv: Sequence[str]) -> list[Path]:
        """Return the folder of a program that is a file of this machine."""
        program = Path(argv[0]) if argv else Path()
        return [program.resolve().parent] if program.is_file() else []

    def not_started(self, outcome: Outcome) -> str:
        """Return what the starter said, if it ended before there was a program."""
        said = outcome.last_line.startswith(f"{self.starter[0]}: ")
        if outcome.status in NOT_STARTED and said:
            return outcome.last_line
        return outcome.missing

    def why_not(self, call: Call) -> str:
        """Return why Winsock has no such call, "" if it has."""
        return next(_missing(call), "")

    def adapted(self, case: Case, host: str) -> Case:
        """Return a case whose errnos are WSA codes, and whose options are what Windows has."""
        sockets: dict[tuple[str, str], _Socket] = {}

        def all_of(calls: Sequence[Call]) -> list[Call]:
            return [_adapted(call, sockets) if call.on == host else call for call in calls]

        retries = {
            call.opening["options"]["TCP_SYNCNT"]
            for call in (*case.all_calls, *case.control)
            if call.on == host and "TCP_SYNCNT" in call.opening.get("options", {})
        }
        return replace(
            case, before=all_of(case.before), calls=all_of(case.calls),
            control=all_of(case.control), fault=[*_retried(host, retries), *case.faults],
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

# Arguments that say how a call is made on Linux, and have no like in Winsock.
LINUX_ONLY = ("interrupted_after_s", "length", "pointer", "sockaddr_family", "path", "scope_to",
              "sigpipe", "restart")  # fmt: skip
DOMAINS = ("", "AF_INET", "AF_INET6")
TYPES = ("SOCK_STREAM", "SOCK_DGRAM")
# Winsock's functions take these, under the same names.
FLAGS = ("MSG_PEEK", "MSG_OOB", "MSG_WAITALL")
# Winsock has no option for it: the host's setting says the same of all its connections.
BY_SYSCTL = {"TCP_SYNCNT": "net.ipv4.tcp_syn_retries"}


def _missing(call: Call) -> Iterator[str]:
    if call.name not in inside.CALLS:
        yield f"Winsock has no {call.name}()"
    for name in LINUX_ONLY:
        if call.arguments.get(name):
            yield f"{call.name}: {name} is Linux's"
    for flag in filter(None, str(call.arguments.get("flags", "")).split("|")):
        if flag not in FLAGS:
            yield f"{call.name}: Winsock has no {flag}"
    options = [*call.opening.get("options", {}), *filter(None, [call.arguments.get("option")])]
    for option in options:
        if option not in (*inside.OPTIONS, *BY_SYSCTL):
            yield f"{call.name}: Winsock has no {option}"
    if call.opening and (
        call.opening["domain"] not in DOMAINS or call.opening["type"] not in TYPES
    ):
        yield f"{call.name}: a Winsock caller here has sockets of IP, streams and datagrams"
    if call.wanted.signal not in ("", "none"):
        yield f"{call.name}: Windows has no signals"


def _retried(host: str, retries: set[Any]) -> list[Fault]:
    """Return the setting that lets a host's connections try again so many times."""
    if not retries:
        return []
    return [sysctl(on=host, values={BY_SYSCTL["TCP_SYNCNT"]: max(retries)})]


def _adapted(call: Call, sockets: dict[tuple[str, str], _Socket]) -> Call:
    """Return a call as Winsock makes it, which may depend on the calls before."""
    held = sockets.setdefault((call.caller, call.socket), _Socket())
    if call.opening:
        options = call.opening.get("options", {})
        kept = {name: value for name, value in options.items() if name not in BY_SYSCTL}
        call = replace(call, opening={**call.opening, "options": kept})
        held.blocking = bool(call.opening.get("blocking", True))
    if call.name == "fcntl":
        held.blocking = bool(call.arguments["blocking"])
    return replace(call, wanted=_wanted(call, held))


def _wanted(call: Call, held: _Socket) -> Wanted:
    """Return what Winsock must give where Linux gives what is wanted."""
    wanted = replace(call.wanted, signal="")
    if wanted.errno_name:
        linux = wanted.errno_name
        wanted = replace(wanted, errno_name=_code(linux, held), linux=linux)
    if wanted.reported:
        linux = wanted.reported
        wanted = replace(wanted, reported=of_errno(linux) or linux, linux=linux)
    return wanted


def _code(errno_name: str, held: _Socket) -> str:
    """Return the WSA code that comes in the place of an errno of a call on a socket."""
    if errno_name == "EINPROGRESS":
        return "WSAEWOULDBLOCK"
    if errno_name == "EAGAIN" and held.blocking:
        return "WSAETIMEDOUT"
    return of_errno(errno_name) or errno_name
