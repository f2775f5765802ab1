"""A fault goes in whole or not at all, and comes out in reverse, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from lab import breaking
from lab.breaking import HitCounter, in_force, journal_name, put_in, put_in_all
from lab.errors import CommandFailed
from lab.faults import Hits, Plan
from lab.lab import Lab
from lab.topology import Block

COOKIES, LINEAR = "net.ipv4.tcp_syncookies", "net.ipv4.tcp_syn_linear_timeouts"


class Host:
    """A host without a container: its journal, its sysctls, and what was done, in order."""

    def __init__(self, role: str, done: list[str]) -> None:
        self.role, self.done = role, done
        self.journal: dict[str, dict[str, Any]] = {}
        self.failing: set[str] = set()
        self.values = {COOKIES: "1", LINEAR: "4"}
        self.counted = {"Tcp.OutRsts": 40, "Icmp.OutDestUnreachs": 7}
        self.printed = "5"

    def do(self, operation: str, **arguments: Any) -> Any:
        return getattr(self, operation)(**arguments)

    def run(self, *argv: str) -> str:
        self.done.append(f"{self.role}: {' '.join(argv)}")
        return self.printed

    def counters(self) -> dict[str, int]:
        return dict(self.counted)

    def sysctls(self) -> dict[str, str]:
        return dict(self.values)

    def faults(self) -> dict[str, Any]:
        return dict(self.journal)

    def fault_in(
        self, name: str, entry: dict[str, Any], commands: list[list[str]]
    ) -> dict[str, Any] | None:
        self.done.append(f"{self.role}: journal {name}")
        self.journal[name] = entry
        return next(filter(None, map(self._try, commands)), None)

    def fault_out(self, name: str) -> list[dict[str, Any]]:
        failures = [self._try(argv) for argv in reversed(self.journal.pop(name)["undo"])]
        return [failure for failure in failures if failure]

    def _try(self, argv: list[str]) -> dict[str, Any] | None:
        self.run(*argv)
        if argv[-1] in self.failing:
            return {"argv": argv, "status": 2, "stdout": "", "stderr": f"no {argv[-1]}"}
        return None


@pytest.fixture
def done() -> list[str]:
    """What was done on all hosts, in order."""
    return []


@pytest.fixture
def lab(done: list[str], monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab without an engine; sysctls are written into its hosts' own tables."""
    hosts = {role: Host(role, done) for role in ("client", "router", "server")}

    def write(_engine: Any, container: Mapping[str, Any], values: Mapping[str, str]) -> None:
        host = hosts[container["Id"]]
        settings = [f"{name}={value}" for name, value in values.items()]
        done.append(f"{host.role}: sysctl {' '.join(settings)}")
        if host.failing & set(settings):
            raise CommandFailed("here", ["sysctl", *settings], 1, stderr="read-only")
        host.values |= values

    monkeypatch.setattr("lab.settings.write", write)
    containers = {role: {"Id": role} for role in hosts}
    engine = SimpleNamespace(name="Docker")
    return Lab("mine", Block(0), engine, hosts, containers)  # type: ignore[arg-type]


def host_of(lab: Lab, role: str) -> Any:
    return lab.hosts[role]


def plan(host: str, *words: str, **changes: Any) -> Plan:
    """Return a plan whose commands and undo are named for words."""
    fields = {
        "commands": [["make", word] for word in words],
        "undo": [["undo", word] for word in words],
    }
    return Plan(host, "mechanism", **{**fields, **changes})


def test_fault_is_in_the_journal_before_it_is_made(lab: Lab, done: list[str]) -> None:
    put_in(lab, plan("router", "a", "b"), "name", "scenario", kept=True)
    assert done == ["router: journal name", "router: make a", "router: make b"]
    entry = host_of(lab, "router").journal["name"]
    assert (entry["scenario"], entry["kept"]) == ("scenario", True)
    assert entry["undo"] == [["undo", "a"], ["undo", "b"]]


def test_fault_that_cannot_be_made_whole_is_taken_out_again(lab: Lab, done: list[str]) -> None:
    host_of(lab, "router").failing = {"b"}
    with pytest.raises(CommandFailed, match=r"router: `make b` ended with status 2\n +no b"):
        put_in(lab, plan("router", "a", "b", "c"), "name", "scenario")
    assert done[3:] == ["router: undo c", "router: undo b", "router: undo a"]
    assert host_of(lab, "router").journal == {}


# --- sysctls -----------------------------------------------------------------------


def test_sysctls_are_noted_as_they_were_then_written(lab: Lab, done: list[str]) -> None:
    put_in(lab, plan("server", "a", sysctls={COOKIES: "0"}), "name", "scenario")
    assert done == ["server: journal name", "server: make a", f"server: sysctl {COOKIES}=0"]
    assert host_of(lab, "server").journal["name"]["sysctls"] == {COOKIES: "1"}
    assert host_of(lab, "server").values == {COOKIES: "0", LINEAR: "4"}


def test_sysctls_are_restored_when_the_fault_comes_out(lab: Lab, done: list[str]) -> None:
    put_in(lab, plan("server", "a", sysctls={COOKIES: "0", LINEAR: "9"}), "name", "scenario")
    del done[:]
    assert lab.fault_out("server", "name") == []
    assert done == [f"server: sysctl {COOKIES}=1 {LINEAR}=4", "server: undo a"]
    assert host_of(lab, "server").values == {COOKIES: "1", LINEAR: "4"}


