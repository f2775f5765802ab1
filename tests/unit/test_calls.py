"""The words for calls: what is wrong with them is found, and the agent understands the rest."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

from lab import (
    accept,
    bind,
    close,
    connect,
    connects,
    epoll,
    exchange,
    fcntl,
    fill,
    forget_peers,
    getpeername,
    getsockname,
    getsockopt,
    limit_descriptors,
    listen,
    per_family,
    pipe,
    poll,
    recv,
    recv_error,
    select,
    send,
    sendto,
    sendto_nowhere,
    setsockopt,
    shutdown,
    so_error,
    socket,
    ss,
    state,
)
from lab.calls import MARGIN_S, PATIENCE_S, Call, Wanted
from lab.inside import calls
from lab.topology import FAMILIES, Family

HERE = "198.18.2.10"
CONNECT = connect(on="client", to="server")
WORDS = [
    socket(on="client", domain="AF_UNIX", type="SOCK_RAW", protocol=7),
    pipe(on="client"),
    CONNECT,
    connect(on="client", to="server", port=0, proto="udp", options={"IP_TTL": 1}, blocking=False,
            socket="u", domain="AF_INET", interrupted_after_s=0.5, restart=True, length=4,
            sockaddr_family=1, pointer=0),
    connects(on="client", to="server", count=3, options={"TCP_SYNCNT": 1}),
    bind(on="server", to="any", port=17001, length=4, sockaddr_family=1),
    listen(on="server", backlog=1),
    accept(on="server", new="c"),
    getpeername(on="client"),
    getsockname(on="client"),
    shutdown(on="client", how="SHUT_RDWR"),
    close(on="client"),
    send(on="client", data=b"x", sigpipe=True),
    sendto(on="client", to="server", data=b"x", options={"IP_RECVERR": 1}),
    sendto_nowhere(on="client", data=b"x"),
    recv(on="client", size=1),
    recv_error(on="client"),
    exchange(on="client", data=b""),
    fill(on="client"),
    poll(on="client", events="POLLIN", timeout_s=0.5),
    epoll(on="client", timeout_s=0.5),
    select(on="client", timeout_s=0.5),
    setsockopt(on="client", option="SO_SNDTIMEO", value=0.5),
    getsockopt(on="client", option="SO_SNDBUF"),
    so_error(on="client"),
    fcntl(on="client", blocking=False),
    state(on="client"),
    ss(on="server", port=17001, state="SYN-RECV"),
    forget_peers(on="client"),
    limit_descriptors(on="client", spare=0),
]  # fmt: skip
EACH = pytest.mark.parametrize("call", WORDS, ids=lambda call: call.name)
BOTH = pytest.mark.parametrize("family", FAMILIES)


@EACH
def test_word_written_rightly_has_no_mistakes(call: Call) -> None:
    assert call.mistakes() == []


# --- what the agent is sent --------------------------------------------------------


def test_there_is_a_word_for_each_call_that_the_agent_makes() -> None:
    assert {call.name for call in WORDS} == set(calls.CALLS)


@EACH
@BOTH
def test_agent_takes_what_it_is_sent(call: Call, family: Family) -> None:
    step = call.step(family, HERE if call.to else "")
    bound = inspect.signature(calls.make).bind(calls.Sockets(), **step)
    # What is neither of the call's socket nor of a signal is for the call itself.
    inspect.signature(calls.CALLS[step["call"]]).bind(-1, **bound.arguments.get("arguments", {}))


@EACH
def test_what_the_agent_is_sent_is_plain_data(call: Call) -> None:
    step = call.step("ipv4", HERE)
    assert json.loads(json.dumps(step)) == step


@BOTH
def test_socket_is_of_the_runs_family_unless_said(family: Family) -> None:
    opening = CONNECT.step(family, HERE)["opening"]
    assert opening["domain"] == {"ipv4": 2, "ipv6": 10}[family]
    other = connect(on="client", to="server", domain="AF_UNIX").step(family, HERE)
    assert other["opening"]["domain"] == 1


@pytest.mark.parametrize(
    ("domain", "type_", "numbers"),
    [
        ("AF_UNSPEC", "SOCK_STREAM", (0, 1)),
        ("AF_PACKET", "SOCK_DGRAM", (17, 2)),
        (0, 0, (0, 0)),
        (44, 77, (44, 77)),
    ],
)
def test_domain_and_type_are_names_or_numbers(
    domain: Any, type_: Any, numbers: tuple[int, int]
) -> None:
    call = socket(on="client", domain=domain, type=type_)
    assert call.mistakes() == []
    how = call.step("ipv4", "")["how"]
    assert (how["domain"], how["type"]) == numbers


def test_datagrams_are_sent_from_a_socket_of_their_own_kind() -> None:
    udp = connect(on="client", to="server", proto="udp").step("ipv4", HERE)
    assert udp["opening"]["type"] == 2
    assert sendto(on="client", to="server", data=b"").step("ipv4", HERE)["opening"]["type"] == 2
    assert CONNECT.step("ipv4", HERE)["opening"]["type"] == 1


def test_bytes_go_as_hexadecimal() -> None:
    assert send(on="client", data=b"\0hi").step("ipv4", "")["data"] == "006869"


def test_call_on_a_socket_that_is_there_opens_none() -> None:
    step = recv(on="client", socket="c").step("ipv4", "")
    assert step == {"call": "recv", "socket_name": "c", "size": 2048}


def test_what_is_left_out_is_not_sent() -> None:
    step = CONNECT.step("ipv4", HERE)
    assert set(step) == {"call", "socket_name", "port", "address", "opening"}


# --- what a person is shown --------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (CONNECT, [HERE, 16555]),
        (WORDS[3], [HERE, 0, "interrupted_after_s=0.5", "restart=True", "length=4",
                    "sockaddr_family=1", "pointer=0", "AF_INET", "SOCK_DGRAM", "IP_TTL=1",
                    "O_NONBLOCK"]),
        (socket(on="client", domain="AF_UNIX"), ["AF_UNIX"]),
        (listen(on="server", backlog=1), [1]),
        (accept(on="server", new="c"), ["new=c"]),
        (setsockopt(on="client", option="TCP_SYNCNT", value=1), ["TCP_SYNCNT", 1]),
        (so_error(on="client"), ["SO_ERROR"]),
        (fcntl(on="client", blocking=False), ["blocking=False"]),
        (send(on="client", data=b"a\xff"), ["a\\xff", 2]),
        (close(on="client"), []),
    ],
)  # fmt: skip
def test_arguments_are_shown_that_were_not_left_as_they_are(call: Call, shown: list[Any]) -> None:
    assert call.shown(HERE if call.to else "") == shown


def test_long_data_is_shown_by_its_beginning_and_length() -> None:
    text, length = send(on="client", data=b"x" * 65536).shown("")
    assert (text, length) == ("x" * 32, 65536)


# --- what is wanted ----------------------------------------------------------------


def test_wishes_take_the_place_of_each_other() -> None:
    """The last is what counts; none of an earlier one is left."""
    refused = CONNECT.fails("ECONNREFUSED", within_s=(0.0, 0.2))
    assert refused.wanted == Wanted("ECONNREFUSED", value=-1, within_s=(0.0, 0.2))
    assert refused.returns(0).wanted == Wanted(value=0)
    assert refused.gives(b"").wanted == Wanted(data=b"")
    assert refused.tells("ESTAB").wanted == Wanted(told="ESTAB")
    assert refused.reports("").wanted == Wanted(reported="")


def test_call_has_hung_some_time_after_it_should_have_ended() -> None:
    assert CONNECT.deadline_s == PATIENCE_S + MARGIN_S
    assert CONNECT.fails("ETIMEDOUT", within_s=(131, 135)).deadline_s == 135 + MARGIN_S


# --- mistakes ----------------------------------------------------------------------


def option(name: str, value: Any) -> Call:
    return connect(on="client", to="server", options={name: value})


WRONG = [
    (connect(on="me", to="server"), "no host 'me'"),
    (connect(on="elsewhere", to="server"), "no host 'elsewhere'"),
    (connect(on="client", to="nowhere"), "no destination 'nowhere'"),
    (connect(on="client", to="server", port=-1), "port -1 is not 0 to 65535"),
    (connect(on="client", to="server", port=65536), "port 65536"),
    (bind(on="server", port="http"), "port 'http'"),  # type: ignore[arg-type]
    (connect(on="client", to="server", proto="sctp"), "type 'sctp' is not one of SOCK_STREAM"),
    (socket(on="client", domain="AF_INET7"), "domain 'AF_INET7' is not one of AF_UNSPEC"),
    (socket(on="client", type="STREAM"), "type 'STREAM'"),
    (send(on="client", data="text"), "data 'text' is not bytes"),
    (poll(on="client", events="POLLING"), "no event 'POLLING'"),
    (shutdown(on="client", how="SHUT_UP"), "how 'SHUT_UP' is not one of SHUT_RD"),
    (option("TCP_SYNCOUNT", 1), "no option 'TCP_SYNCOUNT'"),
    (option("TCP_SYNCNT", "1"), "option TCP_SYNCNT does not take '1'"),
    (option("TCP_SYNCNT", 1.5), "option TCP_SYNCNT does not take 1.5"),
    (option("TCP_SYNCNT", 1 << 31), "option TCP_SYNCNT does not take 2147483648"),
    (option("SO_SNDTIMEO", "1"), "option SO_SNDTIMEO does not take '1'"),
    (option("SO_LINGER", None), "option SO_LINGER does not take None"),
    (option("IP_LOCAL_PORT_RANGE", 40000), "does not take 40000"),
    (option("IP_LOCAL_PORT_RANGE", (1, 2, 3)), "does not take (1, 2, 3)"),
    (setsockopt(on="client", option="SO_BUF", value=1), "no option 'SO_BUF'"),
    (setsockopt(on="client", option="SO_SNDBUF", value="1"), "does not take '1'"),
    (getsockopt(on="client", option="SO_BUF"), "no option 'SO_BUF'"),
    (CONNECT.fails("ENOTHING"), "errno has no 'ENOTHING'"),
    (CONNECT.fails(111), "errno has no '111'"),
    (so_error(on="client").reports("ENOTHING"), "errno has no 'ENOTHING'"),
    (CONNECT.fails("EPIPE", within_s=(2, 1)), "is not (first, last)"),
    (CONNECT.fails("EPIPE", within_s=(-1, 1)), "is not (first, last)"),
    (CONNECT.returns(0, within_s=3), "is not (first, last)"),
    (CONNECT.tells("", within_s=(1, 2, 3)), "is not (first, last)"),
]


@pytest.mark.parametrize(("call", "said"), WRONG)
def test_word_written_wrong_says_what(call: Call, said: str) -> None:
    (mistake,) = call.mistakes()
    assert mistake.startswith(f"{call.name}: ")
    assert said in mistake


EITHER = per_family(ipv4="EHOSTUNREACH", ipv6="ENETUNREACH")
NUMBER = per_family(ipv4=1, ipv6=2)


@pytest.mark.parametrize(
    "call",
    [
        CONNECT.fails(EITHER, within_s=per_family(ipv4=(0, 1), ipv6=(1, 2))),
        so_error(on="client").reports(EITHER),
        option("TCP_SYNCNT", NUMBER),
        connect(on="client", to="server", options=per_family(ipv4={}, ipv6={})),
        connect(on="client", to="server", port=NUMBER),
        socket(on="client", domain=EITHER, type=EITHER),
        send(on="client", data=EITHER),
        setsockopt(on="client", option="SO_SNDBUF", value=NUMBER),
    ],
)
def test_value_that_only_the_run_knows_is_no_mistake(call: Call) -> None:
    assert call.mistakes() == []


def test_two_mistakes_in_one_word_are_both_named() -> None:
    assert len(connect(on="me", to="nowhere").mistakes()) == 2
