"""`errnolab try`: programs of a user's own, good and bad, under faults on a real lab."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from lab import engine
from lab import lab as labs
from lab.inside.octets import KEPT
from lab.topology import ECHO_PORT
from tests.lab.conftest import Command
from tests.lab.test_survival import Start, container, journal, wait_for

BUSYBOX = "/bin/busybox"
CURL = ("curl", "-sS", "{URL}")
Try = Callable[..., "tuple[subprocess.CompletedProcess[str], dict[tuple[str, str], Any]]"]


@pytest.fixture
def attempt(errnolab: Command, tmp_path: Path) -> Try:
    """Try a program; return what the command printed, and its JSON (by row and family)."""

    def run(*argv: str, program: tuple[str, ...] = CURL, **more: str) -> Any:
        path = tmp_path / "try.json"
        done = errnolab("try", "--json", str(path), *argv, "--", *program, **more)
        document = json.loads(path.read_text()) if path.exists() else {}
        rows = {(row["scenario"], row["family"]): row for row in document.get("results", [])}
        return done, rows

    return run


def program_of(rows: dict[Any, Any], name: str, family: str = "ipv4") -> Any:
    return rows[name, family]["program"]


def test_rows_have_status_errno_attempts_and_bytes(attempt: Try, evidence_root: Path) -> None:
    done, rows = attempt("--scenario", "refused", "--scenario", "reset", "--scenario", "timeout",
                         "--timeout", "2")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for family in ("ipv4", "ipv6"):
        health = program_of(rows, "health", family)
        assert (health["status"], health["stdout"], health["attempts"]) == (0, "Hello\n", 1)
        assert health["bytes_sent"] > 50 < health["bytes_received"]
        refused = program_of(rows, "refused", family)
        assert (refused["status"], refused["attempts"], refused["packets"]) == (7, 1, 1)
        assert [one["errno_name"] for one in refused["errnos"]] == ["ECONNREFUSED"]
        assert refused["tried"][0]["ended"] == "refused"
        assert refused["last_line"].startswith("curl: (7)")
        reset = program_of(rows, "reset", family)
        assert (reset["status"], reset["errnos"][0]["errno_name"]) == (56, "ECONNRESET")
        late = program_of(rows, "timeout", family)
        assert (late["timed_out"], late["attempts"], late["ended_with"]) == (True, 1, "SIGTERM")
        # Linear time-outs: a SYN a second (before Linux 6.5 they came after 0 and 1 s too).
        assert late["packets"] >= 2
        assert late["errnos"] == []
    table = [line.split() for line in done.stdout.splitlines()]
    assert ["timeout", "IPv4", "hung"] in [row[:3] for row in table]
    folder = evidence_root / "latest" / "refused" / "ipv6"
    assert {"result.json", "client.pcap", "ladder.txt"} <= {path.name for path in folder.iterdir()}
    assert json.loads((folder / "result.json").read_text())["program"]["status"] == 7


def test_recorded_expectations_hold_again_and_a_difference_fails_with_wanted_and_got(
    attempt: Try, tmp_path: Path
) -> None:
    file, junit, page = (tmp_path / name for name in ("errnolab.toml", "junit.xml", "page.md"))
    options = ("--scenario", "refused", "--family", "4", "--expect", str(file))
    done, _ = attempt(*options, "--record")
    assert done.returncode == 0, done.stderr
    assert "status = 7" in file.read_text()
    done, rows = attempt(*options)
    assert done.returncode == 0, done.stdout
    assert {proof["what"] for proof in rows["refused", "ipv4"]["proofs"]} > {"exit status"}
    file.write_text(file.read_text().replace("status = 7", "status = 0"))
    done, rows = attempt(*options, "--junit", str(junit), "--markdown", str(page))
    assert done.returncode == 1
    assert "exit status: wanted 0, got 7" in done.stdout
    assert rows["refused", "ipv4"]["verdict"] == "fail"
    names = {case.get("name"): case for case in ElementTree.parse(junit).iter("testcase")}
    assert names["refused[ipv4]"].find("failure") is not None
    assert names["health[ipv4]"].find("failure") is None
    assert "- `refused` (ipv4): exit status: wanted 0, got 7" in page.read_text()


def test_file_says_how_it_is_run_where_the_command_line_does_not(
    errnolab: Command, tmp_path: Path
) -> None:
    file = tmp_path / "errnolab.toml"
    file.write_text(
        '[try]\ncommand = ["curl", "-sS", "{URL}"]\nscenarios = ["refused"]\nfamily = "6"\n'
        "[expect.refused]\nstatus = 7\n"
    )
    done = errnolab("try", "--expect", str(file))
    assert done.returncode == 0, done.stderr
    assert [line.split()[:3] for line in done.stdout.splitlines()[1:3]] == [
        ["pass", "health", "IPv6"], ["pass", "refused", "IPv6"],
    ]  # fmt: skip


def test_datagrams_are_tried_too(attempt: Try) -> None:
    script = (
        "import os, socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
        "s.connect((os.environ['SERVER'], int(os.environ['PORT']))); s.send(b'hi'); "
        "print(s.recv(9))"
    )
    done, rows = attempt("--scenario", "refused", "--scenario", "timeout", "--family", "4",
                         "--timeout", "1", program=("python3", "-c", script))  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert program_of(rows, "health")["stdout"] == "b'abc'\n"
    assert program_of(rows, "refused")["errnos"][0]["errno_name"] == "ECONNREFUSED"
    assert program_of(rows, "timeout")["timed_out"]
    assert program_of(rows, "timeout")["tried"][0]["proto"] == "udp"


BAD = """
set -u
curl -sS "$URL"
case $1 in
    leaves) setsid sleep 300 & (sleep 300 &) ;;
    floods) yes | head -c 20000000; yes ;;
    reads) read -r line || exit 5 ;;
    stubborn) trap '' TERM; sleep 300; sleep 300 ;;
    refuses) exit 127 ;;
    crashes) kill -SEGV $$ ;;
