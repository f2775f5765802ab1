"""Steps become lines for caller.exe, and its answers answers; a stand-in makes no calls."""

from __future__ import annotations

import os
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.calls import (
    Call,
    accept,
    bind,
    close,
    connect,
    connects,
    exchange,
    fcntl,
    fill,
    getsockopt,
    poll,
    recv,
    send,
    send_rest,
    sendto,
    setsockopt,
    shutdown,
    socket,
    write,
)
from lab.calls.programs import run
from lab.inside import caller as callers
from lab.inside import winsock, winsock_caller
from lab.inside.caller import Caller
from lab.inside.winsock import CannotMakeError, Reply
from lab.inside.winsock_caller import CallerProgram, WinsockCaller
from lab.topology import Block

ON = "client"
PATIENCE_S = 10.0
NONE = 2**64 - 1
Answer = dict[str, Any]

# Answers each line: what a socket is 260, 264 and so on, the rest as the words say.
STAND_IN = """
import sys, time
print("value=0 error={startup} elapsed_ns=0 at_ns=7 detail=", flush=True)
handle = 256
for line in sys.stdin:
    words = line.split()
    value, more = 0, ""
    if words[0] == "socket":
        handle += 4
        value = handle
    if words[0] == "accept":
        time.sleep(60)
    if words[0] == "listen":
        time.sleep(float(words[2]) / 1000)
    if words[0] == "bind":
        sys.exit()
    if words[0] == "send":
        value, more = 2, " data=" + words[-1][1:]
    print(f"value={{value}} error=0 elapsed_ns=1500000 at_ns=7{{more}} detail=", flush=True)
"""


def step(call: Call) -> dict[str, Any]:
    call = call.at("ipv4", Block(0))
    return call.step("ipv4", Block(0).address(call.to, "ipv4") if call.to else "")


class Asked:
    """Makes calls whose lines are answered with the given replies, success at the end of them."""

    def __init__(self) -> None:
        self.sockets = winsock.Sockets()
        self.lines: list[str] = []

    def __call__(self, call: Call, *replies: Reply) -> Answer:
        """Make a call; the lines of it are then in `lines`."""
        self.lines = []
        waiting = list(replies)
        made = winsock.lines(self.sockets, **step(call))
        try:
            line = next(made)
            while True:
                self.lines.append(line)
                line = made.send(waiting.pop(0) if waiting else reply())
        except StopIteration as end:
            return dict(end.value)


def reply(value: int = 0, error: int = 0, **more: Any) -> Reply:
    return Reply(value, error, elapsed_ms=1.5, at_ns=7, **more)


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_reply_is_read_from_key_and_value() -> None:
    line = "value=-1 error=10061 elapsed_ns=250000 at_ns=1795897284629492900 detail="
    assert Reply.of(line) == Reply(-1, 10061, 0.25, 1795897284629492900)
    assert Reply.of(line + "[::1]:5 data=").detail == "[::1]:5"
    assert Reply.of(line + " data=78*5000000").data == "78*5000000"


def test_call_opens_its_socket_first_and_its_answer_is_that_of_the_call(asked: Asked) -> None:
    call = connect(on=ON, to="server", port=9, options={"SO_RCVTIMEO": 0.5}, blocking=False)
    answer = asked(call, reply(260), reply(), reply(), reply(-1, 10035))
    assert asked.lines == [
        "socket 0 2 1 0",
        "setsockopt 260 65535 4102 :f4010000",
        "ioctlsocket 260 1",
        "connect 260 198.18.2.10 9",
    ]
    assert answer == {"value": -1, "errno": 10035, "elapsed_ms": 1.5, "at_ns": 7}


@pytest.mark.parametrize("call", [connect, bind])
def test_port_whose_htons_was_forgotten_is_another(asked: Asked, call: Any) -> None:
    asked(call(on=ON, to="client", port=0x1234, port_in_host_order=True), reply(260))
    assert asked.lines[-1].split()[-1] == str(int.from_bytes(struct.pack("=H", 0x1234), "big"))
    asked(call(on=ON, to="client", port=0x1234))
    assert asked.lines[-1].split()[-1] == "4660"


