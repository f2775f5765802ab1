"""A real lab for the tests: one that this process holds, and one for commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import testinfra

from lab import engine, images
from lab import lab as labs
from lab.lab import Lab
from lab.topology import CORE_HOSTS, LABEL

HELD, COMMANDED = "test", "test-cli"
FOREIGN = Path(__file__).with_name("foreign")
Command = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here: it needs an engine."""
    for item in items:
        item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="session")
def here() -> Iterator[engine.Engine]:
    """The container engine."""
    found = engine.ensure()
    yield found
    found.client.close()


@pytest.fixture(scope="session")
def lab(here: engine.Engine) -> Iterator[Lab]:
    """A lab that this process holds for the whole session, and removes."""
    with labs.hold(HELD, heal=True) as held:
        yield held
    labs.remove(here, HELD)


@pytest.fixture(scope="session")
def foreign(here: engine.Engine) -> str:
    """An image from nothing: one static program, of a user without a name."""
    base = images.ensure(here)
    tag = f"errnolab/foreign:{base.rpartition(':')[2]}"
    here.client.images.build(path=str(FOREIGN), tag=tag, buildargs={"BASE": base}, rm=True)
    return tag


def beside(lab: Lab) -> list[str]:
    """Return the containers of a lab that are none of its hosts."""
    mine = {"label": f"{LABEL}={lab.name}"}
    return [
        str(container["Names"])
        for container in lab.engine.client.api.containers(all=True, filters=mine)
        if "errnolab.role" not in container["Labels"]
    ]


@pytest.fixture(scope="session")
def commanded(here: engine.Engine) -> Iterator[str]:
    """The name of a lab for tests that run commands as a user does; it is removed after."""
    yield COMMANDED
    for name in labs.family_of(COMMANDED, labs.names_with_networks(here)):
        labs.remove(here, name)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, commanded: str) -> dict[str, str]:
    """The environment of commands: their own lab and evidence, no terminal's colours."""
    runs = tmp_path_factory.mktemp("runs")
    return {**os.environ, "ERRNOLAB_LAB": commanded, "ERRNOLAB_RUNS": str(runs / "runs")}


@pytest.fixture(scope="session")
def evidence_root(environment: dict[str, str]) -> Path:
    """Where the commands' evidence goes."""
    return Path(environment["ERRNOLAB_RUNS"])


@pytest.fixture(scope="session")
def errnolab(environment: dict[str, str]) -> Command:
    """Run the command as a user does and return what it printed and its status."""

    def run(*argv: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lab", *argv], env={**environment, **more},
            capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def started(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command and go on; whatever still runs at the end is killed."""
    processes: list[subprocess.Popen[str]] = []

    def start(*argv: str, start_new_session: bool = False) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "lab", *argv], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=start_new_session,
        )  # fmt: skip
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def hosts(lab: Lab, here: engine.Engine) -> dict[str, testinfra.host.Host]:
    """Each host of the held lab, as testinfra sees it."""
    containers = labs.find(here, lab.name).containers
    return {role: testinfra.get_host(f"docker://{containers[role]['Id']}") for role in CORE_HOSTS}
