"""What the Windows host costs: its image, its memory, a client's run, eight at once."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from lab import images
from lab.figures import Figure
from lab.lab import Lab

IMAGE_MB, MEMORY_MB, RUN_MS = 250.0, 64.0, 150.0
ROUNDS, AT_ONCE = 9, 8
# A start that waits for what never comes waits five minutes (Wine's own event).
HANG_MS = 60_000.0
CLIENT = ("errnolab-exe", "errnolab-client.exe", "server", "hi")


def measure(lab: Lab) -> Iterator[Figure]:
    """Measure a lab to which the host `windows` was invited."""
    image: Any = lab.engine.client.images.get(images.guest_tag("windows"))
    yield Figure("windows: image", image.attrs["Size"] / 1e6, "250 MB", IMAGE_MB, 1.0, "MB")
    one_ms = statistics.median(_run_ms(lab) for _ in range(ROUNDS))
    yield Figure("windows: a warm client", one_ms, "150 ms", RUN_MS, 1.0)
    all_ms = _at_once_ms(lab)
    yield Figure(
        f"windows: {AT_ONCE} at once", all_ms, "one after the other", AT_ONCE * one_ms, 1.5
    )
    yield Figure("windows: memory", _memory_mb(lab), "64 MB", MEMORY_MB, 1.0, "MB")


def _run_ms(lab: Lab) -> float:
    """Return how long a client takes over the host's channel, from its start to its end."""
    begun = time.perf_counter()
    if lab.hosts["windows"].run(*CLIENT) != "abc":
        raise AssertionError("the client printed something else than the server's reply")
    return (time.perf_counter() - begun) * 1e3


def _at_once_ms(lab: Lab) -> float:
    """Return how long clients take that are started together, until the last has ended."""
    argv = [lab.engine.cli, "exec", str(lab.containers["windows"]["Id"]), "sh", "-c",
            f"for n in $(seq {AT_ONCE}); do {' '.join(CLIENT)} & done; wait"]  # fmt: skip
    begun = time.perf_counter()
    ran = subprocess.run(argv, capture_output=True, timeout=HANG_MS / 1e3, check=True)
    if ran.stdout != b"abc" * AT_ONCE:
        raise AssertionError(f"{AT_ONCE} clients printed {ran.stdout!r}")
    return (time.perf_counter() - begun) * 1e3


def _memory_mb(lab: Lab) -> float:
    """Return what the host's processes hold, without what the kernel keeps of files."""
    api: Any = lab.engine.client.api
    used = api.stats(lab.containers["windows"]["Id"], stream=False)["memory_stats"]
    # Those read once, and those read again: the more programs ran, the more are the latter.
    files = sum(used["stats"].get(kind, 0) for kind in ("inactive_file", "active_file"))
    return float(used["usage"] - files) / 1e6
