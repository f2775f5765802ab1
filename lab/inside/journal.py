"""Faults: made and undone here, and noted first, so that none outlives its run for good."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lab.inside.programs import run
from lab.inside.state import RUN

JOURNAL = RUN / "faults"


def fault_in(
    name: str, entry: dict[str, Any], commands: Sequence[Sequence[str]]
) -> dict[str, Any] | None:
    """Note how to undo a fault, then make it; return the command that failed, or None.

    Args: `entry` is a dict with at least "undo", a list of argvs.
    """
    JOURNAL.mkdir(parents=True, exist_ok=True)
    aside = RUN / f".{name}"
    aside.write_text(json.dumps(entry))
    aside.replace(JOURNAL / name)
    for argv in commands:
        failure = _try(argv)
        if failure:
            return failure
    return None


def fault_out(name: str) -> list[dict[str, Any]]:
    """Undo a fault, last step first and on past errors; return what failed."""
    path = JOURNAL / name
    if not path.exists():
        return []
    undo = json.loads(path.read_text())["undo"]
    failed = [failure for argv in reversed(undo) if (failure := _try(argv))]
    path.unlink()
    return failed


def faults() -> dict[str, Any]:
    """Return the faults in force in this host: name to journal entry."""
    if not JOURNAL.is_dir():
        return {}
    return {path.name: json.loads(path.read_text()) for path in JOURNAL.iterdir()}


def _try(argv: Sequence[str]) -> dict[str, Any] | None:
    status, stdout, stderr = run(argv)
    if status == 0:
        return None
    return {"argv": list(argv), "status": status, "stdout": stdout, "stderr": stderr}
