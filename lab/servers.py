"""A service of the user's in the server's place: of an image, or a command in the server host.

It lives in the server's network namespace, so that whoever reaches the server reaches
it, and every fault on the way meets it. It goes with the block that it serves.
"""

from __future__ import annotations

import contextlib
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

from lab import breaking, containers, faults
from lab.console import say
from lab.containers import SERVER
from lab.errors import LabError
from lab.faults import Plan
from lab.inside.octets import as_octets
from lab.lab import Lab, LabSite
from lab.topology import ECHO_PORT, Family

LOOK_EVERY_S = 0.05
# A service that opens several ports, or one in both families, does so within this time.
OTHERS_WITHIN_S = 0.3
KEPT_LINES = 12
# The name in the journal under which the echo makes way.
MADE_WAY = "own_server"
# The lab's HTTP server, where programs of somebody else's are told to go.
WEB = Plan("server", "process", commands=[["errnolab-service", "start", "web"]],
           undo=[["errnolab-service", "stop", "web"]])  # fmt: skip
ECHOES = {"tcp": "echo", "udp": "echo_udp"}


@dataclass(frozen=True)
class Service:
    """A user's service that listens on the server; `addresses` are those that it listens on."""

    proto: str
    port: int
    addresses: tuple[str, ...]
    _running: _Running

    def takes(self, family: Family) -> bool:
        """Tell whether it listens in a family; one on :: is taken to listen in both."""
        return any(address == "::" or _family_of(address) == family for address in self.addresses)

    def output(self) -> str:
        """Return what it printed, on both of its streams: the beginning and the end."""
        return self._running.output()

    def alive(self) -> bool:
        """Tell whether it still runs."""
        return self._running.alive()


@dataclass(frozen=True)
class _Running:
    """A service that was started; `ended` says how it ended, "" if it still runs."""

    output: Callable[[], str]
    ended: Callable[[], str]

    def alive(self) -> bool:
        return not self.ended()

    def last_lines(self) -> str:
        lines = self.output().strip().splitlines()[-KEPT_LINES:] or ["it printed nothing"]
        return "\n".join(f"  {line}" for line in lines)


@contextlib.contextmanager
def serving(
    lab: Lab, *, image: str = "", command: Sequence[str] = (), port: int | None = None,
    proto: str = "tcp", env: Mapping[str, str] | None = None, mounts: Sequence[Path] = (),
    within_s: float = 60.0,
) -> Iterator[Service]:  # fmt: skip
    """Have a service of the user's listen on the server, as long as the block lasts.

    Args: `image` runs in a container of its own, `command` (or its own, if there is none)
    in it; without an image `command` runs in the server host. `port` is where it will
    listen, by default the one port that it opens; `proto` is "tcp" or "udp". `mounts` are
    for an image.
    Raises: LabError with what it printed, if it does not listen `within_s`, or ends before.
    """
    with contextlib.ExitStack() as stack:
        stack.callback(_compare, lab)
        if port == ECHO_PORT:
            stack.enter_context(_echo_made_way(lab, proto))
        before = _listening(lab, proto)
        if port in before:
            raise LabError(
                f"{proto} port {port} of the server is taken: by what the lab runs there"
            )
        running = stack.enter_context(
            _contained(lab, image, command, env or {}, mounts)
            if image
            else _kept(lab, command, env or {})
        )
        waiting = _Waiting(lab, running, proto, port, set(before), image or shlex.join(command))
        with containers.under_way(lab, threading.Event()) as ending:
            found, addresses = waiting.wait(within_s, ending)
        yield Service(proto, found, addresses, running)


def _family_of(address: str) -> Family:
    found = ip_address(address)
    return "ipv6" if isinstance(found, IPv6Address) and not found.ipv4_mapped else "ipv4"


def _compare(lab: Lab) -> None:
    """End the connections to a service that is gone, and say what it changed on the server."""
    left = lab.settle()
    for line in [*([left] if left else []), *lab.changes([SERVER])]:
        say(f"the service left the lab changed: {line}")


