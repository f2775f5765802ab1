"""The doctor looks at everything, goes on past what is missing, and says how to get it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lab import compose, doctor, engine, images, shell
from lab.compose import Compose
from lab.doctor import PARTS, Finding
from lab.errors import CommandFailed, ComposeError, EngineError, HostLost, ImageError
from lab.inside import probe

NO_ENGINE = EngineError("no container engine found on this machine\n  get one: `apt-get …`")


class Machine:
    """A machine on which all is well, until a test takes something away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.tried = {part.name: "" for part in PARTS}
        self.ran: list[list[str]] = []
        self.hosts: list[tuple[str, ...]] = []
        self.engine = SimpleNamespace(
            cli="/usr/bin/docker", name="Docker", version="26.1", processor="amd64"
        )
        self.give(engine, "connect", self.engine)
        self.give(compose, "find", Compose(("docker", "compose"), "2.40.3", ("v1: too old",)))
        self.give(images, "ensure", "errnolab/host:1")
        self.give(images, "registry_answers", True)
        monkeypatch.setattr(shell, "run", self.run)
        monkeypatch.setattr(doctor, "Host", self.host)

    def give(self, module: Any, name: str, value: Any) -> None:
        def answer(*_args: Any) -> Any:
            if isinstance(value, Exception):
                raise value
            return value

        self.monkeypatch.setattr(module, name, answer)

    def run(self, argv: list[str], **_options: Any) -> str:
        self.ran.append(argv)
        return "Docker version 26.1\n"

    def host(self, _role: str, command: tuple[str, ...]) -> Any:
        self.hosts.append(command)
        return SimpleNamespace(
            do=lambda _operation: self.tried,
            run=lambda *argv, check: f"{argv[0]} v1\nmore\n",
            close=lambda: None,
        )

    def findings(self) -> dict[str, Finding]:
        return {finding.name: finding for finding in doctor.examine()}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def fails(findings: dict[str, Finding]) -> set[str]:
    """Return what makes `errnolab doctor` end with status 2."""
    return {name for name, finding in findings.items() if not (finding.ok or finding.optional)}


def test_machine_that_has_everything(machine: Machine) -> None:
    findings = machine.findings()
    assert all(finding.ok for finding in findings.values())
    assert findings["engine"].found == "Docker 26.1"
    assert findings["iptables-nft"].found == "iptables-nft v1"
    assert doctor.summary(list(findings.values())) == "All that the lab needs is here."


def test_every_finding_says_what_for_and_how(machine: Machine) -> None:
    machine.tried = {part.name: "no" for part in PARTS}
    for finding in machine.findings().values():
        assert finding.needed_for
        assert finding.ok or finding.how_to_get