esac
"""


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("leaves", {"status": 0, "left": 2, "timed_out": False}),
        ("floods", {"timed_out": True, "ended_with": "SIGTERM"}),
        ("reads", {"status": 5, "timed_out": False}),
        ("stubborn", {"timed_out": True, "ended_with": "SIGKILL"}),
        ("crashes", {"signal": "SIGSEGV"}),
    ],
)
def test_bad_program_ends_in_a_clear_row_and_leaves_nothing(
    attempt: Try, here: engine.Engine, commanded: str, how: str, wanted: dict[str, Any]
) -> None:
    # Time enough to talk to the server first, on a busy machine too.
    timeout = "3" if wanted.get("timed_out") else "30"
    done, rows = attempt("--scenario", "refused", "--family", "4", "--timeout", timeout,
                         program=("sh", "-c", BAD, "sh", how))  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("health", "refused"):
        got = program_of(rows, name)
        assert {key: got[key] for key in wanted} == wanted
        assert len(got["stdout"]) < 3 * KEPT  # both ends of what it printed
    assert not processes(here, commanded) - OWN
    assert "built anew" not in attempt("--scenario", "refused", "--family", "4")[0].stderr


# What runs in a client by itself: the first process, its health check, and who asks.
OWN = {"docker-init", "flock", "errnolab-client", "ps", "python3"}


def processes(here: engine.Engine, name: str) -> set[str]:
    """Return the names of what runs in the client; its `sleep` is the entry point's."""
    argv = [here.cli, "exec", container(here, name, "client"), "ps", "-A", "-o", "comm=,args="]
    listing = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listing.splitlines() if "sleep infinity" not in line}


def test_static_program_of_a_foreign_image_is_traced_and_files_of_ours_are_seen(
    attempt: Try, foreign: str, tmp_path: Path
) -> None:
    """An image of nothing but one program, of a user without a name; and the hosts' own image."""
    done, rows = attempt("--image", foreign, "--scenario", "refused", "--scenario", "reset",
                         program=(BUSYBOX, "wget", "-q", "-O", "-", "{URL}"))  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for family in ("ipv4", "ipv6"):
        assert program_of(rows, "health", family)["stdout"] == "Hello\n"
        assert program_of(rows, "refused", family)["errnos"][0]["errno_name"] == "ECONNREFUSED"
        assert program_of(rows, "reset", family)["errnos"][0]["errno_name"] == "ECONNRESET"
        assert program_of(rows, "reset", family)["traced"]
    script = tmp_path / "client.sh"
    script.write_text("#!/bin/sh\nexec curl -sS $URL\n")
    script.chmod(0o755)
    done, rows = attempt("--mount", str(tmp_path), "--scenario", "refused", "--family", "4",
                         program=(str(script),))  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert program_of(rows, "refused")["status"] == 7


