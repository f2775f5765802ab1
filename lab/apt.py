"""Debian's own packages, installed on this machine where we are allowed to."""

from __future__ import annotations

import os
import platform
import shutil

from lab import console, shell


def usable() -> bool:
    """Say whether we may install packages here: root on Debian or Ubuntu."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    try:
        about = platform.freedesktop_os_release()
    except OSError:
        return False
    family = {about["ID"], *about.get("ID_LIKE", "").split()}
    return bool(family & {"debian", "ubuntu"})


def install(*packages: str) -> None:
    """Install packages, and say so.

    Raises: CommandFailed with what apt-get printed.
    """
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with console.step(f"Installing {', '.join(packages)} on this machine with apt-get"):
        # A fresh machine has no package lists, and old lists name packages that are gone.
        shell.run(["apt-get", "update", "-q"], env=quiet)
        shell.run(["apt-get", "install", "-q", "-y", *packages], env=quiet)
