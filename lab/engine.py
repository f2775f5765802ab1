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
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import apt, console, shell
from lab.errors import CommandFailed, EngineError

if TYPE_CHECKING:
    import docker

OLDEST = {"Docker": (20, 10), "Podman": (4, 0)}
# Whether somebody listens is known at once, but for a host that drops what we send it.
CONNECT_S = 5.0
# While a disk is flushed or a clone runs, an engine that is well takes many seconds to answer.
ANSWER_S = 60.0
# A wait longer than this is shown.
QUIET_S = 2.0
START_S = 30.0
POLL_S = 0.2
LOG = Path("/var/log/errnolab-dockerd.log")
HOW_TO_GET = (
    "get one: `apt-get install docker.io` as root, or see your distribution's Docker or Podman\n"
    "  package; an engine elsewhere is named by DOCKER_HOST. Then: make doctor"
)
CONFLICT = 409  # RFC 9110 15.5.10


@dataclass(frozen=True)
class Engine:
    """An engine that answers and is new enough.

    `cli` is the path of the command for `exec -i`; it and Compose find this same
    engine, as its place is in our environment. `processor` is what its machine has, as
    Go names it: "amd64", "arm64"; "" where it does not say.
    """

    cli: str
    client: docker.DockerClient
    name: str
    version: str
    processor: str = ""


class _Unreachable(EngineError):
    """No engine is there for us: one may be started."""


class _Silent(EngineError):
    """One is there and takes its time: it must be left alone."""


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
    """Talk to the engine that is there (one short call).

    Raises: EngineError if there is none (at once), it takes our connection and
    does not answer within ANSWER_S, we may not use its socket, it is too old, or
    its command is missing.
    """
    return _checked(*_reach())


def ensure() -> Engine:
    """Talk to the engine, after installing and starting it where we may.

    One that is there and does not answer in time is never started again.
    Raises: EngineError as `connect`, or if it was started and does not answer.
    """
    if _ours_to_start() and not (shutil.which("docker") or shutil.which("podman")):
        _install()
    try:
        reached = _reach()
    except _Unreachable:
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


def _reach() -> tuple[dict[str, Any], dict[str, str]]:
    """Look as `_look` does, and show it when an engine is slow to answer."""
    with suppress(_Silent):
        return _look(QUIET_S)
    with console.step("Waiting for the engine to answer"):
        return _look(ANSWER_S)


def _look(answer_s: float) -> tuple[dict[str, Any], dict[str, str]]:
    """Find the first engine that answers.

    Returns: what it says of itself, and the environment that leads to it.
    Raises: _Silent if one takes the connection and does not answer within
    `answer_s`; _Unreachable, about the first place, if there is none anywhere.
    """
    from docker.errors import DockerException  # noqa: PLC0415 - slow, see the module's docstring
    from requests.exceptions import ReadTimeout  # noqa: PLC0415

    first: Exception | None = None
    for env in _places():
        try:
            return _about(env, answer_s), env
        except ReadTimeout as why:
            raise _silent(env, answer_s) from why
        except (DockerException, OSError, ValueError) as why:
            first = first or why
    assert first is not None
    raise _unreachable(first) from first


def _about(env: dict[str, str], answer_s: float) -> dict[str, Any]:
    """Ask the engine there what it is.

    Raises: requests' ReadTimeout if it takes the connection and is silent for
    `answer_s`; ValueError if the place is misspelt; DockerException or OSError for
    all else.
    """
    from docker.constants import DEFAULT_DOCKER_API_VERSION  # noqa: PLC0415
    from docker.errors import DockerException  # noqa: PLC0415

    with closing(_client(env, DEFAULT_DOCKER_API_VERSION)) as client:
        client.api.timeout = (CONNECT_S, answer_s)  # type: ignore[assignment] # requests takes both
        _knock(client)
        # No one version is spoken by Docker 20.10 and by 29; a path without one is.
        about = client.api.version(api_version=False)
    if "ApiVersion" not in about:
        raise DockerException("what answers is no container engine: it names no ApiVersion")
    return about


def _client(env: dict[str, str], api_version: str) -> docker.DockerClient:
    """Return a client that has not connected yet.

    Without a version the SDK would ask for it while it makes the client, and if
    that failed nobody could close the socket.
    """
    import docker  # noqa: PLC0415

    return docker.from_env(
        environment={**os.environ, **env}, version=api_version, use_ssh_client=True
    )


def _knock(client: docker.DockerClient) -> None:
    """Connect to a local engine and hang up, for the error of connect(2).

    The SDK does not close a local socket that could not be connected.
    """
    path = getattr(client.api.get_adapter(client.api.base_url), "socket_path", None)
    if path is not None:
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(CONNECT_S)
            knocking.connect(path)


def _place(env: dict[str, str]) -> str:
    return env.get("DOCKER_HOST") or _pointed() or "the usual socket"


def _silent(env: dict[str, str], answer_s: float) -> _Silent:
    return _Silent(
        f"the engine at {_place(env)} accepted the connection"
        f" and did not answer within {answer_s:g} s\n"
        f"  see why: `journalctl -u docker` or {LOG}\n"
        "  restart it: `sudo systemctl restart docker` (or `sudo service docker restart`)"
    )


def _unreachable(why: Exception) -> _Unreachable:
    """Say what is wrong and what to do, from the system's error underneath."""
    where = _place({})
    number = _errno(why)
    if number in (errno.EACCES, errno.EPERM):
        return _Unreachable(
            f"the container engine at {where} refuses this user (permission denied)\n"
            "  join its group: `sudo usermod -aG docker $USER`, then log in again; or use sudo"
        )
    if number == errno.ENOENT and not (shutil.which("docker") or shutil.which("podman")):
        return _Unreachable(f"no container engine found on this machine\n  {HOW_TO_GET}")
    return _Unreachable(
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


def _checked(about: dict[str, Any], env: dict[str, str]) -> Engine:
    """Refuse an engine that is too old or that has no command here."""
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
    client = _client(env, str(about["ApiVersion"]))
    return Engine(cli, client, name, version, str(about.get("Arch", "")))


def _numbers(version: str) -> tuple[int, ...]:
    """Return major and minor of "20.10.24+dfsg1"."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _start() -> tuple[dict[str, Any], dict[str, str]]:
    """Start the engine in the first way that makes it answer; return as `_look`."""
    console.say("No container engine answers here, and we are root: starting Docker's")
    with console.step("Starting the engine") as detail:
        _let_the_old_one_end()
        for argv in _ways():
            detail(argv[0])
            with suppress(CommandFailed):
                shell.run(argv, timeout_s=START_S)
                with suppress(_Unreachable):
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


def _await() -> tuple[dict[str, Any], dict[str, str]]:
    deadline = time.monotonic() + START_S
    while True:
        try:
            return _look(ANSWER_S)
        except _Unreachable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(POLL_S)


def _tail(log: Path, lines: int = 5) -> str:
    try:
        last = log.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        return ""
    return "\n".join(f"  {line}" for line in last)


def discard(api: Any, container: str) -> None:
    """Remove a container and its anonymous volumes; one that is gone, or going, is no error."""
    from docker.errors import APIError, NotFound  # noqa: PLC0415  # the SDK is slow to import

    try:
        api.remove_container(container, force=True, v=True)
    except NotFound:
        pass
    except APIError as refused:
        # Another command, or the engine itself, is at it.
        if refused.status_code != CONFLICT:
            raise
