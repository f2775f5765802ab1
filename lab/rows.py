"""The rows of `errnolab try`: which scenarios' faults a program can meet, and how it is run.

A scenario's own calls say where it goes and what it wants; here only its fault is used,
aimed at the flow of the program, and the program takes the place of the calls. A row is
again a scenario, of one case, so that it is run, proven and kept like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from lab import scenario as scenarios
from lab.aim import aimed
from lab.calls import Call, connect, exchange
from lab.errors import CannotAim, ScenarioError
from lab.faults import Fault
from lab.known import AS_IT_COMES, Facts, resolve
from lab.program import Program, told
from lab.scenario import Case, Scenario
from lab.topology import ECHO_PORT, GUESTS, NOBODYS, Family

HEALTH = "health"
# What is tried unless said: a failure of each kind that callers meet, and what several
# addresses or attempts are good for.
USUAL = ("refused", "timeout", "host_unreachable", "net_unreachable", "prohibited", "reset",
         "service_silent", "service_closes.after_request", "ipv6_black_hole",
         "first_address_dead", "heals.refused_new_sockets")  # fmt: skip
# Where a program can be sent: what it cannot, means something to its own kernel alone.
PLACES = ("server", "elsewhere", *NOBODYS)


@dataclass(frozen=True, order=True)
class Service:
    """What a program talks to on the server: one of the lab's, or the user's `own`."""

    proto: str = "tcp"
    port: int = ECHO_PORT
    own: bool = False

    def __str__(self) -> str:
        return f"{self.port}/{self.proto}"


@dataclass(frozen=True)
class Row:
    """A scenario's case that a program can meet in one family, and where it is sent."""

    name: str
    family: Family
    case: Case
    role: str
    text: str = ""

    @property
    def host_name(self) -> str:
        """Return the name that the program is told: one of this family alone, unless said."""
        said: str = resolve(self.case.host_name, _facts(self.case, self.family))
        return said or f"{self.role}{self.family[-1]}"

    @property
    def what(self) -> str:
        """Return what tells the row from others in what the program meets, not in its name."""
        faults = resolve(self.case.faults, _facts(self.case, self.family))
        # The words for a fault differ in what they are called, not in what they do.
        return repr([[(f, f.arguments) for f in faults], self.host_name])

    def scenario(self, program: Program, ports: tuple[int, int], services: Sequence[Service]
                 ) -> Scenario:  # fmt: skip
        """Return what is run: the faults, aimed at services, and the program.

        Args: `ports` are those that it is told as PORT and in URL.
        Raises: CannotAim with the reason.
        """
        where = told(self.host_name, self.role, *ports)
        faults = [
            replace(
                aimed(fault, caller=program.host, proto=service.proto, port=service.port,
                      own=service.own),
                group=number,
            )
            for service in services
            for number, fault in enumerate(self.case.faults)
        ]  # fmt: skip
        return Scenario(
            self.name, fault=_once_each(faults), calls=[program.call(where)],
            control=self._control(program.host, services), needs=self.case.needs,
            family=self.family, given=self.case.given, text=self.text, source="errnolab try",
        )  # fmt: skip

    def _control(self, host: str, services: Sequence[Service]) -> list[Call]:
        """Return calls that work while nothing is broken: what the faults aim at can be reached."""
        role = "server" if self.role in NOBODYS else self.role
        reached = [
            connect(on=host, to=role, port=service.port, socket=f"c{number}")
            for number, service in enumerate(services)
            if service.proto == "tcp"
        ]
        if not reached:
            # Of a service over datagrams nobody knows what it answers to.
            reached = [connect(on=host, to=role), exchange(on=host, data=b"hi").gives(b"abc")]
        return reached


def _once_each(faults: Iterable[Fault]) -> list[Fault]:
    """Return faults without those that are there already: a route is no service's."""
    return list({repr(fault) + repr(fault.arguments): fault for fault in faults}.values())


def health(family: Family) -> Row:
    """Return the row in which nothing is broken."""
    return Row(HEALTH, family, Case(), "server", "Nothing is broken.")


def load(names: Sequence[str], host: str, families: Sequence[Family]) -> list[Row]:
    """Return the rows of scenarios, "NAME" or "NAME.CASE", in each family where there are.

    Raises: UnknownScenario; ScenarioError with the reasons if one has no fault that a
    program on a host could meet.
    """
    found: list[Row] = []
    for name in names:
        rows, reasons = _rows_of(name, host, families)
        if not rows:
            raise ScenarioError(name, reasons)
        found += rows
    return list({(row.name, row.family): row for row in found}.values())


