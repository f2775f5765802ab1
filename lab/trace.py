"""What a program's system calls really got, from the text that strace 6.1 wrote of them.

The text is that of lab/inside/tracing.py: a line a call, with process, time, sockets
marked by their inode (which stays the same in a fork or a copy of a descriptor), value,
errno and how long it took. Two lines make a call during which another thread ran.
`errnos` and `tried` leave out what does not come of the network under test: files, the
name service's socket, DNS, netlink, and what libraries try out for themselves.
"""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from ipaddress import IPv6Address, ip_address
from typing import Any

# --- the text -------------------------------------------------------------------


@dataclass(frozen=True)
class Syscall:
    """One call, with its result.

    `t_s` is when it began, in seconds since 1970, and `took_s` how long it took, None if
    unknown. `inode` is the socket that it is called on, or "", and `made` are those that it
    made. `family` is "ipv4", "ipv6", "unix", …; that of ::ffff:198.18.0.1 is "ipv4". `value`
    is None if the call never ended, or was interrupted and will begin again.
    `detail` is all its arguments as strace writes them.
    """

    pid: int
    t_s: float
    name: str
    detail: str
    value: int | None = None
    errno_name: str = ""
    took_s: float | None = None
    inode: str = ""
    made: tuple[str, ...] = ()
    family: str = ""
    address: str = ""
    port: int = 0

    @property
    def got_s(self) -> float:
        """Return when its result was there, as far as that is known."""
        return self.t_s + (self.took_s or 0.0)

    @property
    def failed(self) -> bool:
        """Tell whether the program got an errno from it; an interruption is none yet."""
        return self.value is not None and self.errno_name != ""


@dataclass(frozen=True)
class Trace:
    """A program's calls in the order in which they ended; those that never did come last.

    `pid` is its first process and `began_s` when that began; `status` is the exit status of
    that, or minus a signal's number, None if the text does not say. `started` tells whether
    the command could be executed. `lost` lines were not understood, as at a cut.
    """

    calls: tuple[Syscall, ...] = ()
    pid: int = 0
    began_s: float = 0.0
    status: int | None = None
    started: bool = False
    lost: int = 0

    @property
    def hidden(self) -> bool:
        """Tell whether it made a ring (io_uring), through which it can call unseen."""
        return any(c.name == "io_uring_setup" and not c.errno_name for c in self.calls)

    @cached_property
    def followed(self) -> _Followed:
        """Return what became of its sockets."""
        followed = _Followed()
        for call in self.calls:
            followed.take(call)
        return followed


_LINE = re.compile(r"(\d+) +(\d+\.\d+) (.+)")
_CALL = re.compile(r"(\w+)\((.*)")
_RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
_UNFINISHED = " <unfinished ...>"
_RESULT = re.compile(
    r"(?P<detail>.*)\) += (?P<value>-?\d+|0x[0-9a-f]+|\?)(?:<(?P<what>[^>]*)>)?"
    r"(?: (?P<errno>E[A-Z0-9_]+)(?= \())?(?: \(.*\))?(?: <unavailable>)?(?: <(?P<took>\d+\.\d+)>)?"
)
_END = re.compile(r"\+\+\+ (?:exited with (\d+)|killed by (\w+)(?: \(core dumped\))?) \+\+\+")
_NOTE = re.compile(r"(---|\+\+\+|\[) .* (---|\+\+\+|\])")
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_FAMILY = re.compile(r"(?:^|sa_family=)AF_(\w+)")
_ADDRESS = re.compile(
    r'sin6?_port=htons\((\d+)\), (?:sin_addr=inet_addr\("([^"]+)"\)'
    r'|sin6_flowinfo=[^,]*, inet_pton\(AF_INET6, "([^"]+)", &sin6_addr\)'
    r'(?:, sin6_scope_id=if_nametoindex\("([^"]+)"\))?)'
)
_FAMILY_NAMES = {"INET": "ipv4", "INET6": "ipv6"}


def parse(text: str) -> Trace:
    """Return the trace that a text tells of; what cannot be understood is skipped.

    Any text is accepted: one that was cut, that of a program which runs on, and none.
    """
    reading = _Reading()
    for line in text.split("\n"):
        if line:
            reading.take(line)
    return reading.trace()


