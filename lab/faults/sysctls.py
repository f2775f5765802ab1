"""A setting of a host's kernel, for the time of a fault."""

from __future__ import annotations

from typing import Any

from lab.faults.plan import Fault, Plan, Site
from lab.inside.state import SYSCTLS


def sysctl(*, on: str = "server", values: Any) -> Fault:
    """Set sysctls of a host's own network namespace, by dotted name.

    A container may not write them; see `lab/settings.py` for who does. Nothing counts
    how often a setting was looked at: what it changes must be proven.
    """
    return Fault(on, "sysctl", "sysctl", _plan_sysctl, {"values": values}, on, check=_wrong_names)


def _wrong_names(values: dict[str, Any]) -> list[str]:
    known = set(SYSCTLS) - {"kernel.osrelease"}
    return [
        f"no sysctl '{name}' in lab/inside/state.py, SYSCTLS"
        for name in values
        if name not in known
    ]


def _plan_sysctl(_site: Site, *, on: str, to: str, values: dict[str, Any]) -> Plan:
    return Plan(on, "sysctl", sysctls={name: str(value) for name, value in values.items()})