@pytest.mark.parametrize("port", [7000, ECHO_PORT])
def test_service_of_ones_own_meets_the_same_faults(
    attempt: Try, errnolab: Command, port: int
) -> None:
    """On any port, that of the lab's echo too, which makes way for it."""
    done, rows = attempt(
        "--server-command", f"python3 -m http.server {port}", "--port", str(port),
        "--scenario", "refused", "--scenario", "service_resets.after_request",
        "--scenario", "host_unreachable", "--family", "4",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Directory listing" in program_of(rows, "health")["stdout"]
    assert program_of(rows, "health")["tried"][0]["port"] == port
    got = {name: program_of(rows, name)["errnos"][0]["errno_name"]
           for name in ("refused", "service_resets.after_request", "host_unreachable")}  # fmt: skip
    assert list(got.values()) == ["ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH"]
    assert errnolab("run", "echo", "--family", "4").returncode == 0


ANSWERS_THEN_ENDS = """
import socket
server = socket.create_server(("", 7000))
for _ in range(4):
    connection, _ = server.accept()
    if connection.recv(999):
        connection.send(b"HTTP/1.0 200 OK\\r\\n\\r\\nHello")
    connection.close()
print("out of order")
"""


def test_service_that_ends_is_told_with_its_last_words(attempt: Try) -> None:
    """It answers the three connections of health, and the control before the fault."""
    server = shlex.join(["python3", "-c", ANSWERS_THEN_ENDS])
    done, rows = attempt("--server-command", server, "--scenario", "timeout", "--timeout", "2",
                         "--family", "4")  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert rows["health", "ipv4"]["verdict"] == "pass"
    assert rows["timeout", "ipv4"]["verdict"] == "invalid"
    assert "the service on port 7000 ended by itself: out of order" in done.stdout


def test_status_127_is_that_a_row_does_not_apply(attempt: Try) -> None:
    done, rows = attempt("--scenario", "refused", "--family", "4",
                         program=("sh", "-c", BAD, "sh", "refuses"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert rows["refused", "ipv4"]["verdict"] == "skip"
    assert "does not apply" in done.stdout


def test_program_that_changes_the_lab_is_told_and_the_lab_put_right(
    attempt: Try, errnolab: Command
) -> None:
    done, rows = attempt("--scenario", "refused", "--family", "4",
                         program=("sh", "-c", "curl -sS $URL; ip route del default"))  # fmt: skip
    assert done.returncode == 2
    assert "not as it was before the program ran: client: ipv4: - default" in done.stdout
    assert rows["health", "ipv4"]["verdict"] == "invalid"
    status = errnolab("status")
    assert status.returncode == 0, status.stdout
    assert "not as it was" not in status.stdout


def test_mistakes_are_told_before_anything_is_broken(errnolab: Command, tmp_path: Path) -> None:
    for argv, said in [
        (("--", "no-such-program"), "no-such-program is not there, on the PATH"),
        (("--", "true"), "sent the server nothing"),
        (("--scenario", "echo", "--", *CURL), "it has no fault"),
        (("--scenario", "timeot", "--", *CURL), "did you mean 'timeout'"),
        ((), "give a command"),
        (("--expect", str(tmp_path / "none.toml"), "--", *CURL), "there is no such file"),
    ]:
        done = errnolab("try", "--family", "4", *argv)
        assert done.returncode == 2, done.stdout
        assert said in done.stderr


def test_after_kill_9_the_program_is_gone_and_the_lab_well(
    started: Start, errnolab: Command, here: engine.Engine, commanded: str
) -> None:
    running = started("try", "--scenario", "timeout", "--family", "4", "--timeout", "60",
                      "--", *CURL)  # fmt: skip
    wait_for(lambda: journal(here, commanded) == "timeout" or running.poll() is not None)
    wait_for(lambda: "curl" in processes(here, commanded))
    running.kill()
    running.wait()
    wait_for(lambda: "curl" not in processes(here, commanded))
    again = errnolab("run", "refused", "--family", "4")
    assert again.returncode == 0, again.stderr
    assert "took out timeout, left by a run that was killed" in again.stderr
    assert "built anew" not in again.stderr


def test_interrupt_ends_the_program_and_takes_the_fault_out(
    started: Start, errnolab: Command, here: engine.Engine, commanded: str
) -> None:
    running = started("try", "--scenario", "timeout", "--family", "4", "--timeout", "60",
                      "--", *CURL, start_new_session=True)  # fmt: skip
    wait_for(lambda: "curl" in processes(here, commanded) and journal(here, commanded) != "")
    os.killpg(running.pid, signal.SIGINT)
    _, stderr = running.communicate(timeout=30)
    assert running.returncode == 130, stderr
    assert "curl" not in processes(here, commanded)
    assert "no fault in force" in errnolab("status").stdout
    assert labs.find(here, commanded).running
