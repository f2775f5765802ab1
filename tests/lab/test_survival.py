"""Interrupts, kills and collisions: the next command finds or restores a clean lab."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from lab import engine
from lab import lab as labs
from tests.lab.conftest import Command

Start = Callable[..., "subprocess.Popen[str]"]
PATIENCE_S = 30.0


@pytest.fixture(autouse=True)
def _lab_is_up(errnolab: Command) -> None:
    assert errnolab("up").returncode == 0


def container(here: engine.Engine, name: str, role: str) -> str:
    return str(labs.find(here, name).containers[role]["Id"])


def journal(here: engine.Engine, name: str, role: str = "router") -> str:
    """Return the faults noted in a host, seen without going through the lab."""
    argv = [here.cli, "exec", container(here, name, role), "ls", "/run/errnolab/faults"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


def setting_of(here: engine.Engine, name: str, role: str, setting: str) -> str:
    """Return a sysctl of a host."""
    argv = [here.cli, "exec", container(here, name, role), "sysctl", "-n", setting]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_takes_the_fault_out_and_exits_130(
    started: Start, errnolab: Command, here: engine.Engine, commanded: str, number: signal.Signals
) -> None:
    running = started("run", "timeout", "--family", "4")
    wait_for(lambda: journal(here, commanded) == "timeout")
    running.send_signal(number)
    _, stderr = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130, stderr
    assert journal(here, commanded) == ""
    status = errnolab("status")
    assert status.returncode == 0
    assert "no fault in force" in status.stdout
    assert "built anew" not in status.stderr


@pytest.mark.parametrize("scenario", ["timeout", "timeout_sysctls"])
def test_ctrl_c_at_a_terminal_takes_the_fault_out_too(
    started: Start, errnolab: Command, here: engine.Engine, commanded: str, scenario: str
) -> None:
    """A terminal interrupts the command's children as well: the channels to the hosts."""
    running = started("run", scenario, "--family", "4", start_new_session=True)
    wait_for(lambda: journal(here, commanded) or running.poll() is not None)
    os.killpg(running.pid, signal.SIGINT)
    _, stderr = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130, stderr
    for role in ("client", "router"):
        assert journal(here, commanded, role) == ""
    status = errnolab("status")
    assert status.returncode == 0, status.stdout
    assert "no fault in force" in status.stdout
    assert "not as it was" not in status.stdout
    again = errnolab("run", "refused", "--family", "4")
    assert again.returncode == 0, again.stderr
    assert "took out" not in again.stderr
    assert "built anew" not in again.stderr


@pytest.mark.parametrize("scenario", ["timeout", "timeout_tc", "host_unreachable", "reset"])
def test_after_kill_9_in_the_middle_the_next_command_takes_the_fault_out(
    started: Start, errnolab: Command, here: engine.Engine, commanded: str, scenario: str
) -> None:
    running = started("run", scenario, "--family", "4")
    wait_for(lambda: journal(here, commanded) == scenario or running.poll() is not None)
    running.kill()
    running.wait()
    # A short fault may be over by then; the long ones are not.
    assert journal(here, commanded) == scenario or scenario == "reset"
    again = errnolab("run", "refused", "--family", "4")
    assert again.returncode == 0, again.stderr
    assert journal(here, commanded) == ""
    assert "built anew" not in again.stderr


def test_after_kill_9_a_setting_and_the_rule_beside_it_are_taken_out(
    started: Start, errnolab: Command, here: engine.Engine, commanded: str
) -> None:
    """Of two faults in force together, one is a sysctl, which a host cannot undo by itself."""
    setting = "net.ipv4.tcp_syn_retries"
    before = setting_of(here, commanded, "client", setting)
    running = started("run", "timeout_sysctls", "--family", "4")
    # The rule is the second: by then the setting is changed.
    wait_for(lambda: journal(here, commanded) or running.poll() is not None)
    running.kill()
    running.wait()
    assert journal(here, commanded) == "timeout_sysctls-2"
    assert journal(here, commanded, "client") == "timeout_sysctls"
    assert setting_of(here, commanded, "client", setting) == "1" != before
    again = errnolab("run", "refused", "--family", "4")
    assert again.returncode == 0, again.stderr
    assert "took out timeout_sysctls, left by a run that was killed" in again.stderr
    assert "built anew" not in again.stderr
    assert journal(here, commanded) == journal(here, commanded, "client") == ""
    assert setting_of(here, commanded, "client", setting) == before


