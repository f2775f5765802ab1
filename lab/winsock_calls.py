"""What Winsock gives where a scenario's call on Linux gives what it says, as far as Wine shows it.

Each line of the tables below is about any call, never about one scenario. RULES are what
Windows is documented to do otherwise. LIMITS are where Wine does not do what Windows is
documented to do, or hides it: the call may then give something else, and the result says
by which limit. UNLIKE is what cannot be shown at all, and why: a case with such a call is
not made there.
Source: Microsoft's documentation of each function; what Wine 8.0 gave in this lab.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lab.calls import IN_PROGRESS, Call, Wanted
from lab.inside import winsock as inside
from lab.scenario import Case, Counted, Picture
from lab.winsock import of_errno

# Arguments that say how a call is made on Linux, and have no like in Winsock.
LINUX_ONLY = ("interrupted_after_s", "length", "pointer", "sockaddr_family", "path", "scope_to",
              "sigpipe", "restart")  # fmt: skip
DOMAINS = ("", "AF_INET", "AF_INET6")
TYPES = ("SOCK_STREAM", "SOCK_DGRAM")
# Winsock has no such option: the host's setting says the same of all its connections.
TCP_SYNCNT, SYN_RETRIES = "TCP_SYNCNT", "net.ipv4.tcp_syn_retries"
# An IPv4 address in IPv6: a Windows socket takes none unless the option is cleared ("IPV6_V6ONLY").
MAPPED, V6ONLY = "::ffff:", "IPV6_V6ONLY"
# Asked for alone it waits for what goes wrong, which WSAPoll tells unasked; it has no POLLPRI.
ERRORS_ALONE = "POLLPRI"
SENDING, RECEIVING = ("send", "send_rest", "sendto"), ("recv", "recvfrom")
# What the lab's own calls would need.
OF_LINUX = {"run": "the client runs a Linux program", "ss": "the client runs ss(8)"}
# What works on a connection alone.
CONNECTED = (*SENDING, *RECEIVING, "exchange", "fill", "getpeername")
# Errnos that say that something goes on, or is not there yet.
RESET = ("ECONNRESET", "EPIPE")
UNFINISHED = (*IN_PROGRESS, "EAGAIN", "EALREADY")
CLOSING = ("close", "shutdown", "kill", "end_child")
# What ICMP says to a connect(); a RST says the first too.
BY_ICMP = ("ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EACCES", "ENOPROTOOPT", "EOPNOTSUPP",
           "EHOSTDOWN")  # fmt: skip
# What only asks for the state that the kernel has of a connection: it changes nothing.
LOOKS = ("state",)
AT_ONCE_S = 0.5
# What the kernel counts of a connect() that ICMP ends depends on who waits for it.
COUNTED_OTHERWISE = ("Tcp.AttemptFails", "TcpExt.LockDroppedIcmps")


# --- what is known of a socket ------------------------------------------------------------


@dataclass
class Socket:
    """What the calls before said of a socket, and those that follow depend on.

    `told` is the WSA code that it told last, `left` whether its peer has closed; `shut` and
    `deaf` are that we shut down sending, and receiving.
    """

    kind: str = "SOCK_STREAM"
    blocking: bool = True
    limited: bool = False
    bound: bool = False
    listening: bool = False
    connecting: bool = False
    connected: bool = False
    failed: bool = False
    shut: bool = False
    deaf: bool = False
    left: bool = False
    told: str = ""

    @property
    def stream(self) -> bool:
        """Tell whether it is one of TCP."""
        return self.kind == "SOCK_STREAM"

    def opens(self, call: Call) -> None:
        """Take in how a call makes it, or sets it."""
        if call.opening:
            if not (self.bound or self.connecting or self.connected):
                self.kind = call.opening["type"]
            self.blocking = bool(call.opening.get("blocking", self.blocking))
        options = [*call.opening.get("options", {}), call.arguments.get("option")]
        self.limited = self.limited or "SO_RCVTIMEO" in options
        if call.name == "fcntl":
            self.blocking = bool(call.arguments["blocking"])

    def learns(self, call: Call, given: Wanted) -> None:
        """Take in what a call does that gives what is wanted of it."""
        errno, done = call.wanted.errno_name, not call.wanted.errno_name
        if call.name == "connect" and self.stream and errno != "EALREADY":
            self.connecting, self.connected = errno in IN_PROGRESS, done or errno == "EISCONN"
            self.failed = not (self.connecting or self.connected)
        if call.arguments.get("option") == "SO_ERROR" and self.connecting:
            # What was reset has been connected.
            self.connected = call.wanted.reported in ("", *RESET)
            self.connecting, self.failed = False, not self.connected
        if self.connecting and done and (call.name in CONNECTED or call.wanted.told == "POLLOUT"):
            self.connecting, self.connected = False, True
        if call.name == "shutdown" and done:
            self.shut = self.shut or call.arguments["how"] != "SHUT_RD"
            self.deaf = self.deaf or call.arguments["how"] != "SHUT_WR"
        self.bound = self.bound or (call.name == "bind" and done)
        self.listening = self.listening or (call.name == "listen" and done)
        self.left = self.left or (call.name in RECEIVING and call.wanted.value == 0)
        if call.wanted.reported or errno not in ("", *UNFINISHED):
            self.told = given.reported or given.errno_name


# By the host's caller, and the socket's name.
Sockets = dict[tuple[str, str], Socket]
When = Callable[[Call, Socket], bool]


# --- what Windows does otherwise ----------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """Which code comes in place of an errno, where it is not the code of the same meaning.

    `calls` are those that it holds for, all if none is named; `when` is asked of the call and
    the socket; `source` is the page of Microsoft's Winsock reference that says so.
    """

    errno: str
    code: str
    source: str
    calls: tuple[str, ...] = ()
    when: When = lambda _call, _socket: True

    def holds(self, errno: str, call: Call, socket: Socket) -> bool:
        """Tell whether it is for this errno of this call."""
        named = not self.calls or call.name in self.calls
        return self.errno == errno and named and self.when(call, socket)


# The first that holds is the one.
RULES = (
    Rule("EINPROGRESS", "WSAEWOULDBLOCK", "connect", ("connect",)),
    Rule("EAGAIN", "WSAETIMEDOUT", "SOL_SOCKET Socket Options", when=lambda _, s: s.blocking),
    Rule("EBADF", "WSAENOTSOCK", "Windows Sockets Error Codes"),
    Rule("EISCONN", "WSAEINVAL", "connect", ("connect",), lambda _, s: s.listening),
    Rule("EPIPE", "WSAESHUTDOWN", "send", SENDING, lambda _, s: s.shut),
    Rule("EPIPE", "WSAENOTCONN", "send", SENDING, lambda _, s: not (s.connected or s.connecting)),
    Rule("EDESTADDRREQ", "WSAENOTCONN", "send", SENDING),
    Rule("EOPNOTSUPP", "WSAEINVAL", "listen", ("listen",), lambda _, s: not s.bound),
    Rule("ECONNREFUSED", "WSAECONNRESET", "recvfrom", SENDING + RECEIVING,
         lambda _, s: not s.stream),
)  # fmt: skip


@dataclass(frozen=True)
class Refusal:
    """A code that comes where Linux has none: there the call succeeds. `source` as of `Rule`."""

    code: str
    source: str
    calls: tuple[str, ...]
    when: When


REFUSALS = (
    Refusal("WSAEISCONN", "connect", ("connect",), lambda _, s: s.stream and s.connected),
    Refusal("WSAESHUTDOWN", "recv", RECEIVING, lambda _, s: s.deaf),
)
# What poll tells of a connection, and WSAPoll in its place ("WSAPoll", Remarks).
EVENTS = {"POLLIN|POLLERR|POLLHUP": "POLLERR|POLLHUP"}


def code(errno: str, call: Call, socket: Socket) -> str:
    """Return the WSA code in the place of an errno that a call on a socket gives; "" if none is."""
    found = next((rule.code for rule in RULES if rule.holds(errno, call, socket)), "")
    return found or of_errno(errno)


# --- what Wine does not show --------------------------------------------------------------

LIMITS: Mapping[str, str] = {
    "stack": "the packets, their times and how often they are sent again are those of this Linux"
    " kernel; Windows has a TCP of its own",
    "texts": "Wine's texts for the codes are not those of Windows: compare the numbers",
    "reset": "a reset in mid-stream may look like an orderly end: recv() gives 0, SO_ERROR nothing",
    "icmp": "what ICMP says ends a blocking connect() at once, though this kernel goes on, and its"
    " counters with it",
    "datagrams": "what ICMP says of a datagram may never be told",
    "poll": "WSAPoll may tell by POLLERR alone how a connect() without blocking ended",
    "so_error": "SO_ERROR may tell an error once more that was told before",
    "bind": "bind() may give a socket an address that another one has, or another host",
    "states": "the state of a connection, TCP_INFO, is not asked for where a Linux caller asks",
    "codes": "some errors of this kernel have another code than Windows has for them, or none",
}


@dataclass(frozen=True)
class Limit:
    """What may come in the place of what is wanted of a call, by one of LIMITS.

    `codes` are the codes wanted that it may hide, and `instead` makes of the wish what comes.
    """

    name: str
    codes: tuple[str, ...]
    calls: tuple[str, ...]
    instead: Callable[[Wanted, Socket], Wanted]
    when: When = lambda _call, _socket: True


def _value(value: int) -> Callable[[Wanted, Socket], Wanted]:
    return lambda wanted, _socket: Wanted(value=value, within_s=wanted.within_s)


def _fails(name: str) -> Callable[[Wanted, Socket], Wanted]:
    return lambda wanted, _socket: replace(wanted, errno_name=name)


def _fails_late(name: str) -> Callable[[Wanted, Socket], Wanted]:
    return lambda wanted, _socket: replace(wanted, errno_name=name, within_s=None)


def _at_once(wanted: Wanted, _socket: Socket) -> Wanted:
    return replace(wanted, within_s=(0.0, AT_ONCE_S))


def _told_before(_wanted: Wanted, socket: Socket) -> Wanted:
    return Wanted(reported=socket.told)


def _late(call: Call) -> bool:
    """Tell whether it is wanted to return, but not at once."""
    return bool(call.wanted.within_s and call.wanted.within_s[0] > AT_ONCE_S)


def _of_the_others(call: Call, _socket: Socket) -> bool:
    return str(call.arguments.get("option")).startswith("IPV6")


DEFAULT = ("WSAENOPROTOOPT", "WSAEHOSTDOWN")
ICMP_CODES = tuple(of_errno(errno) for errno in BY_ICMP)
MAY_COME = (
    Limit("reset", ("WSAECONNRESET",), RECEIVING, _value(0), lambda _, s: s.stream),
    Limit("reset", ("WSAECONNRESET",), ("getsockopt",), lambda _w, _s: Wanted(reported=""),
          lambda _, s: s.stream),
    Limit("so_error", ("",), ("getsockopt",), _told_before, lambda _, s: bool(s.told)),
    Limit("icmp", ICMP_CODES, ("connect",), _at_once,
          lambda c, s: s.stream and s.blocking and _late(c)),
    Limit("codes", DEFAULT, ("connect", "recv", "setsockopt"), _fails("WSAEINVAL")),
    Limit("codes", DEFAULT, ("setsockopt",), _value(0), _of_the_others),
    Limit("codes", ("WSAEAFNOSUPPORT",), ("connect",), _fails("WSAEOPNOTSUPP")),
    Limit("codes", ("WSAECONNRESET",), RECEIVING, _fails("WSAECONNREFUSED"),
          lambda _, s: not s.stream),
    Limit("datagrams", (*ICMP_CODES, "WSAECONNRESET", "WSAEMSGSIZE"), RECEIVING,
          _fails_late("WSAETIMEDOUT"), lambda _, s: not s.stream and s.limited),
    Limit("bind", ("WSAEADDRINUSE",), ("bind",), _value(0)),
    Limit("bind", ("WSAEADDRNOTAVAIL",), ("bind",), _value(0), lambda _, s: not s.stream),
)  # fmt: skip
# What WSAPoll tells of it since Windows 10 version 2004, and Wine does not.
POLLED = ("POLLOUT|POLLERR|POLLHUP", *EVENTS.values())


def _limited(wanted: Wanted, call: Call, socket: Socket) -> Wanted:
    """Return what is wanted, with what may come instead."""
    wish = wanted.errno_name or wanted.reported
    chain = [
        (one.name, one.instead(wanted, socket))
        for one in MAY_COME
        if wish is not None and wish in one.codes and call.name in one.calls
        and one.when(call, socket) and (wish or wanted.reported is not None)
    ]  # fmt: skip
    if call.name == "poll" and (
        (socket.connecting and wanted.told in POLLED)
        or (socket.stream and socket.failed and "POLLHUP" in str(wanted.told))
    ):
        chain.append(("poll", replace(wanted, told="POLLERR")))
    instead: Wanted | None = None
    limit = ""
    for name, other in reversed(chain):
        instead, limit = replace(other, instead=instead, limit=limit), name
    return replace(wanted, instead=instead, limit=limit) if instead else wanted


# --- what cannot be shown -----------------------------------------------------------------


@dataclass(frozen=True)
class Unlike:
    """Calls that Windows, or Wine, makes so that nothing of the case would be shown, and why."""

    why: str
    calls: tuple[str, ...]
    when: When


def _wants(*errnos: str) -> When:
    return lambda call, _socket: call.wanted.errno_name in errnos


def _again(call: Call, socket: Socket) -> bool:
    return socket.connecting and call.wanted.errno_name not in ("EALREADY", "EISCONN")


def _waits(call: Call) -> bool:
    """Tell whether a poll is there to let time go by."""
    wanted, asked = call.wanted, call.arguments["events"]
    return "POLLIN" not in asked and not wanted.value and wanted.told is None


def _told_elsewhere(call: Call, socket: Socket) -> bool:
    own = (socket.connecting or socket.failed) and socket.stream
    return own and call.wanted.errno_name in (*BY_ICMP, "ETIMEDOUT", "ECONNRESET")


def _untold(call: Call, socket: Socket) -> bool:
    wanted = call.wanted
    if socket.stream:
        return False
    if call.name in RECEIVING:
        return wanted.errno_name in (*BY_ICMP, "EMSGSIZE") and not socket.limited
    return wanted.errno_name == "ECONNREFUSED" or "POLLERR" in str(wanted.told)


UNLIKE = (
    Unlike("a second connect() begins anew on Windows, and does not tell how the first ended",
           ("connect",), _again),
    Unlike("Wine cannot connect() once more on a socket whose attempt has failed", ("connect",),
           lambda _, s: s.stream and s.failed),
    Unlike("shutdown() does not end a connect() on Windows", ("shutdown",),
           lambda c, s: s.connecting and not c.wanted.errno_name),
    Unlike("Wine waits without end on a socket that was never connected", ("poll",),
           lambda c, s: s.stream and not c.arguments.get("timeout_s")
           and not (s.connecting or s.connected or s.failed or s.listening)),
    Unlike("SO_SNDTIMEO is no limit of connect() on Windows", ("connect",),
           lambda c, s: s.blocking and c.wanted.errno_name in IN_PROGRESS),
    Unlike("SO_RCVTIMEO is no limit of accept() on Windows", ("accept",),
           lambda c, s: s.blocking and c.wanted.errno_name == "EAGAIN"),
    Unlike("Windows says nothing of what comes when no port is left", ("connect", "sendto"),
           _wants("EAGAIN")),
    Unlike("how a connect() ended is told by SO_ERROR alone on Windows", SENDING + RECEIVING,
           _told_elsewhere),
    Unlike("Wine waits without end for data on a socket that listens", RECEIVING,
           lambda _, s: s.listening),
    Unlike("Wine does not tell what ICMP says of a datagram", (*SENDING, *RECEIVING, "poll"),
           _untold),
    Unlike("Wine does not wait for all that MSG_WAITALL asks for", RECEIVING,
           lambda c, _: "MSG_WAITALL" in str(c.arguments.get("flags", ""))),
    Unlike("WSAPoll returns as soon as the peer has closed, whatever was asked", ("poll",),
           lambda c, s: s.left and _waits(c)),
)  # fmt: skip


def lacking(case: Case, on: str) -> Iterator[str]:
    """Yield why the calls of a case on a host cannot be made with Winsock."""
    for calls in (_asked(case.all_calls, on), _asked(case.control, on)):
        sockets: Sockets = {}
        for _, call, socket in _walk(calls, on, sockets):
            yield from _of_linux(call)
            socket.opens(call)
            yield from (
                f"{call.name}: {one.why}"
                for one in UNLIKE
                if call.name in one.calls and one.when(call, socket)
            )
            yield from _without_code(call, socket)
            socket.learns(call, call.wanted)
    if len(retries(case, on)) > 1:
        yield "connect: Winsock has no TCP_SYNCNT, and one setting is for all connections of a host"
    set_too = [f for f in case.faults if SYN_RETRIES in f.arguments.get("values", {})]
    if retries(case, on) and any(fault.on == on for fault in set_too):
        yield "connect: Winsock has no TCP_SYNCNT beside the host's setting"
    connects = [call for call in case.calls if call.on == on and call.name == "connect"]
    if any(_by_icmp(call, case) for call in connects) and any(
        not call.wanted.errno_name and _late(call) for call in connects
    ):
        yield "connect: Wine ends an attempt at what ICMP says, though the kernel goes on"


def _walk(calls: Sequence[Call], on: str, sockets: Sockets) -> Iterator[tuple[int, Call, Socket]]:
    """Yield the calls on a host: its number, the call, and the socket that it is made on."""
    for number, call in enumerate(calls):
        if call.on == on:
            socket = sockets.setdefault((call.caller, call.socket), Socket())
            yield number, call, socket
            if call.name == "close" and not call.wanted.errno_name:
                sockets.pop((call.caller, call.socket), None)
            for name in call.new:
                sockets[call.caller, name] = Socket(blocking=socket.blocking, connected=True)
        elif call.name in CLOSING:
            # Whose end it was is not known, so that of any may be it.
            for other in sockets.values():
                other.left = other.left or other.connected


def _asked(calls: Sequence[Call], on: str) -> list[Call]:
    """Return calls without those that only look at what Winsock does not tell."""
    return [call for call in calls if not (call.on == on and call.name in LOOKS)]


def _of_linux(call: Call) -> Iterator[str]:
    """Yield what Winsock has not that a call asks for."""
    if call.name not in inside.CALLS:
        yield OF_LINUX.get(call.name, f"Winsock has no {call.name}()")
    for name in LINUX_ONLY:
        if call.arguments.get(name) not in (None, "", False) or (
            name in ("length", "pointer", "sockaddr_family")
            and call.arguments.get(name) is not None
        ):
            yield f"{call.name}: {name} is Linux's"
    for flag in filter(None, str(call.arguments.get("flags", "")).split("|")):
        if flag not in inside.FLAGS:
            yield f"{call.name}: Winsock has no {flag}"
    options = [*call.opening.get("options", {}), *filter(None, [call.arguments.get("option")])]
    for option in options:
        if option not in (*inside.OPTIONS, TCP_SYNCNT):
            yield f"{call.name}: Winsock has no {option}"
    if call.opening and (
        call.opening["domain"] not in DOMAINS or call.opening["type"] not in TYPES
    ):
        yield f"{call.name}: a Winsock caller here has sockets of IP, streams and datagrams"
    if call.wanted.signal not in ("", "none"):
        yield f"{call.name}: Windows has no signals"


def _without_code(call: Call, socket: Socket) -> Iterator[str]:
    for errno in filter(None, (call.wanted.errno_name, call.wanted.reported)):
        if not code(errno, call, socket):
            yield f"{call.name}: Windows has no code of the meaning of {errno}"


def retries(case: Case, host: str) -> set[Any]:
    """Return what the calls on a host set TCP_SYNCNT to."""
    return {
        call.opening["options"][TCP_SYNCNT]
        for call in (*case.all_calls, *case.control)
        if call.on == host and TCP_SYNCNT in call.opening.get("options", {})
    }


# --- a case as Winsock makes it -----------------------------------------------------------


def adapted(calls: Sequence[Call], host: str, sockets: Sockets) -> list[Call]:
    """Return calls in which those on a host are as Winsock makes them."""
    made = _asked(calls, host)
    for number, call, socket in _walk(made, host, sockets):
        socket.opens(call)
        wanted = _wanted(call, socket)
        made[number] = replace(
            call, opening=_opening(call), arguments=_arguments(call), wanted=wanted
        )
        socket.learns(call, wanted)
    return made


def _opening(call: Call) -> dict[str, Any]:
    if not call.opening:
        return {}
    options = {k: v for k, v in call.opening.get("options", {}).items() if k != TCP_SYNCNT}
    if str(call.arguments.get("address", "")).startswith(MAPPED):
        options.setdefault(V6ONLY, 0)
    return {**call.opening, "options": options}


def _arguments(call: Call) -> dict[str, Any]:
    if call.arguments.get("events") != ERRORS_ALONE:
        return call.arguments
    return {**call.arguments, "events": ""}


def _wanted(call: Call, socket: Socket) -> Wanted:
    """Return what Winsock must give where Linux gives what is wanted."""
    wanted = replace(call.wanted, signal="")
    refused = next((r for r in REFUSALS if call.name in r.calls and r.when(call, socket)), None)
    if refused and not wanted.errno_name:
        return Wanted(errno_name=refused.code, value=-1, within_s=wanted.within_s)
    if wanted.errno_name:
        linux = wanted.errno_name
        wanted = replace(wanted, errno_name=code(linux, call, socket) or linux, linux=linux)
    if wanted.reported:
        linux = wanted.reported
        wanted = replace(wanted, reported=code(linux, call, socket) or linux, linux=linux)
    if call.name == "poll" and socket.stream and wanted.told in EVENTS:
        wanted = replace(wanted, told=EVENTS[wanted.told])
    return _limited(wanted, call, socket)


def counted(case: Case, host: str) -> tuple[list[Counted], list[Picture]]:
    """Return what must be counted of a case, without what Wine makes the kernel count otherwise."""
    if not any(_by_icmp(call, case) for call in case.all_calls if call.on == host):
        return [*case.counted], [*case.pictures]
    pictures = [replace(one, counted=_kept(one.counted, host)) for one in case.pictures]
    return _kept(case.counted, host), pictures


def _by_icmp(call: Call, case: Case) -> bool:
    """Tell whether it is ICMP that ends a blocking connect."""
    patterns = [*case.seen, *(pattern for picture in case.pictures for pattern in picture.seen)]
    answered = any(pattern.proto == "icmp" for pattern in patterns) or any(
        str(word).startswith("icmp")
        for fault in case.faults
        for word in fault.arguments.get("target", ())
    )
    blocks = call.name == "connect" and call.opening.get("blocking", True)
    return bool(blocks and answered and call.wanted.errno_name in BY_ICMP)


def _kept(counters: Sequence[Counted], host: str) -> list[Counted]:
    return [one for one in counters if not (one.host == host and one.counter in COUNTED_OTHERWISE)]
