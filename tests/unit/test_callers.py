"""What a Winsock caller makes of calls written for Linux: codes, options, and what it lacks."""

from __future__ import annotations

from typing import Any

import pytest

from lab import (
    Case,
    accept,
    bind,
    callers,
    connect,
    drop,
    fcntl,
    recv,
    run,
    send,
    setsockopt,
    shutdown,
    so_error,
    socket,
    state,
    sysctl,
    winsock_calls,
)
from lab.calls import Call, number_of
from lab.calls.call import Wanted
from lab.inside import winsock as inside
from lab.winsock import code_of

HOST = "windows"
WINSOCK = callers.of(HOST)
CONNECT = connect(on=HOST, to="server")
BROKEN = drop(on="router", to="server", port=1)


def adapted(*calls: Call, **parts: Any) -> Case:
    """A case with a fault, as a Winsock caller makes its calls."""
    return WINSOCK.adapted(Case(**{"fault": BROKEN, "calls": calls, **parts}), HOST)


def codes(*calls: Call) -> list[str]:
    """What calls on one host are wanted to fail with, those that fail."""
    made = adapted(*calls).calls
    return [one.wanted.errno_name for one in made if one.wanted.errno_name]


def why(*calls: Call, **parts: Any) -> str:
    return WINSOCK.why_not(Case(calls=calls, **parts), HOST)


# --- whose caller it is -------------------------------------------------------------------


def test_linux_hosts_make_calls_as_they_are_written() -> None:
    case = Case(calls=[connect(on="clients", to="server").fails("ECONNREFUSED")])
    linux = callers.of("clients")
    assert linux.adapted(case, "clients") is case
    assert linux.why_not(case, "clients") == ""
    assert not linux.limits


def test_limits_are_those_of_the_hosts_that_call() -> None:
    assert callers.limits(["server", "client"]) == {}
    assert callers.limits(["server", HOST]) == WINSOCK.limits


def test_calls_of_other_hosts_in_a_case_stay_linuxs() -> None:
    server = recv(on="server").fails("ECONNRESET")
    assert adapted(CONNECT, server).calls[1] is server


# --- codes --------------------------------------------------------------------------------


def test_an_errno_becomes_the_code_of_its_meaning_and_is_remembered() -> None:
    (call,) = adapted(CONNECT.fails("ECONNREFUSED", within_s=(0.0, 1.0))).calls
    assert call.wanted == Wanted(
        "WSAECONNREFUSED", value=-1, within_s=(0.0, 1.0), linux="ECONNREFUSED"
    )


def test_so_does_one_that_comes_as_a_value() -> None:
    (_, call) = adapted(CONNECT, so_error(on=HOST).reports("ECONNREFUSED")).calls
    assert (call.wanted.reported, call.wanted.linux) == ("WSAECONNREFUSED", "ECONNREFUSED")
    (_, none) = adapted(CONNECT, so_error(on=HOST).reports("")).calls
    assert (none.wanted.reported, none.wanted.linux) == ("", "")


def test_a_success_is_wanted_as_it_is() -> None:
    assert adapted(CONNECT.returns(0)).calls[0].wanted == CONNECT.returns(0).wanted


def test_that_no_signal_comes_is_no_wish_on_windows() -> None:
    assert adapted(CONNECT.fails("EPIPE", signal="none")).calls[0].wanted.signal == ""


def test_a_connect_under_way_would_block() -> None:
    calls = connect(on=HOST, to="server", blocking=False)
    assert codes(calls.fails("EINPROGRESS")) == ["WSAEWOULDBLOCK"]


@pytest.mark.parametrize(("blocking", "code"), [(True, "WSAETIMEDOUT"), (False, "WSAEWOULDBLOCK")])
def test_nothing_yet_is_a_time_out_where_the_socket_blocks(blocking: bool, code: str) -> None:
    nothing = recv(on=HOST).fails("EAGAIN")
    assert codes(connect(on=HOST, to="server", blocking=blocking), nothing) == [code]