def test_after_kill_9_in_the_middle_of_a_setting_the_next_command_puts_it_back(
    started: Start, errnolab: Command, here: engine.Engine, commanded: str
) -> None:
    """The journal has the setting before the helper writes it, which may go on after the kill."""
    setting = "net.ipv4.tcp_syn_retries"
    before = setting_of(here, commanded, "client", setting)
    running = started("run", "timeout_sysctls", "--family", "4")
    wait_for(lambda: journal(here, commanded, "client") or running.poll() is not None)
    running.kill()
    running.wait()
    assert journal(here, commanded, "client") == "timeout_sysctls"
    again = errnolab("run", "refused", "--family", "4")
    assert again.returncode == 0, again.stderr
    assert setting_of(here, commanded, "client", setting) == before
    assert "not as it was" not in errnolab("status").stdout


def test_after_kill_9_the_program_that_answers_packets_is_gone(
    started: Start, errnolab: Command, here: engine.Engine, commanded: str
) -> None:
    running = started("run", "icmp_connect", "--family", "4")

    def held_in_force() -> bool:
        """One case follows another, each with the fault in force for a moment: stop in one."""
        running.send_signal(signal.SIGSTOP)
        if answering(here, commanded) and journal(here, commanded) == "icmp_connect":
            return True
        running.send_signal(signal.SIGCONT)
        return False

    wait_for(held_in_force)
    running.kill()
    running.wait()
    again = errnolab("run", "refused", "--family", "4")
    assert again.returncode == 0, again.stderr
    assert "took out icmp_connect, left by a run that was killed" in again.stderr
    assert "built anew" not in again.stderr
    assert journal(here, commanded) == ""
    assert not answering(here, commanded)


def answering(here: engine.Engine, name: str) -> bool:
    """Tell whether a program answers packets on the router."""
    return not _fails(
        [here.cli, "exec", container(here, name, "router"), "pgrep", "-f", "errnolab-respond"]
    )


def test_after_kill_9_the_stopped_service_runs_again(
    started: Start, errnolab: Command, here: engine.Engine, commanded: str
) -> None:
    running = started("run", "refused")
    argv = [here.cli, "exec", container(here, commanded, "server"), "ls", "/run/errnolab/faults"]

    def stopped() -> bool:
        listing = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
        return "refused" in listing or running.poll() is not None

    wait_for(stopped)
    running.kill()
    running.wait()
    assert errnolab("run", "echo", "--family", "4").returncode == 0


def test_nothing_of_a_killed_run_goes_on_in_the_hosts(
    started: Start, here: engine.Engine, commanded: str
) -> None:
    running = started("run", "timeout", "--family", "4")
    wait_for(lambda: journal(here, commanded) == "timeout")
    running.kill()
    running.wait()
    for role in ("client", "server"):
        argv = [here.cli, "exec", container(here, commanded, role), "pgrep", "-f", "python3 -IS"]
        wait_for(partial(_fails, argv))


def _fails(argv: list[str]) -> bool:
    return subprocess.run(argv, check=False, stdout=subprocess.DEVNULL).returncode != 0


def test_what_a_person_changed_by_hand_is_found_and_the_lab_built_anew(
    errnolab: Command,
) -> None:
    assert errnolab("shell", "router", "--", "ip", "route", "del", "203.0.113.0/24").returncode == 0
    status = errnolab("status")
    assert "not as it was: router: ipv4: - 203.0.113.0/24" in status.stdout
    again = errnolab("run", "net_unreachable", "--family", "4")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "not as it was" in again.stderr
    assert "203.0.113.0/24" in again.stderr


def test_a_service_that_hangs_makes_the_lab_be_built_anew(errnolab: Command) -> None:
    stop = "kill -STOP $(cat /run/errnolab/echo.pid)"
    assert errnolab("shell", "server", "sh", "-c", stop).returncode == 0
    again = errnolab("run", "refused", "--family", "4")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "no echo through the router" in again.stderr


