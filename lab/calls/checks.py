"""What is wrong with a call's arguments, found before anything runs."""

from __future__ import annotations

import difflib
import ipaddress
import select as waiting
import signal
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.calls.places import IN_BRACES, placed
from lab.inside.calls.data import FLAGS
from lab.inside.calls.descriptors import OPEN_FLAGS, WHENCE
from lab.inside.calls.names import LOOKUP_FLAGS, STRUCTS
from lab.inside.calls.sockets import ACCEPT_FLAGS
from lab.inside.options import OPTIONS, written
from lab.known import Known
from lab.topology import ADDRESSES, FAMILIES, Block

SHUTDOWNS = ("SHUT_RD", "SHUT_WR", "SHUT_RDWR")
# What the flags are of the calls that have others than MSG_….
FLAGS_OF = {"accept": tuple(ACCEPT_FLAGS), "open_path": OPEN_FLAGS, "getaddrinfo": LOOKUP_FLAGS}
# What a literal address may be: this host, this link, or the lab's own ranges.
MAY_BE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8", "198.18.0.0/15", "203.0.113.0/24", "169.254.0.0/16", "0.0.0.0/32",
        "255.255.255.255/32", "::1/128", "::/128", "2001:db8::/32", "fe80::/10",
    )
)  # fmt: skip


def argument_mistakes(call: str, arguments: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a call's arguments, by their names."""
    flags = arguments.get("flags", "")
    known = FLAGS_OF.get(call, tuple(FLAGS))
    found = _names("flag", known)(flags) if isinstance(flags, str) and flags else []
    for name, value in arguments.items():
        check = CHECKS.get(name)
        if check and not isinstance(value, Known):
            found += check(value)
    option = arguments.get("option", "SO_ERROR")
    if "value" in arguments:
        found += _option_mistakes({option: arguments["value"]})
    elif option not in OPTIONS:
        found.append(f"there is no option {option!r}")
    return found


def opening_mistakes(
    opening: Mapping[str, Any], domains: Mapping[str, int], types: Mapping[str, int]
) -> list[str]:
    """Return what is wrong with how a socket is to be made."""
    options = opening.get("options", {})
    found = [] if isinstance(options, Known) else _option_mistakes(options)
    for key, names in (("domain", domains), ("type", types)):
        value = opening.get(key)
        if value and not isinstance(value, (int, Known)) and value not in names:
            found.append(f"{key} {value!r} is not one of {', '.join(names)}, or a number")
    return found


def _option_mistakes(options: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in options.items():
        if name not in OPTIONS:
            found.append(f"there is no option {name!r}")
        elif not isinstance(value, Known):
            try:
                written(name, value)
            except (struct.error, TypeError, ValueError, AttributeError):
                found.append(f"option {name} does not take {value!r}")
    return found


def _port(port: Any) -> list[str]:
    good = isinstance(port, int) and 0 <= port <= 65535
    return [] if good else [f"port {port!r} is not 0 to 65535"]


def _data(data: Any) -> list[str]:
    pieces = data if isinstance(data, (list, tuple)) else [data]
    bad = [piece for piece in pieces if not isinstance(piece, (bytes, Known))]
    return [f"data {piece!r} is not bytes" for piece in bad]


def _names(kind: str, known: Iterable[str]) -> Callable[[Any], list[str]]:
    """Return a check that a text is one of some names, or several with "|" between them."""
    names = tuple(known)

    def check(text: Any) -> list[str]:
        parts = text.split("|") if isinstance(text, str) else [text]
        bad = [part for part in parts if part not in names]
        return [f"{kind} {part!r} is not one of {', '.join(names)}" for part in bad]

    return check


def _domain(domain: Any) -> list[str]:
    """Return why a domain may not be asked for: it must be a number, or a name of one of ours."""
    names = _names("domain", ("AF_UNSPEC", "AF_UNIX", "AF_INET", "AF_INET6"))
    return [] if isinstance(domain, int) else names(domain)


def _events(events: Any) -> list[str]:
    bad = [event for event in str(events).split("|") if not hasattr(waiting, event)]
    return [f"there is no event {event!r}" for event in bad]


def _signal(name: Any) -> list[str]:
    return [] if name in signal.Signals.__members__ else [f"there is no signal {name!r}"]


def _address(text: Any) -> list[str]:
    """Return why a literal address may not be named: nothing may leave the lab."""
    found = []
    for family in FAMILIES:
        here = placed(str(text), family, Block(0)).partition("%")[0]
        try:
            address = ipaddress.ip_address(here)
        except ValueError:
            found.append(f"address {text!r} is not an IPv4 or IPv6 address")
            continue
        mapped = getattr(address, "ipv4_mapped", None) or address
        if not any(mapped in network for network in MAY_BE):
            found.append(f"address {text!r} is none of the lab's, of this link or of this host")
    return list(dict.fromkeys(found))


def _path(path: Any) -> list[str]:
    """Return why a path may not be named: it lies in the callers' folder or the host's /tmp."""
    if isinstance(path, str) and path:
        abstract = path.startswith(("@", "\0"))
        leaves = path.startswith("/") and not path.startswith("/tmp/")
        if abstract or not (leaves or ".." in path.split("/")):
            return []
    return [f"path {path!r} is neither abstract ('@name') nor in the callers' folder nor in /tmp"]


def _argv(argv: Any) -> list[str]:
    if not isinstance(argv, (list, tuple)) or not all(isinstance(word, str) for word in argv):
        return [f"argv {argv!r} is not a list of texts"]
    found = [] if argv else ["argv is empty"]
    for name, form in (match for word in argv for match in IN_BRACES.findall(word)):
        near = difflib.get_close_matches(name, ADDRESSES, n=1, cutoff=0.75)
        if name not in ADDRESSES and (form or near):
            found.append(f"no destination '{name}': there are {', '.join(ADDRESSES)}")
    return found


CHECKS: dict[str, Callable[[Any], list[str]]] = {
    "port": _port,
    "data": _data,
    "stdin": lambda stdin: [] if stdin is None else _data(stdin),
    "events": _events,
    "how": _names("how", SHUTDOWNS),
    "whence": _names("whence", WHENCE),
    "struct": _names("struct", STRUCTS),
    "domain": _domain,
    "stream": _names("stream", ("stdout", "stderr")),
    "signal_name": _signal,
    "address": _address,
    "path": _path,
    "argv": _argv,
}  # fmt: skip
