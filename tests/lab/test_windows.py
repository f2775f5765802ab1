"""The Windows host: Winsock programs by Wine, and scenarios whose calls they make."""

from __future__ import annotations

import base64
import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab import engine, guests, images, moving, runner
from lab import lab as labs
from lab.errors import CommandFailed, NotForThisMachine
from lab.lab import Lab
from lab.result import Result
from lab.topology import FAMILIES, Family
from tests.lab.conftest import Command
from tests.lab.test_try import Try, attempt, program_of

__all__ = ["attempt"]  # the fixture
NAME = "test-windows"
CLIENT = ("errnolab-exe", "errnolab-client.exe")
INSIDE = "/opt/errnolab/windows"
# A failure of each kind, and what else Winsock has a say in; all of them: `make test WINDOWS=1`.
SOME = ("address_in_use", "address_not_available", "already_connected", "close_active",
        "datagram_refused", "echo", "firewall_output", "host_absent", "host_unreachable",
        "net_unreachable", "net_unreachable_local", "non_blocking_refused",
        "prohibited", "refused", "refused_misdirected", "refused_rst", "rejected", "reset",
        "reset_once", "timeout", "unreachable_local", "zero_read")  # fmt: skip


@pytest.fixture(scope="module")
def lab(here: engine.Engine) -> Iterator[Lab]:
    """A lab with the Windows host."""
    try:
        images.ensure_guest(here, "windows")
    except NotForThisMachine as why:
        pytest.skip(str(why))
    with labs.hold(NAME, heal=True) as held:
        guests.invite(held, ["windows"])
        yield held
    labs.remove(here, NAME)


@pytest.fixture(scope="module")
def program(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a Windows program of the host's as a user has it: a file of this machine."""
    folder = tmp_path_factory.mktemp("windows programs")

    def take(name: str) -> Path:
        host = str(lab.containers["windows"]["Id"])
        argv = [lab.engine.cli, "cp", f"{host}:{INSIDE}/{name}", str(folder)]
        subprocess.run(argv, check=True, capture_output=True)
        return folder / name

    return take


def ran(lab: Lab, *argv: str) -> tuple[int, str, str]:
    """Return status, standard output and standard error of a command in the host."""
    try:
        return 0, lab.hosts["windows"].run(*argv), ""
    except CommandFailed as failed:
        return failed.status, failed.stdout, failed.stderr


# --- scenarios ---------------------------------------------------------------------------


def passed(lab: Lab, name: str, family: Family) -> Result:
    (scenario,) = moving.load([name], "windows", [family])
    result, _ = runner.run(lab, scenario, family)
    assert result.verdict == "pass", result.reason
    return result


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", SOME)
def test_a_scenario_holds_from_windows(lab: Lab, name: str, family: Family) -> None:
    passed(lab, name, family)


@pytest.mark.windows_atlas
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "name", [s.name for s in moving.load_all("windows", FAMILIES) if s.name not in SOME]
)
def test_every_other_scenario_holds_from_windows(lab: Lab, name: str, family: Family) -> None:
    if not any(s.name == name for s in moving.load_all("windows", [family])):
        pytest.skip(f"it has no case of {family} that Winsock can make")
    passed(lab, name, family)


@pytest.mark.parametrize(
    ("name", "linux", "code", "number"),
    [
        ("refused", "ECONNREFUSED", "WSAECONNREFUSED", 10061),
        ("timeout", "ETIMEDOUT", "WSAETIMEDOUT", 10060),
        ("host_unreachable", "EHOSTUNREACH", "WSAEHOSTUNREACH", 10065),
        ("net_unreachable", "ENETUNREACH", "WSAENETUNREACH", 10051),
    ],
)
def test_the_code_stands_beside_linuxs_errno(
    lab: Lab, name: str, linux: str, code: str, number: int
) -> None:
    found = passed(lab, name, "ipv4").document()
    call = next(c for c in found["calls"] if c["errno_name"] not in ("", "WSAEWOULDBLOCK"))
    assert (call["host"], call["errno"], call["errno_name"]) == ("windows", number, code)
    assert (found["from"], call["linux"]) == ("windows", linux)
    cases = found.get("cases", [found])
    assert all({"stack", "texts"} <= set(case["limits"]) for case in cases)
    assert {"windows", "router"} <= {p["at"] for case in cases for p in case["wire"]}


def test_the_command_runs_one_from_windows(
    errnolab: Command, evidence_root: Path, lab: Lab
) -> None:
    done = errnolab("run", "refused", "--from", "windows", "--family", "6")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WSAECONNREFUSED (10061), on Linux ECONNREFUSED (111)" in done.stdout
    kept = json.loads((evidence_root / "latest/refused/ipv6-windows/result.json").read_text())
    assert (kept["from"], kept["verdict"]) == ("windows", "pass")


