"""The pytest plugin on a real lab: blocks, hosts, functions, and what is left when all ends."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import engine, icmp, syn
from lab import lab as labs
from lab.errors import (
    CommandFailed,
    LabBusy,
    LabError,
    NeverHit,
    NotAnswered,
    NotUndone,
    ScenarioError,
    UnknownScenario,
)
from lab.lab import Lab
from lab.testing import LabFixture
from lab.topology import Family
from tests.lab.test_survival import journal, wait_for

NAME = "test-plugin"
# Longer than a host is given to answer (`hosts.ANSWER_WITHIN_S`), and than a busy machine takes.
PATIENCE_S = 150.0


@pytest.fixture(scope="module")
def rig(here: engine.Engine) -> Iterator[LabFixture]:
    """What a test of a user's gets as `lab`."""
    fixture = LabFixture(NAME)
    with fixture.hold():
        yield fixture
    assert NAME not in labs.names_with_networks(here)


# A RST that follows a SYN-ACK is met by whichever call of the program comes then.
MET = r"timed out|reset by peer|Broken pipe|not connected"


def dial(host: str, port: int, timeout_s: float = 5.0) -> bytes:
    with socket.create_connection((host, port), timeout_s) as sock:
        sock.sendall(b"errnolab")
        sock.shutdown(socket.SHUT_WR)
        return sock.recv(64)


# --- hosts ------------------------------------------------------------------------------


def test_a_program_runs_in_a_host_and_knows_where_the_server_is(rig: LabFixture) -> None:
    script = 'echo "$SERVER $SERVER4 $SERVER6 $PORT $URL $MORE"; hostname'
    ran = rig.client.run(["sh", "-c", script], env={"MORE": "more"})
    wanted = f"server {rig.server4} {rig.server6} 16555 http://server:8080/ more\nclient\n"
    assert (ran.status, ran.stdout, ran.stderr, ran.timed_out) == (0, wanted, "", False)


def test_every_host_runs_programs(rig: LabFixture) -> None:
    hosts = (rig.server, rig.router, rig.client, rig.bystander)
    said = [host.run(["hostname"]).stdout.strip() for host in hosts]
    assert said == ["server", "router", "client", "bystander"]


def test_the_labs_http_server_answers_in_both_families(rig: LabFixture) -> None:
    for url in (rig.url(), rig.url("ipv4"), rig.url("ipv6")):
        assert rig.client.run(["curl", "-s", url]).stdout == "Hello\n"


def test_a_program_that_is_not_there_is_an_error(rig: LabFixture) -> None:
    with pytest.raises(CommandFailed, match=r"client: `no-such` ended with status 127"):
        rig.client.run(["no-such"])


def test_a_program_that_is_late_is_ended_with_all_that_it_started(rig: LabFixture) -> None:
    script = "(setsid sleep 987 &) ; trap '' TERM; while :; do sleep 0.1; done"
    ran = rig.client.run(["sh", "-c", script], timeout_s=0.5)
    assert (ran.timed_out, ran.status, ran.left) == (True, -signal.SIGKILL, 1)
    assert "sleep 987" not in rig.client.run(["ps", "ax"]).stdout


def test_a_function_is_called_in_the_client(rig: LabFixture) -> None:
    assert rig.client.call(dial, rig.server4, rig.port) == b"errnolab"
    assert rig.client.call(dial, "server", port=rig.port) == b"errnolab"


