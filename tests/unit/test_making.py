"""Calls are made in their order, each by its own caller; those in the background are waited for."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from lab import accept, connect, recv, send, socket
from lab.calls import MARGIN_S, PATIENCE_S, Call
from lab.errors import LabError
from lab.making import Making
from lab.topology import Block

OK = {"value": 0, "errno": 0, "elapsed_ms": 1.0, "at_ns": 7}


@dataclass
class Host:
    """A host that notes what it is asked, and answers what it is told to."""

    role: str
    asked: list[tuple[str, str, str]]
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    deadlines: list[float] = field(default_factory=list)

    def ask(self, operation: str, *, caller: int, deadline_s: float, **more: Any) -> Future[Any]:
        name = more["step"]["call"] if "step" in more else ""
        self.asked.append((f"{self.role} {caller}", operation.removeprefix("caller_"), name))
        self.deadlines.append(deadline_s)
        future: Future[Any] = Future()
        begun = {} if operation == "caller_begin" else dict(OK)
        future.set_result(self.answers.get((operation.removeprefix("caller_"), name), begun))
        return future

    def answer(self, asked: Future[Any], within_s: float) -> Any:
        assert within_s > self.deadlines[-1]
        return asked.result()

    def do(self, operation: str) -> int:
        assert operation == "now_ns"
        return 10**9


@pytest.fixture
def asked() -> list[tuple[str, str, str]]:
    """What was asked of whom, in order."""
    return []


@pytest.fixture
def making(asked: list[tuple[str, str, str]]) -> Making:
    hosts = {role: Host(role, asked) for role in ("client", "server")}
    lab: Any = SimpleNamespace(hosts=hosts, block=Block(0))
    return Making(lab, "ipv4", {"client": 1, "client (second)": 2, "server": 3})


def host(making: Making, role: str) -> Host:
    return making.lab.hosts[role]  # type: ignore[return-value]


CONNECT = connect(on="client", to="server")
WAITS = accept(on="server").in_background()


def test_calls_are_made_one_after_another(making: Making, asked: list[Any]) -> None:
    making.make(CONNECT, send(on="client", data=b"x").by("second"))
    assert asked == [("client 1", "call", "connect"), ("client 2", "call", "send")]
    assert [one.answer for one in making.made] == [OK, OK]


def test_call_in_the_background_is_waited_for_at_the_end(making: Making, asked: list[Any]) -> None:
    making.make(WAITS, CONNECT)
    assert asked == [("server 3", "begin", "accept"), ("client 1", "call", "connect")]
    assert [one.answer for one in making.made] == [{}, OK]
    making.finish()
    assert asked[2:] == [("server 3", "answer", "")]
    assert [one.answer for one in making.made] == [OK, OK]
    making.finish()
    assert len(asked) == 3


def test_it_is_waited_for_before_the_next_call_of_the_same_caller(
    making: Making, asked: list[Any]
) -> None:
    making.make(WAITS, CONNECT, recv(on="server", socket="c"))
    assert asked[2:] == [("server 3", "answer", ""), ("server 3", "call", "recv")]


def test_other_caller_of_the_same_host_waits_for_nothing(making: Making, asked: list[Any]) -> None:
    making.make(recv(on="client").in_background(), socket(on="client").by("second"))
    assert [operation for _who, operation, _call in asked] == ["begin", "call"]


def test_call_that_was_begun_before_may_end_later(making: Making, asked: list[Any]) -> None:
    """As one of `before` may end under the fault."""
    making.make(WAITS)
    making.make(CONNECT)
    making.finish()
    assert [operation for _who, operation, _call in asked] == ["begin", "call", "answer"]


@pytest.mark.parametrize("word", [CONNECT, recv(on="client").in_background()])
def test_calls_after_a_hung_one_are_not_made(making: Making, asked: list[Any], word: Call) -> None:
    operation = "answer" if word.background else "call"
    name = "" if word.background else word.name
    host(making, "client").answers[operation, name] = {"hung": True}
    making.make(word, socket(on="client"), socket(on="server"))
    making.finish()
    hung, *others = [one.answer for one in making.made]
    assert (hung["hung"], hung["value"], hung["errno"]) == (True, None, 0)
    assert hung["elapsed_ms"] >= 0
    assert [answer["lost"] for answer in others] == ["the call before it hung"] * 2
    assert ("server 3", "call", "socket") not in asked


def test_call_that_was_not_made_is_the_labs_fault(making: Making) -> None:
    host(making, "client").answers["begin", "recv"] = {"lost": "the caller was ended"}
    with pytest.raises(LabError, match=r"client \(second\) recv, .*: the caller was ended"):
        making.make(recv(on="client").by("second").in_background())


def test_each_call_has_its_own_time_unless_all_have_the_same(making: Making) -> None:
    late = CONNECT.fails("ETIMEDOUT", within_s=(60, 70))
    making.make(CONNECT, late, WAITS)
    making.finish()
    assert host(making, "client").deadlines == [PATIENCE_S + MARGIN_S, 70 + MARGIN_S]
    assert host(making, "server").deadlines == [PATIENCE_S + MARGIN_S] * 2
    making.deadline_s = 5.0
    making.make(late)
    assert host(making, "client").deadlines[-1] == 5.0
