"""What must never pass: each way in which a run could lie, made on purpose."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from lab import (
    Counted,
    Scenario,
    any_packet,
    connect,
    drop,
    evidence,
    exchange,
    faults,
    poll,
    rst,
    scenario,
    so_error,
    syn,
    went_through,
)
from lab.errors import LabError
from lab.faults import Fault, Plan, Site
from lab.hosts import Host
from lab.lab import Lab
from lab.result import Result
from lab.runner import run
from lab.states import Passage


def run_made_up(lab: Lab, made_up: Scenario) -> Result:
    named = replace(made_up, name="made_up", text="Made up.", source="a test")
    assert named.mistakes() == []
    return run(lab, named, "ipv4")[0]


def altered(fault: Fault, **changes: object) -> Fault:
    """Return a fault whose plan is changed."""

    def planner(site: Site, **_arguments: object) -> Plan:
        return replace(fault.plan(site), **changes)  # type: ignore[arg-type]

    return replace(fault, planner=planner)


CONNECTS = Scenario(
    fault=drop(on="router", to="server"),
    calls=[connect(on="client", to="server")],
    seen=[syn(at="client")],
)


def test_a_fault_that_is_not_hit_is_invalid(lab: Lab) -> None:
    """The rule is for another port: all goes well, which proves nothing."""
    result = run_made_up(lab, replace(CONNECTS, fault=drop(on="router", to="server", port=9)))
    assert result.verdict == "invalid"
    assert "never hit" in result.reason


def test_a_wrong_errno_is_a_failure_that_names_wanted_and_got(lab: Lab, tmp_path: Path) -> None:
    refused = scenario.load("refused")
    wrong = replace(refused, calls=[connect(on="client", to="server").fails("ETIMEDOUT")])
    result, captured = run(lab, wrong, "ipv4")
    evidence.write(tmp_path, result, captured)
    assert result.verdict == "fail"
    assert "client connect to server:16555: wanted ETIMEDOUT (110), got ECONNREFUSED (111)" in (
        result.reason
    )
    assert Path(result.evidence, "result.json").is_file()


def test_a_call_that_is_too_late_or_too_early_is_a_failure(lab: Lab) -> None:
    call = connect(on="client", to="server").fails("ECONNREFUSED", within_s=(1.0, 2.0))
    result, _ = run(lab, replace(scenario.load("refused"), calls=[call]), "ipv4")
    assert result.verdict == "fail"
    assert "wanted ECONNREFUSED (111) in 1 to 2 s" in result.reason


def test_a_packet_that_should_be_absent_is_a_failure(lab: Lab) -> None:
    wrong = replace(scenario.load("refused"), absent=[any_packet(at="server")])
    result, _ = run(lab, wrong, "ipv4")
    assert result.verdict == "fail"
    assert "tcp at server: wanted none, got 2" in result.reason


def test_a_packet_that_is_missing_is_a_failure(lab: Lab) -> None:
    result, _ = run(lab, replace(scenario.load("timeout"), seen=[rst(at="client")]), "ipv4")
    assert result.verdict == "fail"
    assert "RST at client: wanted at least 1, got 0" in result.reason


def test_a_counter_that_did_not_move_is_a_failure(lab: Lab) -> None:
    counted = [Counted("client", "TcpExt.TCPTimeouts", at_least=1)]
    result, _ = run(lab, replace(scenario.load("refused"), counted=counted), "ipv4")
    assert result.verdict == "fail"
    assert "client TcpExt.TCPTimeouts: wanted at least +1, got +0" in result.reason


def test_a_missing_capability_is_a_skip_with_its_reason(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = {**lab.capabilities, "tc-bpf": "Error: TC classifier not found."}
    monkeypatch.setattr(lab.hosts["router"], "do", lambda *_a, **_k: without)
    monkeypatch.setattr(lab, "capabilities", without)
    result, _ = run(lab, scenario.load("timeout_tc"), "ipv4")
    assert result.verdict == "skip"
    assert result.reason == "tc-bpf: Error: TC classifier not found."


def test_a_control_that_fails_is_invalid(lab: Lab) -> None:
    """Nothing ever listens on that port, so that a refusal shows no fault."""
    call = connect(on="client", to="server", port=9).fails("ECONNREFUSED")
    result = run_made_up(lab, replace(CONNECTS, calls=[call]))
    assert result.verdict == "invalid"
    assert "the control before the fault failed" in result.reason


def test_a_control_of_a_non_blocking_connect_can_fail(lab: Lab) -> None:
    """Its errno comes as a value of SO_ERROR, not as an error."""
    calls = [
        connect(on="client", to="server", port=9, blocking=False).fails("EINPROGRESS"),
        poll(on="client"),
        so_error(on="client").reports("ECONNREFUSED"),
    ]
    result = run_made_up(lab, replace(CONNECTS, calls=calls))
    assert result.verdict == "invalid"
    assert "client getsockopt SO_ERROR: ECONNREFUSED" in result.reason


def test_a_capture_that_saw_nothing_proves_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must have seen what came by after the calls."""
    ask = lab.hosts["server"].ask
    empty: Future[object] = Future()
    empty.set_result(([], 0))
    monkeypatch.setattr(
        lab.hosts["server"], "ask",
        lambda operation, **more: (ask(operation, **more), empty)[operation == "capture_stop"],
    )  # fmt: skip
    result, _ = run(lab, scenario.load("net_unreachable_local"), "ipv4")
    assert result.verdict == "fail"
    assert "server saw not even the packets after the calls" in result.reason


