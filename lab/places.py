"""Where the files are that are no Python: in the checkout, or in the installed package."""

from __future__ import annotations

import os
from pathlib import Path

_ABOVE = Path(__file__).resolve().parent.parent
# The folder of the checkout that this package stands in; None where it is installed.
CHECKOUT = _ABOVE if (_ABOVE / "docker-compose.yml").is_file() else None
# docker-compose.yml, images/ and scenarios/; pyproject.toml puts them into the wheel.
SHIPPED = CHECKOUT or Path(__file__).with_name("shipped")
# Evidence goes to the checkout, or to where the command was given.
RUNS = Path(os.environ.get("ERRNOLAB_RUNS") or (CHECKOUT or Path.cwd()) / "runs")
# Where pages are written that are made from the code; an installed package has none.
DOCS = (CHECKOUT or Path.cwd()) / "docs"
