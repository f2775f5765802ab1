"""What a fault is, and what it becomes on one lab: a plan.

A fault becomes a `Plan` when the run knows the lab: commands to make it, commands
to undo it (last first), and where its hits are counted. It reads the old state
while it plans and changes nothing; `lab/breaking.py` carries plans out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lab.topology import DESTINATIONS, HOSTS, Family

# ip(8)'s option for a family, and the length of the prefix that is one host.
IP_VERSION: dict[Family, str] = {"ipv4": "-4", "ipv6": "-6"}
ONE_HOST: dict[Family, int] = {"ipv4": 32, "ipv6": 128}


class Site(Protocol):
    """The part of a lab that a plan may look at: nothing here changes anything."""

    @property
    def family(self) -> Family:
        """Return the address family of the run."""

    @property
    def flavour(self) -> str:
        """Return which iptables works here: "nft" or "legacy"."""

    def address(self, role: str, *, on: str = "") -> str:
        """Return a role's address in this family; `on` names the network, for the router."""

    def interface(self, host: str, toward: str) -> str:
        """Return the name of a host's interface on the network that leads to a role."""

    def look(self, host: str, *argv: str) -> str:
        """Run a command that changes nothing and return its output."""


@dataclass(frozen=True)
class Hits:
    """Where a fault's hits are counted: kernel counters, or a command's output.

    `read` turns the output of `command` into a number; with `counters` it is the
    growth of their sum.
    """

    host: str
    counters: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    read: Callable[[str], int] = int


@dataclass(frozen=True)
class Plan:
    """What a fault is on one lab in one family.

    `hits` is None for a setting, which nothing can count by itself; `sysctls` are
    values to write, which the host itself may not.
    """

    host: str
    mechanism: str
    commands: list[list[str]] = field(default_factory=list)
    undo: list[list[str]] = field(default_factory=list)
    hits: Hits | None = None
    # A rest before the fault, where the kernel limits the rate of what it makes.
    rest_s: float = 0.0
    sysctls: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """A fault as a scenario writes it.

    `planner` makes the plan from the site and `arguments`, which are data, so that
    what depends on the family can stand in them; `check` returns what is wrong with
    them once they are known. `needs` are names that `doctor` knows; `spares` are the
    protocols that the bystander's echo must keep using while the fault is in force.
    Faults of one `group` are one fault before several services: it is enough that a
    program meets one of them.
    """

    on: str
    kind: str
    mechanism: str
    planner: Callable[..., Plan] = field(repr=False)
    arguments: dict[str, Any] = field(default_factory=dict)
    to: str = "server"
    needs: tuple[str, ...] = ()
    spares: tuple[str, ...] = ("tcp", "udp")
    check: Callable[..., list[str]] | None = field(default=None, repr=False)
    group: int | None = field(default=None, repr=False)

    def plan(self, site: Site) -> Plan:
        """Return what this fault is on a lab in one family; looks, and changes nothing."""
        return self.planner(site, on=self.on, to=self.to, **self.arguments)

    def mistakes(self) -> list[str]:
        """Return what is wrong with the fault as it is written."""
        found = [
            f"{self.kind}: {text}" for text in (self.check(**self.arguments) if self.check else ())
        ]
        if self.on not in HOSTS:
            found.append(f"{self.kind}: no host '{self.on}': there are {', '.join(HOSTS)}")
        if self.to not in DESTINATIONS:
            found.append(
                f"{self.kind}: no destination '{self.to}': there are {', '.join(DESTINATIONS)}"
            )
        return found