def test_a_paused_host_and_a_full_one_are_replaced(
    errnolab: Command, here: engine.Engine, commanded: str
) -> None:
    here.client.api.pause(container(here, commanded, "client"))
    assert errnolab("run", "refused", "--family", "4").returncode == 0
    full = errnolab("shell", "server", "dd", "if=/dev/zero", "of=/run/full", "bs=1M", "count=64")
    assert "No space left" in full.stderr
    assert errnolab("run", "refused", "--family", "4").returncode == 0


def test_a_second_run_on_the_same_lab_is_told_who_has_it(
    started: Start, errnolab: Command, here: engine.Engine, commanded: str
) -> None:
    first = started("run", "timeout", "--family", "4")
    wait_for(lambda: journal(here, commanded) == "timeout")
    second = errnolab("run", "refused")
    first_out, _ = first.communicate(timeout=PATIENCE_S)
    assert second.returncode == 2
    assert f"in use by pid {first.pid} " in second.stderr
    assert first.returncode == 0, first_out


@pytest.mark.parametrize("role", ["server", "client", "router"])
def test_a_host_killed_in_mid_run_ends_the_run_and_the_next_command_brings_it_back(
    started: Start, errnolab: Command, here: engine.Engine, commanded: str, role: str
) -> None:
    running = started("run", "timeout", "--family", "4")
    wait_for(lambda: journal(here, commanded) == "timeout")
    here.client.api.kill(container(here, commanded, role))
    stdout, stderr = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 2, stdout + stderr
    assert f"{role}: its channel closed" in stdout + stderr
    again = errnolab("run", "timeout", "refused", "--family", "4")
    assert again.returncode == 0, again.stdout + again.stderr


def test_two_labs_run_at_once_without_touching(errnolab: Command, commanded: str) -> None:
    other = f"{commanded}-2"
    codes: dict[str, int] = {}

    def run(name: str) -> None:
        codes[name] = errnolab("run", "timeout", "refused", "reset", "--lab", name).returncode

    threads = [threading.Thread(target=run, args=(name,)) for name in (commanded, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == {commanded: 0, other: 0}


def test_one_command_runs_on_several_labs(errnolab: Command) -> None:
    many = errnolab("run", "timeout", "timeout_tc", "--jobs", "2", "--json")
    assert many.returncode == 0, many.stdout + many.stderr


def test_down_removes_the_lab_and_nothing_else(
    errnolab: Command, here: engine.Engine, commanded: str
) -> None:
    api = here.client.api
    image = labs.find(here, commanded).containers["server"]["Image"]
    stranger = api.create_container(image, ["infinity"], entrypoint="sleep", labels={"other": "1"})
    network = api.create_network("not-errnolabs", labels={"other": "1"})
    try:
        api.start(stranger["Id"])
        assert errnolab("down").returncode == 0
        assert commanded not in labs.names_with_networks(here)
        assert api.inspect_container(stranger["Id"])["State"]["Running"]
        assert api.inspect_network(network["Id"])["Name"] == "not-errnolabs"
    finally:
        api.remove_container(stranger["Id"], force=True)
        api.remove_network(network["Id"])


def test_a_block_that_something_else_uses_is_refused_and_named(
    errnolab: Command, here: engine.Engine
) -> None:
    from docker.types import IPAMConfig, IPAMPool  # noqa: PLC0415  # only this test needs it

    ipam = IPAMConfig(pool_configs=[IPAMPool(subnet="198.19.249.0/24")])
    network = here.client.api.create_network("taken-by-errnolabs-test", ipam=ipam)
    try:
        refused = errnolab("up", "--lab", "test-taken", "--block", "63")
    finally:
        here.client.api.remove_network(network["Id"])
    assert refused.returncode == 2
    assert "block 63" in refused.stderr
    assert "network taken-by-errnolabs-test (198.19.249.0/24)" in refused.stderr
    assert "test-taken" not in labs.names_with_networks(here)


def test_the_allocation_lock_is_not_left_behind(errnolab: Command) -> None:
    """A killed `up` must not keep the next from starting."""
    argv = ["timeout", "--signal=KILL", "0.7"]
    assert errnolab("down").returncode == 0
    subprocess.run(
        [*argv, sys.executable, "-m", "lab", "up"],
        env={**os.environ, "ERRNOLAB_LAB": "test-cli"}, capture_output=True, check=False,
    )  # fmt: skip
    assert errnolab("run", "refused", "--family", "4").returncode == 0
