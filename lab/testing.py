"""What the pytest fixture `lab` gives: faults, what is seen meanwhile, and the hosts.

```python
def test_it_gives_up_in_time(lab):
    with lab.fault("timeout") as seen:
        ran = lab.client.run(["curl", "--max-time", "2", "http://server:16555/"])
    assert ran.status == 28
    assert seen.syns(at="client")
```
The lab is held for the whole session, so a block costs no more than what it does: the
fault goes in, the test's own code runs, and the fault comes out whatever happened.
"""

from __future__ import annotations

import contextlib
import difflib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lab import breaking, guests, netns, scenario, watching
from lab import engine as engines
from lab import lab as labs
from lab.aim import aimed
from lab.breaking import HitCounter
from lab.errors import (
    CommandFailed,
    HostLost,
    LabBusy,
    LabError,
    NeverHit,
    NotUndone,
    ScenarioError,
)
from lab.faults import Fault, Plan
from lab.hosts import Host
from lab.known import resolve
from lab.lab import Lab, LabSite
from lab.remote import RemoteHost
from lab.result import NOT_ASKED
from lab.runner import BYSTANDER_PERIOD_S, missing
from lab.scenario import Case, Scenario
from lab.seen import Broken, Grown, Seen, Sight
from lab.servers import WEB
from lab.topology import CORE_HOSTS, ECHO_PORT, FAMILIES, VANTAGES, WEB_PORT, Family
from lab.watching import Captured

_numbers = itertools.count(1)


@dataclass
class Block:
    """A block of a test under way: where it began, and what counts its faults' hits."""

    seen: Seen
    start_ns: int
    counters: Mapping[str, Mapping[str, int]]
    spares: Sequence[str]
    broken: list[tuple[Broken, HitCounter | None]] = field(default_factory=list)
    # What the bystander noticed in the parts of the block in which it echoed.
    noticed: list[str] = field(default_factory=list)


