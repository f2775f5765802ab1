"""The shipped files are found in the checkout, or in the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab import places

FILES = ("docker-compose.yml", "images", "scenarios")


def test_in_a_checkout_the_files_are_those_of_the_checkout() -> None:
    assert Path(__file__).parents[2] == places.CHECKOUT == places.SHIPPED
    assert all((places.SHIPPED / name).exists() for name in FILES)


def test_installed_they_are_in_the_package_and_runs_go_to_where_one_is(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "lab"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    source = Path(places.__file__).read_text(encoding="utf-8")
    (package / "places.py").write_text(source, encoding="utf-8")
    here = tmp_path / "project"
    here.mkdir()
    program = "from lab import places; print(places.SHIPPED, places.RUNS, places.CHECKOUT)"
    said = subprocess.run(
        [sys.executable, "-Sc", program], cwd=here, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(package.parent)},
    ).stdout  # fmt: skip
    assert said.split() == [str(package / "shipped"), str(here / "runs"), "None"]