def test_what_a_function_prints_is_printed_here(
    rig: LabFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    def speak() -> None:
        print("in the client")

    rig.client.call(speak)
    assert capsys.readouterr().out == "in the client\n"


def test_a_function_that_does_not_return_is_ended(rig: LabFixture) -> None:
    def hang() -> None:
        import subprocess  # noqa: PLC0415  # it must stand alone

        subprocess.run(["sleep", "986"], check=True)

    with pytest.raises(NotAnswered, match=r"hang did not return in 0\.5 s"):
        rig.client.call(hang, deadline_s=0.5)
    assert "sleep 986" not in rig.client.run(["ps", "ax"]).stdout


def test_a_function_whose_process_dies_says_so(rig: LabFixture) -> None:
    def die() -> None:
        import os  # noqa: PLC0415

        os.abort()

    with pytest.raises(NotAnswered, match="its process ended with -6"):
        rig.client.call(die)


def test_addresses_are_those_of_the_lab(rig: LabFixture) -> None:
    assert rig.families == ("ipv4", "ipv6")
    assert rig.address("server", "ipv6") == rig.server6
    assert rig.address("elsewhere", "ipv4") == "203.0.113.10"
    with pytest.raises(LabError, match="'ipx' is not a family"):
        rig.address("server", "ipx")  # type: ignore[arg-type]


# --- blocks -----------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_fault_is_met_seen_from_every_side_and_taken_out(rig: LabFixture, family: Family) -> None:
    server = rig.address("server", family)
    with rig.fault("refused") as seen:
        with pytest.raises(ConnectionRefusedError) as refused:
            rig.client.call(dial, server, rig.port)
        # Nothing of it comes after the answer.
        assert len(seen().rsts(at="client", sender="server")) == 1
    assert refused.value.errno == errno.ECONNREFUSED
    assert seen.hits == 1
    assert [len(seen.matching(syn(at=at))) for at in ("client", "router", "server")] == [1, 1, 1]
    assert [packet.dst_ip for packet in seen.attempts()] == [server]
    assert seen.counters["client"]["Tcp.AttemptFails"] == 1
    assert seen.counters["server"]["Tcp.OutRsts"] == 1
    assert seen.bystander == "ok"
    assert "RST,ACK" in seen.ladder
    assert rig.client.call(dial, server, rig.port) == b"errnolab"


def test_a_fault_in_one_family_leaves_the_other_alone(rig: LabFixture) -> None:
    with rig.fault("timeout", family="ipv6") as seen:
        ran = rig.client.run(["curl", "-s", "--connect-timeout", "0.5", rig.url("ipv6")])
        assert ran.status == 0  # It is aimed at the echo's port.
        assert rig.client.call(dial, rig.server4, rig.port) == b"errnolab"
        with pytest.raises(TimeoutError):
            rig.client.call(dial, rig.server6, rig.port, 0.5)
    assert len(seen.syns(at="router")) == seen.hits + 2
    assert [packet.dport for packet in seen.syns(at="server")] == [8080, 16555]


@pytest.mark.parametrize("name", ["timeout", "refused"])
def test_a_fault_is_aimed_at_another_port(rig: LabFixture, name: str) -> None:
    with rig.fault(name, port=8080) as seen:
        ran = rig.client.run(["curl", "-s", "--connect-timeout", "0.5", rig.url("ipv4")])
        assert rig.client.call(dial, rig.server4, 16555) == b"errnolab"
    assert ran.status == (28 if name == "timeout" else 7)
    assert seen.hits >= 1
    assert rig.client.run(["curl", "-s", rig.url("ipv4")]).stdout == "Hello\n"


def test_a_case_is_taken_by_name_with_hyphens_or_underscores(rig: LabFixture) -> None:
    with rig.fault("host-unreachable", family="ipv4", case="non_blocking") as seen:
        with pytest.raises(OSError) as failed:
            rig.client.call(dial, rig.address("elsewhere", "ipv4"), rig.port)
        assert failed.value.errno == errno.EHOSTUNREACH
    assert seen.matching(icmp(at="client", error=(3, 1)))


def test_faults_in_each_other_share_what_is_captured(rig: LabFixture) -> None:
    with rig.watch() as outer:
        with rig.fault("timeout", family="ipv4") as first:
            refused = pytest.raises(ConnectionRefusedError)
            with rig.fault("refused", family="ipv6") as second, refused:
                rig.client.call(dial, rig.server6, rig.port)
            with pytest.raises(TimeoutError):
                rig.client.call(dial, rig.server4, rig.port, 0.3)
        assert rig.client.call(dial, rig.server4, rig.port) == b"errnolab"
    assert [len(seen.attempts()) for seen in (second, first, outer)] == [1, 2, 3]
    # While the inner one stopped the service, nobody was asked whether TCP worked.
    assert [seen.bystander for seen in (second, first, outer)] == ["ok"] * 3


def test_a_connection_is_followed_from_one_block_into_the_next(rig: LabFixture) -> None:
    with rig.inside("client"), rig.watch(), socket.create_connection((rig.server4, rig.port)) as it:
        it.settimeout(5)
        with rig.watch() as seen:
            it.sendall(b"errnolab")
            assert it.recv(64) == b"errnolab"
    assert seen.syns(at="client") == []
    assert len(seen.data(at="client")) == 2


def test_what_no_family_knows_is_broken_once(rig: LabFixture) -> None:
    with rig.fault("refused", must_hit=False) as seen:
        pass
    assert [(one.kind, one.family, one.hits) for one in seen.faults] == [("stop", "both", 0)]


@pytest.mark.parametrize("name", ["service_silent", "reset_in_connect"])
def test_what_a_program_answers_is_in_both_families_at_once(rig: LabFixture, name: str) -> None:
    with rig.fault(name) as seen:
        for family in rig.families:
            with pytest.raises(OSError, match=MET):
                rig.client.call(dial, rig.address("server", family), rig.port, 0.5)
    assert [one.family for one in seen.faults] == ["ipv4", "ipv6"]
    assert all(one.hits for one in seen.faults)


def test_what_cannot_be_in_both_families_asks_for_one(rig: LabFixture) -> None:
    with pytest.raises(LabError, match="in both families at once"), rig.fault("timeout_tc"):
        pass
    with rig.fault("timeout_tc", family="ipv6") as seen, pytest.raises(TimeoutError):
        rig.client.call(dial, rig.server6, rig.port, 0.3)
    assert seen.hits >= 1


def test_a_fault_that_nothing_meets_fails_and_says_what_was_sent(rig: LabFixture) -> None:
    with pytest.raises(NeverHit) as never, rig.fault("timeout", family="ipv6"):
        rig.client.call(dial, rig.server4, rig.port)
    said = str(never.value)
    assert "wanted at least 1 hit of drop on router, to server (ipv6), got 0" in said
    assert f"tcp to {rig.server4} port 16555" in said


def test_an_error_of_the_test_goes_before_a_fault_that_nothing_met(rig: LabFixture) -> None:
    with pytest.raises(ZeroDivisionError), rig.fault("timeout"):
        raise ZeroDivisionError
    assert rig.held.faults() == [("server", "web", rig.held.faults()[0][2])]


def test_a_setting_has_no_hits_and_need_not_be_met(rig: LabFixture) -> None:
    with rig.fault("timeout_sysctls", family="ipv4", must_hit=False) as seen:
        pass
    assert None in [one.hits for one in seen.faults]


def test_an_unknown_name_suggests_another(rig: LabFixture) -> None:
    with pytest.raises(UnknownScenario, match="did you mean 'timeout'"), rig.fault("timeuot"):
        pass


def test_a_scenario_without_a_fault_says_so(rig: LabFixture) -> None:
    with pytest.raises(ScenarioError, match=r"it breaks nothing"), rig.fault("close_four"):
        pass


def test_what_the_kernel_lacks_skips(rig: LabFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lab, "lacks", lambda _self, _name: "not in this kernel")
    skipped = pytest.raises(pytest.skip.Exception, match=r"made here: .*not in this kernel")
    with skipped, rig.fault("timeout_tc"):
        pass


def test_what_a_test_breaks_itself_is_found_and_the_lab_is_mended(rig: LabFixture) -> None:
    broken = ["ip", "route", "replace", "blackhole", "198.51.100.0/24"]
    caught = pytest.raises(NotUndone, match=r"not as it was: router: ipv4: \+ blackhole")
    with caught, rig.fault("refused", must_hit=False):
        assert rig.router.run(broken).status == 0
    assert "blackhole" not in rig.router.run(["ip", "route"]).stdout
    assert rig.client.call(dial, rig.server4, rig.port) == b"errnolab"


def test_what_a_test_breaks_while_it_looks_on_is_found_too(rig: LabFixture) -> None:
    caught = pytest.raises(NotUndone, match=r"watch: not as it was: client: ipv4: - default")
    with caught, rig.watch():
        assert rig.client.run(["ip", "route", "del", "default"]).status == 0
    assert rig.client.call(dial, rig.server4, rig.port) == b"errnolab"


def test_a_host_that_was_lost_is_there_for_the_next_test(
    rig: LabFixture, here: engine.Engine
) -> None:
    with pytest.raises(LabError), rig.fault("timeout"):
        container = labs.find(here, NAME).containers["client"]["Id"]
        here.client.api.kill(container)
        rig.client.run(["true"])
    assert rig.client.call(dial, rig.server4, rig.port) == b"errnolab"


def test_the_lab_is_held_and_others_are_told_by_whom(rig: LabFixture) -> None:
    with pytest.raises(LabBusy, match=f"pid {os.getpid()} of"), LabFixture(NAME).hold():
        pass
    assert rig.client.run(["true"]).status == 0


# --- inside -----------------------------------------------------------------------------

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to enter a network")


@needs_root
def test_sockets_of_this_thread_are_in_the_clients_network(rig: LabFixture) -> None:
    refused = pytest.raises(ConnectionRefusedError)
    with rig.fault("refused") as seen, rig.inside("client"), refused:
        dial(rig.server6, rig.port)
    assert [packet.dst_ip for packet in seen.attempts()] == [rig.server6]


@needs_root
def test_other_threads_are_where_they_were_and_new_ones_are_inside(rig: LabFixture) -> None:
    def network() -> str:
        return str(Path("/proc/thread-self/ns/net").readlink())

    def in_a_thread() -> str:
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(network()))
        thread.start()
        thread.join()
        return found[0]

    home = network()
    with rig.inside("client"):
        inside = network()
        assert in_a_thread() == inside != home
        assert str(Path(f"/proc/{os.getpid()}/ns/net").readlink()) in (home, inside)
    assert network() == in_a_thread() == home


