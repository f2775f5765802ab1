"""What `make bench` says of the Windows host."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.lab import Lab
from lab.windows_bench import _memory_mb


@pytest.mark.parametrize(
    "stats",
    [
        {"inactive_file": 6e6, "active_file": 18e6, "total_inactive_file": 6e6},  # cgroup v1
        {"inactive_file": 6e6, "active_file": 18e6},
    ],
)
def test_what_the_kernel_keeps_of_files_is_not_the_hosts_memory(stats: dict[str, float]) -> None:
    def told(container: str, *, stream: bool) -> dict[str, Any]:
        assert (container, stream) == ("7", False)
        return {"memory_stats": {"usage": 54e6, "stats": stats}}

    client = SimpleNamespace(api=SimpleNamespace(stats=told))
    lab = SimpleNamespace(
        engine=SimpleNamespace(client=client), containers={"windows": {"Id": "7"}}
    )
    assert _memory_mb(cast("Lab", lab)) == 30.0
