"""What `errnolab try` makes of what was seen: a description, proofs, a table, and files."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from lab import tried, try_table
from lab.errors import LabError
from lab.expecting import Expectation, RowExpectation
from lab.inside.octets import as_text
from lab.program import Outcome, Program
from lab.proofs import Observation
from lab.result import CaseResult, Controls, Result, exit_status
from lab.rows import Service
from lab.scenario import Case
from lab.topology import FAMILIES, Family
from lab.trying import Judge, Trial, _judge_status, describe
from tests.unit.packets import packet

PROGRAM = Program(("client", "{URL}"))
START_NS = 5_000_000_000
TRACE = """\
7     5.000100 execve("/usr/bin/client", ["client"], 0x7ffe /* 5 vars */) = 0 <0.000300>
7     5.001000 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3<socket:[11]> <0.000020>
7     5.001100 connect(3<socket:[11]>, {sa_family=AF_INET, sin_port=htons(16555), \
sin_addr=inet_addr("198.18.2.10")}, 16) = -1 ECONNREFUSED (Connection refused) <0.000400>
7     5.010000 +++ exited with 7 +++
"""


def raw(**changes: Any) -> dict[str, Any]:
    """Return an outcome as it comes from a host, with changes."""
    return {"value": 7, "ran_ms": 12.5, "late": False, "ended_with": "", "stdout": "",
            "stderr": as_text(b"one\n\ntwo\n"), "stdout_bytes": 0, "stderr_bytes": 9, "left": 0,
            "trace": TRACE, "untraced": "", "missing": "", "start_ns": START_NS,
            **changes}  # fmt: skip


def seen(outcome: Mapping[str, Any], **changes: Any) -> Observation:
    answer = {"value": 0, "errno": 0, "at_ns": START_NS - 1, "outcome": outcome}
    packets = [packet(t_s=5.002, seq=1), packet(t_s=6.002, seq=1)]
    return Observation([answer], packets, {}, changes.pop("hits", []), {}, **changes)


def described(**changes: Any) -> dict[str, Any]:
    outcome = raw(**changes)
    observation = seen(outcome)
    return describe(PROGRAM, Outcome.of(outcome), observation, observation.calls[0])


def result(family: Family = "ipv4", verdict: str = "pass", scenario: str = "refused",
           **changes: Any) -> Result:  # fmt: skip
    controls = Controls("ok", "ok", "ok", baseline_restored=True)
    case = CaseResult("", verdict, program=described(**changes), controls=controls)
    return Result(scenario, family, "default", cases=[case], evidence="runs/x/")


def case_of(program: Program = PROGRAM) -> Case:
    return Case("refused", calls=[program.call({"URL": "http://server4:8080/"})])


# --- what a program did -----------------------------------------------------------------


def test_description_joins_outcome_wire_and_trace() -> None:
    found = described()
    assert (found["status"], found["signal"], found["last_line"]) == (7, "", "two")
    assert (found["attempts"], found["packets"]) == (1, 2)
    assert found["first_packet_to_end_ms"] == 10.5
    assert [one["errno_name"] for one in found["errnos"]] == ["ECONNREFUSED"]
    assert found["called"][0]["address"] == "198.18.2.10"
    assert found["traced"]
    json.dumps(found)


def test_signal_is_named_and_an_untraced_program_has_the_rest() -> None:
    found = described(value=-int(signal.SIGSEGV), trace="", untraced="no ptrace here")
    assert found["signal"] == "SIGSEGV"
    assert (found["traced"], found["untraced"]) == (False, "no ptrace here")
    assert found["errnos"] == []
    assert found["attempts"] == 1
    assert try_table.errnos(found) == "not traced"


def test_last_line_is_that_of_stdout_where_stderr_is_empty() -> None:
    assert described(stderr="", stdout=as_text(b"a\nb\n\n"))["last_line"] == "b"
    assert described(stderr="", stdout="")["last_line"] == ""


def test_last_line_has_no_colours_and_nothing_of_a_progress_bar() -> None:
    assert described(stderr=as_text(b"\r 1 %\r 100 %\n"))["last_line"] == "100 %"
    assert described(stderr=as_text(b"\x1b[1;31mfatal:\x1b[0m no"))["last_line"] == "fatal: no"


def test_text_is_looked_for_in_all_that_was_kept_and_without_colours() -> None:
    found = described(stderr=as_text(b"first\n" + b"x" * 9000 + b"\n\x1b[31mfatal:\x1b[0m no\n"))
    for text in ("first", "fatal: no", "\x1b[31mfatal"):
        (proof,) = RowExpectation({"text": text}).prove(found)
        assert proof.ok
    (proof,) = RowExpectation({"text": "fatal: yes"}).prove(found)
    assert not proof.ok


def test_judge_proves_that_it_ran_and_what_is_declared() -> None:
    judge = Judge(PROGRAM, RowExpectation({"status": 0}))
    proofs, _ = judge(case_of(), seen(raw()))
    assert [(proof.what, proof.ok) for proof in proofs] == [
        ("client was started", True), ("exit status", False),
    ]  # fmt: skip
    assert judge.described["status"] == 7


def test_judge_fails_a_program_that_is_not_there_and_a_capture_that_is_not_whole() -> None:
    judge = Judge(PROGRAM, RowExpectation())
    proofs, _ = judge(case_of(), seen(raw(missing="client is not there", value=None)))
    assert [proof.ok for proof in proofs] == [False]
    proofs, _ = judge(case_of(), seen(raw(), blind=["router"]))
    assert [proof.kind for proof in proofs if not proof.ok] == ["wire"]


def test_status_127_says_that_a_row_does_not_apply() -> None:
    (case,) = result(value=127).cases
    _judge_status(case)
    assert case.verdict == "skip"
    # So does a starter that found no program to start.
    (case,) = result(value=127, verdict="fail").cases
    case.program["missing"] = "errnolab-exe: nowhere.exe: there is no such file"
    _judge_status(case)
    assert case.verdict == "fail"
    (case,) = result(value=127).cases
    case.controls.after = "no echo"
    _judge_status(case)
    assert case.verdict == "pass"


# --- health -----------------------------------------------------------------------------


def trial_after(*health: Result, families: tuple[Family, ...] = ("ipv4",)) -> Trial:
    trial = Trial(PROGRAM, [], families)
    for one in health:
        trial._learn_services(one)
    return trial


def test_services_are_what_the_program_talked_to_in_health() -> None:
    trial = trial_after(result())
    assert (trial.unwell, trial.trouble) == (False, None)
    assert trial.services == {"ipv4": [Service("tcp", 16555)]}


def test_what_it_talked_to_elsewhere_is_no_service_of_the_server() -> None:
    health = result()
    (one,) = health.cases[0].program["tried"]
    health.cases[0].program["tried"] = [one, {**one, "to": "elsewhere", "port": 80}]
    assert trial_after(health).services == {"ipv4": [Service("tcp", 16555)]}


def test_health_that_was_not_well_ends_the_trial() -> None:
    trial = trial_after(result(verdict="invalid"))
    assert (trial.unwell, trial.trouble) == (True, None)


def test_health_that_this_machine_cannot_have_ends_the_trial() -> None:
    """A guest whose programs are for another processor: the row is a skip, with the reason."""
    skipped = Result("health", "ipv4", "default", cases=[CaseResult("", "skip", "not here")])
    trial = trial_after(skipped)
    assert (trial.unwell, trial.trouble) == (True, None)


def test_health_that_was_not_well_is_a_result_even_if_nothing_was_run() -> None:
    trial = trial_after(result(scenario="health"))
    broken = Result("health", "ipv6", "default", cases=[CaseResult(reason="no such image")])
    left_out = Result("refused", "ipv4", "", cases=[CaseResult(reason="not run")])
    trial.unwell, trial.results = True, [result(scenario="health"), broken, left_out]
    ran = trial._that_ran()
    assert [(r.scenario, r.family) for r in ran] == [("health", "ipv4"), ("health", "ipv6")]
    assert exit_status(ran) == 2


def test_program_that_talks_to_nobody_is_told_where_to_go() -> None:
    silent = result()
    silent.cases[0].program["tried"] = []
    trial = trial_after(silent)
    assert "sent the server nothing" in str(trial.trouble)
    assert "SERVER, PORT, URL" in str(trial.trouble)


def test_family_in_which_it_sends_nothing_is_no_trouble_if_the_other_is_well() -> None:
    silent = result("ipv6")
    silent.cases[0].program["tried"] = []
    trial = trial_after(result(), silent, families=FAMILIES)
    assert not trial.unwell
    assert trial.services == {"ipv4": [Service("tcp", 16555)], "ipv6": []}


@pytest.mark.parametrize("first", ["ipv4", "ipv6"])
def test_program_that_talks_to_nobody_is_told_so_if_the_service_is_in_one_family(
    first: Family,
) -> None:
    silent = result("ipv4")
    silent.cases[0].program["tried"] = []
    trial = Trial(PROGRAM, [], FAMILIES)
    for family in (first, *(other for other in FAMILIES if other != first)):
        if family == "ipv4":
            trial._learn_services(silent)
        else:
            trial._met("ipv6", [])
    assert "sent the server nothing" in str(trial.trouble)


def test_what_it_sends_over_the_other_family_is_no_service_of_this_one() -> None:
    trial = trial_after(result("ipv4"), result("ipv6"), families=FAMILIES)
    assert trial.services == {"ipv4": [Service("tcp", 16555)], "ipv6": []}


def test_command_that_cannot_be_started_is_a_trouble() -> None:
    trial = trial_after(result(missing="nope is not there", value=None))
    assert str(trial.trouble) == "the command could not be started: nope is not there"


# --- the table --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "status 7"),
        ({"value": -11}, "SIGSEGV"),
        ({"value": -64}, "SIGRTMAX"),
        ({"late": True, "ended_with": "SIGTERM", "value": -15}, "hung"),
        ({"late": True, "ended_with": "SIGKILL", "value": -9}, "hung (SIGKILL)"),
        ({"missing": "not there", "value": None}, "not started"),
    ],
)
def test_end_of_a_program_in_words(changes: dict[str, Any], words: str) -> None:
    assert try_table.ended(described(**changes)) == words


def test_row_has_what_the_kernel_sent_again_and_what_was_left_behind() -> None:
    name, over, ended, after, tries, order, errnos, octets, last = try_table.cells(result(left=2))
    assert (name, over) == ("refused", "IPv4")
    assert ended == "status 7; left 2 processes behind"
    assert (after, tries) == ("12 ms", "1, 2 SYNs")
    assert (order, errnos, octets, last) == ("", "ECONNREFUSED", "0/0", "two")


def test_addresses_are_shown_in_order_where_there_were_several() -> None:
    found = described()
    found["called"] = [{"family": "ipv6", "address": "2001:db8:0:2::10"},
                       {"family": "ipv4", "address": "198.18.2.10"},
                       {"family": "ipv6", "address": "2001:db8:0:2::10"}]  # fmt: skip
    assert try_table.order(found) == "2001:db8:0:2::10, 198.18.2.10"


def test_errnos_are_counted_and_no_more_than_three_are_named() -> None:
    found = described()
    found["errnos"] = [{"errno_name": name, "times": 2} for name in ("A", "B", "A", "C", "D")]
    assert try_table.errnos(found) == "A x4, B x2, C x2, …"
    assert try_table.errnos({**found, "unseen": "io_uring"}) == "A x4, B x2, C x2, …, ?"


def test_trace_that_is_not_whole_says_what_may_be_unseen() -> None:
    assert described()["unseen"] == ""
    assert described(trace="[cut]\n" + TRACE)["unseen"] == "1 lines of the trace are lost"
    ring = TRACE.replace(
        "7     5.010000", "7     5.005 io_uring_setup(8, {}) = 4 <0.0001>\n7     5.010000"
    )
    assert "io_uring" in described(trace=ring)["unseen"]


def test_invalid_row_says_why_in_place_of_what_it_did() -> None:
    bad = result(verdict="invalid")
    bad.cases[0].reason = "the fault was never hit\nmore"
    assert try_table.cells(bad)[-1] == "the fault was never hit"
    assert "never hit" in try_table.headline(bad).plain


def test_long_last_line_is_shortened_in_the_table_alone() -> None:
    long = result(stderr=as_text(b"ab" * 500))
    assert len(try_table.cells(long)[-1]) == try_table.SHOWN_CHARACTERS
    assert long.cases[0].program["last_line"] == "ab" * 500


def test_page_shows_what_looks_like_a_mark_of_its_own() -> None:
    text = try_table.markdown([result(stderr=as_text(b"</html>"))], judged=False, title="client")
    assert text.endswith("| &lt;/html> |\n")


def test_row_is_tried_again_in_its_image() -> None:
    bad = result(verdict="invalid")
    bad.cases[0].program.update(image="my app", host="clients")
    assert try_table._again(bad).endswith(
        "try --scenario refused --family 4 --image 'my app' --from clients -- client '{URL}'"
    )


def test_markdown_is_one_table_and_what_was_not_as_expected() -> None:
    failed = result(verdict="fail", stderr=as_text(b"a | b"))
    judge = Judge(PROGRAM, RowExpectation({"status": 0}))
    failed.cases[0].proofs = judge(case_of(), seen(raw()))[0]
    text = try_table.markdown([result(), failed], judged=True, title="client")
    lines = text.splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 4
    assert {line.replace("\\|", "").count("|") for line in rows} == {10}
    assert lines[-1] == "- `refused` (ipv4): exit status: wanted 0, got 7"


# --- options and files ------------------------------------------------------------------


def test_command_line_is_over_the_file() -> None:
    run = {"command": ["a"], "from": "client", "timeout_s": 3, "family": "4"}
    merged = tried._merged({"command": (), "family": "6", "timeout_s": None, "udp": False}, run)
    assert merged == {"command": ["a"], "host": "client", "timeout_s": 3, "family": "6"}


def test_without_a_command_it_says_how_to_give_one() -> None:
    with pytest.raises(click.UsageError, match=r"errnolab try -- curl"):
        tried._trial({}, Expectation(), every=False)


@pytest.mark.parametrize(
    "word", ["build/one.exe", "../here/build/one.exe", "link.exe", "caller.exe"]
)
def test_program_of_this_machine_has_its_own_path_where_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """There is no other folder, no link, and programs of the host's have names too."""
    here = tmp_path / "here"
    (here / "build").mkdir(parents=True)
    monkeypatch.chdir(here)
    for name in ("build/one.exe", "caller.exe"):
        Path(name).write_bytes(b"MZ")
    Path("link.exe").symlink_to("build/one.exe")
    program = tried._trial(
        {"command": (word, "{PORT}"), "host": "windows"}, Expectation(), every=False
    ).program
    file = Path(word).resolve()
    assert program.call({"PORT": "7"}).arguments["argv"] == ["errnolab-exe", str(file), "7"]
    assert program.mounts == (file.parent,)