@needs_root
def test_an_unknown_host_cannot_be_entered(rig: LabFixture) -> None:
    with pytest.raises(LabError, match="has no host 'printer'"), rig.inside("printer"):
        pass


# --- the end ----------------------------------------------------------------------------

SUITE = """
def test_it(lab):
    with lab.fault("timeout"):
        print("in force", flush=True)
        lab.client.run(["sleep", "985"], timeout_s=100)
"""


@pytest.fixture
def suite(tmp_path: Path, commanded: str) -> Iterator[subprocess.Popen[str]]:
    """A test under way in a process of its own, with a fault in force."""
    (tmp_path / "test_it.py").write_text(SUITE)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "--errnolab-keep",
         f"--errnolab-lab={commanded}"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "ERRNOLAB_RUNS": str(tmp_path / "runs"), "PYTEST_ADDOPTS": ""},
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "in force" in line:
            break
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_takes_the_fault_out(
    suite: subprocess.Popen[str], here: engine.Engine, commanded: str
) -> None:
    """And ends the program that the test had started."""
    assert journal(here, commanded)
    os.killpg(suite.pid, signal.SIGINT)
    output, _ = suite.communicate(timeout=PATIENCE_S)
    assert "KeyboardInterrupt" in output
    assert suite.returncode == pytest.ExitCode.INTERRUPTED
    assert journal(here, commanded) == ""
    assert journal(here, commanded, "server") == ""
    with LabFixture(commanded).hold(keep=True) as again:
        assert "sleep 985" not in again.client.run(["ps", "ax"]).stdout
        assert again.held.healed == []