class LabFixture:
    """The lab of a session of tests.

    `port` is the port that faults are aimed at; None leaves it to each scenario.
    """

    def __init__(self, name: str, *, port: int | None = None) -> None:
        """Name it; `hold` opens it."""
        self.name, self._aim_at = name, port
        self.done: list[Seen] = []
        self._held: Lab | None = None
        self._stack = contextlib.ExitStack()
        self._blocks: list[Block] = []
        self._vantages: list[str] = []
        self._dirty = False
        self.client, self.server, self.router, self.bystander = (
            RemoteHost(role, self._host, self.environment)
            for role in ("client", "server", "router", "bystander")
        )

    # --- the lab ------------------------------------------------------------------------

    @contextlib.contextmanager
    def hold(self, *, keep: bool = False) -> Iterator[LabFixture]:
        """Hold the lab for a block; take it down at the end if it was not up, unless `keep`."""
        here = engines.ensure()
        try:
            found = labs.find_all(here).get(self.name)
            ours = not (found and found.running)
            try:
                self._open()
                yield self
            except LabBusy:
                ours = False
                raise
            finally:
                self._close()
                if ours and not keep:
                    labs.remove(here, self.name)
        finally:
            here.client.close()

    def _open(self) -> None:
        with contextlib.ExitStack() as stack:
            held = stack.enter_context(labs.hold(self.name))
            stack.callback(held.engine.client.close)
            breaking.put_in(held, WEB, "web", "errnolab-web")
            stack.callback(held.fault_out, WEB.host, "web")
            self._stack = stack.pop_all()
        self._held, self._dirty = held, False

    def _close(self) -> None:
        self._held = None
        # A host that is gone has nothing to be undone.
        with contextlib.suppress(HostLost):
            self._stack.close()

    @property
    def held(self) -> Lab:
        """Return the lab; one that a test left broken is opened again, which restores it."""
        if self._dirty and not self._blocks:
            self._close()
            self._open()
        if self._held is None:
            raise LabError(f"lab {self.name} is not held: its session of tests is over")
        return self._held

    def _host(self, role: str) -> Host:
        return self.held.hosts[role]

    @property
    def families(self) -> tuple[Family, ...]:
        """Return the address families that the lab has."""
        return FAMILIES

    def address(self, role: str, family: Family) -> str:
        """Return a role's address in a family: a host's, or "elsewhere", "absent"."""
        if family not in FAMILIES:
            raise LabError(f"'{family}' is not a family: there are {', '.join(FAMILIES)}")
        return self.held.block.address(role, family)

    @property
    def server4(self) -> str:
        """Return the server's IPv4 address."""
        return self.address("server", "ipv4")

    @property
    def server6(self) -> str:
        """Return the server's IPv6 address."""
        return self.address("server", "ipv6")

    @property
    def port(self) -> int:
        """Return the port that faults are aimed at, by default the echo's, 16555."""
        return self._aim_at or ECHO_PORT

    def url(self, family: Family | None = None) -> str:
        """Return the URL of the lab's HTTP server, port 8080: by name, or by its address."""
        if family is None:
            return f"http://server:{WEB_PORT}/"
        address = self.address("server", family)
        return f"http://{f'[{address}]' if ':' in address else address}:{WEB_PORT}/"

    def environment(self) -> dict[str, str]:
        """Return what a program in a host finds in its environment."""
        return {"SERVER": "server", "SERVER4": self.server4, "SERVER6": self.server6,
                "PORT": str(self.port), "URL": self.url()}  # fmt: skip

    # --- blocks -------------------------------------------------------------------------

    @contextlib.contextmanager
    def fault(
        self, name: str, *, family: str = "both", case: str = "", port: int | None = None,
        proto: str | None = None, must_hit: bool = True,
    ) -> Iterator[Seen]:  # fmt: skip
        """Put a scenario's fault in for a block, and watch.

        Args: `name` as of `errnolab list`, with hyphens or underscores; `family` is "ipv4",
        "ipv6", or "both" (in which the scenario has a fault); `case` one of its cases, by
        default the first that has a fault; `port` and `proto` aim the fault at a service.
        Yields: what is seen, while it lasts on asking (`seen()`), and in the end.
        Raises: ScenarioError; NotUndone, if the fault or what it did is still there; NeverHit,
        if nothing met it, unless `must_hit` is false. The test is skipped if this kernel or
        engine lacks what the fault is made of.
        """
        __tracebackhide__ = True  # A report shows the test's own lines.
        wanted: dict[Family, Case] = {}
        for one, case_ in cases_of(scenario.load(name), families_of(family), case):
            aims = replace(case_, fault=[self._aimed(fault, port, proto) for fault in case_.faults])
            wanted[one] = resolve(aims, self.held.facts(one, case_.given))
        faults = [(one, fault) for one, whole in wanted.items() for fault in whole.faults]
        for one, whole in wanted.items():
            lacking = missing(self.held, whole, one)
            if lacking:
                _skip(f"{name} cannot be made here: {lacking}")
            guests.invite(self.held, whole.guests)
        whole_name = ".".join(filter(None, (name, next(iter(wanted.values())).name)))
        with contextlib.ExitStack() as stack:
            try:
                block = self._block(f"fault {whole_name}", name, faults)
                seen = stack.enter_context(block)
            except CommandFailed as failed:
                if len(wanted) == 1:
                    raise
                why = f"{name} cannot be in force in both families at once; give family=\n{failed}"
                raise LabError(why) from failed
            yield seen
        counted = [one for one in seen.faults if one.hits is not None]
        if must_hit and counted and not seen.hits:
            raise NeverHit(_never_hit(name, counted, seen))

    @contextlib.contextmanager
    def watch(self) -> Iterator[Seen]:
        """Capture, count and look on for a block, with nothing broken."""
        with self._block("watch", "", []) as seen:
            yield seen

    @contextlib.contextmanager
    def inside(self, role: str) -> Iterator[None]:
        """Have the calling thread's new sockets in a host's network for a block.

        For root, on the engine's own machine: elsewhere the test is skipped, with the reason.
        Threads that are started in the block are in that network too, and stay in it. Names
        are looked up in this machine's own files: use `server4`, `server6` and `url(family)`.
        """
        container = self.held.containers.get(role)
        if container is None:
            there = ", ".join(self.held.containers)
            raise LabError(f"lab {self.name} has no host '{role}': there are {there}")
        client = self.held.engine.client.api
        pid = int(client.inspect_container(container["Id"])["State"]["Pid"])
        why_not = netns.why_not(pid, self.address(role, "ipv6"))
        if why_not:
            _skip(why_not)
        try:
            with netns.entered(pid):
                yield
        except netns.Stranded as stranded:
            import pytest  # noqa: PLC0415  # this module is of use without it

            pytest.exit(f"errnolab: {stranded}: no further test can be trusted", returncode=3)

    def _aimed(self, fault: Fault, port: int | None, proto: str | None) -> Fault:
        """Return a fault aimed at the service that the test is about."""
        port = port or self._aim_at
        if port is None and proto is None:
            return fault
        if not 1 <= (port or ECHO_PORT) <= 65535 or proto not in (None, "tcp", "udp"):
            raise LabError(f"port {port} is not 1 to 65535, or proto {proto!r} not tcp or udp")
        return aimed(fault, caller="client", proto=proto or "tcp", port=port or ECHO_PORT)

    @contextlib.contextmanager
    def _block(
        self, title: str, name: str, faults: Sequence[tuple[Family, Fault]]
    ) -> Iterator[Seen]:
        """Watch a block with faults in force; those of one in another come and go within it."""
        lab, seen = self.held, Seen(title)
        self.done.append(seen)
        try:
            with contextlib.ExitStack() as stack:
                stack.enter_context(self._captured(lab, seen))
                stack.enter_context(
                    self._left_as_it_was(lab, seen, bool(faults) or not self._blocks)
                )
                stack.enter_context(self._bystander_rests(lab))
                spares = [p for p in ("tcp", "udp") if all(p in f.spares for _, f in faults)]
                broken = self._in_force(lab, stack, seen, name, faults)
                block = Block(
                    seen, lab.hosts["client"].do("now_ns"), lab.all("counters"), spares, broken
                )
                seen.look = lambda: self._look(lab, block)
                try:
                    with self._bystander_echoes(lab, block):
                        yield seen
                finally:
                    seen()
                    seen.look = None
        except HostLost as lost:
            self._dirty = True
            seen.troubles.append(str(lost))
            raise
        if seen.troubles:
            raise NotUndone(f"{title}: " + "\n  ".join(seen.troubles))

    @contextlib.contextmanager
    def _captured(self, lab: Lab, seen: Seen) -> Iterator[None]:
        """Capture during the outermost block; those within it look at the same captures."""
        if self._blocks:
            yield
            return
        for role in ("client", "server"):
            lab.hosts[role].do("end_orphans")
        self._vantages = [*VANTAGES, *(set(lab.hosts) - set(CORE_HOSTS))]
        with watching.capture(lab, self._vantages) as stop:
            yield
            _raw, lost = stop()
        seen.troubles += [f"the capture at {at} missed {n} packets" for at, n in lost.items() if n]

    @contextlib.contextmanager
    def _left_as_it_was(self, lab: Lab, seen: Seen, asked: bool) -> Iterator[None]:
        """Compare the hosts after a block with how they were before it, if that is asked for."""
        before = lab.snapshot() if asked else {}
        try:
            yield
        finally:
            changed = lab.changes(since=before) if asked else []
            seen.troubles += [f"not as it was: {line}" for line in changed]
            self._dirty = self._dirty or bool(seen.troubles)

    def _in_force(
        self, lab: Lab, stack: contextlib.ExitStack, seen: Seen, name: str,
        faults: Sequence[tuple[Family, Fault]],
    ) -> list[tuple[Broken, HitCounter | None]]:  # fmt: skip
        """Put faults in, which come out with the stack; the same in both families is one."""
        made: list[tuple[Broken, HitCounter | None]] = []
        plans: list[Plan] = []
        for family, fault in faults:
            plan = fault.plan(LabSite(lab, family))
            alike = next((n for n, one in enumerate(plans) if _same(one, plan)), None)
            if alike is None:
                self._put_in(lab, stack, seen, name, plan)
            elif plans[alike].hits == plan.hits:
                broken, counter = made[alike]
                made[alike] = replace(broken, family="both"), counter
                continue
            plans.append(plan)
            broken = Broken(
                fault.kind, plan.host, fault.to, family, plan.mechanism, plan.commands, None
            )
            made.append((broken, HitCounter(lab, plan.hits) if plan.hits else None))
        return made

    def _put_in(
        self, lab: Lab, stack: contextlib.ExitStack, seen: Seen, name: str, plan: Plan
    ) -> None:
        # All of one length, so that whoever heals a lab sees in which order they came.
        entry = f"test-{next(_numbers):06}"
        breaking.put_in(lab, plan, entry, name)
        stack.callback(self._take_out, lab, seen, plan, entry)

    def _take_out(self, lab: Lab, seen: Seen, plan: Plan, entry: str) -> None:
        failed = lab.fault_out(plan.host, entry)
        seen.troubles += [f"not undone: {trouble}" for trouble in failed]

    def _look(self, lab: Lab, block: Block) -> Sight:
        """Return what was seen in a block until now."""
        broken = [replace(one, hits=counter.count() if counter else None)
                  for one, counter in block.broken]  # fmt: skip
        grown = watching.growth(block.counters, lab.all("counters"))
        end_ns = lab.hosts["client"].do("now_ns")
        raw = watching.look(lab, self._vantages)
        # A connection that was begun in an outer block is shown in an inner one too.
        packets = watching.packets_of(lab, ["client"], FAMILIES, raw)
        own: Captured = {
            at: [one for one in all_ if block.start_ns <= one[0] <= end_ns]
            for at, all_ in raw.items()
        }
        noticed = block.noticed[0] if block.noticed else "ok"
        return Sight(
            block.start_ns, end_ns, own,
            [packet for packet in packets if block.start_ns <= packet.t_ns <= end_ns],
            {host: Grown(values) for host, values in grown.items()}, broken,
            noticed if block.spares else NOT_ASKED,
        )  # fmt: skip

    # --- the bystander ------------------------------------------------------------------

    @contextlib.contextmanager
    def _bystander_rests(self, lab: Lab) -> Iterator[None]:
        """Let an outer block's echo rest while an inner one's faults go in, are there, go out."""
        self._stop_bystander(lab)
        try:
            yield
        finally:
            self._start_bystander(lab)

    @contextlib.contextmanager
    def _bystander_echoes(self, lab: Lab, block: Block) -> Iterator[None]:
        """Let the bystander echo for a block."""
        self._blocks.append(block)
        try:
            self._start_bystander(lab)
            try:
                yield
            finally:
                self._stop_bystander(lab)
        finally:
            self._blocks.pop()

    def _spared(self) -> list[str]:
        return [p for p in ("tcp", "udp") if all(p in block.spares for block in self._blocks)]

    def _start_bystander(self, lab: Lab) -> None:
        if self._blocks and self._spared():
            targets = [[proto, lab.block.address("server", family), ECHO_PORT]
                       for proto in self._spared() for family in FAMILIES]  # fmt: skip
            lab.hosts["bystander"].do(
                "bystander_start", targets=targets, period_s=BYSTANDER_PERIOD_S
            )

    def _stop_bystander(self, lab: Lab) -> None:
        if self._blocks and self._spared():
            _rounds, failed = lab.hosts["bystander"].do("bystander_stop")
            for block in self._blocks:
                block.noticed += failed


