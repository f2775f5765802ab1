"""The one function that runs a program on this machine (unit tests replace it)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence

from lab.errors import CommandFailed


def apart() -> list[str]:
    """Return what to put before a command so that a terminal's Ctrl-C does not reach it.

    The terminal interrupts its whole foreground process group; faults must be taken
    out after that, over what the command keeps open. Nothing, where there is no setsid(1).
    """
    setsid = shutil.which("setsid")
    return [setsid] if setsid else []


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    on_line: Callable[[str], None] | None = None,
    pass_fds: Sequence[int] = (),
) -> str:
    """Run a program and return its standard output.

    Args: `env` is added to this process's environment; `on_line` is told each
    line of standard output and error (which are then one stream) as it comes;
    `timeout_s` and `pass_fds` are for a program without `on_line`.
    Raises: CommandFailed if the program is missing, ends with a status other
    than 0, or does not end within `timeout_s` (status 124).
    """
    full_env = {**os.environ, **(env or {})}
    try:
        if on_line is None:
            done = subprocess.run(
                argv, env=full_env, timeout=timeout_s, capture_output=True, text=True,
                errors="replace", stdin=subprocess.DEVNULL, check=False, pass_fds=pass_fds,
            )  # fmt: skip
            status, stdout, stderr = done.returncode, done.stdout, done.stderr
        else:
            status, stdout = _stream(argv, full_env, on_line)
            stderr = ""
    except FileNotFoundError as missing:
        raise CommandFailed("here", argv, 127, stderr=str(missing)) from missing
    except subprocess.TimeoutExpired as late:
        raise CommandFailed("here", argv, 124, stderr=f"no end after {timeout_s} s") from late
    if status != 0:
        raise CommandFailed("here", argv, status, stdout, stderr)
    return stdout


def _stream(
    argv: Sequence[str], env: Mapping[str, str], on_line: Callable[[str], None]
) -> tuple[int, str]:
    lines: list[str] = []
    with subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, text=True, errors="replace",
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            on_line(line.rstrip())
    return process.returncode, "".join(lines)
