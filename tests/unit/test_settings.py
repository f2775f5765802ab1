"""Sysctls of a host are written by a helper that may do that and nothing else."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from lab import settings
from lab.errors import CommandFailed
from lab.topology import LABEL

CONTAINER = {"Id": "abc123", "Image": "errnolab/host:tag", "Labels": {LABEL: "mine"}}
VALUES = {"net.ipv4.tcp_syncookies": "0", "net.ipv4.ip_local_port_range": "40000 40001"}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, Any]]]:
    """What was run instead of the engine's client."""
    found: list[tuple[list[str], dict[str, Any]]] = []

    def run(argv: list[str], **how: Any) -> str:
        found.append((argv, how))
        return ""

    monkeypatch.setattr("lab.settings.shell.run", run)
    monkeypatch.setattr("lab.settings.shell.apart", list)
    return found


def write(name: str = "Docker", cli: str = "docker") -> None:
    settings.write(SimpleNamespace(name=name, cli=cli), CONTAINER, VALUES)  # type: ignore[arg-type]


def after(argv: list[str], option: str) -> list[str]:
    """Return what stands behind each occurrence of an option."""
    return [value for name, value in pairwise(argv) if name == option]


def test_every_sysctl_is_written_in_the_hosts_own_network(ran: list[Any]) -> None:
    write()
    ((argv, how),) = ran
    assert argv[:2] == ["docker", "run"]
    assert after(argv, "--network") == ["container:abc123"]
    assert after(argv, "--entrypoint") == ["sysctl"]
    image = argv.index("errnolab/host:tag")
    assert argv[image + 1 :] == [
        "-q", "-w", "net.ipv4.tcp_syncookies=0", "net.ipv4.ip_local_port_range=40000 40001",
    ]  # fmt: skip
    assert how["timeout_s"] == settings.WITHIN_S


def test_helper_can_do_nothing_else(ran: list[Any]) -> None:
    """It has one capability, is not privileged, and joins no namespace of the machine's."""
    write()
    ((argv, _how),) = ran
    assert after(argv, "--cap-drop") == ["ALL"]
    assert after(argv, "--cap-add") == ["NET_ADMIN"]
    assert not {"--privileged", "-v", "--volume", "--pid", "--userns"} & set(argv)


def test_helper_leaves_nothing_behind_and_would_go_with_the_lab(ran: list[Any]) -> None:
    write()
    ((argv, _how),) = ran
    assert "--rm" in argv
    assert after(argv, "--label") == [f"{LABEL}=mine"]


@pytest.mark.parametrize(
    ("name", "cli", "option"),
    [("Docker", "docker", "systempaths=unconfined"), ("Podman", "podman", "unmask=ALL")],
)
def test_each_engine_has_its_own_word_for_a_proc_that_can_be_written(
    ran: list[Any], name: str, cli: str, option: str
) -> None:
    write(name, cli)
    ((argv, _how),) = ran
    assert argv[0] == cli
    assert after(argv, "--security-opt") == [option]


def test_engine_that_does_not_let_us_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(argv: list[str], **_how: Any) -> str:
        raise CommandFailed("here", argv, 125, stderr="permission denied")

    monkeypatch.setattr("lab.settings.shell.run", run)
    with pytest.raises(CommandFailed, match="permission denied"):
        write()