def families_of(word: str) -> tuple[Family, ...]:
    """Return the families that a word stands for. Raises: LabError."""
    words: dict[str, tuple[Family, ...]] = {
        "both": FAMILIES, "ipv4": ("ipv4",), "4": ("ipv4",), "ipv6": ("ipv6",), "6": ("ipv6",),
    }  # fmt: skip
    if word not in words:
        raise LabError(f"'{word}' is not a family: there are ipv4, ipv6, both")
    return words[word]


def cases_of(
    whole: Scenario, families: Sequence[Family], name: str = ""
) -> list[tuple[Family, Case]]:
    """Return the case of a scenario whose faults are wanted, in each family that has it.

    Raises: ScenarioError if it breaks nothing, or has no such case there.
    """
    every = [(one, case) for one in FAMILIES for case in whole.as_cases(one)]
    names = list(dict.fromkeys(case.name for _, case in every if case.name))
    if name and name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'? " if near else ""
        there = f"there are {', '.join(names)}" if names else "it stands for one case alone"
        raise ScenarioError(whole.name, [f"it has no case '{name}'; {hint}{there}"])
    faulty = [(one, case) for one, case in every if case.faults and name in ("", case.name)]
    if not faulty:
        what = f"its case {name}" if name else "it"
        raise ScenarioError(whole.name, [
            f"{what} breaks nothing: there is no fault to put in; `lab.watch()` looks on"
        ])  # fmt: skip
    first: dict[Family, Case] = {}
    for one, case in faulty:
        if one in families:
            first.setdefault(one, case)
    if not first:
        has = " and ".join(dict.fromkeys(one for one, _ in faulty))
        raise ScenarioError(whole.name, [f"it has a fault in {has} alone"])
    return list(first.items())


def _same(one: Plan, other: Plan) -> bool:
    """Tell whether two plans do the same: some faults know no family."""
    return (one.host, one.commands, one.sysctls) == (other.host, other.commands, other.sysctls)


def _never_hit(name: str, counted: Sequence[Broken], seen: Seen) -> str:
    where = ", ".join(f"{one.kind} on {one.host}, to {one.to} ({one.family})" for one in counted)
    sent = seen.sent("client")
    ends = ", ".join(dict.fromkeys(f"{p.proto} to {p.dst_ip} port {p.dport}" for p in sent[:50]))
    return (
        f"{name} was never hit: wanted at least 1 hit of {where}, got 0\n"
        f"  the client sent {f'{len(sent)} packets: {ends}' if sent else 'no packet'}\n"
        "  aim it with port= and family=, or say must_hit=False"
    )


def _skip(reason: str) -> None:
    import pytest  # noqa: PLC0415  # this module is of use without it

    pytest.skip(f"errnolab: {reason}")
