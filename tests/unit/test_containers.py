"""What the engine and the tracer say of a program, and what is made of it."""

from __future__ import annotations

import io
import signal
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import ImageNotFound
from hypothesis import given
from hypothesis import strategies as st

from lab import containers, lent
from lab.containers import said_of_end, wanted
from lab.errors import CommandFailed, ImageError, LabError
from lab.inside.octets import KEPT, Ends
from lab.lent import Traced

BEGUN = b'7     1795885928.210943 execve("/x", ["/x"], 0x7ffd /* 4 vars */) = 0 <0.001>\n'
DIED = b"7     1795885928.233225 --- SIGSEGV {si_signo=SIGSEGV, si_code=SI_USER} ---\n"


def traced(*lines: bytes) -> Traced:
    found = Traced()
    found.text = b"".join(found.telling(lines)).decode()
    return found


# --- the ends of a stream ---------------------------------------------------------------


@given(st.lists(st.binary(max_size=3 * KEPT), max_size=6))
def test_of_a_stream_both_ends_are_kept_and_all_is_counted(pieces: list[bytes]) -> None:
    ends, whole = Ends(), b"".join(pieces)
    for piece in pieces:
        ends.add(piece)
    assert ends.count == len(whole)
    if len(whole) <= 2 * KEPT:
        assert ends.octets() == whole
    else:
        kept = ends.octets()
        assert kept.startswith(whole[:KEPT])
        assert kept.endswith(whole[-KEPT:])
        assert b"[%d bytes are left out]" % (len(whole) - 2 * KEPT) in kept


# --- how it ended -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "lines", "value"),
    [
        (0, [BEGUN], 0),
        (3, [BEGUN], 3),
        (139, [BEGUN, DIED], -signal.SIGSEGV),
        # It said 139 by itself: no signal came.
        (139, [BEGUN], 139),
        # A signal that came to somebody else is not its own.
        (139, [BEGUN, DIED.replace(b"7 ", b"9 ", 1)], 139),
        # Without a trace, or with a part of one alone, it is what shells say.
        (139, [], -signal.SIGSEGV),
        (139, [BEGUN, b"[cut]\n"], -signal.SIGSEGV),
        # SIGKILL comes without a word.
        (137, [BEGUN], -signal.SIGKILL),
        # But who ends by itself says so before.
        (137, [BEGUN, b"7     1795885928.3 exit_group(137) = ?\n"], 137),
        (137, [BEGUN, b"9     1795885928.3 exit_group(0) = ?\n"], -signal.SIGKILL),
        (255, [BEGUN], 255),
        (128, [BEGUN], 128),
    ],
)
def test_a_status_above_128_is_a_signal_if_the_trace_says_so(
    status: int, lines: list[bytes], value: int
) -> None:
    assert containers._value({"ExitCode": status}, traced(*lines), "") == value


def test_what_we_killed_was_killed() -> None:
    assert containers._value({"ExitCode": 137}, traced(BEGUN), "SIGKILL") == -9


def test_an_end_is_said_in_words() -> None:
    assert said_of_end(3) == "it ended with status 3"
    assert said_of_end(-15) == "signal 15 ended it"


def test_a_program_runs_from_its_execve_on_and_without_a_trace_from_the_containers_start() -> None:
    state = {"StartedAt": "2026-11-28T17:12:08.000000001Z", "FinishedAt": "2026-11-28T17:12:08.5Z"}
    assert containers._ran_ms(state, Traced()) == pytest.approx(500, abs=0.01)
    assert containers._ran_ms(state, traced(BEGUN)) == pytest.approx(289.057, abs=0.01)


# --- the trace --------------------------------------------------------------------------


def test_processes_without_an_end_were_left_behind_and_threads_are_none() -> None:
    lines = [
        BEGUN,
        b"7 1.0 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 8 <0.1>\n",
        b"7 1.0 clone3({flags=CLONE_VM|CLONE_THREAD, exit_signal=0} => {parent_tid=[9]}, 88)"
        b" = 9 <0.1>\n",
        b"8 1.1 vfork( <unfinished ...>\n",
        b"10 1.1 --- SIGCONT {si_signo=SIGCONT} ---\n",
        b"8 1.2 <... vfork resumed>) = 10 <0.1>\n",
        b"9 1.2 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_THREAD <unfinished ...>\n",
        b"9 1.2 <... clone resumed>) = 11 <0.1>\n",
        b"8 1.3 fork() = 12 <0.1>\n",
        b"8 1.4 fork() = -1 EAGAIN (Resource temporarily unavailable) <0.1>\n",
        b"12 1.5 +++ exited with 0 +++\n",
    ]
    found = traced(*lines)
    assert found.main == "7"
    assert found.left == 2  # 8 and 10
    assert found.text.encode().splitlines(keepends=True) == [lines[0], lines[4], lines[-1]]


