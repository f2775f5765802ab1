"""The bystander: it echoes beside a fault, and should notice nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence

from lab.inside.libc import ERRNO_NAMES

Target = tuple[str, str, int]  # protocol, address, port

TEXT = b"errnolab"
_running: list[Bystander] = []


class Bystander(threading.Thread):
    """Echoes without a pause longer than `period_s` until stopped; keeps what failed."""

    def __init__(self, targets: Sequence[Target], period_s: float) -> None:
        """Prepare; `start` begins."""
        super().__init__(daemon=True)
        self.targets, self.period_s = targets, period_s
        self.rounds = 0
        self.failed: list[str] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        """Echo until told to stop, and once more after that."""
        last = False
        while not last:
            last = self.stopping.is_set()
            self.failed += [trouble for target in self.targets if (trouble := echo(*target))]
            self.rounds += 1
            self.stopping.wait(self.period_s)


def bystander_start(targets: Sequence[Target], period_s: float) -> None:
    """Echo to (protocol, address, port) targets in the background."""
    bystander = Bystander(targets, period_s)
    _running.append(bystander)
    bystander.start()


def bystander_stop() -> tuple[int, list[str]]:
    """Do one more round; return (rounds, failures)."""
    bystander = _running.pop()
    bystander.stopping.set()
    bystander.join()
    return bystander.rounds, bystander.failed


def echo(proto: str, address: str, port: int, timeout_s: float = 2.0) -> str:
    """Exchange one short text with the echo service; return "" or what went wrong."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_DGRAM if proto == "udp" else socket.SOCK_STREAM
    call, got = "socket", b""
    try:
        with socket.socket(family, kind) as sock:
            sock.settimeout(timeout_s)
            call = "connect"
            sock.connect((address, port))
            call = "send"
            sock.sendall(TEXT)
            if proto == "tcp":
                sock.shutdown(socket.SHUT_WR)
            call = "recv"
            while got != TEXT:
                piece = sock.recv(64)
                if not piece:
                    return f"{proto} {address}:{port}: wanted {TEXT!r} back, got {got!r}"
                got += piece
    except OSError as error:
        name = ERRNO_NAMES.get(error.errno or 0, "no answer in time")
        return f"{proto} {address}:{port}: {call}: {name}"
    return ""