def test_blocking_can_be_changed_on_the_way() -> None:
    nothing = recv(on=HOST).fails("EAGAIN")
    calls = [CONNECT, nothing, fcntl(on=HOST, blocking=False), nothing,
             fcntl(on=HOST, blocking=True), nothing]  # fmt: skip
    assert codes(*calls) == ["WSAETIMEDOUT", "WSAEWOULDBLOCK", "WSAETIMEDOUT"]


def test_sockets_are_told_apart_by_name_and_by_caller() -> None:
    nothing = recv(on=HOST).fails("EAGAIN")
    calls = [
        connect(on=HOST, to="server", blocking=False), connect(on=HOST, to="server", socket="t"),
        CONNECT.by("second"), nothing, recv(on=HOST, socket="t").fails("EAGAIN"),
        nothing.by("second"),
    ]  # fmt: skip
    assert codes(*calls) == ["WSAEWOULDBLOCK", "WSAETIMEDOUT", "WSAETIMEDOUT"]


def test_an_accepted_socket_blocks_as_its_listener_does() -> None:
    """On Windows it inherits that."""
    nothing = recv(on=HOST, socket="c").fails("EAGAIN")
    listens = [bind(on=HOST, port=1), fcntl(on=HOST, blocking=False), accept(on=HOST, new="c")]
    assert codes(*listens, nothing) == ["WSAEWOULDBLOCK"]
    assert codes(listens[0], listens[2], nothing) == ["WSAETIMEDOUT"]


BROKEN_PIPE = send(on=HOST, data=b"x").fails("EPIPE")


@pytest.mark.parametrize(
    ("before", "code"),
    [
        ([CONNECT], "WSAECONNRESET"),
        ([CONNECT, shutdown(on=HOST)], "WSAESHUTDOWN"),
        ([CONNECT, shutdown(on=HOST, how="SHUT_RD")], "WSAECONNRESET"),
        ([CONNECT, shutdown(on=HOST).fails("ENOTCONN")], "WSAECONNRESET"),
        ([socket(on=HOST)], "WSAENOTCONN"),
        ([socket(on=HOST), CONNECT.fails("ECONNREFUSED")], "WSAENOTCONN"),
    ],
)
def test_a_broken_pipe_is_told_by_what_broke_it(before: list[Call], code: str) -> None:
    assert codes(*before, BROKEN_PIPE)[-1] == code


def test_the_control_has_sockets_of_its_own() -> None:
    made = adapted(
        CONNECT, fcntl(on=HOST, blocking=False),
        control=[CONNECT, recv(on=HOST).fails("EAGAIN")],
    )  # fmt: skip
    assert made.control[1].wanted.errno_name == "WSAETIMEDOUT"


def test_what_came_before_the_fault_is_known_under_it() -> None:
    before = [connect(on=HOST, to="server", blocking=False)]
    made = adapted(recv(on=HOST).fails("EAGAIN"), before=before)
    assert made.calls[0].wanted.errno_name == "WSAEWOULDBLOCK"


def test_every_rule_has_a_code_and_an_errno_that_exist() -> None:
    for rule in winsock_calls.RULES:
        assert number_of(rule.errno) > 0
        assert code_of(rule.code).number >= 10000
        assert rule.source
        assert {*rule.calls} <= {*inside.CALLS}


