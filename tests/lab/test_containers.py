"""A user's program in a container of its own: what comes of it, and that nothing is left."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import containers, engine, lent
from lab.errors import HostLost, ImageError, LabError
from lab.inside.octets import KEPT, as_octets
from lab.lab import Lab
from lab.topology import ECHO_PORT, LABEL
from tests.lab.conftest import beside

Outcome = dict[str, Any]
Run = Callable[..., Outcome]
BUSYBOX = "/bin/busybox"
# Many labs may be at work on the machine beside this one.
PATIENCE_S = 60.0


def of_image(here: engine.Engine, base: str, *lines: str) -> str:
    """Return the number of an image that is another one and some lines of a Dockerfile."""
    text = "\n".join([f"FROM {base}", *lines]).encode()
    image, _ = here.client.images.build(fileobj=io.BytesIO(text), rm=True, forcerm=True)
    return str(image.id)


@pytest.fixture(scope="module")
def of_its_own(here: engine.Engine, foreign: str) -> Iterator[str]:
    """An image with an entry point, a command, an environment, a folder, a volume, a check."""
    image = of_image(
        here, foreign, f'ENTRYPOINT ["{BUSYBOX}"]', 'CMD ["env"]', "ENV OF_IMAGE=yes A=no",
        "VOLUME /data", "WORKDIR /data", f'HEALTHCHECK --interval=1s CMD ["{BUSYBOX}", "true"]',
    )  # fmt: skip
    yield image
    here.client.images.remove(image)


@pytest.fixture(autouse=True)
def _nothing_is_left(lab: Lab) -> Iterator[None]:
    volumes = {v["Name"] for v in lab.engine.client.api.volumes()["Volumes"] or ()}
    yield
    assert beside(lab) == []
    assert lab.changes() == []
    assert lab.under_way == set()
    now = {v["Name"] for v in lab.engine.client.api.volumes()["Volumes"] or ()}
    assert now - volumes == set()


@pytest.fixture(params=[True, False], ids=["traced", "untraced"])
def run(request: pytest.FixtureRequest, lab: Lab, foreign: str) -> Run:
    """Run a program beside the client, with the tracer and without."""

    def runs(
        *argv: str, image: str = foreign, timeout_s: float = PATIENCE_S, **more: Any
    ) -> Outcome:
        more = {"env": {}, "trace": request.param, **more}
        return containers.run_in_container(lab, "client", image, argv, timeout_s=timeout_s, **more)

    runs.traced = request.param  # type: ignore[attr-defined]
    return runs


def shell(script: str) -> list[str]:
    return [BUSYBOX, "sh", "-c", script.replace("@", BUSYBOX)]


def ended(outcome: Outcome) -> tuple[int, bool, str]:
    return outcome["value"], outcome["late"], outcome["ended_with"]


def test_a_program_talks_to_the_server_as_the_client(run: Run, lab: Lab) -> None:
    got = run(BUSYBOX, "nc", "server", str(ECHO_PORT), stdin=b"hello\n")
    assert ended(got) == (0, False, "")
    assert as_octets(got["stdout"]) == b"hello\n"
    assert got["stdout_bytes"] == 6
    assert 0 < got["ran_ms"] < 5000
    assert got["missing"] == ""
    assert json.loads(json.dumps(got)) == got


def test_the_trace_has_the_calls_of_a_static_program(lab: Lab, foreign: str) -> None:
    argv = [BUSYBOX, "nc", lab.block.address("server", "ipv4"), "9"]
    got = containers.run_in_container(lab, "client", foreign, argv, env={}, timeout_s=PATIENCE_S)
    assert got["untraced"] == ""
    assert "connect(3<socket:" in got["trace"]
    assert "ECONNREFUSED" in got["trace"]
    assert "clone" not in got["trace"]
    assert as_octets(got["stderr"]).startswith(b"nc: ")


def test_what_a_program_has_is_of_its_image_and_what_we_give(run: Run, of_its_own: str) -> None:
    got = run(image=of_its_own, env={"A": "b"})
    lines = as_octets(got["stdout"]).decode().splitlines()
    assert {"OF_IMAGE=yes", "A=b"} <= set(lines)
    script = "pwd; @ id -u; @ grep CapEff /proc/self/status"
    got = run(*shell(script)[1:], image=of_its_own)
    assert as_octets(got["stdout"]).split() == [b"/data", b"1234", b"CapEff:", b"0" * 16]


def test_the_images_own_check_of_its_health_does_not_run(lab: Lab, of_its_own: str) -> None:
    program = containers.wanted(lab, of_its_own, ["sleep", "100"])
    with containers.placed(lab, "client", program, feed=False, traced=False) as box:
        box.start(b"")
        state = lab.engine.client.api.inspect_container(box.number)["State"]
    assert state["Running"]
    assert "Health" not in state


def test_the_hosts_own_image_runs_a_command_in_the_current_folder(
    run: Run, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "note").write_text("here")
    monkeypatch.chdir(tmp_path / "below")
    script = "pwd; cat note; echo; touch x || echo read-only"
    image = lab.containers["client"]["Image"]
    got = run("sh", "-c", script, image=image, mounts=[tmp_path])
    assert as_octets(got["stdout"]).decode().splitlines() == [str(Path.cwd()), "here", "read-only"]


@pytest.mark.parametrize(
    ("argv", "value", "word"),
    [(["nope"], 127, "nope"), ([f"{BUSYBOX}x"], 127, "No such file"), (["/bin"], 126, "denied")],
)
def test_a_command_that_cannot_be_started_is_missing(
    run: Run, argv: list[str], value: int, word: str
) -> None:
    got = run(*argv)
    assert ended(got) == (value, False, "")
    assert word in got["missing"]
    assert got["stderr"] == ""
    assert got["ran_ms"] == 0


def test_a_user_that_the_image_does_not_have_is_said_by_the_engine(
    run: Run, here: engine.Engine, foreign: str
) -> None:
    image = of_image(here, foreign, "USER somebody")
    got = run(BUSYBOX, "true", image=image)
    here.client.images.remove(image)
    assert "somebody" in got["missing"]


def test_an_image_that_is_nowhere_is_an_error_that_says_what_to_do(run: Run) -> None:
    with pytest.raises(ImageError, match=r"(?s)'errnolab/nowhere:1'.*docker build -t"):
        run("true", image="errnolab/nowhere:1")


def test_an_image_without_a_command_needs_one(run: Run) -> None:
    with pytest.raises(LabError, match="names no command"):
        run()


def test_a_mount_that_is_not_here_is_an_error(run: Run, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no such file or folder"):
        run(BUSYBOX, "true", mounts=[tmp_path / "nope"])


def test_a_status_and_a_signal_are_told_apart(run: Run) -> None:
    assert run(*shell("exit 3"))["value"] == 3
    assert run(*shell("kill -SEGV $$"))["value"] == -11
    assert run(*shell("kill -KILL $$"))["value"] == -9
    # Without a trace it is what a shell would take it for.
    assert run(*shell("exit 139"))["value"] == (139 if run.traced else -11)  # type: ignore[attr-defined]


def test_a_flood_is_counted_and_its_ends_are_kept(run: Run) -> None:
    got = run(*shell("echo first; @ yes | @ head -c 30000000; echo last; echo oh >&2"))
    assert ended(got) == (0, False, "")
    assert got["stdout_bytes"] == 30_000_011
    kept = as_octets(got["stdout"])
    assert kept.startswith(b"first\ny\ny\n")
    assert kept.endswith(b"y\nlast\n")
    assert 2 * KEPT < len(kept) < 2 * KEPT + 100
    assert as_octets(got["stderr"]) == b"oh\n"


def test_what_does_not_end_is_told_to_and_what_ignores_that_is_killed(run: Run) -> None:
    got = run(BUSYBOX, "sleep", "100", timeout_s=0.5)
    assert ended(got) == (-15, True, "SIGTERM")
    # The tracer comes first, and takes some of the time.
    assert 300 <= got["ran_ms"] < 1e3 * PATIENCE_S
    got = run(*shell('trap "" TERM; echo deaf; @ sleep 100'), timeout_s=0.5)
    assert ended(got) == (-9, True, "SIGKILL")
    assert as_octets(got["stdout"]) == b"deaf\n"
    assert 1e3 * containers.GRACE_S <= got["ran_ms"] < 1e3 * PATIENCE_S


def test_processes_left_behind_end_and_are_counted(run: Run) -> None:
    got = run(*shell("@ sleep 100 & (while :; do :; done) & @ true; echo done"))
    assert ended(got) == (0, False, "")
    assert as_octets(got["stdout"]) == b"done\n"
    assert got["left"] == (2 if run.traced else 0)  # type: ignore[attr-defined]


def test_standard_input_has_an_end(run: Run) -> None:
    for argv, stdin, came in (
        (["cat"], b"", 0),
        (["cat"], b"x" * 1_000_000, 1_000_000),
        # One that is never read holds up nobody.
        (["true"], b"x" * 1_000_000, 0),
    ):
        got = run(BUSYBOX, *argv, stdin=stdin)
        assert ended(got) == (0, False, "")
        assert got["stdout_bytes"] == came


def test_a_fork_bomb_ends_at_the_time_out(run: Run) -> None:
    got = run(*shell("f() { f | f & }; f; @ sleep 100"), timeout_s=2)
    assert got["late"]


def test_one_that_takes_too_much_memory_is_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MOST_MEMORY", "32m")
    got = run(BUSYBOX, "tail", "-c", "500000000", "/dev/zero")
    assert ended(got) == (-9, False, "")
    assert got["out_of_memory"]


@pytest.mark.parametrize("by", ["stop", "abort"])
def test_an_interrupt_ends_it_at_once(run: Run, lab: Lab, by: str) -> None:
    stop, interrupted = threading.Event(), []

    def interrupt() -> None:
        deadline = time.monotonic() + PATIENCE_S
        while ["tcp", "::", 7777] not in [list(one) for one in lab.hosts["client"].do("listening")]:
            assert time.monotonic() < deadline, "it never listened"
            time.sleep(0.05)
        interrupted.append(time.monotonic())
        (stop.set if by == "stop" else lab.abort)()

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    got = run(*shell('trap "" TERM; @ nc -l -p 7777'), stop=stop, timeout_s=2 * PATIENCE_S)
    interrupting.join()
    assert time.monotonic() - interrupted[0] < PATIENCE_S
    assert ended(got) == (-9, False, "SIGKILL")


@pytest.mark.parametrize("action", ["SCMP_ACT_ERRNO", "SCMP_ACT_KILL_PROCESS"])
def test_without_the_right_to_trace_it_runs_once_and_says_why(
    lab: Lab, foreign: str, action: str
) -> None:
    profile = {"defaultAction": "SCMP_ACT_ALLOW",
               "syscalls": [{"names": ["ptrace"], "action": action}]}  # fmt: skip
    got = containers.run_in_container(
        lab, "client", foreign, [BUSYBOX, "echo", "once"], env={}, timeout_s=PATIENCE_S,
        rights=[f"seccomp={json.dumps(profile)}"],
    )  # fmt: skip
    assert ended(got) == (0, False, "")
    assert as_octets(got["stdout"]) == b"once\n"
    assert got["stderr"] == ""
    assert got["untraced"] != ""
    assert got["trace"] == ""


def test_what_an_image_has_in_the_tracers_place_is_no_hindrance(
    lab: Lab, here: engine.Engine, foreign: str
) -> None:
    image = of_image(here, foreign, f"COPY --from={foreign} {BUSYBOX} {lent.PLACE}")
    argv = [BUSYBOX, "echo", "hi"]
    got = containers.run_in_container(lab, "client", image, argv, env={}, timeout_s=PATIENCE_S)
    here.client.images.remove(image)
    assert as_octets(got["stdout"]) == b"hi\n"
    assert got["trace"] != ""


def test_an_image_for_another_processor_is_not_traced(lab: Lab, foreign: str) -> None:
    image = {**containers.ensure_image(lab.engine, foreign), "Id": "other", "Architecture": "s390x"}
    program = containers.Program(image, [BUSYBOX, "true"])
    assert "s390x" in containers.why_untraced(lab, program)


def test_a_host_that_is_gone_is_not_the_programs_fault(lab: Lab, foreign: str) -> None:
    image = containers.ensure_image(lab.engine, foreign)
    program = containers.Program(image, [BUSYBOX, "true"])
    api: Any = lab.engine.client.api
    gone = api.create_container(
        foreign, [BUSYBOX, "true"], name="errnolab-test-gone", labels={LABEL: lab.name}
    )
    lab.containers["gone"] = gone
    try:
        with (
            pytest.raises(HostLost, match="gone"),
            containers.placed(lab, "gone", program, feed=False, traced=False) as box,
        ):
            box.start(b"")
    finally:
        del lab.containers["gone"]
        api.remove_container(gone, force=True)