def test_program_of_the_windows_hosts_is_run_by_its_name() -> None:
    chosen = {"command": ("errnolab-client",), "host": "windows"}
    program = tried._trial(chosen, Expectation(), every=False).program
    assert (program.argv, program.mounts) == (("errnolab-client",), ())
    with pytest.raises(click.UsageError, match="--image is of Linux"):
        tried._trial({**chosen, "image": "app"}, Expectation(), every=False)


@pytest.mark.parametrize("text", ["X", "=1"])
def test_variable_without_a_name_or_a_value_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError, match="NAME=VALUE"):
        tried._variable(text)


def test_json_has_the_command_and_a_document_a_row(tmp_path: Path) -> None:
    path = tmp_path / "new" / "try.json"
    tried._write_json(path, PROGRAM, [result(), result("ipv6")])
    document = json.loads(path.read_text())
    assert document["command"] == ["client", "{URL}"]
    assert document["verdict"] == "pass"
    assert [row["family"] for row in document["results"]] == ["ipv4", "ipv6"]
    assert document["results"][0]["program"]["status"] == 7


@pytest.mark.parametrize(
    ("status", "line", "missing", "broke"),
    [
        (127, "errnolab-exe: x.exe: there is no such file", True, False),
        (127, "x.exe: there is no such file", False, False),
        (-11, "errnolab-exe: x.exe could not start: 0xC0000135", True, False),
        (139, "errnolab-exe: x.exe crashed: 0xC0000005", False, False),
        (125, "errnolab-exe: x.exe: Wine ended before it", False, True),
        (125, "a program's own words", False, False),
    ],
)
def test_what_the_starter_said_is_told_from_what_a_windows_program_does(
    status: int, line: str, missing: bool, broke: bool
) -> None:
    judge = Judge(replace(PROGRAM, host="windows"), RowExpectation())
    observation = seen(raw(value=status, stderr=as_text(line.encode())))
    if broke:
        with pytest.raises(LabError, match="Wine ended before it"):
            judge(case_of(), observation)
        return
    proofs, _ = judge(case_of(), observation)
    assert (proofs[0].got == line) is missing
    assert (judge.described["missing"] == line) is missing
