"""The words for calls: what is wrong with them is found, and the agent understands the rest."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from hypothesis import given, strategies

from lab import (
    accept,
    bind,
    close,
    connect,
    connects,
    drop_capabilities,
    dup,
    end_child,
    ended,
    epoll,
    exchange,
    fcntl,
    feed,
    fill,
    forget_peers,
    fork,
    fstat,
    getaddrinfo,
    getpeername,
    getsockname,
    getsockopt,
    htonl,
    htons,
    inet_addr,
    inet_aton,
    inet_ntop,
    inet_pton,
    keep_number,
    kill,
    limit_descriptors,
    listen,
    lseek,
    ntohl,
    ntohs,
    open_path,
    output,
    per_family,
    pipe,
    poll,
    read,
    readlink_fd,
    readv,
    recv,
    recv_error,
    recvfrom,
    recvmsg,
    run,
    select,
    send,
    send_rest,
    sendmsg,
    sendto,
    sendto_nowhere,
    setsockopt,
    shutdown,
    sizeof,
    so_error,
    socket,
    socketpair,
    ss,
    start,
    state,
    syn,
    write,
    writev,
)
from lab.calls import MARGIN_S, PATIENCE_S, Call, Wanted, unopened
from lab.inside import calls
from lab.inside.octets import as_octets, as_text
from lab.topology import FAMILIES, Block, Family

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
    socketpair(on="client", type="SOCK_SEQPACKET"),
    write(on="client", data=b"x"),
    send_rest(on="client"),
    writev(on="client", data=[b"a", b"bc"]),
    sendmsg(on="client", data=[b"a", b"bc"], flags="MSG_EOR", rights="s", to="server"),
    read(on="client"),
    readv(on="client", sizes=[3, 4]),
    recvfrom(on="client", flags="MSG_PEEK"),
    recvmsg(on="client", control=16, flags="MSG_TRUNC|MSG_DONTWAIT"),
    dup(on="client"),
    keep_number(on="client"),
    open_path(on="client", path="file"),
    fstat(on="client"),
    lseek(on="client"),
    readlink_fd(on="client"),
    fork(on="client"),
    end_child(on="client"),
    drop_capabilities(on="client"),
    inet_pton(on="client", text="::1", domain="AF_INET6"),
    inet_pton(on="client", text="::1", domain=99),
    inet_ntop(on="client", octets="7f000001", size=4),
    inet_addr(on="client", text="127.1"),
    inet_aton(on="client", text="127.1"),
    htons(on="client", number=16555),
    ntohs(on="client", number=16555),
    htonl(on="client", number=1),
    ntohl(on="client", number=1),
    getaddrinfo(on="client", node="server", service="http", flags="AI_PASSIVE"),
    sizeof(on="client", struct="sockaddr_un"),
    run(on="client", argv=["curl", "http://{server:url}/", "-w", "%{http_code}"], stdin=b"x"),
    start(on="client", argv=["cat"], until="ready"),
    feed(on="client", data=b"x"),
    kill(on="client"),
    ended(on="client"),
    output(on="client", stream="stderr"),
]  # fmt: skip
# Other ways to write the same words.
FORMS = [
    connect(on="client", path="echo.sock"),
    connect(on="client", path="/tmp/echo.sock"),
    connect(on="client", address="::ffff:{server:ipv4}", port=80),
    connect(on="client", to="link_local", scope="router", domain="AF_INET6"),
    bind(on="client", path="\0name", type="SOCK_DGRAM"),
    bind(on="client", to="loopback", port=1, port_in_host_order=True),
    sendto(on="client", path="@name", data=b"x", flags="MSG_OOB"),
    accept(on="server", length=4, flags="SOCK_NONBLOCK|SOCK_CLOEXEC"),
    getsockname(on="server", length=-1),
    recv(on="client").interrupted(after_s=0.5, restart=True),
    accept(on="server").in_background().by("second"),
    pipe(on="client", other="w"),
    start(on="client", argv=("cat",), stdin=None),
    output(on="client", until="ready", timeout_s=1.0),
    send(on="client", data=bytes(5_000_000), flags="MSG_DONTWAIT|MSG_MORE"),
]  # fmt: skip
EACH = pytest.mark.parametrize("call", [*WORDS, *FORMS], ids=lambda call: call.name)
BOTH = pytest.mark.parametrize("family", FAMILIES)


@EACH
def test_word_written_rightly_has_no_mistakes(call: Call) -> None:
    assert call.mistakes() == []


# --- what the agent is sent --------------------------------------------------------


def test_there_is_a_word_for_each_call_that_the_agent_makes() -> None:
    # Programs and functions of somebody else's are no scenario's.
    assert {call.name for call in WORDS} == set(calls.CALLS) - {"supervise", "function"}


@EACH
@BOTH
def test_agent_takes_what_it_is_sent(call: Call, family: Family) -> None:
    step = call.step(family, HERE if call.to else "")
    bound = inspect.signature(calls.make).bind(calls.Sockets(), **step)
    # What is neither of the call's socket nor of a signal is for the call itself.
    entry = calls.CALLS[step["call"]]
    first = (calls.Sockets(), call.socket) if entry.held else (-1,)
    inspect.signature(entry.function).bind(*first, **bound.arguments.get("arguments", {}))


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


def test_long_data_of_one_pattern_goes_as_the_pattern() -> None:
    step = send(on="client", data=bytes(5_000_000)).step("ipv4", "")
    assert step["data"] == "00*5000000"


@given(strategies.binary(max_size=40), strategies.integers(0, 500), strategies.binary(max_size=3))
def test_bytes_are_read_as_they_were_written(piece: bytes, times: int, rest: bytes) -> None:
    octets = piece * times + rest
    assert as_octets(as_text(octets)) == octets


def test_abstract_name_goes_with_an_at_and_a_path_as_one() -> None:
    def sent(path: str) -> Any:
        return bind(on="client", path=path).step("ipv4", "")["address"]

    assert [sent(path) for path in ("\0x", "@x", "x", "a/x")] == ["@x", "@x", "./x", "./a/x"]


@pytest.mark.parametrize(
    ("word", "domain"),
    [
        (connect(on="client", path="x"), 1),
        (connect(on="client", address="127.0.0.1"), 2),
        (connect(on="client", address="::1"), 10),
        (connect(on="client", address="127.0.0.1", domain="AF_INET6"), 10),
        (connect(on="client", address="{server:ipv4}"), 2),
        (connect(on="client", address="{server:ipv6}"), 10),
        (connect(on="client", address="::ffff:{server:ipv4}"), 10),
    ],
)
@BOTH
def test_socket_is_of_the_literal_addresss_family(word: Call, domain: int, family: Family) -> None:
    assert word.step(family, "")["opening"]["domain"] == domain


@pytest.mark.parametrize(
    "address", ["{server}", "{loopback}", per_family(ipv4="127.0.0.2", ipv6="::1")]
)
@BOTH
def test_address_of_the_runs_family_has_its_socket(address: Any, family: Family) -> None:
    opening = bind(on="client", address=address).step(family, "")["opening"]
    assert opening["domain"] == {"ipv4": 2, "ipv6": 10}[family]


@BOTH
def test_names_in_braces_are_addresses_where_the_call_is_made(family: Family) -> None:
    words = ["http://{server:url}/", "{server}", "{server:ipv4}", "{server:ipv6}", "%{http_code}"]
    call = run(on="client", argv=words).tells("{server:url}:…").at(family, Block(0))
    server = {"ipv4": HERE, "ipv6": "2001:db8:0:2::10"}
    url = HERE if family == "ipv4" else f"[{server['ipv6']}]"
    assert call.arguments["argv"] == [
        f"http://{url}/", server[family], HERE, server["ipv6"], "%{http_code}",
    ]  # fmt: skip
    assert call.wanted.told == f"{url}:…"


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


def test_what_is_told_or_given_is_wanted_with_the_value_said_before() -> None:
    status = CONNECT.returns(5, within_s=(1, 2))
    assert status.tells("late").wanted == Wanted(value=5, told="late", within_s=(1, 2))
    assert status.gives(b"ab").wanted == Wanted(value=5, data=b"ab", within_s=(1, 2))


def test_call_has_hung_some_time_after_it_should_have_ended() -> None:
    assert CONNECT.deadline_s == PATIENCE_S + MARGIN_S
    assert CONNECT.fails("ETIMEDOUT", within_s=(131, 135)).deadline_s == 135 + MARGIN_S
    assert run(on="client", argv=["x"], timeout_s=60.0).deadline_s == 60 + MARGIN_S
    assert poll(on="client", timeout_s=1).deadline_s == PATIENCE_S + MARGIN_S


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
    (recv(on="client", flags="MSG_PEEKING"), "flag 'MSG_PEEKING' is not one of MSG_OOB"),
    (recv(on="client", flags="SOCK_NONBLOCK"), "flag 'SOCK_NONBLOCK' is not one of MSG_OOB"),
    (accept(on="client", flags="MSG_PEEK"), "flag 'MSG_PEEK' is not one of SOCK_NONBLOCK"),
    (open_path(on="client", path="x", flags="O_X"), "flag 'O_X' is not one of O_RDONLY"),
    (writev(on="client", data=[b"a", "b"]), "data 'b' is not bytes"),
    (connect(on="client", address="8.8.8.8"), "'8.8.8.8' is none of the lab's"),
    (connect(on="client", address="::ffff:8.8.8.8"), "is none of the lab's"),
    (sendto(on="client", address="2001:4860:4860::8888", data=b""), "is none of the lab's"),
    (connect(on="client", address="server"), "'server' is not an IPv4 or IPv6 address"),
    (bind(on="client", path="/run/docker.sock"), "neither abstract"),
    (bind(on="client", path="/tmp/../run/docker.sock"), "neither abstract"),
    (bind(on="client", path="/tmpx"), "neither abstract"),
    (open_path(on="client", path="a/../../b"), "neither abstract"),
    (connect(on="client"), "give one of to, address and path"),
    (sendto(on="client", data=b""), "give one of to, address and path"),
    (run(on="client", argv=[]), "argv is empty"),
    (run(on="client", argv="ls -l"), "argv 'ls -l' is not a list"),
    (run(on="client", argv=["curl", "{sever}"]), "no destination 'sever'"),
    (run(on="client", argv=["curl", "{nobody:url}"]), "no destination 'nobody'"),
    (kill(on="client").fails("ESRCH", signal="SIGNONE"), "no signal 'SIGNONE'"),
    (kill(on="client", signal="SIGSTOPPED"), "no signal 'SIGSTOPPED'"),
    (sizeof(on="client", struct="sockaddr_x"), "struct 'sockaddr_x' is not one of sockaddr"),
    (inet_pton(on="client", text="", domain="AF_X"), "domain 'AF_X' is not one of"),
    (output(on="client", stream="stdin"), "stream 'stdin' is not one of stdout, stderr"),
    (lseek(on="client", whence="SEEK_X"), "whence 'SEEK_X'"),
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
    (CONNECT.after(syn(at="nowhere")), "no capture at 'nowhere'"),
    (CONNECT.before(syn(at="client", count="some")), "is not a number of packets"),
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


@pytest.mark.parametrize(
    "address",
    ["127.0.0.2", "198.18.0.1", "{server}", "::ffff:{server:ipv4}", "fe80::1", "fe80::1%eth0",
     "169.254.1.1", "0.0.0.0", "::", "255.255.255.255", "2001:db8::1"],
)  # fmt: skip
def test_literal_address_of_this_host_link_or_lab_is_no_mistake(address: str) -> None:
    assert connect(on="client", address=address).mistakes() == []


def test_socket_belongs_to_the_caller_that_opened_it() -> None:
    there = [CONNECT, recv(on="client"), dup(on="client"), recv(on="client", socket="copy")]
    assert unopened(there) == []
    (mistake,) = unopened([*there, recv(on="client").by("second")])
    assert mistake == "recv: no call before it opens a socket 's' on client (second)"
    (mistake,) = unopened([CONNECT, sendmsg(on="client", data=[b""], rights="x")])
    assert "a socket 'x'" in mistake


@pytest.mark.parametrize(
    ("word", "begins", "thing"),
    [
        (kill(on="client"), start(on="client", argv=["x"]), "program 'p'"),
        (ended(on="client"), start(on="client", argv=["x"]), "program 'p'"),
        (output(on="client"), start(on="client", argv=["x"]), "program 'p'"),
        (feed(on="client", data=b""), start(on="client", argv=["x"]), "program 'p'"),
        (end_child(on="client"), fork(on="client"), "child 'child'"),
    ],
)
def test_program_or_child_belongs_to_the_caller_that_started_it(
    word: Call, begins: Call, thing: str
) -> None:
    assert unopened([begins, word]) == []
    (mistake,) = unopened([begins.by("other"), word])
    assert mistake == f"{word.name}: no call before it starts a {thing} on client"


def test_name_that_getaddrinfo_has_for_a_failure_is_no_mistake() -> None:
    assert getaddrinfo(on="client", node="x").fails("EAI_NONAME").mistakes() == []
    assert getaddrinfo(on="client", node="x").fails("EAI_NOTHING").mistakes() != []


def test_two_mistakes_in_one_word_are_both_named() -> None:
    assert len(connect(on="me", to="nowhere").mistakes()) == 2
