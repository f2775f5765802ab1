"""The command line as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.lab.conftest import Command

FIELDS = {
    "schema", "scenario", "family", "lab", "verdict", "reason", "kernel", "engine", "started",
    "elapsed_ms", "fault", "calls", "wire", "counters", "controls", "proofs", "pcaps",
}  # fmt: skip


def test_json_is_one_document_in_the_agreed_format(errnolab: Command, evidence_root: Path) -> None:
    done = errnolab("run", "refused", "--family", "4", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) >= FIELDS
    assert (found["schema"], found["scenario"], found["family"]) == (1, "refused", "ipv4")
    assert found["calls"][0]["errno_name"] == "ECONNREFUSED"
    assert set(found["calls"][0]) >= {
        "host", "call", "args", "value", "errno", "errno_name", "elapsed_ms",
    }  # fmt: skip
    assert set(found["wire"][0]) == {"at", "t_ms", "src", "dst", "proto", "flags", "summary"}
    assert set(found["fault"]) == {"kind", "host", "mechanism", "commands", "hits"}
    assert found["controls"] == {
        "before": "ok", "after": "ok", "bystander": "ok", "baseline_restored": True,
    }  # fmt: skip
    kept = evidence_root / "latest/refused/ipv4"
    assert json.loads((kept / "result.json").read_text()) == found
    assert all((kept / name).is_file() for name in found["pcaps"].values())


def test_json_of_several_runs_holds_each(errnolab: Command) -> None:
    found = json.loads(errnolab("run", "refused-rst", "--json").stdout)
    assert found["verdict"] == "pass"
    assert [r["family"] for r in found["results"]] == ["ipv4", "ipv6"]


def test_a_scenario_with_cases_reports_each_by_name(errnolab: Command) -> None:
    found = json.loads(errnolab("run", "host_unreachable", "--family", "4", "--json").stdout)
    assert [case["name"] for case in found["cases"]] == ["blocking", "non_blocking"]
    assert all(case["calls"] and case["proofs"] for case in found["cases"])


def test_junit_has_a_test_case_for_each_run(errnolab: Command, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "junit.xml"
    assert errnolab("run", "refused", "--junit", str(path)).returncode == 0
    names = [case.get("name") for case in ElementTree.parse(path).iter("testcase")]
    assert names == ["refused[ipv4]", "refused[ipv6]"]


def test_without_a_terminal_and_without_utf8_the_output_is_plain_ascii(errnolab: Command) -> None:
    plain = errnolab("run", "refused", "--family", "4", LC_ALL="C", PYTHONIOENCODING="ascii",
                     PYTHONUTF8="0")  # fmt: skip
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.isascii()
    assert "\x1b" not in plain.stdout + plain.stderr
    assert "SYN" in plain.stdout


def test_an_unknown_scenario_suggests_the_nearest(errnolab: Command) -> None:
    wrong = errnolab("run", "host-unreachabel")
    assert wrong.returncode == 2
    assert "did you mean 'host_unreachable'?" in wrong.stderr


def test_a_file_with_three_mistakes_names_all_three(errnolab: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        '"""Bad."""\n'
        "from lab import Scenario, connect, drop, syn\n"
        'SCENARIO = Scenario(source="x", fault=drop(on="printer", to="server"),\n'
        '    calls=[connect(on="client", to="server", port=70000).fails("ECONREFUSED")],\n'
        '    seen=[syn(at="client")])\n'
    )
    wrong = errnolab("run", "bad", ERRNOLAB_SCENARIOS=str(tmp_path))
    assert wrong.returncode == 2
    for mistake in ("3 mistakes", "'printer'", "70000", "'ECONREFUSED'"):
        assert mistake in wrong.stderr


def test_a_proof_that_does_not_hold_exits_1_and_says_what_to_do(
    errnolab: Command, tmp_path: Path
) -> None:
    (tmp_path / "wrong.py").write_text(
        '"""Expects what cannot come."""\n'
        "from lab import Scenario, connect, stop, syn\n"
        'SCENARIO = Scenario(source="x", fault=stop(), seen=[syn(at="client")],\n'
        '    calls=[connect(on="client", to="server").fails("ETIMEDOUT")])\n'
    )
    wrong = errnolab("run", "wrong", "--family", "4", ERRNOLAB_SCENARIOS=str(tmp_path))
    assert wrong.returncode == 1
    for part in (
        "wanted ETIMEDOUT (110), got ECONNREFUSED (111)",
        "evidence:",
        "make scenario-wrong FAMILY=4 LAB=test-cli KEEP=1",
    ):
        assert part in wrong.stdout


def test_break_leaves_a_fault_that_status_shows_and_heal_takes_out(errnolab: Command) -> None:
    broken = errnolab("break", "timeout")
    assert broken.returncode == 0, broken.stderr
    try:
        status = errnolab("status")
        assert "timeout in force" in status.stdout
        refused = errnolab("run", "refused")
        assert refused.returncode == 2
        assert "errnolab heal" in refused.stderr
        hi = errnolab("shell", "client", "--", "errnolab-client", "--timeout", "1", "198.18.0.1")
        assert hi.returncode != 0
    finally:
        healed = errnolab("heal")
    assert "took out timeout" in healed.stderr
    assert "no fault is in force" in errnolab("heal").stderr
    assert errnolab("run", "refused", "--family", "4").returncode == 0


def test_keep_leaves_the_fault_of_a_run_that_failed(errnolab: Command, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(
        '"""Expects what cannot come."""\n'
        "from lab import Scenario, connect, stop, syn\n"
        'SCENARIO = Scenario(source="x", fault=stop(), seen=[syn(at="client")],\n'
        '    calls=[connect(on="client", to="server").fails("ETIMEDOUT")])\n'
    )
    kept = errnolab("run", "wrong", "--family", "4", "--keep", ERRNOLAB_SCENARIOS=str(tmp_path))
    assert kept.returncode == 1
    assert "errnolab heal" in kept.stderr
    assert "took out wrong" in errnolab("heal").stderr


@pytest.mark.parametrize("argv", [("run",), ("run", "refused", "--family", "5"), ("nonsense",)])
def test_bad_arguments_exit_2(errnolab: Command, argv: tuple[str, ...]) -> None:
    assert errnolab(*argv).returncode == 2


def test_no_engine_is_said_in_words(errnolab: Command) -> None:
    missing = errnolab("status", DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert missing.returncode == 2
    assert "docker.sock" in missing.stderr
    assert "Traceback" not in missing.stderr


def test_the_older_iptables_proves_the_same(errnolab: Command) -> None:
    """A kernel without it skips the scenario, with the reason."""
    done = errnolab("run", "refused_rst", "--json", ERRNOLAB_IPTABLES="legacy")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"] in ("pass", "skip")
    if found["verdict"] == "pass":
        assert found["results"][0]["fault"]["mechanism"] == "iptables (legacy)"
    wrong = errnolab("run", "refused", ERRNOLAB_IPTABLES="firewalld")
    assert wrong.returncode == 2
    assert "'firewalld' is not nft or legacy" in wrong.stderr


def test_healing_a_lab_that_is_not_there_does_not_make_it(errnolab: Command) -> None:
    missing = errnolab("heal", "--lab", "nobody")
    assert missing.returncode == 2
    assert "there is no lab 'nobody'" in missing.stderr


def test_an_output_that_cannot_be_written_is_an_error_in_words(errnolab: Command) -> None:
    failed = errnolab("run", "refused", "--family", "4", "--junit", "/proc/nowhere/junit.xml")
    assert failed.returncode == 2
    assert "Traceback" not in failed.stderr
    assert "/proc/nowhere" in failed.stderr


def test_a_name_that_compose_would_not_take_is_refused(errnolab: Command) -> None:
    wrong = errnolab("up", "--lab", "Not a name")
    assert wrong.returncode == 2
    assert "is not a lab's name" in wrong.stderr
