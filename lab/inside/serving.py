"""A service of the user's in this host, and what listens here.

A process of its own keeps the service: it starts it, reads what it prints, and becomes
the parent of whatever the service leaves behind. It ends them all when it is told to, or
when the agent ends, however that comes about.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from lab.inside.caller import close_all_but
from lab.inside.calls.descriptors import end_with_parent
from lab.inside.descendants import become_subreaper, end_descendants
from lab.inside.octets import Ends, as_text
from lab.inside.state import LISTEN

# How often the keeper looks whether a process has ended, and how long one may take to.
LOOK_EVERY_S, GRACE_S = 0.02, 2.0
# The state of a UDP socket that is not connected, in /proc/net/udp.
UNCONNECTED = "07"

_keepers: list[Keeper] = []


def listening() -> list[tuple[str, str, int]]:
    """Return (protocol, address, port) of each socket here that takes what anybody sends."""
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        wanted = LISTEN if table.startswith("tcp") else UNCONNECTED
        with contextlib.suppress(FileNotFoundError):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                local, state = line.split()[1], line.split()[3]
                address, _, port = local.partition(":")
                if state == wanted and int(port, 16):
                    found.add((table[:3], _address(address), int(port, 16)))
    return sorted(found)


def _address(text: str) -> str:
    """Return an address that the kernel wrote as numbers in this machine's order of bytes."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words))


# --- the agent's end --------------------------------------------------------------------


class Keeper:
    """The agent's end of the process that keeps a service."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Fork it; it starts the service."""
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            _keep(theirs, argv, env)
        theirs.close()
        self._pipe, self._lines = ours, ours.makefile("r")
        self._one_at_a_time = threading.Lock()
        self.failed = str(json.loads(self._lines.readline() or '"its keeper ended"'))

    def look(self) -> dict[str, Any]:
        """Return what has become of the service (see `server_look`)."""
        with self._one_at_a_time:
            self._pipe.sendall(b"look\n")
            seen: dict[str, Any] = json.loads(self._lines.readline())
        return seen

    def close(self) -> None:
        """End the service, and every process of it, and wait until they are gone."""
        self._pipe.close()
        self._lines.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def server_start(argv: Sequence[str], env: Mapping[str, str]) -> str:
    """Start a service, whose environment is this host's and `env`; return "" or why it cannot."""
    keeper = Keeper(argv, env)
    if keeper.failed:
        keeper.close()
    else:
        _keepers.append(keeper)
    return keeper.failed


def server_look() -> dict[str, Any]:
    """Return what has become of the service.

    "alive": bool, whether a process of it is there; "value": its own exit status, or minus
    the number of a signal, None while it runs; "printed": see `octets.as_text`.
    """
    return _keepers[-1].look()


def server_stop() -> None:
    """End the service, with every process of it."""
    while _keepers:
        _keepers.pop().close()


# --- the keeper -------------------------------------------------------------------------


def _keep(pipe: socket.socket, argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Keep a service until the pipe closes. Runs in the child."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.setsid()
        close_all_but(pipe.fileno())
        become_subreaper()
        _Service(pipe, argv, env).keep()
        status = 0
    finally:
        os._exit(status)


class _Service:
    """The service, as its keeper knows it."""

    def __init__(self, pipe: socket.socket, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self.pipe, self.printed = pipe, Ends()
        self.value: int | None = None
        self.none_left = False
        failed = ""
        try:
            self.pid = self._start(argv, {**os.environ, **env})
        except OSError as error:
            failed = f"{argv[0]}: {error.strerror}"
            self.none_left = True
        self._say(failed)

    def _start(self, argv: Sequence[str], env: Mapping[str, str]) -> int:
        process = subprocess.Popen(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, preexec_fn=partial(_as_a_service, os.getpid()),  # noqa: PLW1509 # it has one thread
        )  # fmt: skip
        assert process.stdout is not None
        # Nobody else waits for it: the keeper reaps all its children by itself.
        threading.Thread(target=self._read, args=[process.stdout.fileno()], daemon=True).start()
        self.process = process
        return process.pid

    def _read(self, number: int) -> None:
        with contextlib.suppress(OSError):
            while piece := os.read(number, 1 << 16):
                self.printed.add(piece)

    def _say(self, what: Any) -> None:
        self.pipe.sendall(json.dumps(what).encode() + b"\n")

    def keep(self) -> None:
        """Answer until the pipe closes; then end every process."""
        with contextlib.suppress(OSError):
            while True:
                asked = select.select([self.pipe], [], [], LOOK_EVERY_S)[0]
                if asked and not self.pipe.recv(64):
                    break
                self._reap()
                if asked:
                    self._say({"alive": not self.none_left, "value": self.value,
                               "printed": as_text(self.printed.octets())})  # fmt: skip
        self._end()

    def _reap(self) -> None:
        """Take note of the processes that have ended."""
        while not self.none_left:
            try:
                number, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.none_left = True
                return
            if number == 0:
                return
            if number == self.pid:
                self.value = self.process.returncode = os.waitstatus_to_exitcode(status)

    def _end(self) -> None:
        """End every process: its own may say goodbye, for a while, and no more."""
        self._reap()
        if self.value is None and not self.none_left:
            os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while not self.none_left:
            if self.value is not None or time.monotonic() > deadline:
                end_descendants()
            time.sleep(LOOK_EVERY_S)
            self._reap()


def _as_a_service(keeper: int) -> None:
    """Make a child what a shell's is, in a session of its own; but it ends with its keeper."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    end_with_parent(keeper)
