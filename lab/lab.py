"""One lab: bring it up, find it, hold it, restore it, take it down.

A lab is a Compose project whose containers and networks carry its name and block
as labels; nothing about it is kept on this machine. What must outlive a killed
run is kept in its hosts: the lock (held by the channel), the journal of faults,
the baseline.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from lab import compose, engine, hosts, images, settings, shell
from lab.console import option, say, step, this_command
from lab.errors import (
    CommandFailed,
    ComposeError,
    EngineError,
    FaultInForce,
    HostLost,
    LabBusy,
    LabError,
    LabNotUp,
    ScenarioError,
    SubnetTaken,
)
from lab.hosts import Host
from lab.known import Facts
from lab.topology import (
    BLOCKS,
    CORE_HOSTS,
    ECHO_PORT,
    FAMILIES,
    GUESTS,
    LABEL,
    NETWORKS,
    Block,
    Family,
    home,
)

READY_WITHIN_S = 20.0
# A lab that has been up echoes in milliseconds, unless something in it hangs.
ECHO_WITHIN_S = 3.0


@dataclass(frozen=True)
class Found:
    """What the engine says of a lab: containers by role, and its block."""

    name: str
    block: Block
    containers: Mapping[str, Mapping[str, Any]]

    @property
    def running(self) -> bool:
        """Tell whether every host runs that each lab has."""
        return all(self.containers.get(role, {}).get("State") == "running" for role in CORE_HOSTS)

    @property
    def guests(self) -> list[str]:
        """Return the guests that run, of the image that is theirs now."""
        return [
            role
            for role in GUESTS
            if self.containers.get(role, {}).get("State") == "running"
            and self.containers[role]["Image"] == images.guest_tag(role)
        ]


@dataclass
class Lab:
    """A lab whose lock this process holds."""

    name: str
    block: Block
    engine: engine.Engine
    hosts: dict[str, Host]
    containers: dict[str, Mapping[str, Any]]
    kernel: str = ""
    flavour: str = "nft"
    sysctls: dict[str, str] = field(default_factory=dict)
    baseline: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    interfaces: dict[str, dict[str, str]] = field(default_factory=dict)
    healed: list[str] = field(default_factory=list)
    fresh: bool = False
    lacking: set[str] = field(default_factory=set)
    # What ends a program that runs in a container beside the hosts; see `abort`.
    under_way: set[threading.Event] = field(default_factory=set)
    # The protocols of the echo that a user's own service has taken the place of.
    replaced: set[str] = field(default_factory=set)

    def all(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Put one question to every host at once."""
        return hosts.ask_all(self.hosts.values(), operation, **arguments)

    def snapshot(self, roles: Iterable[str] | None = None) -> dict[str, dict[str, list[str]]]:
        """Return the state of hosts (all, unless said), by subject."""
        asked = [self.hosts[role] for role in (self.hosts if roles is None else roles)]
        return hosts.ask_all(asked, "snapshot", flavour=self.flavour)

    def changes(
        self, roles: Iterable[str] | None = None, *,
        since: Mapping[str, Mapping[str, list[str]]] | None = None,
    ) -> list[str]:  # fmt: skip
        """Return how hosts (all, unless said) differ from the lab's baseline, a line each.

        Args: `since` is a snapshot to compare with instead.
        """
        now, before = self.snapshot(roles), self.baseline if since is None else since
        return [
            f"{host}: {subject}: {sign} {line}"
            for host, subjects in now.items()
            for subject, lines in subjects.items()
            for sign, line in _difference(before[host].get(subject, []), lines)
        ]

    def remember(self, roles: Iterable[str]) -> None:
        """Take the state of hosts as it is now for their baseline; they keep it."""
        for role, state in self.snapshot(roles).items():
            self.baseline[role] = state
            self.hosts[role].do("remember", name=f"baseline-{self.flavour}", value=state)

    def faults(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return the faults in force, in the order made: host, name and journal entry of each."""
        found = [
            (host, name, entry)
            for host, entries in self.all("faults").items()
            for name, entry in entries.items()
        ]
        # A scenario's second fault has its name and "-2" (see `breaking.journal_name`).
        return sorted(found, key=lambda fault: (len(fault[1]), fault[1]))

    def fault_out(self, role: str, name: str) -> list[str]:
        """Undo a fault that is in a host's journal, on past errors; return what failed."""
        host, troubles = self.hosts[role], []
        old = host.do("faults").get(name, {}).get("sysctls")
        if old:
            try:
                settings.write(self.engine, self.containers[role], old)
            except CommandFailed as failed:
                troubles.append(str(failed))
        return troubles + [
            str(CommandFailed(role, **failure)) for failure in host.do("fault_out", name=name)
        ]

    def settle(self) -> str:
        """End the connections that earlier calls left behind; return "" or what is left."""
        callers = [host for role, host in self.hosts.items() if role not in UNSETTLED]
        left = hosts.ask_all(callers, "settle")
        return "; ".join(
            f"{host}: {number} earlier connections are still alive, and may send"
            for host, number in left.items()
            if number
        )

    @cached_property
    def capabilities(self) -> dict[str, str]:
        """Return what faults are made of, by name: "" or why it is not here (see `probe`)."""
        known: dict[str, str] | None = self.hosts["router"].do("recall", name="capabilities")
        return known or self._probe()

    def _probe(self) -> dict[str, str]:
        router = self.hosts["router"]
        found: dict[str, str] = router.do("probe")
        router.do("remember", name="capabilities", value=found)
        return found

    def lacks(self, name: str) -> str:
        """Return "" if a capability is here, else why not; a lack is looked at again, once."""
        if self.capabilities.get(name, "unknown") and name not in self.lacking:
            self.lacking.add(name)
            self.capabilities = self._probe()
        return self.capabilities.get(name, "unknown")

    def facts(self, family: Family, given: Mapping[str, Any] | None = None) -> Facts:
        """Return what a scenario's expectations depend on, and what a case brings with it."""
        return Facts(family, self.sysctls, given or {})

    def abort(self) -> None:
        """End every call that is under way, and every program in a container of its own."""
        for event in list(self.under_way):
            event.set()
        with contextlib.suppress(LabError):
            self.all("callers_end")

    def close(self) -> None:
        """Close the channels, which lets go of the lock."""
        hosts.close_all(self.hosts.values())


# What passes packets on, and what echoes all the time, has nothing to end.
UNSETTLED = ("router", "bystander")


def _difference(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    found = [("-", line) for line in old if line not in new] + [
        ("+", line) for line in new if line not in old
    ]
    return found if found or old == new else [("~", "the order or number of lines differs")]


@dataclass(frozen=True)
class LabSite:
    """A lab in one family, as a fault's plan may look at it (see `faults.Site`)."""

    lab: Lab
    family: Family

    @property
    def flavour(self) -> str:
        """Return which iptables works here: "nft" or "legacy"."""
        return self.lab.flavour

    def address(self, role: str, *, on: str = "") -> str:
        """Return a role's address in this family; `on` names the network, for the router."""
        return self.lab.block.address(role, self.family, on=on)

    def interface(self, host: str, toward: str) -> str:
        """Return the name of a host's interface on the network that leads to a role."""
        network = home(toward) if host == "router" else home(host)
        address = self.lab.block.address(host, self.family, on=network)
        return self.lab.interfaces[host][address]

    def look(self, host: str, *argv: str) -> str:
        """Run a command that changes nothing and return its output."""
        return self.lab.hosts[host].run(*argv)


# --- find -----------------------------------------------------------------------


def find_all(here: engine.Engine) -> dict[str, Found]:
    """Return every lab that the engine has containers of."""
    listed = here.client.api.containers(all=True, filters={"label": LABEL})
    found: dict[str, dict[str, Any]] = {}
    for container in listed:
        labels = container["Labels"]
        if {"errnolab.role", "errnolab.block"} <= labels.keys():
            found.setdefault(labels[LABEL], {})[labels["errnolab.role"]] = container
    return {
        name: Found(name, Block(int(next(iter(roles.values()))["Labels"]["errnolab.block"])), roles)
        for name, roles in found.items()
    }


def find(here: engine.Engine, name: str) -> Found:
    """Return one lab. Raises: LabNotUp."""
    found = find_all(here).get(name)
    if found is None:
        raise LabNotUp(f"there is no lab '{name}'; `{this_command()} up{option(name)}` starts it")
    return found


# --- up and down ------------------------------------------------------------------


def up(name: str, *, block: int | None = None) -> Found:
    """Start a lab, or what is missing of it; return when its hosts run.

    Args: `block` asks for an address block; by default the first free one is taken.
    Raises: EngineError, ComposeError, ImageError, SubnetTaken.
    """
    check_name(name)
    here, binary, image = prepare()
    found = find_all(here).get(name)
    if found and found.running and all(found.containers[r]["Image"] == image for r in CORE_HOSTS):
        return found
    with allocation_lock() as lock:
        # A Compose whose command was killed goes on, and keeps the lock until it ends.
        found = find_all(here).get(name)
        if found and not found.running:
            # Stopped, paused or not whole: what is left of it is worth nothing.
            remove(here, name)
        if block is not None and not found:
            check_free(here, Block(block))
        number = found.block.number if found else block
        for candidate in [number] if number is not None else free_blocks(here):
            try:
                compose_up(here, binary, name, Block(candidate), {"host": image}, lock)
            except SubnetTaken:
                if number is not None:
                    raise
            else:
                return find(here, name)
    raise SubnetTaken(
        f"no block of 198.18.0.0/15 is free; `{this_command()} status --all` shows our labs"
    )


def prepare() -> tuple[engine.Engine, compose.Compose, str]:
    """Make what every lab needs and is not there: engine, Compose, image; one at a time.

    Where all is there nobody is waited for: another command may be making a large image.
    """
    with contextlib.suppress(EngineError, ComposeError):
        here, tag = engine.connect(), images.host_tag()
        if images.is_there(here, tag):
            return here, compose.find(), tag
    with allocation_lock():
        here = engine.ensure()
        return here, compose.ensure(), images.ensure(here)


def check_name(name: str) -> None:
    """Refuse a lab name that Compose would not take."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", name):
        raise LabError(f"'{name}' is not a lab's name: use a to z, 0 to 9 and '-', at most 41")


def compose_up(
    here: engine.Engine, binary: compose.Compose, name: str, block: Block,
    tags: Mapping[str, str], lock: int,
) -> None:  # fmt: skip
    """Start the containers of the hosts that `tags` has images of: "host", and guests' roles.

    Raises: SubnetTaken if the engine has other use for the block.
    """
    guests = [role for role in tags if role != "host"]
    what = f"{' and '.join(guests)} of lab {name}" if guests else f"lab {name}"
    try:
        with step(f"starting {what} in {block.prefix4('client_net')}.0 and its neighbours"):
            environment = block.environment(name, tags, gateway_mode(here.version))
            profiles = [f"--profile={role}" for role in guests]
            binary.run(f"errnolab-{name}", *profiles, "up", "--detach", "--no-build",
                       "--remove-orphans", *guests, env=environment, pass_fds=(lock,))  # fmt: skip
    except ComposeError as error:
        # Nothing of it is worth keeping: a lab has no state but what `up` gives it.
        remove(here, name, guests)
        if "overlaps" not in str(error):
            raise
        raise SubnetTaken(_taken(block, "another network of the engine")) from error


def gateway_mode(version: str) -> str:
    """Return the bridges' gateway mode for an engine: 28 and newer drop routed packets in "nat"."""
    major = re.match(r"\d+", version)
    return "nat-unprotected" if major and int(major[0]) >= 28 else "nat"


def free_blocks(here: engine.Engine) -> Iterator[int]:
    """Yield the blocks that neither the engine nor this machine uses."""
    taken = dict(_taken_subnets(here))
    for number in range(BLOCKS):
        if not any(ours.overlaps(theirs) for ours in Block(number).networks() for theirs in taken
                   if ours.version == theirs.version):  # fmt: skip
            yield number


def check_free(here: engine.Engine, block: Block) -> None:
    """Refuse a block that this machine uses for something else. Raises: SubnetTaken."""
    for theirs, owner in _taken_subnets(here):
        if any(o.version == theirs.version and o.overlaps(theirs) for o in block.networks()):
            raise SubnetTaken(_taken(block, f"{owner} ({theirs})"))


def _taken(block: Block, by: str) -> str:
    first, last = block.prefix4(NETWORKS[0]), block.prefix4(NETWORKS[-1])
    return (
        f"block {block.number} ({first}.0/24 to {last}.0/24) is taken by {by}; "
        "leave --block out to take the first free one"
    )


def _taken_subnets(here: engine.Engine) -> Iterator[tuple[IPv4Network | IPv6Network, str]]:
    for network in here.client.api.networks():
        for config in network["IPAM"]["Config"] or []:
            if config.get("Subnet"):
                yield ip_network(config["Subnet"], strict=False), f"network {network['Name']}"
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/route").read_text().splitlines()[1:]:
            interface, destination, _gateway, *rest = line.split()
            mask = rest[4]
            if mask != "00000000":
                address = socket.inet_ntoa(bytes.fromhex(destination)[::-1])
                netmask = socket.inet_ntoa(bytes.fromhex(mask)[::-1])
                yield ip_network(f"{address}/{netmask}", strict=False), f"a route over {interface}"


@contextlib.contextmanager
def allocation_lock() -> Iterator[int]:
    """Let one process at a time choose a block and start a lab; yield the lock's descriptor."""
    path = Path(tempfile.gettempdir()) / f"errnolab-{os.getuid()}.lock"
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step("waiting for another command that makes an image or starts a lab"):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle.fileno()


def remove(here: engine.Engine, name: str, roles: Iterable[str] = ()) -> int:
    """Remove a lab, or some of its hosts alone, by label; return how many containers there were."""
    from docker.errors import APIError, NotFound  # noqa: PLC0415  # the SDK is slow to import

    mine = {"label": f"{LABEL}={name}"}
    containers = here.client.api.containers(all=True, filters=mine)
    if roles:
        containers = [c for c in containers if c["Labels"].get("errnolab.role") in roles]
    for container in containers:
        engine.discard(here.client.api, container["Id"])
    for network in [] if roles else here.client.api.networks(filters=mine):
        with contextlib.suppress(NotFound, APIError):
            here.client.api.remove_network(network["Id"])
    return len(containers)


def names_with_networks(here: engine.Engine) -> set[str]:
    """Return the names of all labs, of those too that only networks are left of."""
    networks = here.client.api.networks(filters={"label": LABEL})
    return set(find_all(here)) | {network["Labels"][LABEL] for network in networks}


def family_of(name: str, known: set[str]) -> set[str]:
    """Return which of the known labs are this one or its siblings made by `--jobs`."""
    return {other for other in known if re.fullmatch(rf"{re.escape(name)}(-bench)?(-\d+)*", other)}


# --- hold --------------------------------------------------------------------------


@contextlib.contextmanager
def hold(name: str, *, heal: bool = False, look: bool = False) -> Iterator[Lab]:
    """Open a lab's channels and take its lock, starting or restoring it if need be.

    Args: `heal` takes out a fault that `errnolab break` left; `look` leaves it and
    all else as it is; without either such a fault is an error.
    Raises: LabBusy, FaultInForce, HostLost and what `up` raises.
    """
    lab = _open(name, look=True) if look else _open_or_rebuild(name)
    try:
        if not look and not (_restore(lab, heal=heal) and _echoes(lab)):
            lab.close()
            remove(lab.engine, name)
            lab = _open(name)
            _wait_echo(lab)
        yield lab
    finally:
        lab.close()


def _open_or_rebuild(name: str) -> Lab:
    """Open a lab; one whose hosts do not answer as they should is built anew."""
    try:
        return _open(name)
    except LabError as broken:
        if type(broken) not in (LabError, HostLost, CommandFailed):
            raise
        say(f"lab {name} cannot be used as it is, and is built anew: {str(broken).splitlines()[0]}")
        remove(engine.connect(), name)
        return _open(name)


def _open(name: str, *, look: bool = False) -> Lab:
    found = find(engine.connect(), name) if look else up(name)
    here = engine.connect()
    channels = open_channels(here, found, [*CORE_HOSTS, *found.guests])
    lab = Lab(name, found.block, here, channels, dict(found.containers))
    try:
        _lock(lab)
        wait_ready(lab.name, lab.hosts.values())
        _learn(lab)
    except BaseException:
        lab.close()
        raise
    return lab


def open_channels(here: engine.Engine, found: Found, roles: Iterable[str]) -> dict[str, Host]:
    """Open the channels to some hosts of a lab; all or none."""
    return hosts.open_all({role: _channel_command(here, found, role) for role in roles})


def _channel_command(here: engine.Engine, found: Found, role: str) -> tuple[str, ...]:
    container = str(found.containers[role]["Id"])
    return (*shell.apart(), here.cli, "exec", "-i", container, "python3", "-IS")


def owner() -> str:
    """Return who holds a lab that this process holds, for others to read."""
    return f"pid {os.getpid()} of {getpass.getuser()} on {socket.gethostname()}"


def _lock(lab: Lab) -> None:
    # One host decides between two runs; the others only keep health checks out.
    holder = lab.hosts["server"].do("lock", owner=owner())
    if holder:
        raise LabBusy(
            f"lab {lab.name} is in use by {holder}; wait for it, or use a lab of your own: "
            f"`{this_command()} run --lab mine …`, `make … LAB=mine`"
        )
    others = [host for host in lab.hosts.values() if host.role != "server"]
    for role, other in hosts.ask_all(others, "lock", owner=owner()).items():
        if other:
            raise LabBusy(f"lab {lab.name}: {role} is held by {other}; try again in a moment")

    wait_ready(lab.name, lab.hosts.values())


def wait_ready(name: str, asked: Iterable[Host]) -> None:
    """Wait until the entry point of hosts of a lab has set them up. Raises: LabError."""
    ready = hosts.ask_all(asked, "wait_ready", within_s=READY_WITHIN_S)
    late = [role for role, ok in ready.items() if not ok]
    if late:
        raise LabError(
            f"{', '.join(late)}: not ready after {READY_WITHIN_S:.0f} s; "
            f"look at `docker logs errnolab-{name}-{late[0]}-1`"
        )


def _echoes(lab: Lab) -> bool:
    """Tell whether echoes cross the router; a service may hang in a lab that looks well."""
    try:
        _wait_echo(lab, READY_WITHIN_S if lab.fresh else ECHO_WITHIN_S)
    except HostLost:
        raise
    except LabError as silent:
        say(f"lab {lab.name} is built anew: {silent}")
        return False
    return True


def _wait_echo(lab: Lab, within_s: float = READY_WITHIN_S) -> None:
    """Wait until echoes cross the router in both families."""
    deadline = time.monotonic() + within_s
    while True:
        troubles = [text for text in health(lab).values() if text]
        if not troubles:
            return
        if time.monotonic() > deadline:
            raise LabError(
                f"no echo through the router of lab {lab.name}: {troubles[0]}; "
                f"`{this_command()} doctor` may say why"
            )
        time.sleep(0.05)


def health(lab: Lab) -> dict[str, str]:
    """Return what is wrong with each caller's echo to the server, "" if nothing is."""
    asked = {
        f"{role} {proto} {family}": lab.hosts[role].ask(
            "echo", proto=proto, address=lab.block.address("server", family), port=ECHO_PORT
        )
        for role in ("client", "bystander")
        for proto in ("tcp", "udp")
        for family in FAMILIES
    }
    return {what: lab.hosts[what.split()[0]].answer(future) for what, future in asked.items()}


def _learn(lab: Lab) -> None:
    """Find out what the hosts are like; they remember their baseline."""
    lab.interfaces = lab.all("interfaces")
    lab.sysctls = lab.hosts["client"].do("sysctls")
    lab.kernel = lab.sysctls["kernel.osrelease"]
    lab.flavour = os.environ.get("ERRNOLAB_IPTABLES") or lab.hosts["router"].do(
        "recall", name="flavour"
    )
    if lab.flavour not in ("nft", "legacy"):
        raise ScenarioError("ERRNOLAB_IPTABLES", [f"'{lab.flavour}' is not nft or legacy"])
    lab.baseline = lab.all("recall", name=f"baseline-{lab.flavour}")
    unknown = [role for role in lab.hosts if not lab.baseline[role]]
    lab.fresh = "server" in unknown
    lab.remember(unknown)


def _end_helpers(lab: Lab) -> None:
    """Remove what a killed command left beside the hosts: programs, what writes sysctls."""
    mine = {"label": f"{LABEL}={lab.name}"}
    for container in lab.engine.client.api.containers(all=True, filters=mine):
        if "errnolab.role" not in container["Labels"]:
            engine.discard(lab.engine.client.api, container["Id"])


def _restore(lab: Lab, *, heal: bool) -> bool:
    """Undo what a killed run or a person left; false if the lab must be rebuilt."""
    _end_helpers(lab)
    in_force = lab.faults()
    kept = [entry for _, _, entry in in_force if entry["kept"]]
    if kept and not heal:
        raise FaultInForce(
            f"lab {lab.name}: `errnolab break` left {kept[0]['scenario']} in force; "
            f"`{this_command()} heal{option(lab.name)}` takes it out"
        )
    for host, name, entry in reversed(in_force):
        lab.fault_out(host, name)
        lab.sysctls = lab.hosts["client"].do("sysctls")
        if entry["scenario"] in lab.healed:
            continue
        lab.healed.append(entry["scenario"])
        if entry["kept"]:
            say(f"lab {lab.name}: took out {entry['scenario']}")
        else:
            say(f"lab {lab.name}: took out {entry['scenario']}, left by a run that was killed")
    changed = [] if lab.fresh and not in_force else lab.changes()
    if changed:
        say(f"lab {lab.name} is not as it was, and is built anew:")
        for line in changed[:6]:
            say(f"  {line}")
    return not changed