@dataclass
class _Reading:
    """A text, while it is read."""

    calls: list[Syscall] = field(default_factory=list)
    # Process to (begin, name, arguments so far) of the call that it is in.
    open: dict[int, tuple[float, str, str]] = field(default_factory=dict)
    pid: int = 0
    began_s: float = 0.0
    status: int | None = None
    lost: int = 0

    def take(self, line: str) -> None:
        parts = _LINE.fullmatch(line)
        if not parts:
            self._lose()
            return
        pid, t_s, rest = int(parts[1]), float(parts[2]), parts[3]
        if not self.pid:
            self.pid, self.began_s = pid, t_s
        end = _END.fullmatch(rest)
        if end and pid == self.pid:
            self.status = int(end[1]) if end[1] else _minus_signal(end[2])
        elif not _NOTE.fullmatch(rest) and not self._call(pid, t_s, rest):
            self._lose()

    def _call(self, pid: int, t_s: float, rest: str) -> bool:
        """Take a line of a call, or half of one; tell whether it is one."""
        resumed = _RESUMED.fullmatch(rest)
        begun = self.open.pop(pid, None)
        if resumed:
            if not begun or begun[1] != resumed[1]:
                # Its beginning was cut out: nobody knows on which socket it was.
                self.lost += 1
                return True
            name, rest = resumed[1], begun[2] + resumed[2]
        else:
            parts = _CALL.fullmatch(rest)
            if not parts:
                return False
            name, rest = parts[1], parts[2]
        since_s = begun[0] if resumed and begun else t_s
        if rest.endswith(_UNFINISHED):
            self.open[pid] = (since_s, name, rest.removesuffix(_UNFINISHED))
            return True
        result = _RESULT.fullmatch(rest)
        if result:
            self.calls.append(_syscall(pid, since_s, name, result, t_s - since_s))
        return result is not None

    def _lose(self) -> None:
        """Count a line, and forget the calls of which the other half may be lost with it."""
        self.lost += 1
        self._end_open()

    def _end_open(self) -> None:
        for pid, (t_s, name, detail) in self.open.items():
            self.calls.append(_described(Syscall(pid, t_s, name, detail)))
        self.open.clear()

    def trace(self) -> Trace:
        self._end_open()
        started = any(c.pid == self.pid and c.name == "execve" and c.value == 0 for c in self.calls)
        return Trace(tuple(self.calls), self.pid, self.began_s, self.status, started, self.lost)


def _minus_signal(name: str) -> int | None:
    return -signal.Signals[name].value if name in signal.Signals.__members__ else None


def _syscall(pid: int, t_s: float, name: str, result: re.Match[str], apart_s: float) -> Syscall:
    """Return a call that ended; `apart_s` lies between its two lines, 0 if it has one."""
    took = float(result["took"]) if result["took"] else apart_s or None
    value = None if result["value"] == "?" else int(result["value"], 0)
    detail = result["detail"].removesuffix(_UNFINISHED)
    call = Syscall(pid, t_s, name, detail, value, result["errno"] or "", took)
    return _described(call, result["what"] or "")


def _described(call: Syscall, returned: str = "") -> Syscall:
    """Return a call with what its arguments say of sockets and addresses."""
    first, _, _ = call.detail.partition(",")
    on, made = _SOCKET.search(first), _SOCKET.findall(returned)
    if call.name == "socketpair":
        on, made = None, _SOCKET.findall(call.detail)
    family, address, port = _end(call.detail)
    return replace(call, inode=on[1] if on else "", made=tuple(made),
                   family=family, address=address, port=port)  # fmt: skip


def _end(detail: str) -> tuple[str, str, int]:
    """Return (family, address, port) of the first socket address in a call's arguments."""
    named = _FAMILY.search(detail)
    family = _FAMILY_NAMES.get(named[1], named[1].lower()) if named else ""
    found = _ADDRESS.search(detail)
    if not found:
        return family, "", 0
    port, four, six, device = found.groups()
    mapped = IPv6Address(six).ipv4_mapped if six else None
    if mapped:
        return "ipv4", str(mapped), int(port)
    return family, (six + (f"%{device}" if device else "")) if six else four, int(port)


# --- what became of the sockets ---------------------------------------------------

