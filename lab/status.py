"""`errnolab status`: hosts, addresses, health and faults in force, seen live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from lab import engine
from lab import lab as labs
from lab.console import option, out, say, this_command
from lab.errors import LabBusy
from lab.lab import Lab
from lab.topology import CORE_HOSTS, FAMILIES, GUESTS, NETWORKS, Block


def show(lab: Lab) -> None:
    """Print a lab whose lock we hold: its health seen live, and the faults in force."""
    troubles = {what: text for what, text in labs.health(lab).items() if text}
    health = {
        role: next((text for what, text in troubles.items() if what.startswith(role)), "ok")
        for role in CORE_HOSTS
    } | {role: str(lab.containers[role]["State"]) for role in GUESTS if role in lab.containers}
    _table(lab.name, lab.block, health)
    for line in [] if lab.faults() else lab.changes():
        out.print(Text(f"not as it was: {line}"))
    for host, _name, entry in lab.faults():
        out.print(Text(f"{entry['scenario']} in force on {host}: {entry['mechanism']}"))
        out.print(Text(f"`{this_command()} heal{option(lab.name)}` takes it out"))
    if not lab.faults():
        out.print("no fault in force")


def show_by_name(name: str) -> int:
    """Print a lab, whoever holds it; return 0 if its hosts run, 2 if not."""
    found = labs.find(engine.connect(), name)
    if not found.running:
        states = {r: str(found.containers.get(r, {}).get("State", "missing")) for r in CORE_HOSTS}
        _table(name, found.block, states)
        say(f"`{this_command()} up{option(name)}` brings it back")
        return 2
    try:
        with labs.hold(name, look=True) as lab:
            show(lab)
    except LabBusy as busy:
        _table(name, found.block, {role: str(c["State"]) for role, c in found.containers.items()})
        out.print(Text(str(busy)))
    return 0


def show_all() -> None:
    """Print a line for each lab on this engine."""
    for name, found in sorted(labs.find_all(engine.connect()).items()):
        state = "running" if found.running else "not whole"
        block = found.block
        first, last = block.prefix4(NETWORKS[0]), block.prefix4(NETWORKS[-1])
        out.print(Text(f"{name:20} block {block.number:2}  {first}.0 to {last}.0/24  {state}"))


def _table(name: str, block: Block, health: Mapping[str, Any]) -> None:
    table = Table(title=f"lab {name}", title_justify="left", box=None, pad_edge=False)
    for column in ("host", "IPv4", "IPv6", "health"):
        table.add_column(column)
    for role in health:
        networks = NETWORKS if role == "router" else ("",)
        addresses = [
            "\n".join(block.address(role, family, on=network) for network in networks)
            for family in FAMILIES
        ]
        table.add_row(role, *addresses, Text(str(health[role])))
    out.print(table)