@contextlib.contextmanager
def _echo_made_way(lab: Lab, proto: str) -> Iterator[None]:
    """Stop the lab's own echo for the time of a block; the journal knows, in case of a kill."""
    troubles: list[str] = []
    plan = faults.stop(service=ECHOES[proto]).plan(LabSite(lab, "ipv4"))
    baseline = lab.baseline[SERVER]
    try:
        with breaking.in_force(lab, [replace(plan, rest_s=0.0)], MADE_WAY, troubles):
            # What is on the server now is what every fault must leave behind.
            lab.baseline[SERVER] = lab.snapshot([SERVER])[SERVER]
            lab.replaced.add(proto)
            yield
    finally:
        lab.replaced.discard(proto)
        lab.baseline[SERVER] = baseline
    for trouble in troubles:
        say(f"the lab's echo could not be started again: {trouble}")


def _listening(lab: Lab, proto: str) -> dict[int, tuple[str, ...]]:
    """Return port to addresses of all that listens on the server."""
    found: dict[int, tuple[str, ...]] = {}
    for its_proto, address, port in lab.hosts[SERVER].do("listening"):
        if its_proto == proto:
            found[port] = (*found.get(port, ()), address)
    return found


@dataclass(frozen=True)
class _Waiting:
    """A wait for a service to listen; `before` are the ports that are not its own."""

    lab: Lab
    running: _Running
    proto: str
    port: int | None
    before: set[int]
    what: str

    def wait(self, within_s: float, ending: threading.Event) -> tuple[int, tuple[str, ...]]:
        """Return the service's port, and the addresses that it listens on there."""
        deadline = time.monotonic() + within_s
        while not self._found():
            ended = self.running.ended()
            if ended:
                raise self._error(f"{ended}, before it listened")
            if ending.is_set() or time.monotonic() > deadline:
                raise self._error(self._silence(within_s))
            time.sleep(LOOK_EVERY_S)
        time.sleep(OTHERS_WITHIN_S)
        found = self._found()
        if len(found) > 1:
            ports = ", ".join(map(str, sorted(found)))
            raise self._error(f"it listens on {self.proto} ports {ports}; say which: --port N")
        if not found:
            raise self._error("it listened for a moment, and does no more")
        return next(iter(found.items()))

    def _found(self) -> dict[int, tuple[str, ...]]:
        """Return the ports, and addresses, on which the service can be reached."""
        return {
            port: addresses
            for port, addresses in _listening(self.lab, self.proto).items()
            if port not in self.before
            and self.port in (None, port)
            and any(not ip_address(address).is_loopback for address in addresses)
        }

    def _silence(self, within_s: float) -> str:
        now = {port for port in _listening(self.lab, self.proto) if port not in self.before}
        where = f"{self.proto} port {self.port}" if self.port else f"any {self.proto} port"
        text = f"it does not listen on {where} after {within_s:g} s"
        if self.port in now or (now and self.port is None):
            return f"{text}, but for its own host alone (127.0.0.1 or ::1)"
        others = ", ".join(map(str, sorted(now)))
        return f"{text}, but on {others}" if others else text

    def _error(self, why: str) -> LabError:
        return LabError(f"server `{self.what}`: {why}\n{self.running.last_lines()}")


# --- the two kinds of services --------------------------------------------------------


@contextlib.contextmanager
def _contained(
    lab: Lab, image: str, command: Sequence[str], env: Mapping[str, str], mounts: Sequence[Path]
) -> Iterator[_Running]:
    program = containers.wanted(lab, image, command, env=env, mounts=mounts)
    with containers.placed(lab, SERVER, program, feed=False, traced=False) as box:
        box.merge()
        box.start(b"")
        try:
            yield _Running(lambda: _text(box.printed[1].octets()), box.how_it_ended)
        finally:
            if box.alive():
                box.end()


@contextlib.contextmanager
def _kept(lab: Lab, command: Sequence[str], env: Mapping[str, str]) -> Iterator[_Running]:
    host = lab.hosts[SERVER]
    failed = host.do("server_start", argv=list(command), env=dict(env))
    if failed:
        raise LabError(f"server `{shlex.join(command)}` cannot be started in the server: {failed}")

    def look() -> dict[str, Any]:
        seen: dict[str, Any] = host.do("server_look")
        return seen

    def ended() -> str:
        seen = look()
        return "" if seen["alive"] else containers.said_of_end(seen["value"])

    try:
        yield _Running(lambda: _text(as_octets(look()["printed"])), ended)
    finally:
        host.do("server_stop")


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")
