"""Every file in `scenarios/` is a scenario: data and prose, sound, and of all three proofs."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest

import lab
from lab import Counted, connect, drop, route, scenario, syn, sysctl
from lab.faults import Fault
from lab.known import Facts, resolve
from lab.scenario import CAUSES, Case
from lab.topology import FAMILIES, Family
from tests.unit.site import Site

NAMES = scenario.names()
EACH = pytest.mark.parametrize("name", NAMES)
# What data is written with; a scenario that needs more is not data.
DATA = (
    ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple, ast.Attribute,
    ast.UnaryOp, ast.USub, ast.BinOp, ast.Mult, ast.Add, ast.Dict,
)  # fmt: skip


def tree(name: str) -> ast.Module:
    return ast.parse((scenario.FOLDER / f"{name}.py").read_text(encoding="utf-8"))


def not_data(module: ast.Module) -> list[str]:
    """Return what a scenario's file has beyond docstring, import and one assignment."""
    first, *body = module.body
    found = []
    if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
        found.append("it does not begin with its explanation")
    for statement in body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "lab":
            continue
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "SCENARIO":
            value = ast.walk(statement.value)
            found += [ast.unparse(node) for node in value if not isinstance(node, DATA)]
            continue
        found.append(ast.unparse(statement))
    if sum(isinstance(statement, ast.Assign) for statement in body) != 1:
        found.append("it has not exactly one SCENARIO")
    return found


def unowned(folder: Path) -> list[str]:
    """Return the files that are no scenario, so that nobody runs them; a cache is no file."""
    owned = {f"{name}.py" for name in scenario.names(folder)}
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in files if name not in owned and not name.endswith(".pyc"))


def test_there_are_scenarios() -> None:
    assert len(NAMES) >= 10


def test_every_file_is_a_scenario_that_can_be_run() -> None:
    assert unowned(scenario.FOLDER) == []


@EACH
def test_file_is_data_only(name: str) -> None:
    assert not_data(tree(name)) == []


@EACH
def test_it_imports_only_the_public_words(name: str) -> None:
    imported = {
        alias.name
        for node in ast.walk(tree(name))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= set(lab.__all__)


@EACH
def test_it_loads_and_says_what_it_rests_on_and_how_to_tell_it_from_others(name: str) -> None:
    loaded = scenario.load(name)
    assert loaded.cause in CAUSES
    assert len(loaded.look.split()) > 5
    assert re.search(r"RFC \d+|Linux net/|\(\d\)", loaded.source)
    title, blank, *rest = loaded.text.strip().split("\n")
    assert title.endswith(".")
    assert blank == ""
    assert len(" ".join(rest).split()) > 10


def kinds_of_proof(case: Case, family: Family) -> set[str]:
    """Return the kinds of proof that a case names; a call without a wish must succeed.

    A fault's hits count, where it has any: a setting, or a route of the caller's own
    host, proves nothing by being there.
    """
    hits = [fault.plan(Site(family)).hits for fault in case.faults]
    named = {
        "call": case.calls,
        "wire": [*case.seen, *case.absent],
        "counter": [*case.counted, *filter(None, hits)],
    }
    return {kind for kind, words in named.items() if words}


@EACH
@pytest.mark.parametrize("family", FAMILIES)
def test_each_case_has_all_three_proofs_in_each_family(name: str, family: Family) -> None:
    for case in scenario.load(name).as_cases(family):
        facts = Facts(family, {"net.ipv4.tcp_syn_linear_timeouts": "4"}, case.given)
        whole = resolve(case, facts)
        assert kinds_of_proof(whole, family) == {"call", "wire", "counter"}, case.name
        assert whole.mistakes() == []


# --- the check itself can fail -------------------------------------------------------

HEAD = '"""Text."""\nfrom lab import Scenario\n'


@pytest.mark.parametrize(
    "text",
    [
        "from lab import Scenario\nSCENARIO = Scenario()",
        HEAD + "import time\nSCENARIO = Scenario()",
        HEAD + "from lab.lab import up\nSCENARIO = Scenario()",
        HEAD + "SCENARIO = Scenario(calls=[c for c in ()])",
        HEAD + "SCENARIO = Scenario(fault=lambda: 1)",
        HEAD + "SCENARIO = Scenario(text=f'{1}')",
        HEAD + "for _ in (): pass\nSCENARIO = Scenario()",
        HEAD + "up()\nSCENARIO = Scenario()",
        HEAD + "SCENARIO = Scenario()\nSCENARIO = Scenario()",
        HEAD,
    ],
)
def test_what_is_not_data_is_found(text: str) -> None:
    assert not_data(ast.parse(text))


@pytest.mark.parametrize(
    "text",
    ["calls=[], claims={'C1': 'true'}", "calls=[connect(options={'TCP_SYNCNT': 1}).fails('x')]"],
)
def test_sound_file_is_data(text: str) -> None:
    assert not_data(ast.parse(f"{HEAD}SCENARIO = Scenario({text})")) == []


SETTING = sysctl(values={"net.ipv4.tcp_syncookies": 0})
LOCAL_ROUTE = route(on="client", kind="prohibit", to="server")


@pytest.mark.parametrize(
    ("faults", "counts"),
    [
        ([], False),
        ([SETTING], False),
        ([LOCAL_ROUTE], False),
        ([SETTING, LOCAL_ROUTE], False),
        ([SETTING, drop(on="router", to="server")], True),
        ([route(on="router", kind="prohibit", to="server")], True),
    ],
)
def test_fault_that_nothing_counts_is_no_proof_by_a_counter(
    faults: list[Fault], counts: bool
) -> None:
    case = Case(calls=[connect(on="client", to="server")], seen=[syn(at="client")], fault=faults)
    assert ("counter" in kinds_of_proof(case, "ipv4")) is counts
    counted = replace(case, counted=[Counted("client", "Tcp.X", exactly=1)])
    assert kinds_of_proof(counted, "ipv4") == {"call", "wire", "counter"}


@pytest.mark.parametrize("left_out", ["calls", "seen"])
def test_kind_of_proof_that_a_case_does_not_name_is_missed(left_out: str) -> None:
    case = Case(
        calls=[connect(on="client", to="server")], seen=[syn(at="client")],
        fault=drop(on="router", to="server"),
    )  # fmt: skip
    assert len(kinds_of_proof(case, "ipv4")) == 3
    assert len(kinds_of_proof(replace(case, **{left_out: ()}), "ipv4")) == 2  # type: ignore[arg-type]


def test_file_that_nobody_owns_is_found(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "_draft.py").write_text("")
    (tmp_path / "refused.py").write_text("")
    assert unowned(tmp_path) == ["_draft.py", "notes.txt"]
