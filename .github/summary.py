"""Print JUnit files as Markdown: a line of counts for each, and what did not pass."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def summary(path: Path) -> list[str]:
    """Return the lines for one JUnit file."""
    cases = list(ET.parse(path).iter("testcase"))
    skipped = sum(case.find("skipped") is not None for case in cases)
    bad = {
        str(case.get("name")): why.get("message") or "no message"
        for case in cases
        for why in (*case.findall("failure"), *case.findall("error"))
    }
    passed = len(cases) - len(bad) - skipped
    lines = [f"**{path.name}**: {passed} passed, {len(bad)} failed, {skipped} skipped", ""]
    return lines + [f"- `{name}`: {said.splitlines()[0]}" for name, said in bad.items()] + [""]


def main() -> None:
    """Print a summary of the files that are named and exist."""
    paths = [path for path in map(Path, sys.argv[1:]) if path.is_file()]
    print("\n".join(line for path in paths for line in summary(path)) or "No test ran.")


if __name__ == "__main__":
    main()
