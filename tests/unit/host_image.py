"""The programs of the hosts' image, as modules; to import one does nothing."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

HOST_IMAGE = Path(__file__).parents[2] / "images" / "host"


def load(name: str) -> ModuleType:
    """Return a program, or what programs share; each finds the others beside itself."""
    if sys.path[0] != str(HOST_IMAGE):
        # First: the tests' own folder, which pytest puts there for each file, has a `packets` too.
        sys.path.insert(0, str(HOST_IMAGE))
    return importlib.import_module(name)