STATES = Scenario(
    calls=[connect(on="client", to="server"), exchange(on="client", data=b"hi").gives(b"abc")],
    seen=[syn(at="client", count=1)],
    counted=[Counted("client", "Tcp.ActiveOpens", exactly=1)],
    states=[went_through(on="client", states=["ESTAB", "TIME-WAIT"])],
)


def test_states_are_only_of_the_connections_of_the_calls(lab: Lab) -> None:
    """The bystander's with the same server go on beside them."""
    result = run_made_up(lab, STATES)
    assert result.verdict == "pass", result.reason
    sockets = {row["socket"] for row in result.cases[0].states}
    assert len(sockets) == 2
    assert all("client" in socket and "server:16555" in socket for socket in sockets)


@pytest.mark.parametrize(
    "passage",
    [
        went_through(on="client", states=["ESTAB", "CLOSE-WAIT"]),
        went_through(on="client", states=["TIME-WAIT", "ESTAB"]),
        went_through(on="client", never=["TIME-WAIT"]),
        went_through(on="server", states=["TIME-WAIT"]),
        went_through(on="client", port=9, never=["CLOSE-WAIT"]),
    ],
)
def test_states_that_were_not_so_are_a_failure(lab: Lab, passage: Passage) -> None:
    result = run_made_up(lab, replace(STATES, states=[passage]))
    assert result.verdict == "fail"
    assert result.reason.startswith(f"{passage.describe()}: wanted {passage.wanted()}, got ")


@pytest.mark.parametrize("operation", ["states_start", "states_stop"])
def test_a_recorder_of_states_that_failed_is_a_failure(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """What it would never have seen it has not proven."""
    ask = lab.hosts["client"].ask
    failed: Future[object] = Future()
    failed.set_exception(LabError("client: the agent failed\nOSError: no such thing"))
    monkeypatch.setattr(
        lab.hosts["client"], "ask",
        lambda asked, **more: failed if asked == operation else ask(asked, **more),
    )  # fmt: skip
    result = run_made_up(lab, replace(STATES, states=[went_through(on="server", states=["ESTAB"])]))
    assert result.verdict == "fail"
    assert "states are recorded: wanted on every host, got client: OSError: no such" in (
        result.reason
    )


def test_a_fault_that_is_not_undone_is_invalid_and_named(lab: Lab) -> None:
    forgetful = altered(faults.route(on="router", kind="unreachable", to="elsewhere"), undo=[])
    unreachable = replace(scenario.load("host_unreachable"), fault=forgetful)
    result, _ = run(lab, replace(unreachable, cases=unreachable.cases[1:]), "ipv4")
    lab.hosts["router"].run("ip", "route", "del", "unreachable", "203.0.113.10/32")
    assert result.verdict == "invalid"
    assert "router: ipv4: + unreachable 203.0.113.10" in result.reason
    assert "the baseline was not restored" in result.reason
    assert lab.changes() == []


def test_an_undo_that_fails_is_invalid(lab: Lab) -> None:
    stubborn = altered(
        faults.stop(),
        undo=[["errnolab-service", "start", "echo"], ["errnolab-service", "start", "x"]],
    )
    result, _ = run(lab, replace(scenario.load("refused"), fault=stubborn), "ipv4")
    assert result.verdict == "invalid"
    assert "no service 'x'" in result.reason
    assert lab.changes() == []


def test_a_bystander_that_is_hurt_makes_the_run_invalid(lab: Lab) -> None:
    """A rule without a source drops everybody's packets, and the service's too."""
    everybody = altered(
        drop(on="router", to="server"),
        commands=[["iptables-nft", "-w", "-I", "FORWARD", "-p", "tcp", "--dport", "16555", "--syn",
                   "-m", "comment", "--comment", "errnolab:drop", "-j", "DROP"]],
        undo=[["iptables-nft", "-w", "-D", "FORWARD", "1"]],
    )  # fmt: skip
    result, _ = run(lab, replace(scenario.load("timeout"), fault=everybody), "ipv4")
    assert result.verdict == "invalid"
    assert "the bystander failed: tcp" in result.reason


def test_a_call_that_hangs_is_ended_and_said_to_have_hung(lab: Lab) -> None:
    """One second is too short for two retries; the call is ended 5 s after that."""
    call = connect(on="client", to="server", options={"TCP_SYNCNT": 3}).fails(
        "ETIMEDOUT", within_s=(0, 0.1)
    )
    result, _ = run(lab, replace(scenario.load("timeout"), calls=[call]), "ipv4")
    assert result.verdict == "fail"
    assert result.cases[0].calls[0]["hung"]
    assert "got no answer after 5." in result.reason


def test_a_question_to_a_host_that_is_gone_is_an_error() -> None:
    with pytest.raises(LabError, match="nobody: no channel"):
        Host("nobody", ["false"])
