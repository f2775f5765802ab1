"""A program of the user's: what is run, where, with what it is told, and how it ended."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.calls import Call
from lab.inside.octets import as_octets

# What a program says with its exit status that a scenario does not apply to it, as in
# quic-interop-runner.
DOES_NOT_APPLY = 127
# What every program has in its environment; of an image's own, nothing is changed.
IN_A_HOST = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
             "HOME": "/tmp", "LANG": "C.UTF-8"}  # fmt: skip
# The variables that tell a program where to go; {NAME} in a word of the command is its value.
TOLD = ("SERVER", "SERVER4", "SERVER6", "PORT", "URL")


@dataclass(frozen=True)
class Program:
    """What is run: a command in a host, or in a container that shares that host's network.

    `image` is the container's; with `mounts` and none, it is the hosts' own. `env` is
    added to what every program is told, `stdin` is what it can read. `starter` is what
    starts it there, before its own words.
    """

    argv: tuple[str, ...]
    host: str = "client"
    image: str = ""
    mounts: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    timeout_s: float = 10.0
    trace: bool = True
    starter: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return what it is called: its first word, or its image where that says what runs."""
        return (*self.argv, self.image)[0]

    @property
    def contained(self) -> bool:
        """Tell whether it runs in a container of its own."""
        return bool(self.image or self.mounts)

    def call(self, told: Mapping[str, str]) -> Call:
        """Return the call that runs it, told where to go."""
        argv = [*self.starter, *(_filled(word, told) for word in self.argv)]
        arguments: dict[str, Any] = {
            "argv": argv, "env": {**told, **self.env}, "timeout_s": self.timeout_s,
            "trace": self.trace,
            **({"stdin": self.stdin} if self.stdin else {}),
        }  # fmt: skip
        if self.contained:
            arguments |= {"image": self.image, "mounts": [str(path) for path in self.mounts]}
            return Call(self.host, "contain", arguments, socket="")
        arguments["env"] = {**IN_A_HOST, **arguments["env"]}
        return Call(self.host, "supervise", arguments, socket="")


def told(name: str, role: str, port: int, web_port: int) -> dict[str, str]:
    """Return what tells a program where to go: a name, its role's addresses, a port, a URL.

    Addresses stand there in braces; the run of the case puts them in (`calls.places`).
    """
    return {"SERVER": name, "SERVER4": f"{{{role}:ipv4}}", "SERVER6": f"{{{role}:ipv6}}",
            "PORT": str(port), "URL": f"http://{name}:{web_port}/"}  # fmt: skip


def _filled(word: str, told: Mapping[str, str]) -> str:
    """Return a word of a command with values in place of {SERVER}, {PORT}, {URL}."""
    return re.sub(r"\{([A-Z0-9]+)\}", lambda m: told.get(m[1], m[0]), word)


def plain(text: str) -> str:
    """Return a text without what colours it on a terminal (ECMA-48)."""
    return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text)


@dataclass(frozen=True)
class Outcome:
    """How a program ended.

    `status` is its exit status, or minus the number of the signal that ended it. `late`:
    it was ended at the time-out, with `ended_with`. `stdout` and `stderr` are the first
    and the last 16 KiB. `left` is how many processes it left behind. `untraced` is why
    `trace` is empty, `missing` why it could not be started at all; else both are "".
    `start_ns` is when it was started (CLOCK_REALTIME). `out_of_memory`: it was ended for
    that, or a process of its.
    """

    status: int
    ran_ms: float
    late: bool
    ended_with: str
    stdout: bytes
    stderr: bytes
    stdout_bytes: int
    stderr_bytes: int
    left: int
    trace: str
    untraced: str
    missing: str
    start_ns: int = 0
    out_of_memory: bool = False

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Outcome:
        """Return the outcome that came from a host, or of a container."""
        known = {key: raw[key] for key in raw if key not in ("value", "stdout", "stderr")}
        return cls(raw["value"] if raw["value"] is not None else -1,
                   stdout=as_octets(raw["stdout"]), stderr=as_octets(raw["stderr"]),
                   **known)  # fmt: skip

    @property
    def signal(self) -> str:
        """Return the name of the signal that ended it, "" if none did."""
        if self.status >= 0:
            return ""
        try:
            return signal.Signals(-self.status).name
        except ValueError:
            return f"signal {-self.status}"

    @property
    def last_line(self) -> str:
        """Return the last line that it printed to stderr, or to stdout if there is none."""
        for printed in (self.stderr, self.stdout):
            # A progress bar begins its line again and again.
            lines = re.split(r"[\r\n]", plain(printed.decode("utf-8", "backslashreplace")))
            said = [line.strip() for line in lines if line.strip()]
            if said:
                return said[-1]
        return ""