# --- what it lacks ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (run(on=HOST, argv=["true"]), "Winsock has no run()"),
        (connect(on=HOST, path="@x"), "path is Linux's"),
        (CONNECT.interrupted(after_s=0.1), "interrupted_after_s is Linux's"),
        (recv(on=HOST, flags="MSG_PEEK|MSG_TRUNC"), "Winsock has no MSG_TRUNC"),
        (setsockopt(on=HOST, option="TCP_CORK", value=1), "Winsock has no TCP_CORK"),
        (connect(on=HOST, to="server", options={"IP_RECVERR": 1}), "Winsock has no IP_RECVERR"),
        (socket(on=HOST, type="SOCK_RAW"), "streams and datagrams"),
        (socket(on=HOST, domain="AF_UNIX"), "sockets of IP"),
        (send(on=HOST, data=b"x").fails("EPIPE", signal="SIGPIPE"), "Windows has no signals"),
        (CONNECT.fails("EPROTO"), "Windows has no code of the meaning of EPROTO"),
        (so_error(on=HOST).reports("ENONET"), "Windows has no code of the meaning of ENONET"),
    ],
)
def test_what_winsock_lacks_is_said(call: Call, said: str) -> None:
    assert said in why(call)


@pytest.mark.parametrize(
    "call",
    [
        CONNECT,
        connect(on=HOST, to="server", blocking=False).fails("EINPROGRESS"),
        connect(on=HOST, to="server", options={"TCP_SYNCNT": 1}),
        recv(on=HOST, flags="MSG_PEEK|MSG_OOB"),
        run(on="server", argv=["true"]),
        CONNECT.fails("ECONNREFUSED", signal="none"),
    ],
)
def test_what_winsock_has_can_be_called(call: Call) -> None:
    assert why(call) == ""


# --- how often it tries again ---------------------------------------------------------------

ONCE = connect(on=HOST, to="server", options={"TCP_SYNCNT": 1, "SO_KEEPALIVE": 1})
SETTING = "net.ipv4.tcp_syn_retries"


def test_how_often_a_socket_tries_again_is_the_hosts_setting() -> None:
    made = adapted(ONCE)
    assert made.calls[0].opening["options"] == {"SO_KEEPALIVE": 1}
    assert made.faults == [BROKEN, sysctl(on=HOST, values={SETTING: 1})]


def test_what_another_host_says_of_it_stays_an_option() -> None:
    other = connect(on="bystander", to="server", options={"TCP_SYNCNT": 1})
    made = adapted(CONNECT, other)
    assert made.calls[1] is other
    assert made.faults == [BROKEN]


def test_what_has_no_fault_is_still_no_control_of_itself() -> None:
    """It may be made to fail by its calls, and the setting is no fault that ends."""
    made = adapted(ONCE.fails("ETIMEDOUT"), fault=None)
    assert [(call.on, call.name, call.wanted) for call in made.control] == [
        (HOST, "connect", Wanted())
    ]


def test_a_control_of_its_own_stays() -> None:
    made = adapted(ONCE, fault=None, control=[ONCE, recv(on=HOST)])
    assert [call.name for call in made.control] == ["connect", "recv"]


def test_one_setting_cannot_stand_for_two_options() -> None:
    twice = connect(on=HOST, to="server", options={"TCP_SYNCNT": 2}, socket="t")
    assert "one setting is for all" in why(ONCE, twice)
    assert why(ONCE, ONCE) == ""


def test_nor_for_one_beside_the_setting_itself() -> None:
    assert "beside the host's setting" in why(ONCE, fault=sysctl(on=HOST, values={SETTING: 3}))
    assert why(ONCE, fault=sysctl(on="server", values={SETTING: 3})) == ""


def test_what_was_adapted_has_no_mistakes() -> None:
    """The runner takes it as it is."""
    made = adapted(ONCE.fails("ETIMEDOUT"), so_error(on=HOST).reports("ECONNRESET"))
    assert [text for call in made.calls for text in call.mistakes()] == []


def test_what_only_looks_at_the_state_is_not_asked() -> None:
    case = Case(calls=[CONNECT, state(on=HOST).tells("ESTAB"), recv(on=HOST)])
    assert WINSOCK.why_not(case, HOST) == ""
    assert [call.name for call in WINSOCK.adapted(case, HOST).calls] == ["connect", "recv"]
    assert "states" in WINSOCK.limits
