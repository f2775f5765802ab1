"""The ICMP errors, what Linux makes of each, and the cases that show it.

One table holds the kernel's own: `icmp_err_convert[]` (net/ipv4/icmp.c) and
`icmpv6_err_convert()` (net/ipv6/icmp.c). What a socket is told depends on its
state too: see `tcp_v4_err()`, `tcp_v6_err()`, `__udp4_lib_err()`, `__udp6_lib_err()`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lab.scenario import Case
from lab.topology import Family


@dataclass(frozen=True)
class Error:
    """An ICMP error: its type and code, the errno, and whether that is a hard error.

    `tcp` is false where TCP does not even keep a soft error (path MTU); `passed` is false
    where no socket's caller ever hears of it, be it that ICMP does not pass it on or that
    the protocol's handler makes no error of it. None of them counts as InErrors.
    """

    family: Family
    type: int
    code: int
    errno_name: str = ""
    hard: bool = False
    tcp: bool = True
    passed: bool = True

    @property
    def name(self) -> str:
        """Return the name of its case: "3_1"."""
        return f"{self.type}_{self.code}"


def _v4(
    kind: int, code: int, errno_name: str = "", *, hard: bool = False, tcp: bool = True,
    passed: bool = True,
) -> Error:  # fmt: skip
    return Error("ipv4", kind, code, errno_name, hard, tcp, passed)


def _v6(
    kind: int, code: int, errno_name: str = "", *, hard: bool = False, tcp: bool = True
) -> Error:
    return Error("ipv6", kind, code, errno_name, hard, tcp)


ERRORS = (
    _v4(3, 0, "ENETUNREACH"),
    _v4(3, 1, "EHOSTUNREACH"),
    _v4(3, 2, "ENOPROTOOPT", hard=True),
    _v4(3, 3, "ECONNREFUSED", hard=True),
    # Path MTU discovery; a datagram socket that asks for it (the default) is told.
    _v4(3, 4, "EMSGSIZE", hard=True, tcp=False),
    _v4(3, 5, "EOPNOTSUPP"),
    _v4(3, 6, "ENETUNREACH", hard=True),
    _v4(3, 7, "EHOSTDOWN", hard=True),
    _v4(3, 8, "ENONET", hard=True),
    _v4(3, 9, "ENETUNREACH", hard=True),
    _v4(3, 10, "EHOSTUNREACH", hard=True),
    _v4(3, 11, "ENETUNREACH"),
    _v4(3, 12, "EHOSTUNREACH"),
    _v4(3, 13, "EHOSTUNREACH", hard=True),
    _v4(3, 14, "EHOSTUNREACH", hard=True),
    _v4(3, 15, "EHOSTUNREACH", hard=True),
    _v4(3, 16, passed=False),  # not defined: icmp_unreach() drops it
    # Source quench, withdrawn by RFC 6633: tcp_v4_err() and __udp4_lib_err() ignore it.
    _v4(4, 0, passed=False),
    # Redirects: the same two let them change the socket's route, and tell no error.
    _v4(5, 0, passed=False),
    _v4(5, 1, passed=False),
    _v4(11, 0, "EHOSTUNREACH"),
    _v4(11, 1, passed=False),  # reassembly time exceeded: icmp_unreach() drops it
    _v4(12, 0, "EPROTO", hard=True),
    _v4(12, 1, "EPROTO", hard=True),
    _v4(12, 2, "EPROTO", hard=True),
    _v6(1, 0, "ENETUNREACH"),
    _v6(1, 1, "EACCES", hard=True),
    _v6(1, 2, "EHOSTUNREACH"),
    _v6(1, 3, "EHOSTUNREACH"),
    _v6(1, 4, "ECONNREFUSED", hard=True),
    _v6(1, 5, "EACCES", hard=True),
    _v6(1, 6, "EACCES", hard=True),
    _v6(1, 99, "EPROTO", hard=True),  # not defined
    _v6(2, 0, "EMSGSIZE", hard=True, tcp=False),
    _v6(3, 0, "EHOSTUNREACH"),
    _v6(3, 1, "EHOSTUNREACH"),
    _v6(4, 0, "EPROTO", hard=True),
    _v6(4, 1, "EPROTO", hard=True),
    _v6(4, 2, "EPROTO", hard=True),
    _v6(100, 0, "EPROTO"),  # a type that is not defined: RFC 4443 2.4 has it passed on
)

UNREACHABLE = ("EHOSTUNREACH", "ENETUNREACH")
# Which errors reach the caller, by what kind of socket it is.
TOLD: dict[str, Callable[[Error], bool]] = {
    "tcp": lambda error: error.passed and error.tcp,
    "udp connected": lambda error: error.passed and error.hard,
    "udp IP_RECVERR": lambda error: error.passed,
    "nobody": lambda _error: False,
}


def each_icmp_error(told: str, *, reported: Case | None = None, ignored: Case) -> list[Case]:
    """Return a case for every ICMP error of both families.

    Args: `told` is a key of TOLD; `reported` and `ignored` say what is called and must
    be seen, with `given("error")` for (type, code), `given("errno")`, `given("told")` for
    what the error queue says, and `given("unreachable")`, "true" where the errno says so
    (EHOSTUNREACH, ENETUNREACH) and else "wrong". `reported` is left out where nobody is told.
    Raises: ValueError if an error is reported and `reported` was left out.
    """
    found = []
    for error in ERRORS:
        template = reported if TOLD[told](error) else ignored
        if template is None:
            raise ValueError(f"each_icmp_error({told!r}) needs reported=: {error.name} is reported")
        by = "ICMP" if error.family == "ipv4" else "ICMPv6"
        given = {
            "error": (error.type, error.code),
            "errno": error.errno_name,
            "told": f"{error.errno_name} from {by} {error.type}/{error.code}",
            "unreachable": "true" if error.errno_name in UNREACHABLE else "wrong",
        }
        found.append(replace(template, name=error.name, family=error.family, given=given))
    return found