PENDING = "pending"
SENDS = frozenset(("send", "sendto", "sendmsg", "sendmmsg", "write", "writev", "sendfile"))
RECEIVES = frozenset(("recv", "recvfrom", "recvmsg", "recvmmsg", "read", "readv"))
ACCEPTS = frozenset(("accept", "accept4"))
# Options, names and shutdown() are left out: what they fail with is that an option is not
# there, or that a connection is gone, which a program tries out or has been told before.
TOLD_BY = SENDS | RECEIVES | ACCEPTS | {"connect", "bind", "listen"}
# Not ready yet, already done, interrupted, or a mistake that no network makes.
NO_FAILURE = frozenset((
    "EINPROGRESS", "EALREADY", "EISCONN", "EAGAIN", "EWOULDBLOCK", "EINTR",
    "EBADF", "EFAULT", "ENOTSOCK", "ENOSYS",
))  # fmt: skip
# A time-out that the program set on its socket ends a call with an errno of "not ready".
NOT_READY = frozenset(("EAGAIN", "EWOULDBLOCK", "EINPROGRESS"))
# What socket() itself can lack; that a family or protocol is not there, libraries try out.
LACKS = frozenset(("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"))
# Where a cut took away what kind a socket is, these tell that it was of a network.
OF_A_NETWORK = frozenset((
    "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN",
))  # fmt: skip
# A call that waited longer than this for nothing had a time-out; a look takes microseconds.
WAITED_S = 0.005

_KIND = re.compile(r"AF_\w+, (SOCK_\w+)[^,]*, (\w+)")
_PROTOCOLS = {
    "SOCK_STREAM": {"IPPROTO_IP": "tcp", "IPPROTO_TCP": "tcp", "IPPROTO_MPTCP": "tcp"},
    "SOCK_DGRAM": {"IPPROTO_IP": "udp", "IPPROTO_UDP": "udp"},
}
_TIME_OUT = re.compile(r'SOL_SOCKET, (SO_RCVTIMEO|SO_SNDTIMEO)\w*, "((?:\\.|[^"])*)"')
_SO_ERROR = re.compile(r"SOL_SOCKET, SO_ERROR, +\[(\w+)\]")

End = tuple[str, str, int]  # (family, address, port)


@dataclass(frozen=True)
class Got:
    """A failure that a program's call got, `times` times in a row.

    `call` is the call's name; "connect (SO_ERROR)" is a connection that failed after
    connect() had returned, asked for with getsockopt(). The address is that of the other
    end, "" where the call has none. `t_ms` is when the program got it, since its start,
    and `waited_ms` how long it had waited by then, None if unknown; both of the first time.
    """

    call: str
    errno_name: str
    times: int
    family: str
    address: str
    port: int
    proto: str
    t_ms: float
    waited_ms: float | None

    @property
    def number(self) -> int:
        """Return the errno's number, 0 if it has none here."""
        return int(getattr(errno, self.errno_name, 0))


@dataclass(frozen=True)
class Attempt:
    """An address that a program tried: a connect() over TCP, or a first datagram.

    `family` is "ipv4" or "ipv6", `proto` "tcp" or "udp". `ended` is "" if it connected, or a
    datagram was answered; the errno's name; or "pending" if neither was seen, which is so
    for a connection that the program gave up, and a datagram without an answer.
    """

    t_ms: float
    family: str
    address: str
    port: int
    proto: str
    ended: str


def errnos(trace: Trace) -> list[Got]:
    """Return the failures that the program's network calls got, in order.

    An errno that is the same again, of the same call and end, is counted with the first.
    """
    found: list[Got] = []
    for failure in trace.followed.real_failures():
        got = failure.as_got(trace.began_s)
        if found and replace(got, times=0, t_ms=0.0, waited_ms=None) == replace(
            found[-1], times=0, t_ms=0.0, waited_ms=None
        ):
            found[-1] = replace(found[-1], times=found[-1].times + 1)
        else:
            found.append(got)
    return found


def tried(trace: Trace) -> list[Attempt]:
    """Return the addresses that the program tried, in the order in which it began."""
    tries = sorted(trace.followed.real_tries(), key=lambda one: one.began_s)
    return [
        Attempt(_ms(one.began_s - trace.began_s), *one.end, one.proto, one.ended) for one in tries
    ]