def test_socket_is_opened_once_and_asked_to_block_only_when_it_does_not(asked: Asked) -> None:
    asked(connect(on=ON, to="server", port=9), reply(260))
    asked(connect(on=ON, to="server", port=9))
    assert asked.lines == ["connect 260 198.18.2.10 9"]
    asked(connect(on=ON, to="server", port=9, blocking=False))
    assert asked.lines == ["ioctlsocket 260 1", "connect 260 198.18.2.10 9"]


def test_socket_that_cannot_be_opened_is_told_with_its_code(asked: Asked) -> None:
    answer = asked(connect(on=ON, to="server", port=9), reply(-1, 10055))
    assert "no socket" in answer["lost"] and "10055" in answer["lost"]


def test_failed_option_closes_the_socket_again(asked: Asked) -> None:
    call = socket(on=ON, options={"SO_KEEPALIVE": 1})
    assert asked(call, reply(260), reply(-1, 10042))["errno"] == 10042
    assert asked.lines[-1] == "closesocket 260"
    asked(recv(on=ON))
    assert asked.lines == [f"recv {NONE} 0 2048"]


def test_socket_that_was_closed_or_never_was_is_invalid_socket(asked: Asked) -> None:
    asked(socket(on=ON), reply(260))
    asked(close(on=ON))
    assert asked.lines == ["closesocket 260"]
    asked(send(on=ON, data=b"x"))
    assert asked.lines == [f"send {NONE} 0 :78"]


def test_accepted_socket_has_its_name_and_blocks_as_the_listening_one(asked: Asked) -> None:
    asked(bind(on=ON, to="client", socket="l"), reply(260))
    asked(fcntl(on=ON, socket="l", blocking=False))
    answer = asked(accept(on=ON, socket="l", new="c"), reply(264, detail="198.18.0.10:5"))
    assert (answer["value"], answer["detail"]) == (264, "198.18.0.10:5")
    asked(fill(on=ON, socket="c"))
    assert asked.lines == ["fill 264 1"]


def test_rest_of_a_send_is_what_was_not_taken(asked: Asked) -> None:
    asked(socket(on=ON), reply(260))
    asked(send(on=ON, data=b"abc"), reply(1))
    asked(send_rest(on=ON), reply(2))
    assert asked.lines == ["send 260 0 :6263"]
    asked(send_rest(on=ON))
    assert asked.lines == ["send 260 0 :"]


def test_much_of_the_same_is_short_in_both_directions(asked: Asked) -> None:
    asked(socket(on=ON), reply(260))
    answer = asked(exchange(on=ON, data=b"x" * 5_000_000), reply(5_000_000, data="78*5000000"))
    assert asked.lines == ["exchange 260 :78*5000000"]
    assert answer["data"] == "78*5000000"


@pytest.mark.parametrize(
    ("option", "value", "octets"),
    [("SO_LINGER", 3, "01000300"), ("SO_SNDTIMEO", 2, "d0070000"), ("TCP_NODELAY", 1, "01000000")],
)
def test_options_are_written_as_winsock_has_them(
    asked: Asked, option: str, value: int, octets: str
) -> None:
    asked(socket(on=ON), reply(260))
    asked(setsockopt(on=ON, option=option, value=value))
    assert asked.lines[-1].endswith(f" :{octets}")


@pytest.mark.parametrize(
    ("option", "octets", "value"), [("SO_ERROR", "4d270000", 10061), ("SO_LINGER", "01000300", 1)]
)
def test_option_is_read_as_a_number(asked: Asked, option: str, octets: str, value: int) -> None:
    asked(socket(on=ON), reply(260))
    answer = asked(getsockopt(on=ON, option=option), reply(data=octets))
    assert answer["value"] == value and "data" not in answer


def test_events_have_winsocks_numbers_and_linuxs_names(asked: Asked) -> None:
    asked(socket(on=ON), reply(260))
    answer = asked(poll(on=ON, events="POLLIN|POLLOUT", timeout_s=0.5), reply(1, detail="19"))
    assert asked.lines == [f"WSAPoll 260 {0x310} 500"]
    assert answer["detail"] == "POLLOUT|POLLERR|POLLHUP"


