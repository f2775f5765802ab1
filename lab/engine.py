"""The container engine: found, checked, and started where we may.

The engine is looked for where the `docker` command looks (DOCKER_HOST, the
current context, the usual socket), then at the sockets of a rootless Docker and
of Podman. The SDK takes 0.2 s to import, so only functions that need it do.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab import apt, console, shell
from lab.errors import CommandFailed, EngineError

if TYPE_CHECKING:
    import docker

OLDEST = {"Docker": (20, 10), "Podman": (4, 0)}
ANSWER_S = 5.0
START_S = 30.0
POLL_S = 0.2
LOG = Path("/var/log/errnolab-dockerd.log")
HOW_TO_GET = (
    "get one: `apt-get install docker.io` as root, or see your distribution's Docker or Podman\n"
    "  package; an engine elsewhere is named by DOCKER_HOST. Then: make doctor"
)


@dataclass(frozen=True)
class Engine:
    """An engine that answers and is new enough.

    `cli` is the path of the command for `exec -i`; it and Compose find this same
    engine, as its place is in our environment.
    """

    cli: str
    client: docker.DockerClient
    name: str
    version: str


@contextmanager
def patience(client: docker.DockerClient, seconds: float) -> Iterator[None]:
    """Wait no longer than `seconds` for any one answer of the engine within."""
    before = client.api.timeout
    client.api.timeout = int(seconds)
    try:
        yield
    finally:
        client.api.timeout = before


def connect() -> Engine:
    """Talk to the engine that is there (two short calls).

    Raises: EngineError if there is none, it does not answer within 5 s, we may
    not use its socket, it is too old, or its command is missing.
    """
    return _checked(*_reach())


def ensure() -> Engine:
    """Talk to the engine, after installing and starting it where we may.

    Raises: EngineError as `connect`, or if it was started and does not answer.
    """
    if _ours_to_start() and not (shutil.which("docker") or shutil.which("podman")):
        _install()
    try:
        reached = _reach()
    except EngineError:
        if not (_ours_to_start() and shutil.which("dockerd")):
            raise
        reached = _start()
    return _checked(*reached)


def _install() -> None:
    console.say("No container engine is installed here, and we are root: installing Docker's")
    try:
        apt.install("docker.io")
    except CommandFailed as failed:
        raise EngineError(f"no container engine, and installing one failed: {failed}") from failed


def _ours_to_start() -> bool:
    """Nobody pointed us at an engine of theirs, and this machine is ours to change."""
    return not _pointed() and apt.usable()


def _pointed() -> str:
    return os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT") or ""


def _places() -> Iterator[dict[str, str]]:
    """Yield what to add to the environment to look there; first, nothing."""
    yield {}
    if not _pointed():
        user = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.geteuid()}")
        for path in (
            f"{user}/docker.sock",
            f"{user}/podman/podman.sock",
            "/run/podman/podman.sock",
        ):
            if Path(path).is_socket():
                yield {"DOCKER_HOST": f"unix://{path}"}


def _reach() -> tuple[docker.DockerClient, dict[str, str]]:
    """Return the first engine that answers, and the environment that leads to it."""
    import docker  # noqa: PLC0415 - slow, see the module's docstring
    from docker.constants import DEFAULT_TIMEOUT_SECONDS  # noqa: PLC0415
    from docker.errors import DockerException  # noqa: PLC0415

    first: Exception | None = None
    for env in _places():
        try:
            client = docker.from_env(
                environment={**os.environ, **env}, timeout=int(ANSWER_S), use_ssh_client=True
            )
        except (DockerException, OSError) as why:
            first = first or why
        else:
            client.api.timeout = DEFAULT_TIMEOUT_SECONDS
            return client, env
    assert first is not None
    raise _unreachable(first) from first


def _unreachable(why: Exception) -> EngineError:
    """Say what is wrong and what to do, from the system's error underneath."""
    where = _pointed() or "the usual socket"
    number = _errno(why)
    if number in (errno.EACCES, errno.EPERM):
        return EngineError(
            f"the container engine at {where} refuses this user (permission denied)\n"
            "  join its group: `sudo usermod -aG docker $USER`, then log in again; or use sudo"
        )
    if number == errno.ENOENT and not (shutil.which("docker") or shutil.which("podman")):
        return EngineError(f"no container engine found on this machine\n  {HOW_TO_GET}")
    return EngineError(
        f"no container engine answers at {where}: {_innermost(why)}\n"
        f"  start it: `sudo systemctl start docker` (or `sudo service docker start`)\n"
        f"  {HOW_TO_GET}"
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _errno(why: Exception) -> int | None:
    numbers = [e.errno for e in _chain(why) if isinstance(e, OSError) and e.errno]
    return numbers[-1] if numbers else None


def _innermost(why: Exception) -> str:
    return str(list(_chain(why))[-1])


def _checked(client: docker.DockerClient, env: dict[str, str]) -> Engine:
    """Refuse an engine that is too old or that has no command here."""
    about = client.version()
    parts = [part["Name"] for part in about.get("Components", [])]
    name = "Podman" if any("Podman" in part for part in parts) else "Docker"
    version = str(about["Version"])
    if _numbers(version) < OLDEST[name]:
        wanted = ".".join(map(str, OLDEST[name]))
        raise EngineError(
            f"the engine is {name} {version}; wanted {wanted} or newer\n  {HOW_TO_GET}"
        )
    cli = shutil.which(name.lower()) or shutil.which("docker")
    if cli is None:
        raise EngineError(
            f"{name} {version} answers, but its command `{name.lower()}` is not on the PATH\n"
            "  get it: `apt-get install docker.io` (Podman: `podman`) as root"
        )
    # The command, and Compose, must find this same engine.
    os.environ.update(env)
    return Engine(cli=cli, client=client, name=name, version=version)


def _numbers(version: str) -> tuple[int, ...]:
    """Return major and minor of "20.10.24+dfsg1"."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _start() -> tuple[docker.DockerClient, dict[str, str]]:
    """Start the engine in the first way that makes it answer."""
    console.say("No container engine answers here, and we are root: starting Docker's")
    with console.step("Starting the engine") as detail:
        _let_the_old_one_end()
        for argv in _ways():
            detail(argv[0])
            with suppress(CommandFailed):
                shell.run(argv, timeout_s=START_S)
                with suppress(EngineError):
                    return _await()
    raise EngineError(
        f"the engine was started and did not answer within {START_S:.0f} s\n"
        f"  see why: `journalctl -u docker` or {LOG}\n" + _tail(LOG)
    )


def _let_the_old_one_end() -> None:
    """Wait while an engine that is going down still runs: a second one would give up at once."""
    deadline = time.monotonic() + START_S
    while _daemon_runs() and time.monotonic() < deadline:
        time.sleep(POLL_S)


def _daemon_runs() -> bool:
    for comm in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            if comm.read_text().strip() == "dockerd":
                return True
    return False


def _ways() -> Iterator[list[str]]:
    if Path("/run/systemd/system").is_dir():
        yield ["systemctl", "start", "docker"]
    if Path("/etc/init.d/docker").exists():
        yield ["service", "docker", "start"]
    # In a session of its own, or Ctrl-C here would end the engine too.
    yield ["sh", "-c", 'setsid dockerd >"$0" 2>&1 </dev/null &', str(LOG)]


def _await() -> tuple[docker.DockerClient, dict[str, str]]:
    deadline = time.monotonic() + START_S
    while True:
        try:
            return _reach()
        except EngineError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(POLL_S)


def _tail(log: Path, lines: int = 5) -> str:
    try:
        last = log.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        return ""
    return "\n".join(f"  {line}" for line in last)
