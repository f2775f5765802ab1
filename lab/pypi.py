"""Packages of PyPI for an image, fetched on this machine.

A container that an image is built in has neither pip nor what the machine may need to
reach PyPI: a mirror, a proxy, a certificate.
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from lab import shell

# Of the hosts: what Debian's bookworm runs.
PYTHON = "3.11"
MANYLINUX = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")


def fetch(requirements: Path, folder: Path, on_line: Callable[[str], None] | None = None) -> None:
    """Put the packages of a requirements file, with their hashes, into a folder.

    Raises: CommandFailed with what the installer said.
    """
    shell.run(
        [*_installer(), "--target", str(folder), "--python-version", PYTHON, "--only-binary",
         ":all:", "--no-deps", "--require-hashes", "--requirement", str(requirements)],
        on_line=on_line,
    )  # fmt: skip


def _installer() -> list[str]:
    """Return uv where it is, since an environment that it made has no pip; else pip."""
    machine = platform.machine()
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python-platform", f"{machine}-{MANYLINUX[0]}"]
    platforms = [word for name in MANYLINUX for word in ("--platform", f"{name}_{machine}")]
    return [sys.executable, "-m", "pip", "--disable-pip-version-check", "install",
            "--no-compile", "--root-user-action=ignore", *platforms]  # fmt: skip