def test_sysctl_that_cannot_be_written_is_undone_with_the_rest(lab: Lab, done: list[str]) -> None:
    host_of(lab, "server").failing = {f"{COOKIES}=0"}
    with pytest.raises(CommandFailed, match="read-only"):
        put_in(lab, plan("server", "a", sysctls={COOKIES: "0"}), "name", "scenario")
    assert done[-2:] == [f"server: sysctl {COOKIES}=1", "server: undo a"]
    assert host_of(lab, "server").journal == {}


def test_sysctl_that_cannot_be_restored_is_a_trouble_and_the_undo_goes_on(
    lab: Lab, done: list[str]
) -> None:
    put_in(lab, plan("server", "a", "b", sysctls={COOKIES: "0"}), "name", "scenario")
    host_of(lab, "server").failing = {f"{COOKIES}=1", "b"}
    first, second = lab.fault_out("server", "name")
    assert "read-only" in first
    assert "`undo b` ended with status 2" in second
    assert done[-2:] == ["server: undo b", "server: undo a"]
    assert host_of(lab, "server").journal == {}


def test_fault_without_sysctls_writes_none(lab: Lab, done: list[str]) -> None:
    put_in(lab, plan("router", "a"), "name", "scenario")
    lab.fault_out("router", "name")
    assert not [line for line in done if "sysctl" in line]


# --- several -----------------------------------------------------------------------


def test_each_fault_of_a_scenario_has_a_name_of_its_own_in_the_journal() -> None:
    assert [journal_name("timeout", n) for n in range(3)] == ["timeout", "timeout-2", "timeout-3"]


def test_faults_come_out_last_first(lab: Lab, done: list[str]) -> None:
    troubles: list[str] = []
    plans = [plan("router", "a"), plan("server", "b"), plan("router", "c")]
    with in_force(lab, plans, "x", troubles):
        assert set(host_of(lab, "router").journal) == {"x", "x-3"}
        assert set(host_of(lab, "server").journal) == {"x-2"}
        del done[:]
    assert done == ["router: undo c", "server: undo b", "router: undo a"]
    assert troubles == []


def test_undo_goes_on_past_what_it_cannot_do_and_tells(lab: Lab) -> None:
    troubles: list[str] = []
    with in_force(lab, [plan("router", "a", "b"), plan("server", "c")], "x", troubles):
        host_of(lab, "router").failing = {"a", "b"}
        host_of(lab, "server").failing = {"c"}
    assert [text.splitlines()[0] for text in troubles] == [
        "server: `undo c` ended with status 2",
        "router: `undo b` ended with status 2",
        "router: `undo a` ended with status 2",
    ]


def test_faults_come_out_when_what_they_are_for_goes_wrong(lab: Lab, done: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt), in_force(lab, [plan("router", "a")], "x", []):
        raise KeyboardInterrupt
    assert done[-1] == "router: undo a"


def test_fault_that_cannot_be_made_takes_those_before_it_out(lab: Lab, done: list[str]) -> None:
    host_of(lab, "server").failing = {"b"}
    plans = [plan("router", "a"), plan("server", "b"), plan("router", "c")]
    with pytest.raises(CommandFailed), in_force(lab, plans, "x", []):
        pytest.fail("the second fault is not there")
    assert done[-1] == "router: undo a"
    assert "router: make c" not in done
    assert lab.hosts["router"].do("faults") == {}


def test_faults_that_are_kept_stay(lab: Lab, done: list[str]) -> None:
    put_in_all(lab, [plan("router", "a"), plan("server", "b")], "x")
    assert not [line for line in done if "undo" in line]
    assert host_of(lab, "router").journal["x"]["kept"] is True
    assert host_of(lab, "server").journal["x-2"]["kept"] is True


def test_faults_are_kept_all_or_none(lab: Lab, done: list[str]) -> None:
    host_of(lab, "server").failing = {"b"}
    with pytest.raises(CommandFailed, match="no b"):
        put_in_all(lab, [plan("router", "a"), plan("server", "b")], "x")
    assert done[-1] == "router: undo a"
    assert host_of(lab, "router").journal == host_of(lab, "server").journal == {}


def test_faults_in_force_are_known_in_the_order_in_which_they_were_made(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is not that of the alphabet, nor of the hosts."""
    plans = [plan(("router", "server")[n % 2], f"{n}") for n in range(11)]
    put_in_all(lab, plans, "x")
    found = {role: host_of(lab, role).journal for role in ("server", "router")}
    monkeypatch.setattr(lab, "all", lambda _operation: found)
    assert [name for _, name, _ in lab.faults()] == [journal_name("x", n) for n in range(11)]


# --- rest ----------------------------------------------------------------------------


def test_fault_that_needs_the_kernel_rested_waits_for_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(breaking, "time", SimpleNamespace(sleep=slept.append))
    put_in(lab, plan("router", "a", rest_s=1.1), "name", "scenario")
    put_in(lab, plan("router", "a"), "name", "scenario")
    assert slept == [1.1, 0.0]


# --- hits ----------------------------------------------------------------------------


def test_hits_are_the_growth_of_counters(lab: Lab) -> None:
    hits = HitCounter(lab, Hits("router", counters=("Tcp.OutRsts", "Icmp.OutDestUnreachs")))
    host_of(lab, "router").counted |= {"Tcp.OutRsts": 42, "Icmp.OutDestUnreachs": 8}
    assert hits.count() == 3


def test_counter_that_the_kernel_lacks_counts_nothing(lab: Lab) -> None:
    hits = HitCounter(lab, Hits("router", counters=("Tcp.NoSuch",)))
    assert hits.count() == 0


def test_hits_are_what_a_command_says_more_than_before(lab: Lab, done: list[str]) -> None:
    hits = HitCounter(lab, Hits("router", command=("list", "rules"), read=len))
    host_of(lab, "router").printed = "12345"
    assert hits.count() == 4
    assert done == ["router: list rules"] * 2
