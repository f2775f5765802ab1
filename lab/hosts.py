"""One long-lived channel to each host of a lab, and what is asked over it.

The channel is execnet over `docker exec -i HOST python3`; the modules of
`lab/inside` are sent over it when it opens, so a change to them needs no image.
A request costs about a millisecond, where a `docker exec` costs ninety.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any

from lab.errors import CommandFailed, HostLost, LabError

INSIDE = Path(__file__).with_name("inside")
# Longer than the slowest thing that an operation may do by itself.
ANSWER_WITHIN_S = 45.0


class Host:
    """A host of a lab, reached over its channel.

    Args: `role` names it in messages; `command` starts a Python interpreter in
    it that reads its standard input, for example `docker exec -i ID python3`.
    """

    def __init__(self, role: str, command: Sequence[str]) -> None:
        """Open the channel and send what runs inside."""
        # Imported here: a command that needs no host does not pay for it.
        import execnet  # noqa: PLC0415

        self.role = role
        self._pending: dict[int, Future[Any]] = {}
        self._numbers = itertools.count()
        self._sending = threading.Lock()
        self._group = execnet.Group()
        try:
            self._gateway = self._group.makegateway(f"popen//python={' '.join(command)}")
            receive = (INSIDE / "receive.py").read_text(encoding="utf-8")
            self._channel = self._gateway.remote_exec(receive)
            self._channel.send(sources())
        except (EOFError, OSError) as gone:
            raise HostLost(
                f"{role}: no channel: `{' '.join(command)}` did not answer; "
                "`errnolab status` shows the lab's hosts"
            ) from gone
        self._channel.setcallback(self._take, endmarker=None)

    def _take(self, answer: tuple[int, bool, Any] | None) -> None:
        if answer is None:
            self._lose()
            return
        number, ok, value = answer
        future = self._pending.pop(number, None)
        if future is None:
            return
        if ok:
            future.set_result(value)
        else:
            future.set_exception(LabError(f"{self.role}: the agent failed\n{value}"))

    def _lose(self) -> None:
        for number in list(self._pending):
            future = self._pending.pop(number, None)
            if future is not None:
                future.set_exception(self._lost())

    def _lost(self) -> HostLost:
        return HostLost(
            f"{self.role}: its channel closed; the container was stopped or the engine went "
            "away. The next command brings the lab back: `errnolab up`"
        )

    def ask(self, operation: str, **arguments: Any) -> Future[Any]:
        """Send a request and return at once; its result is the agent's answer.

        The result raises LabError with the agent's traceback, or HostLost.
        """
        future: Future[Any] = Future()
        number = next(self._numbers)
        self._pending[number] = future
        try:
            with self._sending:
                self._channel.send((number, operation, arguments))
        except OSError:
            self._pending.pop(number, None)
            future.set_exception(self._lost())
        if self._channel.isclosed():
            self._lose()
        return future

    def do(self, operation: str, **arguments: Any) -> Any:
        """Send a request and wait for its answer."""
        return self.answer(self.ask(operation, **arguments))

    def answer(self, asked: Future[Any], within_s: float = ANSWER_WITHIN_S) -> Any:
        """Wait for the answer to a request. Raises: HostLost if none comes in time."""
        try:
            return asked.result(timeout=within_s)
        except FutureTimeout as late:
            raise HostLost(
                f"{self.role}: no answer in {within_s:.0f} s; is the container paused? "
                "`errnolab down` and `up` start afresh"
            ) from late

    def run(self, *argv: str, check: bool = True) -> str:
        """Run a program in the host and return its standard output.

        Raises: CommandFailed with host, argv, status and output, unless `check`
        is false.
        """
        status, stdout, stderr = self.do("run", argv=list(argv))
        if check and status != 0:
            raise CommandFailed(self.role, argv, status, stdout, stderr)
        return str(stdout)

    def close(self) -> None:
        """Close the channel; the agent ends what it started."""
        self._group.terminate(timeout=1.0)


def sources() -> dict[str, str]:
    """Return the source of every module that a host is sent, by module name."""
    modules = {_module(path): path.read_text(encoding="utf-8") for path in INSIDE.rglob("*.py")}
    del modules["lab.inside.receive"]
    return {"lab": "", **modules, "lab.inside": ""}


def _module(path: Path) -> str:
    """Return the name of a module of `lab/inside`, "lab.inside.calls" for calls/__init__.py."""
    inside = path.relative_to(INSIDE.parent).with_suffix("")
    return ".".join(["lab", *inside.parts]).removesuffix(".__init__")


def open_all(commands: dict[str, Sequence[str]]) -> dict[str, Host]:
    """Open the channels of several hosts at once; all or none."""
    opened: dict[str, Host] = {}
    failed: list[Exception] = []

    def open_one(role: str, command: Sequence[str]) -> None:
        try:
            opened[role] = Host(role, command)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=open_one, args=item) for item in commands.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        close_all(opened.values())
        raise failed[0]
    return opened


def close_all(hosts: Iterable[Host]) -> None:
    """Close several channels at once."""
    threads = [threading.Thread(target=host.close) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ask_all(hosts: Iterable[Host], operation: str, **arguments: Any) -> dict[str, Any]:
    """Put one question to several hosts at once; return role to answer."""
    asked = [(host, host.ask(operation, **arguments)) for host in hosts]
    return {host.role: host.answer(future) for host, future in asked}
