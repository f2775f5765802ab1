"""The pytest plugin of errnolab: the fixture `lab`, its options, evidence of a failing test.

It stands beside the package `lab`, not in it: every pytest run of an environment loads it,
and the package takes a tenth of a second to import. What it needs it imports when a test
asks for a lab. docs/pytest.md is its documentation.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lab.testing import LabFixture

STAMP = pytest.StashKey[str]()
HELD: pytest.StashKey[LabFixture] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, and what an ini file may say in their place."""
    group = parser.getgroup("errnolab", "a lab in which socket calls fail on purpose")
    group.addoption("--errnolab-lab", metavar="NAME",
                    help="the lab to use (default: ERRNOLAB_LAB, or default)")  # fmt: skip
    group.addoption("--errnolab-port", metavar="PORT",
                    help="the port of the server that faults are aimed at")  # fmt: skip
    group.addoption("--errnolab-keep", action="store_true",
                    help="leave the lab up that the tests started")  # fmt: skip
    parser.addini("errnolab_lab", "the lab to use", default="")
    parser.addini("errnolab_port", "the port of the server that faults are aimed at", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Name this run's folder of evidence; xdist's workers share their controller's."""
    given = getattr(config, "workerinput", {}).get("errnolab_stamp")
    config.stash[STAMP] = given or datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist the name of the run."""
    node.workerinput["errnolab_stamp"] = node.config.stash[STAMP]


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[LabFixture]:
    """Hold a lab for the whole session: one that is up, or one that is started and taken down."""
    from lab.testing import LabFixture  # noqa: PLC0415  # only tests that ask for it pay for it

    config = request.config
    fixture = LabFixture(lab_name(config), port=aimed_port(config))
    with fixture.hold(keep=config.getoption("--errnolab-keep")):
        config.stash[HELD] = fixture
        try:
            yield fixture
        finally:
            del config.stash[HELD]


def lab_name(config: pytest.Config) -> str:
    """Return the name of this process's lab: NAME, and NAME-2 for xdist's second worker."""
    name = str(
        config.getoption("--errnolab-lab")
        or config.getini("errnolab_lab")
        or os.environ.get("ERRNOLAB_LAB")
        or "default"
    )
    number = int(getattr(config, "workerinput", {}).get("workerid", "gw0").removeprefix("gw")) + 1
    return name if number == 1 else f"{name}-{number}"


def aimed_port(config: pytest.Config) -> int | None:
    """Return the port that faults are aimed at, None for each scenario's own."""
    said = str(config.getoption("--errnolab-port") or config.getini("errnolab_port") or "")
    if not said:
        return None
    if not (said.isdecimal() and 1 <= int(said) <= 65535):
        raise pytest.UsageError(f"errnolab_port: '{said}' is not a port: 1 to 65535")
    return int(said)


# In the old style of wrappers: an environment's pytest may be older than the new one.
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Attach what was seen to a test that failed, and keep it; forget it when a test is over."""
    report: pytest.TestReport = (yield).get_result()
    fixture = item.config.stash.get(HELD, None)
    if fixture is None:
        return
    if report.failed and fixture.done:
        _attach(item, report, fixture)
    if call.when == "teardown":
        fixture.done.clear()


def _attach(item: pytest.Item, report: pytest.TestReport, fixture: LabFixture) -> None:
    """Write the evidence of a test, and add its section and property to a report."""
    from lab import blocks  # noqa: PLC0415

    folder = blocks.folder_of(item.config.stash[STAMP], item.nodeid)
    text = blocks.section(fixture.done, folder)
    try:
        blocks.write(folder, item.nodeid, fixture.done)
    except OSError as full:
        report.sections.append(("errnolab", f"{text}\nit could not be kept: {full}"))
        return
    report.sections.append(("errnolab", text))
    for properties in (item.user_properties, report.user_properties):
        properties.append(("errnolab_evidence", str(folder)))
