"""The pytest plugin: its options, its hooks, and which faults a test asks for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lab import Case, Scenario, connect, drop, stop, testing
from lab.errors import LabError, ScenarioError
from lab.faults import Plan
from lab.testing import LabFixture, cases_of, families_of

pytest_plugins = ["pytester"]

# The lab that needs no engine: `hold` is what reaches the outside world.
CONFTEST = """
import contextlib
import dataclasses
import pytest
from lab.seen import Broken, Grown, Seen, Sight
from lab.testing import LabFixture
from tests.unit.packets import packet

@contextlib.contextmanager
def hold(self, *, keep=False):
    print(f"held {self.name} {self.port} {keep}")
    yield self
    print("let go")

LabFixture.hold = hold

@pytest.fixture
def block(lab):
    counters = {"client": Grown({"TcpExt.TCPTimeouts": 1})}
    broken = [Broken("drop", "router", "server", "ipv4", "iptables", [], 1)]
    sight = Sight(0, 10**9, {"client": []}, [packet("client", 0.25)], counters, broken, "ok")
    lab.done.append(Seen("fault timeout", sight=sight))
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose lab needs no engine."""
    for name in ("ERRNOLAB_LAB", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ERRNOLAB_RUNS", str(pytester.path / "runs"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeconftest(CONFTEST)
    return pytester


def run(suite: pytest.Pytester, *options: str) -> pytest.RunResult:
    quick = ("-p", "no:randomly", "-p", "no:hypothesispytest", "-p", "no:testinfra")
    return suite.runpytest_subprocess(*quick, "-W", "error", *options)


# --- options ----------------------------------------------------------------------------

ASKS = "def test_it(lab): pass"


def test_the_lab_is_the_default_one_and_goes_at_the_end(suite: pytest.Pytester) -> None:
    suite.makepyfile(ASKS)
    run(suite, "-s").stdout.fnmatch_lines(["*held default 16555 False*", "*let go*"])


def test_the_environment_names_another(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERRNOLAB_LAB", "mine")
    suite.makepyfile(ASKS)
    run(suite, "-s").stdout.fnmatch_lines(["*held mine 16555*"])


def test_the_ini_file_names_lab_and_port_and_the_command_line_has_the_last_word(
    suite: pytest.Pytester,
) -> None:
    suite.makeini("[pytest]\nerrnolab_lab = ours\nerrnolab_port = 8080\n")
    suite.makepyfile(ASKS)
    run(suite, "-s").stdout.fnmatch_lines(["*held ours 8080 False*"])
    options = ["--errnolab-lab=mine", "--errnolab-port=9000", "--errnolab-keep"]
    run(suite, "-s", *options).stdout.fnmatch_lines(["*held mine 9000 True*"])


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_what_is_no_port_is_refused(suite: pytest.Pytester, port: str) -> None:
    suite.makepyfile(ASKS)
    result = run(suite, f"--errnolab-port={port}")
    assert result.ret != 0
    result.stdout.fnmatch_lines([f"*'{port}' is not a port: 1 to 65535*"])


def test_each_worker_of_xdist_has_a_lab_of_its_own(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        "import pytest, pathlib, os\n"
        "@pytest.mark.parametrize('n', range(6))\n"
        "def test_it(lab, n):\n"
        "    worker = os.environ['PYTEST_XDIST_WORKER']\n"
        "    pathlib.Path(worker).write_text(lab.name)\n"
    )
    assert run(suite, "-n", "2", "--errnolab-lab=mine").ret == 0
    assert (suite.path / "gw0").read_text() == "mine"
    assert (suite.path / "gw1").read_text() == "mine-2"


def test_a_run_that_asks_for_no_lab_imports_nothing_of_it(suite: pytest.Pytester) -> None:
    suite.makeconftest("")
    suite.makepyfile(
        "import sys\n"
        "def test_it():\n"
        "    assert 'errnolab_pytest' in sys.modules\n"
        "    assert not {'lab', 'docker', 'dpkt', 'rich'} & set(sys.modules)\n"
    )
    run(suite).assert_outcomes(passed=1)


def test_a_fixture_of_that_name_in_a_project_is_its_own(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        "import pytest\n"
        "@pytest.fixture\n"
        "def lab(): return 'theirs'\n"
        "def test_it(lab): assert lab == 'theirs'\n"
    )
    run(suite).assert_outcomes(passed=1)


# --- evidence ---------------------------------------------------------------------------

FAILS = "def test_it(lab, block): assert not 'this'\n"


def evidence_of(suite: pytest.Pytester) -> Path:
    (folder,) = suite.path.glob("runs/pytest/*/*")
    return folder


def test_a_failing_test_shows_what_was_seen_and_where_it_is_kept(suite: pytest.Pytester) -> None:
    suite.makepyfile(FAILS)
    result = run(suite, "--junitxml=junit.xml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        "*- errnolab -*", "fault timeout: 1000 ms", "*drop on router (ipv4, iptables): hit 1 time",
        "*client: TcpExt.TCPTimeouts +1", "*250.00*SYN*", "evidence: runs/pytest/*",
    ])  # fmt: skip
    folder = evidence_of(suite)
    assert {path.name for path in folder.iterdir()} == {"client.pcap", "ladder.txt", "result.json"}
    assert json.loads((folder / "result.json").read_text())["blocks"][0]["hits"] == 1
    properties = {
        one.get("name"): one.get("value")
        for one in ElementTree.parse(suite.path / "junit.xml").iter("property")
    }
    assert properties == {"errnolab_evidence": str(folder)}


def test_a_failing_test_of_a_worker_shows_it_too(suite: pytest.Pytester) -> None:
    suite.makepyfile(FAILS + FAILS.replace("test_it", "test_other"))
    result = run(suite, "-n", "2", "--junitxml=junit.xml")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*- errnolab -*", "*250.00*SYN*", "evidence: *"])
    (stamp,) = suite.path.glob("runs/pytest/*")
    assert len(list(stamp.iterdir())) == 2
    assert len(list(ElementTree.parse(suite.path / "junit.xml").iter("property"))) == 2


def test_evidence_that_cannot_be_kept_is_said_and_the_report_stands(
    suite: pytest.Pytester,
) -> None:
    (suite.path / "runs").write_text("a file in the way")
    suite.makepyfile(FAILS)
    result = run(suite)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*250.00*SYN*", "it could not be kept: *"])


def test_what_a_fixture_saw_belongs_to_its_test(suite: pytest.Pytester) -> None:
    """One that passed leaves nothing for the next, which fails for reasons of its own."""
    suite.makepyfile("def test_first(block): pass\ndef test_second(lab): assert 0\n")
    result = run(suite)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*fault timeout*")
    assert not (suite.path / "runs").exists()


def test_a_test_without_a_lab_is_let_alone(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_first(block): pass\ndef test_second(): assert 0\n")
    run(suite).stdout.no_fnmatch_line("*errnolab*evidence*")


def test_a_missing_capability_skips_with_the_reason(suite: pytest.Pytester) -> None:
    suite.makepyfile("from lab import testing\ndef test_it(lab): testing._skip('no cls_bpf')\n")
    result = run(suite, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*errnolab: no cls_bpf*"])


def test_the_plugin_loads_in_a_few_milliseconds() -> None:
    """Apart from pytest itself, which is there already."""
    program = (
        "import pytest, time; begun = time.perf_counter(); import errnolab_pytest;"
        "print(time.perf_counter() - begun)"
    )
    times = [
        float(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                             check=True).stdout)
        for _ in range(3)
    ]  # fmt: skip
    assert min(times) < 0.02


# --- which faults -----------------------------------------------------------------------

CALL = connect(on="client", to="server")
DROP = drop(on="router", to="server")
PLAIN = Scenario(name="plain", fault=DROP, calls=[CALL])
CASES = Scenario(
    name="cases", calls=[CALL],
    cases=[Case("well"), Case("four", family="ipv4", fault=DROP), Case("both", fault=stop())],
)  # fmt: skip


@pytest.mark.parametrize(
    ("word", "families"),
    [("both", ("ipv4", "ipv6")), ("ipv4", ("ipv4",)), ("6", ("ipv6",))],
)
def test_families_are_named_as_on_the_command_line(word: str, families: tuple[str, ...]) -> None:
    assert families_of(word) == families


def test_another_family_is_an_error() -> None:
    with pytest.raises(LabError, match="'ipx' is not a family"):
        families_of("ipx")


def chosen(scenario: Scenario, families: str = "both", case: str = "") -> dict[str, str]:
    return {family: one.name for family, one in cases_of(scenario, families_of(families), case)}


def test_the_first_case_with_a_fault_is_taken_in_each_family() -> None:
    assert chosen(PLAIN) == {"ipv4": "", "ipv6": ""}
    assert chosen(CASES) == {"ipv4": "four", "ipv6": "both"}
    assert chosen(CASES, "ipv6") == {"ipv6": "both"}


def test_a_case_is_taken_by_name_where_it_is() -> None:
    assert chosen(CASES, case="both") == {"ipv4": "both", "ipv6": "both"}
    assert chosen(CASES, case="four") == {"ipv4": "four"}


@pytest.mark.parametrize(
    ("scenario", "families", "case", "why"),
    [
        (PLAIN, "both", "x", "it has no case 'x'; it stands for one case alone"),
        (CASES, "both", "fuor", "did you mean 'four'? there are well, four, both"),
        (CASES, "both", "well", "its case well breaks nothing"),
        (Scenario(name="none", calls=[CALL]), "both", "", "it breaks nothing: there is no fault"),
        (CASES, "ipv6", "four", "it has a fault in ipv4 alone"),
    ],
)
def test_a_fault_that_is_not_there_is_an_error_that_says_why(
    scenario: Scenario, families: str, case: str, why: str
) -> None:
    with pytest.raises(ScenarioError, match=re.escape(why)):
        chosen(scenario, families, case)


def test_a_fault_is_aimed_at_another_port() -> None:
    fixture = LabFixture("unit", port=8080)
    assert "8080" in repr(fixture._aimed(DROP, None, None))
    assert "9000" in repr(fixture._aimed(DROP, 9000, None))
    assert "'udp'" in repr(fixture._aimed(drop(on="router", to="server", flags=""), None, "udp"))


@pytest.mark.parametrize(("port", "proto"), [(0, None), (65536, None), (80, "icmp")])
def test_what_cannot_be_aimed_at_is_an_error(port: int, proto: str | None) -> None:
    with pytest.raises(LabError, match="is not 1 to 65535, or proto"):
        LabFixture("unit", port=None)._aimed(DROP, port or 70000, proto)


def test_without_a_port_a_scenarios_own_is_left() -> None:
    assert LabFixture("unit")._aimed(DROP, None, None) is DROP


def test_a_lab_that_is_not_held_says_so() -> None:
    with pytest.raises(LabError, match="lab unit is not held"):
        _ = LabFixture("unit").server4


def test_plans_that_do_the_same_are_one() -> None:
    commands = [["errnolab-service", "stop", "echo"]]
    assert testing._same(Plan("server", "process", commands), Plan("server", "other", commands))
    assert not testing._same(Plan("server", "", commands), Plan("router", "", commands))
