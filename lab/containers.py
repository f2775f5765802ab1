"""Programs of the user's in containers of their own, in a host's network namespace.

Such a container has its own files, user and environment, and the rights that any
container has: nothing is added. It carries the lab's label, so that one that a killed
command left behind goes with the lab, or when the lab is next opened.
"""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lab import lent, shell
from lab.engine import Engine, discard
from lab.errors import CommandFailed, EngineError, HostLost, ImageError, LabError
from lab.inside import tracing
from lab.inside.octets import Ends, as_text
from lab.lab import Lab
from lab.lent import Traced
from lab.topology import LABEL

SERVER = "server"
PULL_S = 180.0
# How long a program may take to end when it is told to.
GRACE_S = 2.0
# A program with more processes or more memory than this would hurt the machine.
MOST_PROCESSES, MOST_MEMORY = 1024, "2g"
# How long the engine may need to end what it was told to kill, and to send its last words.
ENDED_WITHIN_S, SENT_WITHIN_S, PROBED_WITHIN_S = 30.0, 5.0, 20.0
LOOK_EVERY_S = 0.02

# What the first process of a container (tini, Podman's catatonit) says of the second.
_NOT_STARTED = re.compile(rb"(?:\[FATAL tini \(\d+\)\]|ERROR \(catatonit:\d+\):) (.*)\n")
# Programs of the first that the second's processor runs by itself, as strace does.
_ALSO_RUNS = {("386", "amd64")}


@dataclass(frozen=True)
class Program:
    """What runs in a container; `image` is what the engine says of it (see `ensure_image`).

    `argv` is the whole command. `rights` are options for the engine, of `--security-opt`.
    """

    image: Mapping[str, Any]
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Path] = ()
    rights: Sequence[str] = ()


