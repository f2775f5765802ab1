"""The recipes for CI can be read, and every command of ours in them is one that there is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from lab.cli import cli

EXAMPLES = Path(__file__).parents[2] / "examples"
CI = Path(__file__).parents[2] / ".github/workflows/ci.yml"


class Loader(yaml.SafeLoader):
    """Reads GitLab's !reference too, as the words that it has."""


def words_of(loader: Loader, node: yaml.SequenceNode) -> list[Any]:
    return loader.construct_sequence(node)


Loader.add_constructor("!reference", words_of)


def recipe(name: str) -> dict[Any, Any]:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    found: dict[Any, Any] = yaml.load(text, Loader)
    return found


def github_lines() -> Iterator[str]:
    for job in recipe("github-actions.yml")["jobs"].values():
        for step in job["steps"]:
            yield from str(step.get("run", "")).replace("\\\n", " ").splitlines()


def gitlab_lines() -> Iterator[str]:
    for job in recipe("gitlab-ci.yml").values():
        for part in ("before_script", "script", "after_script"):
            for line in job.get(part, []):
                if isinstance(line, str):
                    yield line


# What may stand before a program's name, if it is not the first word.
BEFORE = ("-m", "&&", "||", "{", ";")
AFTER = ("&&", "||", "}", ";")


def commands(lines: Iterator[str], name: str) -> Iterator[list[str]]:
    """Yield the words after each use of a program, up to where the shell goes on."""
    for line in lines:
        words = shlex.split(line)
        for place, word in enumerate(words):
            if word.rpartition("/")[2] == name and (place == 0 or words[place - 1] in BEFORE):
                rest = words[place + 1 :]
                end = next((n for n, one in enumerate(rest) if one in AFTER), len(rest))
                yield rest[:end]


def parse(words: list[str]) -> click.Context:
    """Have click read the words of a command. Raises: click.UsageError."""
    name, *rest = words
    command = cli.commands[name]
    return command.make_context(name, list(rest), parent=click.Context(cli))


@pytest.mark.parametrize("lines", [github_lines, gitlab_lines])
def test_every_command_in_a_recipe_is_one_that_there_is(lines: Any) -> None:
    found = list(commands(lines(), "errnolab"))
    for words in found:
        parse(words)
    assert {"up", "try"} <= {words[0] for words in found}


@pytest.mark.parametrize("lines", [github_lines, gitlab_lines])
def test_try_writes_what_the_recipe_publishes(lines: Any) -> None:
    (words,) = (words for words in commands(lines(), "errnolab") if words[0] == "try")
    params = parse(words).params
    assert str(params["junit"]) == "runs/try.xml"
    assert params["markdown"] is not None
    assert "{URL}" in words


def test_a_misspelt_option_would_be_found() -> None:
    with pytest.raises(click.UsageError):
        parse(["try", "--junt", "x", "--", "curl"])
    with pytest.raises(KeyError):
        parse(["tyr"])


@pytest.mark.parametrize("lines", [github_lines, gitlab_lines])
def test_the_tests_are_run_and_their_results_are_where_they_are_looked_for(lines: Any) -> None:
    (words,) = commands(lines(), "pytest")
    assert "--junitxml=runs/pytest.xml" in words


def test_the_github_recipe_has_what_such_a_file_needs() -> None:
    found = recipe("github-actions.yml")
    # YAML 1.1 reads the word `on` as true.
    assert {"name", True, "permissions", "jobs"} <= set(found)
    for job in found["jobs"].values():
        assert job["timeout-minutes"] <= 10
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])
        ids = {step.get("id") for step in job["steps"]}
        used = re.findall(r"steps\.(\w+)\.outputs", str(job["steps"]))
        assert set(used) <= ids


def test_the_gitlab_recipe_publishes_junit_and_keeps_the_evidence() -> None:
    found = recipe("gitlab-ci.yml")
    artifacts = found[".errnolab"]["artifacts"]
    assert artifacts["reports"]["junit"] == "runs/*.xml"
    assert artifacts["when"] == "always"
    for name in ("errnolab", ".errnolab-shell"):
        assert found[name]["extends"] == ".errnolab"
        assert found[name]["before_script"][-1] == [".errnolab", "before_script"]


def test_the_modules_that_are_loaded_are_those_of_our_own_ci() -> None:
    def modules(text: str) -> set[str]:
        found = re.search(r"modprobe -a ([a-z_ ]+) \|\|", text)
        assert found
        return set(found[1].split())

    ours = modules(CI.read_text(encoding="utf-8"))
    for name in ("github-actions.yml", "gitlab-ci.yml"):
        assert modules((EXAMPLES / name).read_text(encoding="utf-8")) == ours