def test_many_connections_are_begun_and_their_times_added(asked: Asked) -> None:
    answer = asked(connects(on=ON, to="server", port=9, count=2), reply(260), reply(), reply(),
                   reply(264))  # fmt: skip
    assert asked.lines[2:4] == ["connect 260 198.18.2.10 9", "socket 0 2 1 0"]
    assert (answer["value"], answer["elapsed_ms"]) == (2, 3.0)


def test_words_of_a_call_are_winsocks(asked: Asked) -> None:
    asked(socket(on=ON), reply(260))
    asked(recv(on=ON, size=5, flags="MSG_PEEK|MSG_WAITALL"))
    assert asked.lines == ["recv 260 10 5"]
    asked(shutdown(on=ON, how="SHUT_WR"))
    assert asked.lines == ["shutdown 260 1"]
    asked(sendto(on=ON, to="server", port=9, data=b"x", socket="u"), reply(264))
    assert asked.lines == ["socket 0 2 2 0", "sendto 264 0 198.18.2.10 9 :78"]


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (write(on=ON, data=b"x"), r"no write\(\)"),
        (recv(on=ON, flags="MSG_DONTWAIT"), "no MSG_DONTWAIT"),
        (setsockopt(on=ON, option="TCP_CORK", value=1), "no option TCP_CORK"),
        (socket(on=ON, domain="AF_UNIX"), "no family 1"),
        (recv(on=ON).interrupted(after_s=1.0), "interrupted_after_s"),
    ],
)
def test_what_winsock_has_not_is_said(asked: Asked, call: Call, why: str) -> None:
    with pytest.raises(CannotMakeError, match=why):
        asked(call)


# --- The program ---------------------------------------------------------------------------


def started(startup: int = 0) -> CallerProgram:
    return CallerProgram((sys.executable, "-c", STAND_IN.format(startup=startup)))


@pytest.fixture
def program() -> Iterator[CallerProgram]:
    made = started()
    yield made
    made.close()


def test_program_answers_call_by_call(program: CallerProgram) -> None:
    assert program.call(step(socket(on=ON)), PATIENCE_S)["value"] == 260
    assert program.call(step(socket(on=ON, socket="t")), PATIENCE_S)["value"] == 264
    answer = program.call(step(send(on=ON, data=b"xy")), PATIENCE_S)
    assert answer == {"value": 2, "errno": 0, "elapsed_ms": 1.5, "at_ns": 7, "data": "7879"}


def test_line_larger_than_a_pipe_goes_through(program: CallerProgram) -> None:
    data = os.urandom(1_000_000)
    assert program.call(step(send(on=ON, data=data)), PATIENCE_S)["data"] == data.hex()


def test_call_that_does_not_return_has_hung(program: CallerProgram) -> None:
    assert program.call(step(accept(on=ON, new="c")), 0.2) == {"hung": True}


