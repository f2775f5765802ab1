"""A program or function of a test's in a host: what it is asked, and what comes of it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from lab.errors import CommandFailed, HostLost, LabError, NotAnswered
from lab.inside.caller import Caller
from lab.inside.calls import functions
from lab.remote import Ran, RemoteHost


class Channel:
    """A host that has this machine's programs: a caller makes its calls, as the agent's does."""

    def __init__(self, answer: dict[str, Any] | None = None) -> None:
        self.answered, self.done = answer, list[str]()
        self.caller: Caller | None = None

    def do(self, operation: str, **_arguments: Any) -> int:
        self.done.append(operation)
        if operation == "caller_open" and self.answered is None:
            self.caller = Caller()
        elif self.caller is not None:
            self.caller.close()
        return 7

    def ask(self, _operation: str, **arguments: Any) -> dict[str, Any]:
        return arguments

    def answer(self, asked: dict[str, Any], within_s: float) -> dict[str, Any]:
        if self.caller is None:
            return self.answered or {}
        return self.caller.call(asked["step"], within_s)


def host(channel: Channel) -> RemoteHost:
    return RemoteHost("client", lambda _role: channel, lambda: {"PORT": "80"})  # type: ignore[arg-type,return-value]


def test_a_program_is_told_where_to_go_and_what_the_test_adds() -> None:
    channel = Channel()
    ran = host(channel).run(["sh", "-c", 'cat; echo "$PORT $MORE"; exit 3'], stdin=b"in ",
                            env={"MORE": "more"}, trace=False)  # fmt: skip
    assert (ran.status, ran.stdout, ran.stderr) == (3, "in 80 more\n", "")
    assert channel.done == ["caller_open", "caller_close"]


def test_a_program_that_is_late_is_ended() -> None:
    ran = host(Channel()).run(["sleep", "60"], timeout_s=0.2, trace=False)
    assert (ran.timed_out, ran.status) == (True, -signal.SIGTERM)
    assert 200 <= ran.elapsed_ms < 3000


def test_one_that_is_not_there_is_an_error() -> None:
    with pytest.raises(CommandFailed, match="client: `no-such` ended with status 127"):
        host(Channel()).run(["no-such"], trace=False)


def test_one_that_cannot_be_executed_is_an_error(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(CommandFailed, match="script: No such file"):
        host(Channel()).run([str(script)], trace=False)


def test_a_command_line_in_one_text_is_a_mistake() -> None:
    with pytest.raises(TypeError, match=r"\['curl', '-s', 'x'\]"):
        host(Channel()).run("curl -s x")


@pytest.mark.parametrize("answer", [{"hung": True}, {"lost": "the caller was ended"}])
def test_a_host_that_does_not_answer_is_lost_and_the_program_is_ended(
    answer: dict[str, Any],
) -> None:
    channel = Channel(answer)
    with pytest.raises(HostLost, match="client: "):
        host(channel).run(["true"])
    assert channel.done == ["caller_open", "caller_close"]


def double(number: int) -> int:
    print("doubling")
    return 2 * number


def test_a_function_returns_its_value_and_what_it_prints_is_printed_here(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert host(Channel()).call(double, 21) == 42
    assert capfd.readouterr().out == "doubling\n"


def hang() -> None:
    import time  # noqa: PLC0415  # it must stand alone

    time.sleep(60)


def die() -> None:
    import os  # noqa: PLC0415

    os.kill(os.getpid(), 9)


@pytest.mark.parametrize(
    ("function", "why"),
    [(hang, r"client: hang did not return in 0\.5 s"), (die, "its process ended with -9")],
)
def test_one_that_gives_no_answer_says_why(function: Any, why: str) -> None:
    with pytest.raises(NotAnswered, match=why):
        host(Channel()).call(function, deadline_s=0.5)


def test_a_result_that_is_too_large_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "RESULT_MAX", 3)
    with pytest.raises(NotAnswered, match="returned too much"):
        host(Channel()).call(double, 21)


def test_a_large_argument_arrives() -> None:
    def size(data: bytes) -> int:
        return len(data)

    assert host(Channel()).call(size, b"x" * 1_000_000) == 1_000_000


TRACE = """\
21 1764349200.000000 execve("/usr/bin/nc", ["nc"], 0x7ffe /* 9 vars */) = 0 <0.000200>
21 1764349200.100000 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3<socket:[7]> <0.000010>
21 1764349200.200000 connect(3<socket:[7]>, {sa_family=AF_INET, sin_port=htons(80), \
sin_addr=inet_addr("198.18.2.10")}, 16) = -1 ECONNREFUSED (Connection refused) <0.000300>
"""


def ran(trace: str, untraced: str = "") -> Ran:
    return Ran(["nc"], 1, "", "", 1.0, False, 0, 0, 0, trace, untraced)


def test_errnos_are_those_of_calls_on_the_network() -> None:
    assert ran(TRACE).errnos == ["ECONNREFUSED"]


def test_without_a_trace_errnos_are_not_known() -> None:
    with pytest.raises(LabError, match="nc was not traced: no right to"):
        _ = ran("", "no right to").errnos
