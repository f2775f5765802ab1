"""`errnolab.toml`: what a user declares is read, checked, proven and recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab import expecting
from lab.errors import LabError
from lab.expecting import Expectation, RowExpectation, load, names_of, record, steady_part
from lab.result import CaseResult, Result
from lab.topology import FAMILIES, Family

PROGRAM: dict[str, Any] = {
    "status": 7, "signal": "", "elapsed_ms": 1040.0, "timed_out": False, "attempts": 3,
    "stdout": "one\n", "stderr": "curl: (7) Failed after 3 ms: Couldn't connect\n",
    "last_line": "curl: (7) Failed after 3 ms: Couldn't connect", "traced": True, "untraced": "",
    "unseen": "",
    "errnos": [{"errno_name": "ECONNREFUSED"}, {"errno_name": "EPIPE"},
               {"errno_name": "ECONNREFUSED"}],
}  # fmt: skip


def result(name: str = "refused", family: Family = "ipv4", verdict: str = "pass",
           **changes: Any) -> Result:  # fmt: skip
    case = CaseResult("", verdict, program={**PROGRAM, **changes})
    return Result(name, family, "default", cases=[case])


def written(folder: Path, text: str) -> Path:
    path = folder / "errnolab.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("key", "holds", "fails"),
    [
        ("status", 7, 0),
        ("timed_out", False, True),
        ("within_s", [1.0, 1.1], [0.0, 1.0]),
        ("text", "Couldn't connect", "could not"),
        ("text", "one", "two"),
        ("attempts", 3, 1),
        ("attempts", [1, 3], [4, 9]),
        ("errnos", ["ECONNREFUSED", "EPIPE"], ["ECONNREFUSED"]),
    ],
)
def test_each_declaration_holds_or_fails_with_wanted_and_got(
    key: str, holds: Any, fails: Any
) -> None:
    (good,) = RowExpectation({key: holds}).prove(PROGRAM)
    assert good.ok
    (bad,) = RowExpectation({key: fails}).prove(PROGRAM)
    assert not bad.ok
    assert bad.wanted != bad.got


def test_only_what_is_declared_is_checked() -> None:
    assert RowExpectation().prove(PROGRAM) == []


def test_signal_is_declared_by_its_name() -> None:
    killed = {**PROGRAM, "status": -11, "signal": "SIGSEGV"}
    assert RowExpectation({"status": "SIGSEGV"}).prove(killed)[0].ok
    assert not RowExpectation({"status": 0}).prove(killed)[0].ok


def test_status_of_a_program_that_hung_is_none_of_its_own() -> None:
    hung = {**PROGRAM, "status": 0, "signal": "", "timed_out": True}
    proofs = RowExpectation({"status": 0}).prove(hung)
    assert [(proof.what, proof.ok) for proof in proofs] == [("exit status", True),
                                                            ("its end", False)]  # fmt: skip
    assert all(proof.ok for proof in RowExpectation({"status": 0, "timed_out": True}).prove(hung))


def test_errnos_cannot_hold_where_nothing_was_traced() -> None:
    blind = {**PROGRAM, "traced": False, "untraced": "no ptrace", "errnos": []}
    (proof,) = RowExpectation({"errnos": []}).prove(blind)
    assert not proof.ok
    assert "no ptrace" in proof.got


def test_errnos_cannot_hold_where_some_may_be_unseen() -> None:
    (proof,) = RowExpectation({"errnos": ["ECONNREFUSED", "EPIPE"]}).prove(
        {**PROGRAM, "unseen": "3 lines of the trace are lost"}
    )
    assert not proof.ok
    assert "3 lines" in proof.got


def test_family_has_its_own_over_what_holds_in_both(tmp_path: Path) -> None:
    text = "[expect.refused]\nstatus = 7\nattempts = 1\n[expect.refused.ipv6]\nattempts = 2\n"
    expected = load(written(tmp_path, text))
    assert expected.of("refused", "ipv4").declared == {"status": 7, "attempts": 1}
    assert expected.of("refused", "ipv6").declared == {"status": 7, "attempts": 2}
    assert expected.of("timeout", "ipv4").declared == {}
    assert expected.declares([result()])
    assert not expected.declares([result("timeout")])


def test_what_is_expected_of_a_row_that_was_not_tried_is_known(tmp_path: Path) -> None:
    text = '[expect.refused]\nstatus = 7\n[expect."refused.typo"]\nstatus = 7\n'
    expected = load(written(tmp_path, text))
    assert expected.untried([result(), result("timeout")]) == ["refused.typo"]


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    text = """
        [tri]
        [try]
        comand = ["x"]
        timeout_s = "soon"
        [expect.refuzed]
        status = 1
        [expect.refused]
        status = "seven"
        within_s = [2, 1]
        exit = 0
        errnos = "EPIPE"
        attempts = true
        [expect.timeout.ipv6]
        timed_out = 1
        [expect.health]
        status = 0
    """
    with pytest.raises(LabError) as wrong:
        load(written(tmp_path, text))
    said = str(wrong.value)
    for part in ("[tri]", "comand", "timeout_s", "refuzed", "seven", "[2, 1]", "exit", "EPIPE",
                 "attempts", "timeout.ipv6"):  # fmt: skip
        assert part in said
    assert len(said.splitlines()) == 1 + 10


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("try = 3", "try = 3: it is a table"),
        ("expect = [1]", "expect = [1]: it is a table"),
        ("[expect]\nrefused = 7", 'expect."refused"]: wanted a table'),
        ("[expect.refused]\nipv4 = 7", 'expect."refused.ipv4"]: wanted a table'),
        ("[try]\ncommand = ['curl', 5]", "command"),
        ("[try]\nfamily = '5'", "family"),
        ("[try]\ntimeout_s = -1", "timeout_s"),
        ("[try]\ntimeout_s = true", "timeout_s"),
        ("[try]\nport = 70000", "port"),
        ("[try]\njobs = 0", "jobs"),
    ],
)
def test_what_has_the_wrong_shape_or_size_is_a_mistake(
    text: str, part: str, tmp_path: Path
) -> None:
    with pytest.raises(LabError) as wrong:
        load(written(tmp_path, text))
    assert part in str(wrong.value)
    assert len(str(wrong.value).splitlines()) == 2


def test_file_that_is_no_toml_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="line 2"):
        load(written(tmp_path, "[try]\ncommand = [\n"))


def test_what_was_recorded_is_read_again_and_holds(tmp_path: Path) -> None:
    path = tmp_path / "errnolab.toml"
    slow = result(family="ipv6", elapsed_ms=9000.0, attempts=1)
    hung = result("timeout", timed_out=True, status=-15, signal="SIGTERM", elapsed_ms=10010.0)
    record(path, {"command": ["curl", "{URL}"]}, [result(), slow, hung])
    expected = load(path)
    assert expected.run == {"command": ["curl", "{URL}"]}
    for one in (result(), slow, hung):
        family = next(family for family in FAMILIES if family == one.family)
        row = expected.of(one.scenario, family)
        assert row.declared
        assert all(proof.ok for proof in row.prove(one.cases[0].program))
    assert expected.rows["refused"]["status"] == 7
    assert expected.rows["refused"]["ipv6"]["attempts"] == 1
    assert "status" not in expected.rows["timeout"]


def test_what_showed_nothing_is_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "errnolab.toml"
    record(path, {}, [result("refused", verdict="invalid"), result("reset", verdict="skip")])
    assert load(path).rows == {}


def test_recording_keeps_what_else_stands_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "# ours\n[try]\nport = 80\n\n[expect.reset]\nstatus = 9  # why\n")
    record(path, {"command": ["x"]}, [result()])
    text = path.read_text()
    assert "# ours" in text
    assert "status = 9  # why" in text
    assert load(path).run == {"port": 80, "command": ["x"]}
    assert set(load(path).rows) == {"reset", "refused"}


def test_recording_one_family_keeps_what_the_other_showed(tmp_path: Path) -> None:
    path = tmp_path / "errnolab.toml"
    record(path, {}, [result(), result(family="ipv6")])
    record(path, {}, [result(family="ipv6", status=0, attempts=1)])
    expected = load(path)
    assert expected.of("refused", "ipv4").declared["status"] == 7
    assert expected.of("refused", "ipv6").declared["status"] == 0
    assert expected.of("refused", "ipv6").declared["attempts"] == 1
    hung = result(family="ipv6", timed_out=True, status=-15, signal="SIGTERM")
    record(path, {}, [hung])
    assert all(proof.ok for proof in load(path).of("refused", "ipv6").prove(hung.cases[0].program))
    assert load(path).of("refused", "ipv4").declared["status"] == 7


def test_recorded_text_has_nothing_that_changes_from_run_to_run() -> None:
    assert steady_part(
        "curl: (7) Failed to connect to db port 80 after 3 ms: Couldn't connect"
    ) == ("Failed to connect to db port")
    assert steady_part("1234") == ""


def test_each_errno_is_named_once_in_the_order_of_the_first() -> None:
    assert names_of(PROGRAM) == ["ECONNREFUSED", "EPIPE"]


def test_every_key_has_a_prover() -> None:
    assert set(expecting.KEYS) == set(expecting._PROVERS)
    assert Expectation().of("refused", "ipv4") == RowExpectation()