def summary(trace: Trace) -> dict[str, Any]:
    """Return what a trace tells, as result.json has it.

    {"started": bool, "status": int or None, "errnos": […], "tried": […], "hidden": bool,
    "lost": int}, with the fields of `Got` (and its number as "errno") and of `Attempt`.
    """
    return {
        "started": trace.started,
        "status": trace.status,
        "errnos": [{**asdict(got), "errno": got.number} for got in errnos(trace)],
        "tried": [asdict(attempt) for attempt in tried(trace)],
        "hidden": trace.hidden,
        "lost": trace.lost,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


@dataclass
class _Try:
    """An attempt, while its end is not known. `probe`: a UDP connect() that failed."""

    began_s: float
    end: End
    proto: str
    ended: str = PENDING
    probe: bool = False


@dataclass(frozen=True)
class _Failure:
    call: str
    errno_name: str
    end: End
    proto: str
    got_s: float
    waited_s: float | None
    of: _Try | None

    def as_got(self, began_s: float) -> Got:
        waited = None if self.waited_s is None else _ms(self.waited_s)
        return Got(self.call, self.errno_name, 1, *self.end, self.proto,
                   _ms(self.got_s - began_s), waited)  # fmt: skip


@dataclass
class _Socket:
    """What is known of a socket: `peer` is its other end, `tries` what was tried on it."""

    family: str = ""
    proto: str = ""
    peer: End = ("", "", 0)
    time_outs: set[str] = field(default_factory=set)
    tries: dict[End, _Try] = field(default_factory=dict)

    @property
    def current(self) -> _Try | None:
        """Return the attempt that the calls on this socket are about."""
        return self.tries.get(self.peer) or (
            next(iter(self.tries.values())) if len(self.tries) == 1 else None
        )


@dataclass
class _Followed:
    """The sockets of a trace, its attempts and its failures."""

    sockets: dict[str, _Socket] = field(default_factory=dict)
    tries: list[_Try] = field(default_factory=list)
    failures: list[_Failure] = field(default_factory=list)

    def take(self, call: Syscall) -> None:
        self._make(call)
        if call.name == "socket" and call.errno_name in LACKS:
            self._fail(call, _Socket(call.family, _protocol(call.detail)), None)
        if not call.inode:
            return
        socket = self.sockets.setdefault(call.inode, _Socket())
        if call.name == "setsockopt":
            _set_time_out(call, socket)
        elif call.name == "getsockopt":
            self._asked(call, socket)
        elif call.name == "getpeername" and call.value == 0:
            _succeed(socket.current)
        elif call.name == "connect":
            self._connect(call, socket)
        elif call.name in SENDS:
            self._send(call, socket)
        elif call.name in TOLD_BY:
            self._receive(call, socket)

    def _make(self, call: Syscall) -> None:
        for inode in call.made:
            if call.name in ACCEPTS:
                listener = self.sockets.get(call.inode, _Socket())
                self.sockets[inode] = _Socket(call.family or listener.family, listener.proto,
                                              _end_of(call))  # fmt: skip
            else:
                self.sockets[inode] = _Socket(call.family, _protocol(call.detail))

    def _connect(self, call: Syscall, socket: _Socket) -> None:
        socket.family = call.family or socket.family
        if not call.address or _is_resolver(call.address, call.port):
            socket.peer = _end_of(call)
            return
        again = socket.tries.get(_end_of(call))
        socket.peer = _end_of(call)
        if socket.proto == "tcp":
            # A second connect() asks for the result of the first, or goes on waiting for it.
            if not again or (again.ended != PENDING and call.errno_name != "EISCONN"):
                again = self._try(call, socket)
            if call.value == 0 or call.errno_name == "EISCONN":
                _succeed(again)
        elif socket.proto == "udp" and call.failed and not again:
            again = self._try(call, socket)
            again.probe = True
        self._told(call, socket, again)

    def _send(self, call: Syscall, socket: _Socket) -> None:
        """Take a sending call; the first to an address may be all there is of a connect()."""
        end = _end_of(call) if call.address else socket.peer
        if _is_resolver(*end[1:]):
            socket.peer = end
            return
        one = socket.tries.get(end)
        fast_open = socket.proto == "tcp" and call.address and not socket.tries
        if not one and end[1] and (socket.proto == "udp" or fast_open):
            socket.family, socket.peer = end[0], (socket.peer if socket.peer[1] else end)
            one = self._try(call, socket, end)
        if one:
            one.probe = False
        if socket.proto != "udp" and (call.value or 0) > 0:
            _succeed(one)
        self._told(call, socket, one or socket.current)

    def _receive(self, call: Syscall, socket: _Socket) -> None:
        one = socket.tries.get(_end_of(call)) if call.address else socket.current
        if call.name in RECEIVES and call.value is not None and not call.failed:
            _succeed(one, even_failed=socket.proto == "udp")
        self._told(call, socket, one)

    def _asked(self, call: Syscall, socket: _Socket) -> None:
        """Take the answer to the question for a socket's error, 0 if there is none."""
        answer = _SO_ERROR.search(call.detail)
        if not answer or call.value != 0 or _is_resolver(*socket.peer[1:]):
            return
        one = socket.current
        if answer[1] == "0":
            _succeed(one)
            return
        connecting = one is not None and one.proto == "tcp" and one.ended == PENDING
        name = "connect (SO_ERROR)" if connecting else "getsockopt (SO_ERROR)"
        waited_s = call.got_s - one.began_s if one and connecting else None
        told = replace(call, name=name, errno_name=answer[1], value=-1, took_s=waited_s)
        self._fail(told, socket, one, got_s=call.got_s)

    def _told(self, call: Syscall, socket: _Socket, one: _Try | None) -> None:
        """Take the errno of a call, if it got one that is a failure."""
        if call.failed and call.name in TOLD_BY and _is_failure(call, socket):
            self._fail(call, socket, one)

    def _try(self, call: Syscall, socket: _Socket, end: End | None = None) -> _Try:
        one = _Try(call.t_s, end or _end_of(call), socket.proto)
        socket.tries[one.end] = one
        self.tries.append(one)
        return one

    def _fail(
        self, call: Syscall, socket: _Socket, one: _Try | None, got_s: float | None = None
    ) -> None:
        if one and one.ended == PENDING:
            one.ended = call.errno_name
        end = _end_of(call) if call.address else socket.peer
        if not end[0]:
            end = (socket.family, *end[1:])
        self.failures.append(
            _Failure(call.name, call.errno_name, end, socket.proto,
                     call.got_s if got_s is None else got_s, call.took_s, one)
        )  # fmt: skip

    def real_tries(self) -> Iterable[_Try]:
        """Return the attempts without a name service's probes.

        To sort addresses, getaddrinfo() connects a UDP socket to each and sends nothing; one
        that fails cannot be told from a program's own but by what the program does next: it
        goes on to an address and tries it in earnest.
        """
        last_s = max((one.began_s for one in self.tries if not one.probe), default=0.0)
        return (one for one in self.tries if not (one.probe and one.began_s < last_s))

    def real_failures(self) -> Iterable[_Failure]:
        """Return the failures without those of probes."""
        real = {id(one) for one in self.real_tries()}
        return (one for one in self.failures if one.of is None or id(one.of) in real)


def _end_of(call: Syscall) -> End:
    return call.family, call.address, call.port


def _protocol(detail: str) -> str:
    """Return "tcp", "udp", or what else socket() asked for: "icmp", "raw"."""
    kind = _KIND.match(detail)
    if not kind:
        return ""
    other = kind[1].removeprefix("SOCK_").lower()
    if kind[1] in _PROTOCOLS:
        other = kind[2].removeprefix("IPPROTO_").lower()
    return _PROTOCOLS.get(kind[1], {}).get(kind[2], other)


def _set_time_out(call: Syscall, socket: _Socket) -> None:
    option = _TIME_OUT.search(call.detail)
    if option and call.value == 0:
        # strace writes the time as bytes, "\0\0\0…" for none.
        (socket.time_outs.add if option[2].strip("\\0") else socket.time_outs.discard)(option[1])


def _succeed(one: _Try | None, even_failed: bool = False) -> None:
    if one and (one.ended == PENDING or even_failed):
        one.ended = ""


def _is_failure(call: Syscall, socket: _Socket) -> bool:
    """Tell whether an errno is one of the network under test."""
    if socket.family not in ("ipv4", "ipv6"):
        return not socket.family and call.errno_name in OF_A_NETWORK
    if _is_resolver(*socket.peer[1:]) or _is_trial(call):
        return False
    return call.errno_name not in NO_FAILURE or _timed_out(call, socket)


def _timed_out(call: Syscall, socket: _Socket) -> bool:
    option = "SO_RCVTIMEO" if call.name in RECEIVES | ACCEPTS else "SO_SNDTIMEO"
    waited = call.took_s is None or call.took_s >= WAITED_S
    return option in socket.time_outs and waited and call.errno_name in NOT_READY


def _is_trial(call: Syscall) -> bool:
    """Tell whether a library only tries out what there is: a family, or a way to send a file."""
    own = call.name == "bind" and call.port == 0 and _is_loopback(call.address)
    return own or (call.name, call.errno_name) == ("sendfile", "EINVAL")


def _is_resolver(address: str, port: int) -> bool:
    """Tell whether questions for names are asked there: the engine's own resolver."""
    return port == 53 and _is_loopback(address)


def _is_loopback(address: str) -> bool:
    return bool(address) and ip_address(address.partition("%")[0]).is_loopback
