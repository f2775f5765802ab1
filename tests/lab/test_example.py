"""The package as a user has it: a wheel in an empty environment, and the example's own tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lab import engine, images, scenario
from lab import lab as labs

ROOT = Path(__file__).parents[2]
NAME = "test-example"
FAILING = """
def test_that_fails_on_purpose(lab):
    with lab.fault("refused", family="ipv4") as seen:
        lab.client.run(["curl", "-s", lab.url("ipv4")])
    assert seen.hits == 2
"""
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment in which the wheel is installed.

    What the package depends on is that of this environment, so that nothing is fetched.
    """
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    programs = folder / "venv/bin"
    pip = [str(programs / "python"), "-m", "pip", "-q", "install"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    (packages,) = (folder / "venv/lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


@pytest.fixture
def run(
    installed: Path, tmp_path: Path, here: engine.Engine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    """Run a program of that environment in a folder of its own, on a lab of its own."""
    for name in ("ERRNOLAB_RUNS", "ERRNOLAB_SCENARIOS", "PYTEST_ADDOPTS", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ERRNOLAB_LAB", NAME)

    def program(name: str, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([installed / name, *argv], cwd=tmp_path, text=True, timeout=300,
                              capture_output=True, check=False)  # fmt: skip

    yield program
    for name in labs.family_of(NAME, labs.names_with_networks(here)):
        labs.remove(here, name)


def test_the_wheel_has_every_scenario_and_the_images_with_their_executable_bits(run: Run) -> None:
    assert run("errnolab", "list", "--names").stdout.split() == scenario.names()
    tag = run("python", "-c", "from lab import images; print(images.host_tag())")
    assert tag.stdout.strip() == images.host_tag()
    where = run("python", "-c", "import lab; print(lab.__file__)").stdout
    assert "site-packages" in where


def test_the_wheel_runs_a_scenario_and_a_program_in_any_folder(run: Run, tmp_path: Path) -> None:
    assert run("errnolab", "up").returncode == 0
    done = run("errnolab", "run", "refused", "--family", "4")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/latest/refused/ipv4/result.json").is_file()
    tried = run("errnolab", "try", "--scenario", "refused", "--family", "4", "--",
                "curl", "-sS", "{URL}")  # fmt: skip
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert "ECONNREFUSED" in tried.stdout


def example(folder: Path) -> None:
    shutil.copytree(ROOT / "examples/retrying-client", folder, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("__pycache__", ".*"))  # fmt: skip


def outcomes(junit: Path) -> dict[str, str]:
    """Return what came of each test, by name: "passed", "failure", "skipped"."""
    return {
        str(case.get("name")): next(
            (child.tag for child in case if child.tag != "properties"), "passed"
        )
        for case in ElementTree.parse(junit).iter("testcase")
    }


def skipped() -> str:
    """Return what becomes of a test that needs root."""
    return "passed" if os.geteuid() == 0 else "skipped"


def test_the_examples_own_tests_pass(run: Run, tmp_path: Path) -> None:
    example(tmp_path)
    done = run("python", "-m", "pytest", "-p", "no:randomly", "--junitxml=junit.xml")
    assert done.returncode == 0, done.stdout
    found = outcomes(tmp_path / "junit.xml")
    assert found.pop("test_the_command_says_what_was_wrong") == "passed"
    assert len(found) >= 6
    assert set(found.values()) == {skipped()}


def test_the_examples_expectations_hold(run: Run, tmp_path: Path) -> None:
    """Those of the file, for two rows of it, and as many others as there are families."""
    example(tmp_path)
    tried = run("errnolab", "try", "--scenario", "refused", "--scenario", "ipv6_black_hole")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert tried.stdout.splitlines()[-1] == "5 pass"
    (tmp_path / "prices.py").write_text("import sys; sys.exit('no longer an attempt')\n")
    assert run("errnolab", "try", "--scenario", "refused").returncode == 2


def test_on_two_labs_one_that_fails_shows_its_ladder_and_keeps_its_evidence(
    run: Run, tmp_path: Path, here: engine.Engine
) -> None:
    example(tmp_path)
    (tmp_path / "tests/test_on_purpose.py").write_text(FAILING)
    done = run("python", "-m", "pytest", "-n", "2", "--junitxml=junit.xml")
    assert done.returncode == 1, done.stdout
    found = outcomes(tmp_path / "junit.xml")
    assert found.pop("test_that_fails_on_purpose") == "failure"
    assert "failure" not in found.values()
    for part in ("- errnolab -", "RST,ACK", "hit 1 time", "evidence: runs/pytest/"):
        assert part in done.stdout
    (kept,) = tmp_path.glob("runs/pytest/*/*")
    assert "RST,ACK" in (kept / "ladder.txt").read_text(encoding="utf-8")
    assert {path.name for path in kept.glob("*.pcap")} == {
        "client.pcap", "router.pcap", "server.pcap",
    }  # fmt: skip
    (property_,) = ElementTree.parse(tmp_path / "junit.xml").iter("property")
    assert property_.get("value") == str(kept)
    # Both labs were started for this, and both are gone.
    assert labs.family_of(NAME, labs.names_with_networks(here)) == set()