def run_in_container(
    lab: Lab, host: str, image: str, argv: Sequence[str], *, env: Mapping[str, str],
    stdin: bytes = b"", mounts: Sequence[Path] = (), timeout_s: float, trace: bool = True,
    stop: threading.Event | None = None, rights: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """Run a program in a container beside a host, as `docker run IMAGE ARGV` would; wait for it.

    Args: `env` is added to the image's; `stdin` is what it reads before the end of file;
    `mounts` are paths of this machine, which it may read at the same place; `stop`, or
    `lab.abort()`, ends it at once.
    Returns: its outcome, a dict that JSON can hold:
        "value": int, its exit status, or minus the number of the signal that ended it;
            127 or 126 if it could not be started
        "ran_ms": float, from the beginning to the end of its own process
        "late": bool, whether it was ended at the time-out
        "ended_with": "", "SIGTERM" or "SIGKILL", what was sent to end it
        "stdout", "stderr": str (see `octets.as_text`), the first and the last 16 KiB
        "stdout_bytes", "stderr_bytes": int
        "left": int, processes that it left behind, and that were ended; 0 without a trace
        "trace": str, what strace wrote, at most 4 MiB
        "untraced": "", or why there is no trace
        "missing": "", or why it could not be started
        "out_of_memory": bool, whether the kernel ended it, or one of its processes, for that
        "start_ns": int, when it began (CLOCK_REALTIME), 0 if it never did
    Raises: ImageError if there is no such image, and none can be pulled; LabError if a
    mount is not here; HostLost; EngineError.
    """
    program = wanted(lab, image, argv, env=env, mounts=mounts, rights=rights)
    untraced = why_untraced(lab, program) if trace else "it was not asked for"
    with (
        under_way(lab, stop or threading.Event()) as ending,
        placed(lab, host, program, feed=bool(stdin), traced=not untraced) as box,
    ):
        box.start(stdin)
        in_time = box.wait(timeout_s, ending)
        stopped = ending.is_set()
        ended_with = "" if in_time else box.end(0.0 if stopped else GRACE_S)
        return box.outcome(not in_time and not stopped, ended_with, untraced)


def wanted(
    lab: Lab, image: str, argv: Sequence[str], *, env: Mapping[str, str] | None = None,
    mounts: Sequence[Path] = (), rights: Sequence[str] = (),
) -> Program:  # fmt: skip
    """Return what to run. Raises: as `run_in_container`, before anything is made."""
    found = ensure_image(lab.engine, image)
    ours = image in {container["Image"] for container in lab.containers.values()}
    config = found.get("Config") or {}
    entrypoint = [] if ours else config.get("Entrypoint") or []
    command = [*entrypoint, *(argv or ([] if ours else config.get("Cmd") or []))]
    if not command:
        raise LabError(f"image '{image}' names no command, so one must be given: … -- COMMAND")
    absolute = [path.absolute() for path in mounts]
    for path in absolute:
        if not path.exists():
            raise LabError(f"--mount {path}: there is no such file or folder on this machine")
        if path == Path("/"):
            raise LabError("--mount /: that would hide the image; name a folder below it")
    return Program(found, command, dict(env or {}), absolute, rights)


def ensure_image(here: Engine, image: str) -> Mapping[str, Any]:
    """Return what the engine says of an image, after pulling it if it is not here.

    Raises: ImageError with what to do next.
    """
    from docker.errors import APIError, ImageNotFound  # noqa: PLC0415  # the SDK is slow to import

    try:
        with contextlib.suppress(ImageNotFound):
            return _inspected(here, image)
        shell.run([*shell.apart(), here.cli, "pull", "--quiet", image], timeout_s=PULL_S)
        return _inspected(here, image)
    except (APIError, CommandFailed) as failed:
        why = failed.stderr if isinstance(failed, CommandFailed) else failed.explanation
        last = (str(why).strip().splitlines() or ["no reason was given"])[-1]
        raise ImageError(
            f"there is no image '{image}' here, and it could not be pulled\n  {last}\n"
            f"  get it by hand: `docker pull {image}`\n"
            f"  or make it: `docker build -t {image} .`"
        ) from failed


def _inspected(here: Engine, image: str) -> Mapping[str, Any]:
    api: Any = here.client.api
    found: Mapping[str, Any] = api.inspect_image(image)
    return found


@contextlib.contextmanager
def under_way(lab: Lab, ending: threading.Event) -> Iterator[threading.Event]:
    """Have `lab.abort()` set an event as long as the block lasts."""
    lab.under_way.add(ending)
    try:
        yield ending
    finally:
        lab.under_way.discard(ending)


# --- the tracer -----------------------------------------------------------------------

# What was found out, by image and rights: "" or why nothing can be traced.
_untraced: dict[tuple[str, ...], str] = {}


def why_untraced(lab: Lab, program: Program) -> str:
    """Return why a program cannot be traced, "" if it can; it is tried, once for each image.

    What is tried is the tracer's own loader, so that a program that must run without
    the tracer has not begun before that is known.
    """
    key = (str(program.image["Id"]), *program.rights)
    if key not in _untraced:
        _untraced[key] = _other_processor(lab, program) or _try_tracer(lab, program)
    return _untraced[key]


def _other_processor(lab: Lab, program: Program) -> str:
    ours = _inspected(lab.engine, lab.containers[SERVER]["Image"])
    pair = str(program.image.get("Architecture", "")), str(ours["Architecture"])
    if not pair[0] or pair[0] == pair[1] or pair in _ALSO_RUNS:
        return ""
    return f"the image is for {pair[0]}, and the tracer for {pair[1]}"


def _try_tracer(lab: Lab, program: Program) -> str:
    tried = Program(program.image, [lent.LOADER, "--version"], rights=program.rights)
    try:
        with placed(lab, "", tried, feed=False, traced=True) as box:
            box.start(b"")
            if not box.wait(PROBED_WITHIN_S, threading.Event()):
                return f"the tracer did not end within {PROBED_WITHIN_S:g} s"
            return box.untraced()
    except EngineError as refused:
        return str(refused).splitlines()[-1].strip()


# --- a container ----------------------------------------------------------------------


@contextlib.contextmanager
def placed(lab: Lab, host: str, program: Program, *, feed: bool, traced: bool) -> Iterator[Box]:
    """Make a container, not started, that goes with the block, and with it all in it.

    Args: `host` is whose network it shares, "" for none; `feed` says whether it has a
    standard input that is not empty. Raises: EngineError.
    """
    api = lab.engine.client.api
    with (
        engine_errors(f"the engine refuses a container of {_name(program)}"),
        contextlib.ExitStack() as stack,
    ):
        box = Box(lab, host, str(_create(lab, host, program, feed, traced)["Id"]), traced)
        # Last first: what it prints ends when it is gone, and can be closed then.
        stack.callback(box.close)
        stack.callback(discard, api, box.number)
        if traced:
            tracer = lent.bundle(lab.engine, lab.containers[SERVER]["Image"], lab.name)
            api.put_archive(box.number, "/", tracer)
        yield box


def _name(program: Program) -> str:
    return str((program.image.get("RepoTags") or [program.image["Id"]])[0])


def _create(lab: Lab, host: str, program: Program, feed: bool, traced: bool) -> Any:
    from docker.types import LogConfig, Mount  # noqa: PLC0415  # the SDK is slow to import

    api = lab.engine.client.api
    network = f"container:{lab.containers[host]['Id']}" if host else "none"
    return api.create_container(
        program.image["Id"],
        entrypoint=lent.before(program.argv) if traced else list(program.argv),
        environment=dict(program.env),
        labels={LABEL: lab.name},
        stdin_open=feed,
        working_dir=_folder(program.mounts),
        # A check of the image's own would talk beside the program.
        healthcheck={"test": ["NONE"]},
        host_config=api.create_host_config(
            network_mode=network, init=True, pids_limit=MOST_PROCESSES, mem_limit=MOST_MEMORY,
            # What it prints is read as it comes, and is kept nowhere else.
            log_config=LogConfig(type="none"), security_opt=list(program.rights),
            mounts=[Mount(str(p), str(p), type="bind", read_only=True) for p in program.mounts],
        ),
    )  # fmt: skip


def _folder(mounts: Sequence[Path]) -> str | None:
    """Return the current folder as a mount has it, None if none has (the image's own then)."""
    here = Path.cwd()
    for mount in mounts:
        if here.is_relative_to(mount.resolve()):
            return str(mount / here.relative_to(mount.resolve()))
    return None


@contextlib.contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Make one EngineError of what the engine, or the way to it, may answer."""
    import requests  # noqa: PLC0415
    from docker.errors import APIError, DockerException  # noqa: PLC0415

    try:
        yield
    except APIError as refused:
        raise EngineError(f"{what}\n  {refused.explanation}") from refused
    except (DockerException, requests.RequestException) as failed:
        raise EngineError(f"{what}\n  {failed}") from failed


class Box:
    """A container that was made; what it prints is read all the time, so that it never waits."""

    def __init__(self, lab: Lab, host: str, number: str, traced: bool) -> None:
        """Take the container of a number (see `placed`)."""
        self.number, self.printed = number, {1: Ends(), 2: Ends()}
        self._lab, self._host, self._traced = lab, host, traced
        self._api = lab.engine.client.api
        self._refused, self._failure = "", ""
        self._ended = threading.Event()
        self._pipe: Any = None
        self._threads: list[threading.Thread] = []

    def start(self, stdin: bytes) -> None:
        """Start it. That it could not be started is in its outcome. Raises: HostLost."""
        from docker.errors import APIError  # noqa: PLC0415

        ways = {"stdout": 1, "stderr": 1, "stream": 1, **({"stdin": 1} if stdin else {})}
        self._pipe = self._api.attach_socket(self.number, params=ways)
        self._begin(self._read)
        try:
            self._api.start(self.number)
        except APIError as refused:
            self._check_host()
            self._refused = refused.explanation or str(refused)
            self._ended.set()
            return
        self._begin(self._await_end)
        if stdin:
            self._begin(self._feed, stdin)

    def _begin(self, work: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        self._threads[-1].start()

    def close(self) -> None:
        """Give back what it took, once the container is gone."""
        if self._pipe is None:
            return
        plain = getattr(self._pipe, "_sock", self._pipe)
        with contextlib.suppress(OSError):
            plain.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(SENT_WITHIN_S)
        self._pipe.close()
        plain.close()

    def _check_host(self) -> None:
        """See that it is not for the host that the container could not be started."""
        if self._host:
            number = self._lab.containers[self._host]["Id"]
            if not self._api.inspect_container(number)["State"]["Running"]:
                raise HostLost(f"{self._host}: its container was stopped; start anew: errnolab up")

    def _read(self) -> None:
        from docker.utils import socket as streams  # noqa: PLC0415

        frames: Any = streams.frames_iter
        with contextlib.suppress(OSError, ValueError, streams.SocketError):
            for stream, piece in frames(self._pipe, tty=False):
                self.printed[stream].add(piece)

    def _await_end(self) -> None:
        try:
            self._api.wait(self.number, timeout=None)
        except Exception as lost:  # Whoever waits for the end shows it.
            self._failure = str(lost)
        self._ended.set()

    def _feed(self, stdin: bytes) -> None:
        pipe = getattr(self._pipe, "_sock", self._pipe)
        # A program may read when it likes, or never.
        with contextlib.suppress(OSError):
            pipe.settimeout(None)
            pipe.sendall(stdin)
            pipe.shutdown(socket.SHUT_WR)

    def merge(self) -> None:
        """Keep both of its streams as one, in the order in which they come."""
        self.printed[2] = self.printed[1]

    def alive(self) -> bool:
        """Tell whether its program still runs."""
        return not self._ended.is_set()

    def how_it_ended(self) -> str:
        """Return how its program ended, "" if it still runs."""
        if self.alive():
            return ""
        if self._refused or self._failure:
            return self._refused or self._failure
        self._threads[0].join(SENT_WITHIN_S)
        state = self._api.inspect_container(self.number)["State"]
        return said_of_end(_value(state, Traced(), ""))

    def wait(self, within_s: float, ending: threading.Event) -> bool:
        """Wait until it ended; false if it did not in time, or is to be ended before."""
        deadline = time.monotonic() + within_s
        while not self._ended.wait(LOOK_EVERY_S):
            if ending.is_set() or time.monotonic() > deadline:
                return False
        return True

    def end(self, grace_s: float = GRACE_S) -> str:
        """End it, with SIGKILL if it does not heed SIGTERM; return the name of what ended it."""
        for name, within_s in (("SIGTERM", grace_s), ("SIGKILL", ENDED_WITHIN_S)):
            self._kill(name)
            if self._ended.wait(within_s):
                return name
        raise EngineError(f"the engine did not end container {self.number[:12]} with SIGKILL")

    def _kill(self, name: str) -> None:
        from docker.errors import APIError  # noqa: PLC0415

        try:
            self._api.kill(self.number, name)
        except APIError as refused:
            # It may have ended by itself meanwhile.
            if refused.status_code not in (404, 409, 500):
                raise

    def untraced(self) -> str:
        """Return why nothing was traced of what has ended, "" if something was."""
        outcome = self.outcome(False, "", "")
        return str(outcome["untraced"] or outcome["missing"])

    def outcome(self, late: bool, ended_with: str, untraced: str) -> dict[str, Any]:
        """Return what came of it, once it has ended (see `run_in_container`)."""
        if self._failure:
            raise EngineError(f"the engine lost container {self.number[:12]}\n  {self._failure}")
        if not self._refused:
            self._threads[0].join(SENT_WITHIN_S)
        state = self._api.inspect_container(self.number)["State"]
        traced = lent.read(self._api, self.number) if self._traced else Traced()
        said, missing, own = self._words(traced)
        if self._traced and not (traced.main or missing):
            untraced = said or f"the tracer ended with status {state['ExitCode']}"
        stdout = self.printed[1]
        return {
            "value": _status_without(missing) if missing else _value(state, traced, ended_with),
            "ran_ms": 0.0 if missing else _ran_ms(state, traced),
            "late": late, "ended_with": ended_with,
            "stdout": as_text(stdout.octets()), "stdout_bytes": stdout.count,
            "stderr": as_text(own), "stderr_bytes": self._stderr_bytes(own),
            "left": traced.left, "trace": traced.text, "untraced": untraced, "missing": missing,
            "out_of_memory": bool(state.get("OOMKilled")),
            "start_ns": 0 if missing else int(_began_s(state, traced) * 1e9),
        }  # fmt: skip

    def _words(self, traced: Traced) -> tuple[str, str, bytes]:
        """Return (what the tracer said, why the program is missing, what the program printed)."""
        printed = self.printed[2].octets()
        if self._refused:
            return "", self._refused, printed
        told = _NOT_STARTED.match(printed)
        if told and not traced.main:
            return "", told[1].decode("utf-8", "replace"), printed[told.end() :]
        if not self._traced:
            return "", "", printed
        said, rest = tracing.apart(printed.decode("utf-8", "surrogateescape"), lent.STRACE)
        missing = "" if traced.main else tracing.missing(said)
        return (said or [""])[-1], missing, rest.encode("utf-8", "surrogateescape")

    def _stderr_bytes(self, own: bytes) -> int:
        whole = self.printed[2]
        return whole.count - (len(whole.octets()) - len(own))


def said_of_end(value: int) -> str:
    """Return how a program ended: with a status, or by a signal, whose number is negative."""
    return f"it ended with status {value}" if value >= 0 else f"signal {-value} ended it"


def _status_without(missing: str) -> int:
    """Return what a shell's exit status would be for a command that could not be started."""
    found = re.search("permission denied|format error", missing, re.IGNORECASE)
    return 126 if found else 127


def _value(state: Mapping[str, Any], traced: Traced, ended_with: str) -> int:
    """Return the exit status, or minus the number of the signal that ended the program.

    The engine says 128 + n of both. SIGKILL is the one that no tracer sees come, so that
    only an end of its own tells that it did not.
    """
    status = int(state["ExitCode"])
    number = status - 128
    if number not in signal.valid_signals():
        return status
    if number == signal.SIGKILL or ended_with == "SIGKILL":
        return status if not ended_with and traced.exited_with(status) else -number
    name = signal.Signals(number).name if number in set(signal.Signals) else ""
    return status if name and traced.died_of(name) is False else -number


def _ran_ms(state: Mapping[str, Any], traced: Traced) -> float:
    """Return how long the program ran, from its execve(2) where the trace tells."""
    return max(0.0, (_seconds(state["FinishedAt"]) - _began_s(state, traced)) * 1e3)


def _began_s(state: Mapping[str, Any], traced: Traced) -> float:
    return traced.began_s or _seconds(state["StartedAt"])


def _seconds(text: str) -> float:
    """Return a time of the engine, "2026-11-28T17:05:43.213771141Z", in seconds since 1970."""
    whole, _, rest = text.rstrip("Z").partition(".")
    at = datetime.fromisoformat(f"{whole}+00:00").timestamp()
    return at + float(f"0.{rest or 0}")
