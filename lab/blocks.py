"""The blocks of a test that failed: its section in the report, and the folder of evidence."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import evidence
from lab.seen import Seen
from lab.wire import write_pcap

SCHEMA = 1
# A folder's name longer than this is cut, and told apart by a hash.
LONGEST = 120
# What grows with every packet says nothing in a report; nor does the bystander's own traffic.
COMMON = {"ForwDatagrams", "InDelivers", "InNoECTPkts", "InOctets", "InReceives",
          "OutForwDatagrams", "OutOctets", "OutRequests", "OutTransmits"}  # fmt: skip


def folder_of(stamp: str, test: str) -> Path:
    """Return where a test's evidence goes: runs/pytest/<stamp>/<test id>/."""
    name = re.sub(r"[^\w.\[\]-]+", "_", test)
    if len(name) > LONGEST:
        name = f"{name[:LONGEST]}-{hashlib.sha256(test.encode()).hexdigest()[:8]}"
    return evidence.RUNS / "pytest" / stamp / name


def section(blocks: Sequence[Seen], folder: Path) -> str:
    """Return what a report says of a test's blocks: ladder, hits, counters that moved, folder."""
    parts = [_told(seen) for seen in blocks if seen.sight is not None]
    return "\n".join([*parts, f"evidence: {evidence.shown(folder)}"])


def _told(seen: Seen) -> str:
    lines = [f"{seen.title}: {seen.elapsed_ms:.0f} ms"]
    for fault in seen.faults:
        hits = "nothing counts its hits" if fault.hits is None else f"hit {_times(fault.hits)}"
        lines.append(f"  {fault.kind} on {fault.host} ({fault.family}, {fault.mechanism}): {hits}")
    for host, grown in seen.moved().items():
        told = [f"{name} {number:+}" for name, number in grown.items()
                if name.partition(".")[2] not in COMMON]  # fmt: skip
        if told and host != "bystander":
            lines.append(f"  {host}: {', '.join(told)}")
    if seen.bystander != "ok":
        lines.append(f"  bystander: {seen.bystander}")
    lines += [f"  {trouble}" for trouble in seen.troubles]
    return "\n".join(lines) + "\n" + seen.ladder


def _times(number: int) -> str:
    return f"{number} time{'s' if number != 1 else ''}"


def write(folder: Path, test: str, blocks: Sequence[Seen]) -> None:
    """Write the evidence of a test: result.json, ladder.txt, and a pcap for each vantage.

    Of several blocks the n-th has "n-" before the names of its pcaps.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seen = [one for one in blocks if one.sight is not None]
    documents = []
    for number, one in enumerate(seen, 1):
        assert one.sight is not None
        prefix = f"{number}-" if seen[1:] else ""
        pcaps = {at: f"{prefix}{at}.pcap" for at in one.sight.raw}
        for at, name in pcaps.items():
            write_pcap(folder / name, one.sight.raw[at])
        documents.append({**document(one), "pcaps": pcaps})
    ladders = "\n".join(f"# {one.title}\n{one.ladder}" for one in seen)
    (folder / "ladder.txt").write_text(ladders, encoding="utf-8")
    whole = {"schema": SCHEMA, "test": test, "blocks": documents}
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    (folder / "result.json").write_text(text + "\n", encoding="utf-8")


def document(seen: Seen) -> dict[str, Any]:
    """Return a block in the shape of result.json (docs/pytest.md)."""
    return {
        "title": seen.title, "elapsed_ms": round(seen.elapsed_ms, 3), "hits": seen.hits,
        "faults": [{"kind": f.kind, "host": f.host, "to": f.to, "family": f.family,
                    "mechanism": f.mechanism, "commands": f.commands, "hits": f.hits}
                   for f in seen.faults],
        "wire": [{"at": p.at, "t_ms": round(seen.t_ms(p), 3), "src": p.src, "dst": p.dst,
                  "proto": p.proto, "flags": p.flags, "summary": p.summary}
                 for p in seen.packets],
        "counters": seen.moved(), "bystander": seen.bystander, "troubles": seen.troubles,
    }  # fmt: skip