def test_what_winsock_has_not_is_said_with_the_reason(errnolab: Command) -> None:
    done = errnolab("run", "sigpipe", "--from", "windows")
    assert done.returncode == 2
    assert "cannot be run from windows" in done.stderr
    assert "sigpipe: Winsock has no " in done.stderr


# --- the client --------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["server4", "server6"])
def test_the_client_prints_the_reply(lab: Lab, host: str) -> None:
    assert ran(lab, *CLIENT, host, "hi") == (0, "abc", "")
    assert ran(lab, *CLIENT, host, "a line of its own") == (0, "a line of its own", "")
    assert ran(lab, *CLIENT, "--udp", host, "hi") == (0, "abc", "")


@pytest.mark.parametrize(
    ("argv", "status", "said"),
    [
        (("--port", "1", "server4", "hi"), 1, "connect to server4 port 1: WSAECONNREFUSED (10061)"),
        (("--port", "1", "server6", "hi"), 1, "connect to server6 port 1: WSAECONNREFUSED (10061)"),
        (("nobody-has-this-name", "hi"), 3, "resolve nobody-has-this-name: WSA"),
        (("--port", "x", "server", "hi"), 2, "port"),
        (("--timeout", "0.3", "absent4", "hi"), 1, "time"),
    ],
)
def test_the_client_says_what_failed_by_name_and_number(
    lab: Lab, argv: tuple[str, ...], status: int, said: str
) -> None:
    found = ran(lab, *CLIENT, *argv)
    assert found[0] == status, found
    assert said in found[2]


def test_a_client_that_was_answered_by_nobody_says_so(errnolab: Command, attempt: Try) -> None:
    """4 is that the connection was closed without a reply, 1 that a call failed."""
    _, rows = attempt(
        "--from", "windows", "--family", "4", "--scenario", "service_closes.after_request",
        "--scenario", "service_silent", "--timeout", "3",
        program=("errnolab-client.exe", "--timeout", "1", "{SERVER}", "hi"),
    )  # fmt: skip
    assert program_of(rows, "health")["status"] == 0
    assert program_of(rows, "service_closes.after_request")["status"] in (1, 4)
    assert program_of(rows, "service_silent")["status"] == 1


# --- programs of the user's ----------------------------------------------------------------


