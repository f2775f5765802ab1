"""Programs, run in this host."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence


def run(argv: Sequence[str], stdin: str = "", timeout_s: float = 20.0) -> tuple[int, str, str]:
    """Run a program; return (status, stdout, stderr), 127 if missing, 124 if late."""
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, errors="replace",
            timeout=timeout_s, check=False,
        )  # fmt: skip
    except FileNotFoundError as missing:
        return 127, "", str(missing)
    except subprocess.TimeoutExpired:
        return 124, "", f"no end after {timeout_s} s"
    return done.returncode, done.stdout, done.stderr


def start(argv: Sequence[str]) -> subprocess.Popen[str]:
    """Start a program whose output will be read, without waiting for it."""
    return subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.PIPE, text=True
    )