def test_call_without_a_wineserver_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for ever, which would look as if the call did."""
    monkeypatch.setattr(winsock_caller, "_servers", lambda: [6, 7])
    program = started()
    assert program.call(step(socket(on=ON)), PATIENCE_S)["value"] == 260
    monkeypatch.setattr(winsock_caller, "_servers", lambda: [7, 8])
    assert program.call(step(accept(on=ON, new="c")), 0.2) == {"hung": True}
    monkeypatch.setattr(winsock_caller, "_servers", lambda: [8])
    assert program.call(step(accept(on=ON, new="c")), 0.2) == {"lost": "the wineserver was ended"}
    program.close()


def test_call_that_waits_is_under_way_and_its_answer_comes_later(program: CallerProgram) -> None:
    program.call(step(socket(on=ON)), PATIENCE_S)
    waits = {"call": "listen", "socket_name": "s", "backlog": 700}
    begun = time.monotonic()
    assert program.begin(waits, PATIENCE_S) == {}
    assert time.monotonic() - begun < 0.6
    assert program.answer(PATIENCE_S)["value"] == 0
    assert time.monotonic() - begun >= 0.7


def test_call_that_returns_at_once_keeps_its_answer(program: CallerProgram) -> None:
    assert program.begin(step(socket(on=ON)), PATIENCE_S) == {}
    assert program.answer(PATIENCE_S)["value"] == 260


def test_program_that_ends_in_a_call_is_lost(program: CallerProgram) -> None:
    assert program.call(step(bind(on=ON, to="client")), PATIENCE_S) == {
        "lost": "the caller was ended"
    }
    assert "lost" in program.call(step(socket(on=ON)), PATIENCE_S)


def test_what_cannot_be_made_is_lost_and_the_program_is_still_there(program: CallerProgram) -> None:
    assert program.call(step(write(on=ON, data=b"x")), PATIENCE_S) == {
        "lost": "Winsock has no write()"
    }
    assert program.call(step(socket(on=ON)), PATIENCE_S)["value"] == 260


def test_failure_of_wsastartup_is_told() -> None:
    program = started(10091)
    assert program.call(step(socket(on=ON)), PATIENCE_S) == {"lost": "WSAStartup failed: 10091"}
    program.close()


def test_program_that_does_not_start_is_told() -> None:
    program = CallerProgram(("/bin/false",))
    assert "ended at once" in program.call(step(socket(on=ON)), PATIENCE_S)["lost"]
    program.close()


def test_close_waits_until_the_server_has_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    program, looks = started(), 0
    server = os.getpid()
    monkeypatch.setattr(winsock_caller, "_servers", lambda: [server])
    links = winsock_caller._links

    def lets_go_at_the_third_look(pid: int, kind: str) -> set[str]:
        nonlocal looks
        if pid != server:
            return links(pid, kind)
        looks += 1
        return pipes if looks < 3 else set()

    pipes = links(program.pid, "pipe:")
    assert pipes
    monkeypatch.setattr(winsock_caller, "_links", lets_go_at_the_third_look)
    program.close()
    assert looks == 3


# --- The caller ----------------------------------------------------------------------------


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(callers.KIND, "winsock")
    stand_in = (sys.executable, "-c", STAND_IN.format(startup=0))
    monkeypatch.setattr(CallerProgram.__init__, "__defaults__", (stand_in,))


@pytest.mark.usefixtures("windows")
def test_programs_run_as_in_any_host_and_sockets_are_winsocks() -> None:
    number = callers.caller_open()
    try:
        call = step(run(on=ON, argv=["pwd"]))
        answer = callers.caller_call(number, call, PATIENCE_S)
        assert answer["value"] == 0 and "errnolab-" in answer["detail"]
        assert callers.caller_call(number, step(socket(on=ON)), PATIENCE_S)["value"] == 260
        assert callers.caller_begin(number, step(socket(on=ON, socket="t")), PATIENCE_S) == {}
        assert callers.caller_answer(number, PATIENCE_S)["value"] == 264
    finally:
        callers.caller_close(number)


@pytest.mark.usefixtures("windows")
def test_caller_starts_only_what_it_needs_and_ends_it() -> None:
    caller = callers._new("")
    assert isinstance(caller, WinsockCaller) and caller._running() == []
    caller.call(step(socket(on=ON)), PATIENCE_S)
    (program,) = caller._running()
    caller.close()
    assert not Path(f"/proc/{program.pid}").exists()


def test_one_that_ends_before_any_call_is_started_once_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    ends_first = (
        f"import os, pathlib; begun = pathlib.Path({str(begun)!r})\n"
        "if not begun.exists(): begun.touch(); os._exit(0)\n"
    )
    stand_in = (sys.executable, "-c", ends_first + STAND_IN.format(startup=0))
    monkeypatch.setattr(CallerProgram.__init__, "__defaults__", (stand_in,))
    caller = WinsockCaller()
    assert caller.call(step(socket(on=ON)), PATIENCE_S)["value"] == 260
    caller.close()


def test_one_that_always_ends_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CallerProgram.__init__, "__defaults__", ((sys.executable, "-c", ""),))
    caller = WinsockCaller()
    said = caller.call(step(socket(on=ON)), PATIENCE_S)
    assert said == {"lost": "caller.exe did not start: it ended at once"}
    caller.close()


def test_other_hosts_have_linuxs_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(callers.KIND, raising=False)
    caller = callers._new("")
    assert isinstance(caller, Caller)
    caller.close()