def load_usual(host: str, families: Sequence[Family]) -> list[Row]:
    """Return the rows of `USUAL` that there are on the host and in these families."""
    return [row for name in USUAL for row in _rows_of(name, host, families)[0]]


def _rows_of(name: str, host: str, families: Sequence[Family]) -> tuple[list[Row], list[str]]:
    """Return the rows that a name stands for, and if there are none, why."""
    stem, _, case = name.replace("-", "_").partition(".")
    scenario = scenarios.load(stem)
    rows, reasons = _rows(scenario, host, families, case)
    if case and case not in (c.name for c in scenario.as_cases()):
        there = ", ".join(c.name for c in scenario.as_cases() if c.name)
        reasons = [f"it has no case {case}" + (f": there are {there}" if there else "")]
    return rows, reasons or ["it has no case in that family"]


def load_all(host: str, families: Sequence[Family]) -> list[Row]:
    """Return the rows of every scenario that has some and is not slow.

    The same fault is met once, whichever calls the scenarios make under it; and one on TCP
    is a datagram's too, if that is what the program sends.
    """
    loaded = [s for s in scenarios.load_many(scenarios.names()) if _worth_a_row(s)]
    found: dict[str, Row] = {}
    for scenario in sorted(loaded, key=_home):
        for row in _rows(scenario, host, families)[0]:
            if not any(_of_datagrams(fault) for fault in row.case.faults):
                found.setdefault(f"{row.family} {row.what}", row)
    return sorted(found.values(), key=lambda row: (row.name, row.family))


def _of_datagrams(fault: Fault) -> bool:
    return "udp" in (fault.arguments.get("proto"), fault.arguments.get("service", "")[-3:])


def _worth_a_row(scenario: Scenario) -> bool:
    """Tell whether a scenario shows what any program may meet, and does not take minutes."""
    return not scenario.slow and scenario.cause != "nothing"


def _home(scenario: Scenario) -> tuple[bool, bool, str]:
    """Return an order in which the scenario that is about a fault is before those that use it."""
    usual = scenario.name in {name.partition(".")[0] for name in USUAL}
    return not usual, scenario.cause == "caller", scenario.name


def _rows(
    scenario: Scenario, host: str, families: Sequence[Family], only: str = ""
) -> tuple[list[Row], list[str]]:
    """Return the rows of a scenario (of `only` one case), and why cases have none.

    Cases with the same fault share a row. Where no family has several rows, they have the
    scenario's name alone.
    """
    wanted: list[Row] = []
    reasons: list[str] = []
    met: dict[tuple[Family, str], Row] = {}
    for family in families:
        for case in scenario.as_cases(family):
            why, role = _why_not(case, family, host)
            if why:
                if only in ("", case.name):
                    reasons.append(f"case {case.name}: {why}" if case.name else why)
                continue
            name = f"{scenario.name}.{case.name}" if case.name else scenario.name
            row = Row(name, family, case, role, scenario.title)
            row = met.setdefault((family, row.what), row)
            if only in ("", case.name):
                wanted.append(replace(row, name=name) if only else row)
    if len(met) == len({family for family, _ in met}):
        wanted = [replace(row, name=scenario.name) for row in wanted]
    rows = {(row.name, row.family): row for row in wanted}
    return list(rows.values()), list(dict.fromkeys(reasons))


def _facts(case: Case, family: Family) -> Facts:
    return Facts(family, AS_IT_COMES, case.given)


def _why_not(case: Case, family: Family, host: str) -> tuple[str, str]:
    """Return why a program cannot meet a case, "" if it can; and where it is sent."""
    whole = resolve(case, _facts(case, family))
    role = next((call.to for call in whole.all_calls if call.on == "client" and call.to), "server")
    return next(_reasons(whole, role, host), ""), role


def _reasons(case: Case, role: str, host: str) -> Iterator[str]:
    strangers = [guest for guest in case.guests if guest in GUESTS and guest != host]
    if strangers:
        yield f"it is about {strangers[0]}"
    if not case.faults:
        yield "it has no fault: its calls make the failure"
    elif all(fault.kind == "sysctl" for fault in case.faults):
        yield "it sets the stage for its calls, and breaks nothing by itself"
    if role not in PLACES:
        yield f"its calls go to '{role}', which is the caller's own"
    others = {fault.to for fault in case.faults} & set(PLACES)
    if others and role not in others and all(fault.to in others for fault in case.faults):
        yield f"its fault is on the way to {min(others)}, where its calls do not go"
    try:
        for fault in case.faults:
            aimed(fault, caller=host, proto="tcp", port=ECHO_PORT)
    except CannotAim as why:
        yield str(why)
