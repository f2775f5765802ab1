"""The command line: what it refuses, in what words, and with which status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab import cli, command, doctor, scenario
from lab.errors import EngineError
from lab.topology import FAMILIES
from tests.unit.test_scenario import SOUND


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "timeout_router.py").write_text(SOUND)
    monkeypatch.delenv("ERRNOLAB_LAB", raising=False)
    monkeypatch.setattr(scenario, "FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the calls of `command.run`, which is not made."""
    calls: list[Any] = []

    def run(scenarios: Any, families: Any, lab_name: str, **options: Any) -> int:
        calls.append(([s.name for s in scenarios], families, lab_name, options))
        return 1

    monkeypatch.setattr(command, "run", run)
    return calls


def main(monkeypatch: pytest.MonkeyPatch, *argv: str) -> int:
    """Run the command line as the shell does; return its exit status."""
    monkeypatch.setattr("sys.argv", ["errnolab", *argv])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_unknown_scenario_suggests_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ran: list[Any]
) -> None:
    assert main(monkeypatch, "run", "timeout-ruoter") == 2
    assert "did you mean 'timeout_router'" in capsys.readouterr().err
    assert ran == []


def test_three_mistakes_are_all_named_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    ran: list[Any],
) -> None:
    wrong = SOUND.replace('on="router"', 'on="ruoter"').replace("ETIMEDOUT", "ETIMEOUT")
    (folder / "wrong.py").write_text(wrong.replace('"RFC 9293"', '""'))
    assert main(monkeypatch, "run", "timeout-router", "wrong") == 2
    said = capsys.readouterr().err
    assert "wrong: 3 mistakes" in said
    assert said.count("\n  - ") == 3
    assert ran == []


def test_names_take_hyphens_or_underscores_and_count_once(
    monkeypatch: pytest.MonkeyPatch, ran: list[Any]
) -> None:
    assert main(monkeypatch, "run", "timeout-router", "timeout_router") == 1
    ((names, families, lab, _options),) = ran
    assert (names, families, lab) == (["timeout_router"], FAMILIES, "default")


def test_options_reach_the_run(monkeypatch: pytest.MonkeyPatch, ran: list[Any]) -> None:
    monkeypatch.setenv("ERRNOLAB_LAB", "mine")
    argv = ("run", "--all", "--family", "6", "--json", "--keep", "--jobs", "3", "--junit", "j.xml")
    main(monkeypatch, *argv)
    ((names, families, lab, options),) = ran
    assert (names, families, lab) == (["timeout_router"], ("ipv6",), "mine")
    assert options == {"as_json": True, "keep": True, "jobs": 3, "junit": Path("j.xml")}


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("run",), "errnolab list"),
        (("run", "--family", "5", "timeout-router"), "'5' is not one of"),
        (("run", "--jobs", "0", "timeout-router"), "not in the range"),
        (("up", "--block", "64"), "not in the range"),
        (("shell", "nobody"), "'nobody' is not one of"),
        (("runn",), "No such command"),
    ],
)
def test_bad_arguments_end_with_2_and_a_reason(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ran: list[Any],
    argv: tuple[str, ...],
    said: str,
) -> None:
    assert main(monkeypatch, *argv) == 2
    assert said in capsys.readouterr().err
    assert ran == []


def test_interrupt_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_args: Any, **_options: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run", interrupted)
    assert main(monkeypatch, "run", "timeout-router") == 130
    assert "interrupted" in capsys.readouterr().err


def test_error_of_the_lab_is_printed_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Brackets in it are no markup, and there is no traceback."""

    def fails(*_args: Any, **_options: Any) -> int:
        raise EngineError("no engine [red]\n  start it")

    monkeypatch.setattr(command, "run", fails)
    assert main(monkeypatch, "run", "timeout-router") == 2
    assert capsys.readouterr().err == "errnolab: no engine [red]\n  start it\n"


def test_list_prints_bare_names_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(monkeypatch, "list", "--names") == 0
    assert capsys.readouterr().out == "timeout_router\n"


def test_show_explains_a_scenario(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(monkeypatch, "show", "timeout-router") == 0
    said = capsys.readouterr().out
    for words in ("One line.", "drop on router", "ETIMEDOUT", "RFC 9293"):
        assert words in said


def test_show_tells_what_is_said_of_claims_in_each_family(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    word = 'claims={"C71": "true", "C74": per_family(ipv4="true", ipv6="wrong")},'
    text = SOUND.replace("drop, ", "drop, per_family, ").replace("Scenario(", f"Scenario({word}")
    (folder / "other.py").write_text(text)
    assert main(monkeypatch, "show", "other") == 0
    said = capsys.readouterr().out
    for line in ("C71: true", "C74: true  (ipv4)", "C74: wrong  (ipv6)"):
        assert f"  claim    {line}\n" in said


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ('.fails("ETIMEDOUT", within_s=(1, 2))', "ETIMEDOUT in 1 to 2 s"),
        ('.reports("EPIPE")', "EPIPE as value"),
        ('.reports("")', "no errno as value"),
        ('.tells("ESTAB")', "ESTAB"),
        (".returns(3)", "value 3"),
        ('.gives(b"abc")', "b'abc'"),
        ("", "success"),
    ],
)
def test_show_says_what_a_call_must_give(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    call: str,
    said: str,
) -> None:
    (folder / "other.py").write_text(SOUND.replace('.fails("ETIMEDOUT")', call))
    assert main(monkeypatch, "show", "other") == 0
    assert f"client connect to server:16555: {said}\n" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [(), ("run",), ("break",), ("doctor",), ("shell",)])
def test_help_needs_no_engine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], argv: tuple[str, ...]
) -> None:
    assert main(monkeypatch, *argv, "--help") == 0
    assert "Usage: " in capsys.readouterr().out


@pytest.mark.parametrize(("optional", "status"), [(True, 0), (False, 2)])
def test_doctor_fails_only_over_what_the_lab_needs(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    optional: bool,
    status: int,
) -> None:
    missing = doctor.Finding("inside a host", "netem", False, optional, "no", "delay", "modprobe")
    monkeypatch.setattr(doctor, "examine", lambda: [missing])
    assert main(monkeypatch, "doctor", "--json") == status
    (document,) = json.loads(capsys.readouterr().out)
    assert (document["name"], document["ok"], document["optional"]) == ("netem", False, optional)