def test_a_program_that_did_not_begin_has_no_process_of_its_own() -> None:
    failed = b'7 1.0 execve("/etc", ["/etc"], 0x7f /* 4 vars */) = -1 EACCES (denied) <0.1>\n'
    assert traced(failed, b"7 1.0 +++ exited with 1 +++\n").main == ""


def test_a_trace_is_read_in_pieces_and_to_the_end() -> None:
    packed = io.BytesIO()
    text = BEGUN * 1000
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("trace")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    whole = packed.getvalue()
    # An engine may send more than the archive.
    padded = whole + bytes(50_000)
    pieces = iter([padded[at : at + 777] for at in range(0, len(padded), 777)])
    api = SimpleNamespace(get_archive=lambda *_: (pieces, {}))
    assert lent.read(api, "x").text.encode() == text
    assert list(pieces) == []


# --- what it is to be -------------------------------------------------------------------


class FakeApi:
    """An engine's API that knows some images."""

    def __init__(self, **images: Any) -> None:
        self.images = images
        self.asked: list[str] = []

    def inspect_image(self, name: str) -> Any:
        self.asked.append(name)
        if name not in self.images:
            raise ImageNotFound(f"no such image: {name}")
        return self.images[name]


def lab_with(**images: Any) -> Any:
    here = SimpleNamespace(cli="docker", client=SimpleNamespace(api=FakeApi(**images)))
    return SimpleNamespace(engine=here, containers={"server": {"Image": "ours"}})


@pytest.mark.parametrize(
    ("config", "argv", "command"),
    [
        ({"Entrypoint": ["e"], "Cmd": ["c"]}, [], ["e", "c"]),
        ({"Entrypoint": ["e"], "Cmd": ["c"]}, ["a"], ["e", "a"]),
        ({"Entrypoint": None, "Cmd": ["c", "d"]}, [], ["c", "d"]),
        ({"Entrypoint": None, "Cmd": None}, ["a"], ["a"]),
    ],
)
def test_a_command_is_what_docker_run_would_make_of_it(
    config: dict[str, Any], argv: list[str], command: list[str]
) -> None:
    assert wanted(lab_with(its={"Config": config}), "its", argv).argv == command


def test_the_hosts_own_image_runs_a_command_and_not_a_host() -> None:
    lab = lab_with(ours={"Config": {"Entrypoint": ["/entrypoint.sh"], "Cmd": ["server"]}})
    assert wanted(lab, "ours", ["curl"]).argv == ["curl"]
    with pytest.raises(LabError, match="names no command"):
        wanted(lab, "ours", [])


def test_the_root_cannot_be_mounted() -> None:
    with pytest.raises(LabError, match="hide the image"):
        wanted(lab_with(its={}), "its", ["a"], mounts=[Path("/")])


def test_an_image_that_is_not_here_is_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    lab, ran = lab_with(), []

    def run(argv: list[str], **how: Any) -> str:
        ran.append((argv, how["timeout_s"]))
        lab.engine.client.api.images["new"] = {"Id": "1"}
        return ""

    monkeypatch.setattr("lab.containers.shell.run", run)
    monkeypatch.setattr("lab.containers.shell.apart", list)
    assert containers.ensure_image(lab.engine, "new") == {"Id": "1"}
    assert containers.ensure_image(lab.engine, "new") == {"Id": "1"}
    assert ran == [(["docker", "pull", "--quiet", "new"], containers.PULL_S)]


def test_an_image_that_cannot_be_pulled_says_why_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(argv: list[str], **_how: Any) -> str:
        raise CommandFailed("here", argv, 1, stderr="Using default tag\nno such host\n")

    monkeypatch.setattr("lab.containers.shell.run", run)
    with pytest.raises(ImageError) as failed:
        containers.ensure_image(lab_with().engine, "new")
    lines = str(failed.value).splitlines()
    assert lines[0] == "there is no image 'new' here, and it could not be pulled"
    assert lines[1] == "  no such host"
    assert "docker pull new" in lines[2]
    assert "docker build -t new ." in lines[3]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Cannot find executable 'nope'", 127),
        ("exec nope failed: No such file or directory", 127),
        ("exec: Permission denied", 126),
        ("exec: Exec format error", 126),
    ],
)
def test_a_command_that_cannot_be_started_has_the_status_that_shells_give(
    said: str, status: int
) -> None:
    assert containers._status_without(said) == status
