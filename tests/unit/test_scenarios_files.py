"""Every file in `scenarios/` is a scenario: data and prose, sound, and of all three proofs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import lab
from lab import scenario
from lab.known import Facts, resolve
from lab.scenario import Case
from lab.topology import FAMILIES, Family

NAMES = scenario.names()
EACH = pytest.mark.parametrize("name", NAMES)
# What data is written with; a scenario that needs more is not data.
DATA = (
    ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple, ast.Attribute,
    ast.UnaryOp, ast.USub, ast.BinOp, ast.Mult, ast.Add,
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
def test_it_loads_and_has_claim_source_and_explanation(name: str) -> None:
    loaded = scenario.load(name)
    assert re.fullmatch(r"C\d+b?( C\d+b?)*", loaded.claim)
    assert re.search(r"RFC \d+|Linux net/|\(\d\)", loaded.source)
    title, blank, *rest = loaded.text.strip().split("\n")
    assert title.endswith(".")
    assert blank == ""
    assert len(" ".join(rest).split()) > 10


def kinds_of_proof(case: Case) -> set[str]:
    """Return the kinds of proof that a case names; a call without a wish must succeed."""
    named = {"call": case.calls, "wire": [*case.seen, *case.absent], "counter": case.counted}
    return {kind for kind, words in named.items() if words}


@EACH
@pytest.mark.parametrize("family", FAMILIES)
def test_each_case_has_all_three_proofs_in_both_families(name: str, family: Family) -> None:
    facts = Facts(family, {"net.ipv4.tcp_syn_linear_timeouts": "4"})
    for case in resolve(scenario.load(name), facts).as_cases():
        assert kinds_of_proof(case) | ({"counter"} if case.fault else set()) == {
            "call", "wire", "counter",
        }  # fmt: skip
        assert case.mistakes() == []


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


def test_sound_file_is_data() -> None:
    assert not_data(ast.parse(HEAD + "SCENARIO = Scenario(calls=[], claim='C1')")) == []


def test_file_that_nobody_owns_is_found(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "_draft.py").write_text("")
    (tmp_path / "refused.py").write_text("")
    assert unowned(tmp_path) == ["_draft.py", "notes.txt"]
