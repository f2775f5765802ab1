"""Makes the calls of words in this process, all to this host itself."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import accept, bind, connect, getsockname, listen
from lab.calls import Call
from lab.inside import calls
from lab.inside.caller import Caller
from lab.topology import Block, Family

ON = "client"
Answer = dict[str, Any]
PATIENCE_S = 10.0


class Maker:
    """Makes the calls of words, all to this host itself."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.sockets = calls.Sockets()

    def step(self, call: Call, **changes: Any) -> dict[str, Any]:
        call = call.at(self.family, Block(0))
        address = Block(0).address(call.to, self.family) if call.to else ""
        return {**call.step(self.family, address), **changes}

    def __call__(self, call: Call, **changes: Any) -> Answer:
        """Make a call in this process."""
        return calls.make(self.sockets, **self.step(call, **changes))

    def port(self, name: str) -> int:
        """Return the port that a socket is bound to."""
        return int(self(getsockname(on=ON, socket=name))["detail"].rsplit(":", 1)[1])

    def closed_port(self) -> int:
        """Return a TCP port that nobody listens on, and nobody else gets meanwhile."""
        self(bind(on=ON, to="loopback", socket="closed"))
        return self.port("closed")

    def listening(self, backlog: int = 128) -> int:
        """Listen on a socket "l"; return its port."""
        self(bind(on=ON, to="loopback", socket="l"))
        assert self(listen(on=ON, backlog=backlog, socket="l"))["value"] == 0
        return self.port("l")

    def connected(self) -> int:
        """Connect "s" to "c", accepted; return the port."""
        port = self.listening()
        assert self(connect(on=ON, to="loopback", port=port))["value"] == 0
        assert self(accept(on=ON, socket="l", new="c"))["value"] >= 0
        return port


def failed(answer: Answer) -> str:
    """Return the name of the errno that a call failed with, "" if it did not."""
    assert (answer["value"] == -1) is bool(answer["errno"])
    return errno.errorcode[answer["errno"]] if answer["errno"] else ""


def ask(caller: Caller, maker: Maker, call: Call, **changes: Any) -> Answer:
    """Have the caller make a call."""
    return caller.call(maker.step(call, **changes), PATIENCE_S)


def later(after_s: float, do: Any) -> threading.Timer:
    """Do something after a while, beside the test."""
    timer = threading.Timer(after_s, do)
    timer.start()
    return timer


def until(there: Callable[[], bool]) -> bool:
    """Wait for a condition; tell whether it came."""
    deadline = time.monotonic() + PATIENCE_S
    while not there() and time.monotonic() < deadline:
        time.sleep(0.005)
    return there()


def alive(pid: int) -> bool:
    """Tell whether a process is there and more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