def test_a_program_of_this_machine_meets_the_faults(
    attempt: Try, program: Callable[[str], Path]
) -> None:
    exe = program("errnolab-client.exe")
    done, rows = attempt(
        "--from", "windows", "--scenario", "refused", "--scenario", "timeout", "--timeout", "2",
        program=(str(exe), "{SERVER}", "hi"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for family in FAMILIES:
        health, refused, late = (
            program_of(rows, name, family) for name in ("health", "refused", "timeout")
        )
        assert (health["status"], health["stdout"], health["attempts"]) == (0, "abc", 1)
        assert refused["status"] == 1
        assert "WSAECONNREFUSED (10061)" in refused["last_line"]
        assert refused["tried"][0]["ended"] == "refused"
        assert (late["timed_out"], late["attempts"]) == (True, 1)
        assert not health["traced"]
        assert "Wine" in health["untraced"]


WAITS = """
#include <conio.h>
#include <stdio.h>
int main(void)
{
    puts("press any key");
    fflush(stdout);
    while (!_kbhit());
    return 0;
}
"""
CRASHES = "int main(void) { *(volatile int *)0 = 0; return 0; }"
LACKS = "__declspec(dllimport) int gone(void); int main(void) { return gone(); }"
GONE = "__declspec(dllexport) int gone(void) { return 0; }"
RETURNS = "int main(void) { return 300; }"
WINDOW = "int main(void) { return 0; }"
FORKS = """
#include <windows.h>
int main(int count, char **words)
{
    STARTUPINFOA how = {sizeof how};
    PROCESS_INFORMATION child;
    if (count > 1) for (;;) Sleep(1000);
    CreateProcessA(words[0], "child and on", 0, 0, 0, 0, 0, 0, &how, &child);
    return 0;
}
"""


@pytest.fixture(scope="module")
def compiled(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compile a program of a user's, in the workshop; return the file."""
    guests.invite(lab, ["workshop"])
    folder = tmp_path_factory.mktemp("compiled")

    def make(name: str, source: str, *options: str, library: str = "") -> Path:
        """Compile a source, with a DLL of another that the program will not find."""
        compiler = "x86_64-w64-mingw32-gcc-win32"
        steps = [f"printf %s {shlex.quote(source)} > {name}.c"]
        if library:
            steps.append(f"printf %s {shlex.quote(library)} > own.c")
            steps.append(f"{compiler} -shared own.c -o own.dll")
            options = (*options, "own.dll")
        steps.append(f"{compiler} {name}.c {' '.join(options)} -o {name}.exe")
        folder_there = "cd $(mktemp -d -p /tmp)"
        work = " && ".join((folder_there, *steps, f"base64 {name}.exe", 'rm -r "$PWD"'))
        text = lab.hosts["workshop"].run("sh", "-c", work)
        file = folder / f"{name}.exe"
        file.write_bytes(base64.b64decode(text))
        return file

    return make


Health = Callable[..., Any]


@pytest.fixture
def health(errnolab: Command, evidence_root: Path) -> Health:
    """Try a program that talks to nobody, which ends with health; return what it did."""

    def run(file: Path) -> Any:
        done = errnolab(
            "try", "--from", "windows", "--family", "4", "--timeout", "3", "--", str(file)
        )
        assert done.returncode == 2, done.stdout + done.stderr
        assert "sent the server nothing" in done.stderr
        kept = evidence_root / "latest/health/ipv4-windows/result.json"
        return json.loads(kept.read_text())["program"]

    return run


def test_how_a_program_ended_is_told(health: Health, compiled: Callable[..., Path]) -> None:
    waits = health(compiled("waits", WAITS))
    assert (waits["timed_out"], waits["stdout"]) == (True, "press any key\r\n")
    crashes = health(compiled("crashes", CRASHES))
    assert "0xC0000005 (STATUS_ACCESS_VIOLATION)" in crashes["last_line"]
    assert crashes["signal"] == "SIGSEGV"  # 139, as a shell has it
    assert health(compiled("returns", RETURNS))["status"] == 300 % 256
    forks = health(compiled("forks", FORKS))
    assert (forks["status"], forks["timed_out"]) == (0, False)


def test_a_program_whose_library_is_missing_is_told(
    attempt: Try, compiled: Callable[..., Path]
) -> None:
    file = compiled("lacks", LACKS, library=GONE)
    done, _ = attempt("--from", "windows", "--family", "4", program=(str(file),))
    assert done.returncode == 2
    assert "could not be started" in done.stderr
    assert "0xC0000135" in done.stderr


def test_a_program_with_a_window_is_refused(attempt: Try, compiled: Callable[..., Path]) -> None:
    file = compiled("window", WINDOW, "-mwindows")
    done, _ = attempt("--from", "windows", "--family", "4", program=(str(file),))
    assert done.returncode == 2
    assert "is no console program" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("script.exe", b"#!/bin/sh\necho hi\n", "no program for 64-bit Windows"),
        ("empty.exe", b"", "no program for 64-bit Windows"),
        ("dos.exe", b"MZ" + bytes(62), "no program for 64-bit Windows"),
    ],
)
def test_what_is_no_windows_program_is_refused(
    attempt: Try, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    done, _ = attempt("--from", "windows", "--family", "4", program=(str(file),))
    assert done.returncode == 2
    assert "could not be started" in done.stderr
    assert f"errnolab-exe: {file} is {said}" in done.stderr


def test_a_program_for_linux_is_refused(attempt: Try, tmp_path: Path) -> None:
    file = tmp_path / "linux.exe"
    shutil.copy("/bin/true", file)
    done, _ = attempt("--from", "windows", "--family", "4", program=(str(file),))
    assert done.returncode == 2
    assert "errnolab-exe: " in done.stderr


def test_a_program_that_is_not_there_is_said(attempt: Try) -> None:
    done, _ = attempt("--from", "windows", "--family", "4", program=("nowhere.exe",))
    assert done.returncode == 2
    assert "nowhere.exe" in done.stderr


# --- Wine ----------------------------------------------------------------------------------


def test_eight_at_once_do_not_hang(lab: Lab) -> None:
    """Starts that overlap have waited five minutes for an event that never came."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ran(lab, *CLIENT, "server4", "hi"), range(8)))
    assert found == [(0, "abc", "")] * 8


def test_a_program_without_an_input_is_run(lab: Lab) -> None:
    assert ran(lab, "sh", "-c", f"{' '.join(CLIENT)} server4 hi <&-") == (0, "abc", "")


def test_another_prefix_is_not_taken(lab: Lab) -> None:
    """A second prefix would have a server, and so sockets, of its own."""
    script = f"WINEPREFIX=/tmp/second {' '.join(CLIENT)} server4 hi; test ! -e /tmp/second"
    assert ran(lab, "sh", "-c", script) == (0, "abc", "")
    assert lab.hosts["windows"].run("pgrep", "-c", "wineserver").strip() == "1"


def test_a_killed_wineserver_is_started_again(lab: Lab) -> None:
    lab.hosts["windows"].run("pkill", "-KILL", "wineserver", check=False)
    assert ran(lab, *CLIENT, "server4", "hi") == (0, "abc", "")
    # It is all programs', and must not end with the one that met it missing.
    marked = ran(lab, "sh", "-c", "grep -lsz ERRNOLAB_EXE= /proc/$(pgrep wineserver)/environ")
    assert marked == (1, "", "")
    passed(lab, "refused", "ipv4")