def test_agent_tries_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the doctor tells of all that the agent tries."""
    monkeypatch.setattr(probe, "run", lambda _argv: (1, "", "no"))
    monkeypatch.setattr(probe, "_try_socket", lambda *_kind: "")
    monkeypatch.setattr(probe, "_try_destroy", lambda: "")
    assert set(probe.probe()) == {part.name for part in PARTS}


@pytest.mark.parametrize("name", ["netem", "act_gact", "tc-u32", "tc-bpf", "sock_destroy"])
def test_what_the_lab_can_do_without_is_no_failure(machine: Machine, name: str) -> None:
    machine.tried[name] = "Error: unknown"
    findings = machine.findings()
    assert fails(findings) == set()
    assert (findings[name].ok, findings[name].found) == (False, "Error: unknown")
    assert "skipped without it: " in findings[name].needed_for


@pytest.mark.parametrize("name", ["packet-sockets", "ipv6"])
def test_what_the_lab_needs_is_a_failure(machine: Machine, name: str) -> None:
    machine.tried[name] = "Operation not permitted"
    assert fails(machine.findings()) == {name}


def test_scenarios_that_would_be_skipped_are_named(machine: Machine) -> None:
    machine.tried["tc-bpf"] = "no"
    assert machine.findings()["tc-bpf"].needed_for.endswith("skipped without it: timeout_tc")


def test_one_flavour_of_iptables_is_enough(machine: Machine) -> None:
    machine.tried |= {"iptables-nft": "no", "ip6tables-nft": "no", "nft": "no"}
    assert fails(machine.findings()) == set()
    machine.tried["ip6tables-legacy"] = "no"
    assert fails(machine.findings()) == {"ip6tables-nft", "ip6tables-legacy"}


def test_another_processor_is_no_failure_and_what_it_lacks_is_named(machine: Machine) -> None:
    machine.engine.processor = "arm64"
    findings = machine.findings()
    assert fails(findings) == set()
    assert not findings["processor"].ok
    assert findings["processor"].needed_for.endswith("windows (amd64)")


def test_no_registry_is_no_failure(machine: Machine) -> None:
    machine.give(images, "registry_answers", False)
    findings = machine.findings()
    assert fails(findings) == set()
    assert "nothing is skipped" in findings["registry"].needed_for


def test_without_an_engine_the_rest_is_still_looked_at(machine: Machine) -> None:
    """What could not be tried is unknown, and not said to be missing."""
    machine.give(engine, "connect", NO_ENGINE)
    findings = machine.findings()
    assert fails(findings) == {"engine"}
    assert findings["engine"].found == "no container engine found on this machine"
    assert "apt-get" in findings["engine"].how_to_get
    assert findings["Compose 2"].ok
    assert not findings["netem"].known
    assert machine.hosts == []


def test_permission_that_is_denied_is_told_apart(machine: Machine) -> None:
    machine.give(engine, "connect", EngineError("the engine refuses (permission denied)\n  join"))
    findings = machine.findings()
    assert fails(findings) == {"engine", "permission"}
    assert "usermod" in findings["permission"].how_to_get


def test_reasons_against_each_compose_are_shown(machine: Machine) -> None:
    assert "passed over: v1: too old" in machine.findings()["Compose 2"].found
    machine.give(compose, "find", ComposeError("no Compose:\n  - one: no\n  - two: no\n  get it"))
    findings = machine.findings()
    assert fails(findings) == {"Compose 2"}
    assert findings["Compose 2"].found == "none; one: no; two: no"


def test_image_that_cannot_be_made_is_told(machine: Machine) -> None:
    machine.give(images, "ensure", ImageError("the disk is full"))
    findings = machine.findings()
    assert fails(findings) == {"host image"}
    assert not findings["netem"].known


def test_host_that_does_not_start_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_args: Any) -> Any:
        raise HostLost("throwaway host: no channel")

    monkeypatch.setattr(doctor, "Host", lost)
    findings = machine.findings()
    assert fails(findings) == {"host"}
    assert findings["host"].found == "throwaway host: no channel"


def test_command_that_does_not_run_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(argv: list[str], **_options: Any) -> str:
        raise CommandFailed("here", argv, 126)

    monkeypatch.setattr(shell, "run", broken)
    assert fails(machine.findings()) == {"command"}


def test_throwaway_host_is_least_privileged_and_removed(machine: Machine) -> None:
    machine.findings()
    ((*argv,),) = machine.hosts
    text = " ".join(argv)
    assert "--network none --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_RAW" in text
    assert "--privileged" not in text
    name = argv[argv.index("--name") + 1]
    assert machine.ran[-1][1:] == ["rm", "--force", name]


def test_host_is_removed_when_the_probe_fails(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def gone(_here: Any, _image: str) -> Iterator[Any]:
        yield SimpleNamespace(do=lambda _operation: (_ for _ in ()).throw(HostLost("gone")))

    monkeypatch.setattr(doctor, "_throwaway", gone)
    assert fails(machine.findings()) == {"host"}


# --- what a person reads -------------------------------------------------------------

MISSING = Finding("inside a host", "ipv6", False, False, "no\nreally", "all", "a kernel")
ABSENT = Finding("inside a host", "netem", False, True, "unknown", "delay", "modprobe")
UNKNOWN = Finding("engine", "registry", False, True, "no engine", "base", "net", known=False)


def test_lines_say_what_is_missing_why_and_how(capsys: pytest.CaptureFixture[str]) -> None:
    doctor.show([UNKNOWN, MISSING, ABSENT])
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "engine", "unknown registry no engine",
        "inside a host", "MISSING ipv6 no", "really", "for all", "get it: a kernel",
        "absent netem unknown", "for delay", "get it: modprobe",
        "The lab cannot run here: it lacks ipv6.",
    ]  # fmt: skip


def test_summary_names_what_is_absent() -> None:
    said = doctor.summary([UNKNOWN, ABSENT])
    assert said == "All that the lab needs is here; absent, and not needed: netem."
