"""Destinations by name inside texts: "{server}" is the server's address in the run's family."""

from __future__ import annotations

import re
from typing import Any

from lab.topology import ADDRESSES, Block, Family

# {server}; {server:url} is in brackets over IPv6; {server:ipv4} is of that family.
IN_BRACES = re.compile(r"\{([a-z_]+)(:url|:ipv4|:ipv6)?\}")


def placed(thing: Any, family: Family, block: Block) -> Any:
    """Return a text, or what holds texts, with addresses in place of names in braces."""
    if isinstance(thing, str):
        return IN_BRACES.sub(lambda match: _address(match, family, block), thing)
    if isinstance(thing, (list, tuple)):
        return [placed(item, family, block) for item in thing]
    if isinstance(thing, dict):
        return {key: placed(value, family, block) for key, value in thing.items()}
    return thing


def _address(match: re.Match[str], family: Family, block: Block) -> str:
    name, form = match[1], match[2]
    if name not in ADDRESSES:
        return match[0]  # braces of the program's own
    if form == ":ipv4":
        return block.address(name, "ipv4")
    if form == ":ipv6":
        return block.address(name, "ipv6")
    address = block.address(name, family)
    return f"[{address}]" if form == ":url" and family == "ipv6" else address
