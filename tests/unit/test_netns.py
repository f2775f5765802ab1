"""A thread enters another network and comes back, or the test run ends."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import netns

ADDRESS = "2001:db8:3f::10"


@pytest.fixture
def other() -> Iterator[int]:
    """A process in a network of its own, which has an address of the lab."""
    setup = (
        f"ip link set lo up && ip -6 address add {ADDRESS}/128 dev lo nodad && echo ready && cat"
    )
    process = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", setup], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        process.communicate()
        pytest.skip("this user can make no network of its own")
    yield process.pid
    process.communicate()


def test_new_sockets_are_in_the_other_network_and_then_at_home_again(other: int) -> None:
    home = netns.OWN.readlink()
    with netns.entered(other), socket.socket(socket.AF_INET6) as there:
        there.bind((ADDRESS, 0))
        assert netns.OWN.readlink() != home
    assert netns.OWN.readlink() == home
    with socket.socket(socket.AF_INET6) as here, pytest.raises(OSError):
        here.bind((ADDRESS, 0))


def test_an_error_within_brings_the_thread_home(other: int) -> None:
    home = netns.OWN.readlink()
    with pytest.raises(KeyboardInterrupt), netns.entered(other):
        raise KeyboardInterrupt
    assert netns.OWN.readlink() == home


def test_a_thread_that_cannot_come_back_is_fatal(
    other: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that catches an Exception may go on in the wrong network."""
    move, home = netns._setns, os.open(netns.OWN, os.O_RDONLY)
    moves: list[int] = []

    def only_once(fd: int) -> None:
        moves.append(fd)
        if len(moves) > 1:
            raise OSError(1, "Operation not permitted")
        move(fd)

    monkeypatch.setattr(netns, "_setns", only_once)
    try:
        with pytest.raises(netns.Stranded, match="left in another network"), netns.entered(other):
            pass
    finally:
        move(home)
        os.close(home)
    assert not issubclass(netns.Stranded, Exception)


def test_one_who_may_enter_is_told_nothing(other: int) -> None:
    assert netns.why_not(other, ADDRESS) == ""


def test_a_process_without_the_labs_address_is_another_machines(other: int) -> None:
    assert "it runs on another machine" in netns.why_not(other, "2001:db8:3e::10")


@pytest.mark.parametrize("pid", [0, 2**22 + 1])
def test_a_process_that_is_not_here_is_another_machines(pid: int) -> None:
    if os.geteuid() == 0:
        assert "it runs on another machine" in netns.why_not(pid, ADDRESS)


def test_it_takes_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "it takes root" in netns.why_not(1, ADDRESS)


def test_what_the_kernel_refuses_is_told(other: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_fd: int) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(netns, "_setns", refuse)
    assert netns.why_not(other, ADDRESS).endswith(
        "lets no thread of ours in: Operation not permitted"
    )


def test_where_there_is_no_such_file_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(netns, "OWN", tmp_path / "net")
    assert "this is not Linux" in netns.why_not(1, ADDRESS)
