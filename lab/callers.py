"""What makes the calls in a host, and what is expected of them there.

In most hosts a caller makes Linux's calls (`lab/inside/calls`), as scenarios write them. In
`windows` it is a Winsock program (`lab/inside/winsock.py`): a call that a scenario wrote
for Linux is made with the function of Winsock that does the same, and must give the WSA
code of the same meaning. What a host cannot show is a limit, by name, with the reason;
each result of calls there has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from lab.calls import IN_PROGRESS, Call, Wanted, connect
from lab.faults import sysctl
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
        said = outcome.last_line if outcome.last_line.startswith(f"{self.starter[0]}: ") else ""
        if said and (outcome.status in NOT_STARTED or " could not start: " in said):
            return said
        return outcome.missing

    def why_not(self, case: Case, on: str) -> str:
        """Return what Winsock lacks for the calls of a case on a host, "" if nothing."""
        return next(_missing(case, on), "")

    def adapted(self, case: Case, host: str) -> Case:
        """Return a case whose errnos are WSA codes, and whose options are what Windows has."""
        fault, control = case.faults, case.control
        retries = _retries(case, host)
        if retries:
            setting = sysctl(on=host, values={BY_SYSCTL["TCP_SYNCNT"]: max(retries)})
            if not (fault or control):
                # What has no fault may well fail without one: the service must answer.
                control = [connect(on=host, to="server")]
            fault = [*fault, setting]
        sockets: Sockets = {}
        return replace(
            case, fault=fault, control=_adapted(control, host, {}),
            before=_adapted(case.before, host, sockets),
            calls=_adapted(case.calls, host, sockets),
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


@dataclass
class Socket:
    """What the calls before said of a socket, and those that follow depend on."""

    kind: str = "SOCK_STREAM"
    blocking: bool = True
    connected: bool = False
    shut: bool = False

    def learns(self, call: Call) -> None:
        """Take in what a call says, and what it does if it gives what is wanted."""
        if call.opening and not self.connected:
            self.kind = call.opening["type"]
            self.blocking = bool(call.opening.get("blocking", True))
        if call.name == "fcntl":
            self.blocking = bool(call.arguments["blocking"])
        if call.name == "shutdown" and call.wanted.value != -1:
            self.shut = self.shut or call.arguments["how"] != "SHUT_RD"
        if call.name == "connect" and call.wanted.errno_name in ("", *IN_PROGRESS):
            self.connected = True


# By the host's caller, and the socket's name.
Sockets = dict[tuple[str, str], Socket]


def _anyhow(_socket: Socket) -> bool:
    return True


@dataclass(frozen=True)
class Rule:
    """Which code comes in place of an errno, where it is not the code of the same meaning.

    `calls` are those that it holds for, all if none is named; `when` is asked of the socket;
    `source` is the page of Microsoft's Winsock reference that says so.
    """

    errno: str
    code: str
    source: str
    calls: tuple[str, ...] = ()
    when: Callable[[Socket], bool] = _anyhow


# The first that holds is the one.
RULES = (
    Rule("EINPROGRESS", "WSAEWOULDBLOCK", "connect"),
    Rule("EAGAIN", "WSAETIMEDOUT", "SOL_SOCKET Socket Options", when=lambda s: s.blocking),
    Rule("EPIPE", "WSAESHUTDOWN", "send", ("send",), lambda s: s.shut),
    Rule("EPIPE", "WSAENOTCONN", "send", ("send",), lambda s: not s.connected),
    Rule("EDESTADDRREQ", "WSAENOTCONN", "send", ("send",)),
)


def _missing(case: Case, on: str) -> Iterator[str]:
    calls = [call for call in (*case.all_calls, *case.control) if call.on == on]
    for call in calls:
        yield from _lacking(call)
    retries = _retries(case, on)
    if len(retries) > 1:
        yield "connect: Winsock has no TCP_SYNCNT, one setting is for all connections of a host"
    set_too = [f for f in case.faults if BY_SYSCTL["TCP_SYNCNT"] in f.arguments.get("values", {})]
    if retries and any(fault.on == on for fault in set_too):
        yield "connect: Winsock has no TCP_SYNCNT beside the host's setting"


def _lacking(call: Call) -> Iterator[str]:
    """Yield what Winsock has not that a call asks for, or gives."""
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
    for errno in filter(None, (call.wanted.errno_name, call.wanted.reported)):
        if not (of_errno(errno) or any(rule.errno == errno for rule in RULES)):
            yield f"{call.name}: Windows has no code of the meaning of {errno}"


def _retries(case: Case, host: str) -> set[Any]:
    """Return what the calls on a host set TCP_SYNCNT to."""
    return {
        call.opening["options"]["TCP_SYNCNT"]
        for call in (*case.all_calls, *case.control)
        if call.on == host and "TCP_SYNCNT" in call.opening.get("options", {})
    }


def _adapted(calls: Sequence[Call], host: str, sockets: Sockets) -> list[Call]:
    """Return calls in which those on a host are as Winsock makes them."""
    made = []
    for call in calls:
        if call.on != host:
            made.append(call)
            continue
        socket = sockets.setdefault((call.caller, call.socket), Socket())
        made.append(replace(call, opening=_opening(call), wanted=_wanted(call, socket)))
        socket.learns(call)
        for name in call.new:
            sockets[call.caller, name] = Socket(blocking=socket.blocking, connected=True)
    return made


def _opening(call: Call) -> dict[str, Any]:
    if not call.opening.get("options"):
        return call.opening
    options = call.opening["options"].items()
    return {**call.opening, "options": {k: v for k, v in options if k not in BY_SYSCTL}}


def _wanted(call: Call, socket: Socket) -> Wanted:
    """Return what Winsock must give where Linux gives what is wanted."""
    wanted = replace(call.wanted, signal="")
    if wanted.errno_name:
        linux = wanted.errno_name
        wanted = replace(wanted, errno_name=_code(linux, call, socket), linux=linux)
    if wanted.reported:
        linux = wanted.reported
        wanted = replace(wanted, reported=_code(linux, call, socket), linux=linux)
    return wanted


def _code(errno: str, call: Call, socket: Socket) -> str:
    """Return the WSA code that comes in the place of an errno of a call on a socket."""
    rules = [r for r in RULES if r.errno == errno and (not r.calls or call.name in r.calls)]
    found = next((rule.code for rule in rules if rule.when(socket)), "")
    return found or of_errno(errno) or errno
