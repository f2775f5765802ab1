"""Sysctls of a running host, which the host itself may not write.

/proc/sys is read-only in a container. A helper container joins the host's network
namespace for a moment, without that lock and with NET_ADMIN alone, and writes them.
It carries the lab's label, so that one that was left behind goes with the lab.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab import shell
from lab.engine import Engine
from lab.topology import LABEL

WITHIN_S = 30.0


def write(here: Engine, container: Mapping[str, Any], values: Mapping[str, str]) -> None:
    """Write sysctls by dotted name in a container's network namespace.

    Raises: CommandFailed if the engine or the kernel does not let us.
    """
    open_proc = "unmask=ALL" if here.name == "Podman" else "systempaths=unconfined"
    settings = [f"{name}={value}" for name, value in values.items()]
    shell.run(
        [*shell.apart(), here.cli, "run", "--rm", "--network", f"container:{container['Id']}",
         "--label", f"{LABEL}={container['Labels'][LABEL]}",
         "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--security-opt", open_proc,
         "--entrypoint", "sysctl", str(container["Image"]), "-q", "-w", *settings],
        timeout_s=WITHIN_S,
    )  # fmt: skip
