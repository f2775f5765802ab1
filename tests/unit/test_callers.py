"""What a Winsock caller makes of calls written for Linux: codes, options, and what it lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab import (
    Case,
    Counted,
    Picture,
    accept,
    bind,
    callers,
    close,
    connect,
    drop,
    fcntl,
    icmp,
    listen,
    poll,
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
    write,
)
from lab.calls import Call, number_of
from lab.calls.call import Wanted
from lab.inside import winsock as inside
from lab.winsock import code_of

HOST = "windows"
WINSOCK = callers.of(HOST)
CONNECT = connect(on=HOST, to="server")
UDP = connect(on=HOST, to="server", proto="udp")
BEGUN = connect(on=HOST, to="server", blocking=False).fails("EINPROGRESS")
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


def test_a_send_behind_a_reset_is_no_send_on_a_socket_without_connection() -> None:
    """A connection that SO_ERROR says was reset has been one."""
    begun = connect(on=HOST, to="server", blocking=False).fails("EINPROGRESS")
    reset = so_error(on=HOST).reports("ECONNRESET")
    assert codes(begun, reset, BROKEN_PIPE)[-1] == "WSAECONNRESET"


@pytest.mark.parametrize(
    ("calls", "code"),
    [
        ([bind(on=HOST, port=1), listen(on=HOST), CONNECT.fails("EISCONN")], "WSAEINVAL"),
        ([CONNECT, CONNECT.fails("EISCONN")], "WSAEISCONN"),
        ([close(on=HOST).fails("EBADF")], "WSAENOTSOCK"),
        ([socket(on=HOST), listen(on=HOST).fails("EOPNOTSUPP")], "WSAEINVAL"),
        ([bind(on=HOST, port=1), listen(on=HOST).fails("EOPNOTSUPP")], "WSAEOPNOTSUPP"),
        ([UDP, recv(on=HOST).fails("ECONNREFUSED")], "WSAECONNRESET"),
        ([CONNECT.fails("ECONNREFUSED")], "WSAECONNREFUSED"),
        # What succeeds on Linux.
        ([BEGUN, so_error(on=HOST).reports(""), CONNECT.returns(0)], "WSAEISCONN"),
        ([CONNECT, shutdown(on=HOST, how="SHUT_RD"), recv(on=HOST).gives(b"x")], "WSAESHUTDOWN"),
        ([CONNECT, shutdown(on=HOST, how="SHUT_RDWR"), recv(on=HOST).returns(0)], "WSAESHUTDOWN"),
    ],
)
def test_windows_has_another_code_where_it_is_documented(calls: list[Call], code: str) -> None:
    assert codes(*calls)[-1] == code


def test_a_call_that_fails_on_windows_alone_is_wanted_to_fail_in_its_time() -> None:
    deaf = shutdown(on=HOST, how="SHUT_RD")
    (*_, call) = adapted(CONNECT, deaf, recv(on=HOST).gives(b"x", within_s=(0.0, 0.5))).calls
    assert call.wanted == Wanted("WSAESHUTDOWN", value=-1, within_s=(0.0, 0.5))


@pytest.mark.parametrize(
    "calls",
    [
        [CONNECT, shutdown(on=HOST), recv(on=HOST).gives(b"x")],
        [UDP, UDP],
        [CONNECT, close(on=HOST), CONNECT],
    ],
)
def test_what_succeeds_on_linux_succeeds_there_too(calls: list[Call]) -> None:
    assert codes(*calls) == []


def test_what_poll_tells_of_a_reset_is_what_wsapoll_does() -> None:
    told = poll(on=HOST, events="POLLIN").tells("POLLIN|POLLERR|POLLHUP")
    assert adapted(CONNECT, told).calls[1].wanted.told == "POLLERR|POLLHUP"


def test_errors_alone_are_waited_for_without_an_event() -> None:
    """WSAPoll tells them unasked, and has no POLLPRI."""
    made = adapted(CONNECT, poll(on=HOST, events="POLLPRI"), poll(on=HOST, events="POLLOUT")).calls
    assert [call.arguments["events"] for call in made[1:]] == ["", "POLLOUT"]


def test_a_socket_of_ipv6_takes_an_ipv4_address_if_it_is_asked_to() -> None:
    mapped = connect(on=HOST, address="::ffff:{server:ipv4}", domain="AF_INET6")
    assert adapted(mapped).calls[0].opening["options"] == {"IPV6_V6ONLY": 0}
    assert adapted(CONNECT).calls[0].opening["options"] == {}


# --- limits -------------------------------------------------------------------------------

LATE = CONNECT.fails("EHOSTUNREACH", within_s=(0.9, 1.3))


@pytest.mark.parametrize(
    ("calls", "limit", "instead"),
    [
        ([CONNECT, recv(on=HOST).fails("ECONNRESET")], "reset", Wanted(value=0)),
        ([CONNECT, so_error(on=HOST).reports("ECONNRESET")], "reset", Wanted(reported="")),
        ([BEGUN, so_error(on=HOST).reports("ECONNREFUSED"), so_error(on=HOST).reports("")],
         "so_error", Wanted(reported="WSAECONNREFUSED")),
        ([BEGUN, poll(on=HOST).tells("POLLOUT|POLLERR|POLLHUP")],
         "poll", Wanted(told="POLLERR")),
        ([bind(on=HOST, port=1).fails("EADDRINUSE")], "bind", Wanted(value=0)),
        ([setsockopt(on=HOST, option="IPV6_V6ONLY", value=1).fails("ENOPROTOOPT")],
         "codes", Wanted("WSAEINVAL", value=-1, linux="ENOPROTOOPT")),
    ],
)  # fmt: skip
def test_what_may_come_instead_has_the_name_of_its_limit(
    calls: list[Call], limit: str, instead: Wanted
) -> None:
    wanted = adapted(*calls).calls[-1].wanted
    assert wanted.limit == limit
    assert wanted.instead is not None
    assert replace(wanted.instead, instead=None, limit="") == instead


def test_there_may_be_several_in_a_row() -> None:
    option = setsockopt(on=HOST, option="IPV6_V6ONLY", value=1).fails("ENOPROTOOPT")
    (call,) = adapted(option).calls
    assert call.wanted.instead is not None
    assert call.wanted.instead.instead == Wanted(value=0)


@pytest.mark.parametrize(
    "calls",
    [
        [UDP, recv(on=HOST).fails("EAGAIN")],
        [CONNECT, so_error(on=HOST).reports("")],
        [BEGUN, so_error(on=HOST).reports("")],
        [CONNECT.fails("EHOSTUNREACH", within_s=(0.0, 0.5))],
        [bind(on=HOST, port=1).fails("EADDRNOTAVAIL")],
        [CONNECT, recv(on=HOST).returns(0)],
        [CONNECT, poll(on=HOST).tells("POLLOUT")],
    ],
)
def test_nothing_else_may_come_where_no_limit_is_in_the_way(calls: list[Call]) -> None:
    assert adapted(*calls).calls[-1].wanted.instead is None


def test_what_icmp_ends_may_end_at_once() -> None:
    (call,) = adapted(LATE).calls
    assert call.wanted.limit == "icmp"
    assert call.wanted.instead == replace(call.wanted, within_s=(0.0, 0.5), instead=None, limit="")


def test_a_datagrams_icmp_error_may_be_told_by_another_code_or_never() -> None:
    limited = {"SO_RCVTIMEO": 0.3}
    asked = connect(on=HOST, to="server", proto="udp", options=limited)
    call = adapted(asked, recv(on=HOST).fails("ECONNREFUSED", within_s=(0.0, 0.1))).calls[1]
    other = call.wanted.instead
    assert call.wanted.errno_name == "WSAECONNRESET"
    assert other is not None
    assert (call.wanted.limit, other.errno_name, other.within_s) == (
        "codes", "WSAECONNREFUSED", (0.0, 0.1)
    )  # fmt: skip
    assert other.instead is not None
    assert (other.limit, other.instead.errno_name, other.instead.within_s) == (
        "datagrams", "WSAETIMEDOUT", None
    )  # fmt: skip


def test_each_limit_that_may_be_met_has_a_reason() -> None:
    assert {one.name for one in winsock_calls.MAY_COME} <= {*WINSOCK.limits}
    assert {"stack", "texts", "poll"} < {*WINSOCK.limits}


def test_counters_are_left_out_where_icmp_ends_a_connect_that_the_kernel_goes_on_with() -> None:
    mine = [Counted(HOST, "Tcp.AttemptFails", exactly=1), Counted(HOST, "Tcp.OutRsts", exactly=0)]
    shown = [Picture("a", "b", (0.0, 1.0), [], [*mine])]
    told = icmp(at=HOST, error=(3, 1))
    by_icmp = adapted(LATE, counted=mine, pictures=shown, seen=[told])
    assert [one.counter for one in by_icmp.counted] == ["Tcp.OutRsts"]
    assert [one.counter for one in by_icmp.pictures[0].counted] == ["Tcp.OutRsts"]
    # Nobody said so by ICMP: the kernel found out by itself.
    assert adapted(LATE, counted=mine, pictures=shown).counted == mine
    reset = adapted(CONNECT.fails("ECONNREFUSED"), counted=mine, seen=[])
    assert reset.counted == mine


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
        assert rule.errno == "" or number_of(rule.errno) > 0
        assert code_of(rule.code).number >= 10000
        assert rule.source
        assert {*rule.calls} <= {*inside.CALLS}


# --- what it lacks ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (run(on=HOST, argv=["true"]), "runs a Linux program"),
        (write(on=HOST, data=b"x"), "Winsock has no write()"),
        (connect(on=HOST, path="@x"), "path is Linux's"),
        (CONNECT.interrupted(after_s=0.1), "interrupted_after_s is Linux's"),
        (recv(on=HOST, flags="MSG_PEEK|MSG_TRUNC"), "Winsock has no MSG_TRUNC"),
        (setsockopt(on=HOST, option="TCP_CORK", value=1), "Winsock has no TCP_CORK"),
        (connect(on=HOST, to="server", options={"IP_RECVERR": 1}), "Winsock has no IP_RECVERR"),
        (socket(on=HOST, type="SOCK_RAW"), "streams and datagrams"),
        (socket(on=HOST, domain="AF_UNIX"), "sockets of IP"),
        (send(on=HOST, data=b"x").fails("EPIPE", signal="SIGPIPE"), "Windows has no signals"),
        (CONNECT.fails("EPROTO"), "Windows has no code of the meaning of EPROTO"),
        (connect(on=HOST, to="any", sockaddr_family=0), "sockaddr_family is Linux's"),
        (recv(on=HOST, flags="MSG_WAITALL"), "Wine does not wait for all"),
        (CONNECT.fails("EINPROGRESS"), "SO_SNDTIMEO is no limit of connect()"),
        (accept(on=HOST).fails("EAGAIN"), "SO_RCVTIMEO is no limit of accept()"),
        (CONNECT.fails("EAGAIN"), "no port is left"),
        (so_error(on=HOST).reports("ENONET"), "Windows has no code of the meaning of ENONET"),
    ],
)
def test_what_winsock_lacks_is_said(call: Call, said: str) -> None:
    assert said in why(call)


NOT_TOLD = "Wine does not tell what ICMP says of a datagram"


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([BEGUN, CONNECT.fails("ECONNREFUSED")], "a second connect() begins anew"),
        ([BEGUN, CONNECT], "a second connect() begins anew"),
        ([CONNECT.fails("ECONNREFUSED"), CONNECT], "Wine cannot connect() once more"),
        ([BEGUN, so_error(on=HOST).reports("ECONNREFUSED"), BEGUN], "cannot connect() once more"),
        ([BEGUN, send(on=HOST, data=b"x").fails("ECONNREFUSED")], "SO_ERROR alone"),
        ([BEGUN, recv(on=HOST).fails("EHOSTUNREACH")], "SO_ERROR alone"),
        ([BEGUN, shutdown(on=HOST)], "does not end a connect() on Windows"),
        ([socket(on=HOST), poll(on=HOST).tells("POLLOUT|POLLHUP")], "was never connected"),
        ([listen(on=HOST), recv(on=HOST).fails("ENOTCONN")], "waits without end"),
        ([UDP, recv(on=HOST).fails("ECONNREFUSED")], NOT_TOLD),
        ([UDP, send(on=HOST, data=b"x").fails("ECONNREFUSED")], NOT_TOLD),
        ([UDP, poll(on=HOST).tells("POLLERR")], NOT_TOLD),
        ([CONNECT, recv(on=HOST).returns(0), poll(on=HOST, events="POLLPRI", timeout_s=0.1)],
         "as soon as the peer has closed"),
        ([CONNECT, close(on="server"), poll(on=HOST, events="POLLPRI").returns(0)],
         "as soon as the peer has closed"),
        ([CONNECT.fails("EHOSTUNREACH"),
          connect(on=HOST, to="server", socket="t").returns(0, within_s=(0.9, 1.3))],
         "Wine ends an attempt at what ICMP says"),
    ],
)  # fmt: skip
def test_what_calls_together_cannot_show_is_said(calls: list[Call], said: str) -> None:
    assert said in why(*calls, seen=[icmp(at="client", error=(3, 1))])


@pytest.mark.parametrize(
    "calls",
    [
        [BEGUN, CONNECT.fails("EALREADY")],
        [BEGUN, so_error(on=HOST).reports("ECONNREFUSED")],
        [BEGUN, poll(on=HOST).tells("POLLOUT"), recv(on=HOST).fails("ECONNRESET")],
        [CONNECT, close(on=HOST), CONNECT],
        [CONNECT.fails("ECONNREFUSED"), connect(on=HOST, to="server", socket="t")],
        [UDP, UDP],
        [UDP, recv(on=HOST).fails("EAGAIN")],
        [CONNECT, close(on="server"), poll(on=HOST, events="POLLIN").returns(1)],
        [CONNECT, poll(on=HOST, events="POLLPRI", timeout_s=0.1).returns(0)],
    ],
)
def test_what_windows_does_as_linux_can_be_called(calls: list[Call]) -> None:
    assert why(*calls) == ""


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


def test_where_linux_succeeds_windows_may_refuse() -> None:
    again = WINSOCK.adapted(Case(calls=[CONNECT, CONNECT.returns(0)]), HOST).calls[1]
    assert again.wanted == Wanted(errno_name="WSAEISCONN", value=-1)
    deaf = [CONNECT, shutdown(on=HOST, how="SHUT_RD"), recv(on=HOST).gives(b"abc")]
    assert WINSOCK.adapted(Case(calls=deaf), HOST).calls[2].wanted.errno_name == "WSAESHUTDOWN"
    heard = [CONNECT, shutdown(on=HOST), recv(on=HOST).gives(b"abc")]
    assert WINSOCK.adapted(Case(calls=heard), HOST).calls[2].wanted == heard[2].wanted


@pytest.mark.parametrize(
    ("folder", "alone"),
    [("", True), ("tmp", True), ("usr/local/bin", True), ("opt", True), ("home/me/build", False),
     ("tmp/build", False), ("opt/mine", False)],
)  # fmt: skip
def test_a_folder_that_the_image_needs_is_not_hidden(
    folder: str, alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Path("/") / folder / "program.exe"
    monkeypatch.setattr(Path, "is_file", lambda path: path == program)
    monkeypatch.setattr(Path, "resolve", lambda path: path)
    assert WINSOCK.brings([str(program)]) == [program if alone else program.parent]
