"""What is printed of a run: how to run it again, how to meet the fault that was kept."""

from __future__ import annotations

import os
import shlex
import subprocess
from types import SimpleNamespace
from typing import cast

import pytest

from lab import Case, command, connect, places
from lab.lab import Lab
from lab.render import _what_next
from lab.result import CaseResult, Result
from lab.topology import Block


@pytest.mark.parametrize(
    ("host", "lab", "options"),
    [
        ("client", "default", "--family 6 --keep"),
        ("client", "mine", "--lab mine --family 6 --keep"),
        ("windows", "mine", "--lab mine --from windows --family 6 --keep"),
    ],
)
def test_the_command_that_is_named_runs_the_same_again(host: str, lab: str, options: str) -> None:
    bad = Result("refused_rst", "ipv6", lab, cases=[CaseResult("", "fail", "why")], host=host)
    again = _what_next(bad).rpartition("again:")[2].split()
    dry = [again[0], "--dry-run", *again[1:]]
    # Without what `make unit` itself was told.
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        dry, cwd=places.SHIPPED, env=env, capture_output=True, text=True, check=True
    )
    words = shlex.split(done.stdout.splitlines()[-1])
    assert words[words.index("run") :] == ["run", "refused-rst", *options.split()]


@pytest.mark.parametrize(
    ("host", "program"),
    [("client", "client errnolab-client"), ("windows", "windows errnolab-exe errnolab-client")],
)
def test_a_kept_fault_is_met_from_the_host_that_met_it(
    host: str, program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = cast("Lab", SimpleNamespace(name="mine", block=Block(0)))
    case = Case(calls=[connect(on="bystander", to="router"), connect(on=host, to="server")])
    command._say_what_next(lab, case, "router", "ipv4", host)
    said = capsys.readouterr().err
    assert f"shell --lab mine {program} --timeout 5 198.18.2.10 hi" in said