def test_after_kill_9_the_next_one_takes_the_fault_out(
    suite: subprocess.Popen[str], here: engine.Engine, commanded: str
) -> None:
    suite.kill()
    suite.wait()
    assert journal(here, commanded)
    with LabFixture(commanded).hold(keep=True) as again:
        assert again.held.healed == ["timeout", "errnolab-web"]
        assert again.client.call(dial, again.server4, again.port) == b"errnolab"
        wait_for(lambda: "sleep 985" not in again.client.run(["ps", "ax"]).stdout)
    assert journal(here, commanded) == journal(here, commanded, "server") == ""


def test_a_lab_that_was_up_is_left_up_and_one_that_was_started_goes(
    here: engine.Engine, commanded: str
) -> None:
    labs.up(commanded)
    with LabFixture(commanded).hold():
        pass
    assert labs.find(here, commanded).running
    labs.remove(here, commanded)
    with LabFixture(commanded).hold() as fixture:
        assert fixture.client.run(["true"]).status == 0
    assert commanded not in labs.names_with_networks(here)


def test_a_lab_that_somebody_holds_is_not_taken_down(here: engine.Engine, commanded: str) -> None:
    with labs.hold(commanded), pytest.raises(LabBusy), LabFixture(commanded).hold():
        pass
    assert labs.find(here, commanded).running
