"""The agent's calls, made on the loopback interface: they give what a C program would get."""

from __future__ import annotations

import errno
import os
import shutil
import socket as sockets
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
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
    getpeername,
    getsockname,
    getsockopt,
    limit_descriptors,
    listen,
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
from lab.calls import Call
from lab.inside import caller as callers
from lab.inside.caller import Caller
from lab.inside.options import OPTIONS
from lab.topology import FAMILIES, Family
from tests.unit.maker import ON, PATIENCE_S, Maker, ask, failed, later

# --- open, name, close ----------------------------------------------------------


def test_port_that_nobody_listens_on_refuses(make: Maker) -> None:
    before_ns = time.time_ns()
    answer = make(connect(on=ON, to="loopback", port=make.closed_port()))
    assert failed(answer) == "ECONNREFUSED"
    assert answer["detail"] == "Connection refused"
    assert 0 < answer["elapsed_ms"] < PATIENCE_S * 1e3
    assert before_ns <= answer["at_ns"] <= time.time_ns()


def test_each_end_tells_the_others_address(make: Maker) -> None:
    port = make.listening()
    make(connect(on=ON, to="loopback", port=port))
    accepted = make(accept(on=ON, socket="l", new="c"))
    assert accepted["detail"] == make(getsockname(on=ON))["detail"]
    peer = make(getpeername(on=ON))["detail"]
    assert peer == make(getsockname(on=ON, socket="c"))["detail"]
    assert peer == (f"127.0.0.1:{port}" if make.family == "ipv4" else f"[::1]:{port}")


def test_socket_without_a_peer_has_no_name_to_tell(make: Maker) -> None:
    make(socket(on=ON))
    assert failed(make(getpeername(on=ON))) == "ENOTCONN"


@pytest.mark.parametrize(
    "call", [send(on=ON, data=b"x"), recv(on=ON), close(on=ON), so_error(on=ON)]
)
def test_closed_socket_is_no_descriptor(make: Maker, call: Call) -> None:
    make(socket(on=ON))
    assert make(close(on=ON))["value"] == 0
    assert failed(make(call)) == "EBADF"


def test_closed_socket_is_not_the_next_one_that_gets_its_number(make: Maker) -> None:
    first = make(socket(on=ON))["value"]
    make(close(on=ON))
    assert make(socket(on=ON, socket="next"))["value"] == first
    assert failed(make(so_error(on=ON))) == "EBADF"


def test_name_that_was_closed_can_be_opened_again(make: Maker) -> None:
    make(socket(on=ON))
    make(close(on=ON))
    make(bind(on=ON, to="loopback"))
    assert make.port("s") > 0


def test_name_that_never_was_a_socket_is_no_descriptor(make: Maker) -> None:
    assert failed(make(recv(on=ON, socket="nobody"))) == "EBADF"


def test_pipe_is_no_socket(make: Maker) -> None:
    make(pipe(on=ON))
    assert failed(make(connect(on=ON, to="loopback"))) == "ENOTSOCK"
    assert failed(make(recv(on=ON))) == "ENOTSOCK"


@pytest.mark.parametrize("pointer", [0, 1])
def test_address_that_cannot_be_read_is_a_fault(make: Maker, pointer: int) -> None:
    assert failed(make(connect(on=ON, to="loopback", pointer=pointer))) == "EFAULT"


@pytest.mark.parametrize("length", [1, 15, 200])
def test_address_of_a_wrong_length_is_invalid(make: Maker, length: int) -> None:
    assert failed(make(connect(on=ON, to="loopback", length=length))) == "EINVAL"
    assert failed(make(bind(on=ON, to="loopback", length=length))) == "EINVAL"


def test_address_of_another_family_is_not_supported(make: Maker) -> None:
    unix = make(connect(on=ON, to="loopback", sockaddr_family=int(sockets.AF_UNIX)))
    assert failed(unix) == "EAFNOSUPPORT"


def test_port_that_is_bound_is_in_use(make: Maker) -> None:
    port = make.listening()
    assert failed(make(bind(on=ON, to="loopback", port=port))) == "EADDRINUSE"


def test_call_without_the_socket_it_wanted_was_not_made(make: Maker) -> None:
    """Its errno would be that of another call."""
    for call in (
        connect(on=ON, to="loopback", domain="AF_UNSPEC"),
        connect(on=ON, to="loopback", options={"TCP_SYNCNT": 0}),
    ):
        assert make(call)["lost"].startswith("it was not made")
    assert failed(make(socket(on=ON, domain="AF_UNSPEC"))) == "EAFNOSUPPORT"


def test_options_are_set_when_the_socket_is_made(make: Maker) -> None:
    make(connect(on=ON, to="loopback", port=make.closed_port(), options={"TCP_SYNCNT": 3}))
    assert make(getsockopt(on=ON, option="TCP_SYNCNT"))["value"] == 3


# --- in progress ----------------------------------------------------------------


def refused_in_background(make: Maker) -> None:
    begun = make(connect(on=ON, to="loopback", port=make.closed_port(), blocking=False))
    assert failed(begun) == "EINPROGRESS"


@pytest.mark.parametrize(
    ("wait", "value", "told"),
    [
        (poll(on=ON, timeout_s=PATIENCE_S), 1, "POLLOUT|POLLERR|POLLHUP"),
        (epoll(on=ON, timeout_s=PATIENCE_S), 1, "EPOLLOUT|EPOLLERR|EPOLLHUP"),
        (select(on=ON, timeout_s=PATIENCE_S), 2, "readable|writable"),
    ],
)
def test_connect_that_failed_in_the_background_is_ready(
    make: Maker, wait: Call, value: int, told: str
) -> None:
    refused_in_background(make)
    answer = make(wait)
    assert (answer["value"], answer["detail"]) == (value, told)


def test_pending_error_is_told_once(make: Maker) -> None:
    refused_in_background(make)
    make(poll(on=ON, timeout_s=PATIENCE_S))
    assert make(so_error(on=ON))["value"] == errno.ECONNREFUSED
    assert make(so_error(on=ON))["value"] == 0


def test_later_call_may_change_how_the_socket_blocks(make: Maker) -> None:
    port = make.closed_port()
    for blocking in (False, True):
        make(connect(on=ON, to="loopback", port=port, blocking=blocking))
        assert os.get_blocking(make.sockets.number("s")) is blocking
    for blocking in (False, True):
        assert make(fcntl(on=ON, blocking=blocking))["value"] == 0
        assert os.get_blocking(make.sockets.number("s")) is blocking


# --- waiting --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wait", "value", "told"),
    [
        (poll(on=ON), 1, "POLLOUT"),
        (epoll(on=ON), 1, "EPOLLOUT"),
        (select(on=ON), 1, "writable"),
        (poll(on=ON, events="POLLIN", timeout_s=0.05), 0, ""),
        (epoll(on=ON, events="EPOLLIN", timeout_s=0.05), 0, ""),
    ],
)
def test_idle_connection_can_be_written_and_has_nothing_to_read(
    make: Maker, wait: Call, value: int, told: str
) -> None:
    make.connected()
    answer = make(wait)
    assert (answer["value"], answer["detail"]) == (value, told)
    if value == 0:
        assert answer["elapsed_ms"] >= 49


def test_what_came_can_be_read(make: Maker) -> None:
    make.connected()
    make(send(on=ON, data=b"x", socket="c"))
    assert make(poll(on=ON, events="POLLIN", timeout_s=PATIENCE_S))["detail"] == "POLLIN"
    assert make(select(on=ON, timeout_s=PATIENCE_S))["detail"] == "readable|writable"


# --- data -----------------------------------------------------------------------


def test_data_comes_as_it_was_sent_and_ends_with_nothing(make: Maker) -> None:
    make.connected()
    assert make(send(on=ON, data=b"a\0b"))["value"] == 3
    assert make(shutdown(on=ON))["value"] == 0
    first, last = make(recv(on=ON, socket="c")), make(recv(on=ON, socket="c"))
    assert (first["value"], first["data"]) == (3, b"a\0b".hex())
    assert (last["value"], last["data"], last["errno"]) == (0, "", 0)


@pytest.mark.parametrize(("sigpipe", "signals"), [(True, ["SIGPIPE"]), (False, None)])
def test_sending_after_the_end_is_a_broken_pipe(
    make: Maker, sigpipe: bool, signals: list[str] | None
) -> None:
    """With the signal that a C program would die of, unless it asks for none."""
    make.connected()
    make(shutdown(on=ON))
    answer = make(send(on=ON, data=b"x", sigpipe=sigpipe))
    assert failed(answer) == "EPIPE"
    assert answer.get("signals") == signals


def test_time_out_of_the_socket_ends_a_wait(make: Maker) -> None:
    make.connected()
    make(setsockopt(on=ON, option="SO_RCVTIMEO", value=0.1))
    answer = make(recv(on=ON))
    assert failed(answer) == "EAGAIN"
    assert 99 <= answer["elapsed_ms"] < PATIENCE_S * 1e3


def test_datagram_needs_to_know_where_it_goes(make: Maker) -> None:
    make(socket(on=ON, type="SOCK_DGRAM"))
    assert failed(make(sendto_nowhere(on=ON, data=b"x"))) == "EDESTADDRREQ"


def test_datagram_goes_where_it_is_sent(make: Maker) -> None:
    make(bind(on=ON, to="loopback", proto="udp", socket="u"))
    assert make(sendto(on=ON, to="loopback", port=make.port("u"), data=b"abc"))["value"] == 3
    assert make(recv(on=ON, socket="u"))["data"] == b"abc".hex()


@pytest.mark.parametrize("size", [0, 1, 4_000_000])
def test_exchange_sends_all_and_reads_all_at_once(make: Maker, size: int) -> None:
    """More than both buffers hold, so that one after the other would never end."""
    data = os.urandom(size)
    port = make.listening()
    make(connect(on=ON, to="loopback", port=port))
    make(accept(on=ON, socket="l", new="c"))

    def echo() -> None:
        with sockets.socket(fileno=os.dup(make.sockets.number("c"))) as peer:
            while piece := peer.recv(1 << 16):
                peer.sendall(piece)
            peer.shutdown(sockets.SHUT_WR)

    thread = threading.Thread(target=echo)
    thread.start()
    answer = make(exchange(on=ON, data=data))
    thread.join()
    assert (answer["value"], answer["data"]) == (size, data.hex())


@pytest.mark.parametrize("blocking", [True, False])
def test_socket_is_filled_without_blocking_and_then_blocks_as_before(
    make: Maker, blocking: bool
) -> None:
    make.connected()
    make(fcntl(on=ON, blocking=blocking))
    assert make(fill(on=ON))["value"] > 0
    assert os.get_blocking(make.sockets.number("s")) is blocking


# --- errors that a socket keeps -------------------------------------------------


def test_error_queue_tells_who_said_no(make: Maker) -> None:
    make(bind(on=ON, to="loopback", proto="udp", socket="u"))
    port = make.port("u")
    make(close(on=ON, socket="u"))
    option = "IP_RECVERR" if make.family == "ipv4" else "IPV6_RECVERR"
    make(connect(on=ON, to="loopback", port=port, proto="udp", options={option: 1}))
    make(send(on=ON, data=b"abc"))
    assert "POLLERR" in make(poll(on=ON, events="POLLIN", timeout_s=PATIENCE_S))["detail"]
    answer = make(recv_error(on=ON))
    by = "ICMP 3/3" if make.family == "ipv4" else "ICMPv6 1/4"
    assert (answer["value"], answer["detail"]) == (3, f"ECONNREFUSED from {by}")
    assert failed(make(recv_error(on=ON))) == "EAGAIN"


def test_reading_errors_leaves_the_socket_open(make: Maker) -> None:
    make(socket(on=ON, type="SOCK_DGRAM"))
    assert failed(make(recv_error(on=ON))) == "EAGAIN"
    assert make(so_error(on=ON))["value"] == 0


# --- options and state ----------------------------------------------------------

# What is set, and what is read back: as it was, unless the kernel has a reason.
ROUND_TRIPS: dict[str, tuple[Any, int]] = {
    "SO_REUSEADDR": (1, 1),
    "SO_BROADCAST": (1, 1),
    "SO_SNDBUF": (9000, 18000),  # socket(7): doubled
    "SO_RCVBUF": (9000, 18000),
    "SO_KEEPALIVE": (1, 1),
    "SO_LINGER": (5, 1),  # the first number of struct linger: it is on
    "SO_REUSEPORT": (1, 1),
    "SO_OOBINLINE": (1, 1),
    "SO_RCVLOWAT": (7, 7),
    "SO_TIMESTAMP": (1, 1),
    "SO_RXQ_OVFL": (1, 1),
    "TCP_CORK": (1, 1),
    "TCP_QUICKACK": (0, 0),
    "IP_PKTINFO": (1, 1),
    "IP_RECVTTL": (1, 1),
    "IPV6_RECVPKTINFO": (1, 1),
    "IPV6_RECVHOPLIMIT": (1, 1),
    "SO_RCVTIMEO": (2.0, 2),  # the first of struct timeval
    "SO_SNDTIMEO": (3.5, 3),
    "SO_MARK": (7, 7),
    "TCP_NODELAY": (1, 1),
    "TCP_MAXSEG": (1000, 1000),
    "TCP_KEEPIDLE": (9, 9),
    "TCP_KEEPINTVL": (8, 8),
    "TCP_KEEPCNT": (3, 3),
    "TCP_SYNCNT": (2, 2),
    "TCP_LINGER2": (7, 7),
    "TCP_DEFER_ACCEPT": (1, 1),
    "TCP_WINDOW_CLAMP": (4096, 4096),
    "TCP_USER_TIMEOUT": (1500, 1500),
    "IP_TTL": (9, 9),
    "IP_MTU_DISCOVER": (2, 2),
    "IP_RECVERR": (1, 1),
    "IP_FREEBIND": (1, 1),
    "IP_BIND_ADDRESS_NO_PORT": (1, 1),
    "IP_LOCAL_PORT_RANGE": ((20000, 20010), 20010 << 16 | 20000),
    "IPV6_UNICAST_HOPS": (9, 9),
    "IPV6_MTU_DISCOVER": (2, 2),
    "IPV6_RECVERR": (1, 1),
    "IPV6_V6ONLY": (1, 1),
    "IPV6_FREEBIND": (1, 1),
}
# What can only be read, and what of (setting, reading) a socket without a peer gives.
OTHERS = {
    "SO_ERROR": ("ENOPROTOOPT", ""),
    "TCP_INFO": ("ENOPROTOOPT", ""),
    "SO_TYPE": ("ENOPROTOOPT", ""),
    "SO_PROTOCOL": ("ENOPROTOOPT", ""),
    "SO_DOMAIN": ("ENOPROTOOPT", ""),
    "SO_ACCEPTCONN": ("ENOPROTOOPT", ""),
    "IP_HDRINCL": ("ENOPROTOOPT", ""),  # of raw sockets alone
    "IP_MTU": ("ENOPROTOOPT", "ENOTCONN"),
    "IPV6_MTU": ("", "ENOTCONN"),
}


def by_family(options: Iterable[str]) -> pytest.MarkDecorator:
    """Try each option on the sockets that have it; what is not IP's is of both families."""
    other: dict[Family, str] = {"ipv4": "IPV6_", "ipv6": "IP_"}
    pairs = [
        (family, option)
        for family in FAMILIES
        for option in options
        if not option.startswith(other[family])
    ]
    return pytest.mark.parametrize(("make", "option"), pairs, indirect=["make"])


def test_every_option_is_tried() -> None:
    assert set(ROUND_TRIPS) | set(OTHERS) == set(OPTIONS)


def test_options_have_the_numbers_that_python_knows() -> None:
    """It lacks some; no two of ours are the same."""
    known = {name: getattr(sockets, name) for name in OPTIONS if hasattr(sockets, name)}
    assert len(known) > 15
    assert {name: OPTIONS[name][1] for name in known} == known
    assert len({(level, number) for level, number, _write in OPTIONS.values()}) == len(OPTIONS)


@by_family(ROUND_TRIPS)
def test_option_is_read_back_as_it_was_set(make: Maker, option: str) -> None:
    """And was something else before, so that its number is the right one."""
    value, read = ROUND_TRIPS[option]
    make(socket(on=ON))
    before = make(getsockopt(on=ON, option=option))
    answer = make(setsockopt(on=ON, option=option, value=value))
    if option in ("SO_MARK", "IP_LOCAL_PORT_RANGE") and answer["errno"]:
        pytest.skip(f"this kernel or user may not: {answer['detail']}")
    assert (failed(answer), answer["value"]) == ("", 0)
    assert make(getsockopt(on=ON, option=option))["value"] == read
    assert before["value"] != read or option == "IP_TTL"


@by_family(OTHERS)
def test_option_that_cannot_be_set_or_read_says_so(make: Maker, option: str) -> None:
    make(socket(on=ON))
    got = (
        failed(make(setsockopt(on=ON, option=option, value=1400))),
        failed(make(getsockopt(on=ON, option=option))),
    )
    assert got == OTHERS[option]


def test_mtu_is_that_of_the_way_to_the_peer(make: Maker) -> None:
    make.connected()
    option = "IP_MTU" if make.family == "ipv4" else "IPV6_MTU"
    assert make(getsockopt(on=ON, option=option))["value"] >= 1280


def test_state_is_told_as_ss_writes_it(make: Maker) -> None:
    make(socket(on=ON, socket="new"))
    make.connected()
    told = {name: make(state(on=ON, socket=name))["detail"] for name in ("new", "l", "s", "c")}
    assert told == {"new": "UNCONN", "l": "LISTEN", "s": "ESTAB", "c": "ESTAB"}
    make(shutdown(on=ON))
    assert make(state(on=ON))["detail"] in ("FIN-WAIT-1", "FIN-WAIT-2")
    assert make(state(on=ON, socket="c"))["detail"] == "CLOSE-WAIT"


@pytest.mark.skipif(not shutil.which("ss"), reason="there is no ss(8) here")
def test_ss_counts_the_sockets_of_a_port(make: Maker) -> None:
    port = make.listening(backlog=3)
    # By state: an earlier connection may be in TIME-WAIT on the same port.
    answer = make(ss(on=ON, port=port, state="LISTEN"))
    assert (answer["value"], answer["detail"]) == (1, "LISTEN 0/3")
    make(connect(on=ON, to="loopback", port=port))
    assert make(ss(on=ON, port=port, state="ESTAB"))["value"] == 2
    assert make(ss(on=ON, port=port, state="SYN-RECV"))["value"] == 0
    assert make(ss(on=ON, port=port))["value"] >= 3


# --- in a process of its own ----------------------------------------------------


def accepted(listener: int) -> int:
    """Accept a connection without a call of ours, and return its descriptor."""
    with sockets.socket(fileno=os.dup(listener)) as queue:
        peer, _ = queue.accept()
        return peer.detach()


def test_signal_ends_a_wait_for_data(make: Maker, caller: Caller) -> None:
    ask(caller, make, connect(on=ON, to="loopback", port=make.listening()))
    answer = ask(caller, make, recv(on=ON), interrupted_after_s=0.1)
    assert failed(answer) == "EINTR"
    assert answer["signals"] == ["SIGALRM"]
    # The signal's time runs from a moment before the call.
    assert 50 <= answer["elapsed_ms"] < PATIENCE_S * 1e3


def test_call_that_is_restarted_after_a_signal_goes_on(make: Maker, caller: Caller) -> None:
    ask(caller, make, connect(on=ON, to="loopback", port=make.listening()))
    make(accept(on=ON, socket="l", new="c"))
    timer = later(0.6, lambda: os.write(make.sockets.number("c"), b"abc"))
    answer = ask(caller, make, recv(on=ON), interrupted_after_s=0.05, restart=True)
    timer.join()
    assert (failed(answer), answer["data"]) == ("", b"abc".hex())
    assert answer["signals"] == ["SIGALRM"]


def test_signal_ends_a_connect_that_nobody_answers(make: Maker, caller: Caller) -> None:
    """The queue of the listener is full: the SYN is dropped."""
    port = make.listening(backlog=0)
    make(connect(on=ON, to="loopback", port=port))
    waiting = connect(on=ON, to="loopback", port=port, interrupted_after_s=0.1)
    answer = ask(caller, make, waiting)
    assert (failed(answer), answer["signals"]) == ("EINTR", ["SIGALRM"])
    # What was begun goes on all the same.
    assert ask(caller, make, state(on=ON))["detail"] == "SYN-SENT"


def test_connect_that_is_restarted_waits_on(make: Maker, caller: Caller) -> None:
    port = make.listening(backlog=0)
    make(connect(on=ON, to="loopback", port=port))
    waiting = connect(on=ON, to="loopback", port=port, interrupted_after_s=0.1, restart=True)
    # Room in the queue, which the next SYN finds: a second after the first.
    timer = later(0.3, lambda: make.sockets.add("c", accepted(make.sockets.number("l"))))
    answer = ask(caller, make, waiting)
    timer.join()
    assert (answer["value"], answer["signals"]) == (0, ["SIGALRM"])


def test_no_signal_comes_after_the_call(make: Maker, caller: Caller) -> None:
    """One that ends in time is not disturbed, and neither is the next."""
    make.closed_port()
    refused = connect(on=ON, to="loopback", port=make.port("closed"), interrupted_after_s=0.3)
    assert "signals" not in ask(caller, make, refused)
    wait = poll(on=ON, events="POLLPRI", timeout_s=0.5)
    ask(caller, make, socket(on=ON, socket="u", type="SOCK_DGRAM"))
    assert "signals" not in ask(caller, make, wait, socket_name="u")


@pytest.mark.parametrize("spare", [0, 1, 3])
def test_only_so_many_descriptors_more_can_be_opened(
    make: Maker, caller: Caller, spare: int
) -> None:
    ask(caller, make, limit_descriptors(on=ON, spare=spare))
    opened = [ask(caller, make, socket(on=ON, socket=f"{n}")) for n in range(spare + 2)]
    assert [failed(answer) for answer in opened] == [""] * spare + ["EMFILE"] * 2


def test_descriptors_that_are_open_stay_so(make: Maker, caller: Caller) -> None:
    ask(caller, make, bind(on=ON, to="loopback"))
    ask(caller, make, limit_descriptors(on=ON, spare=0))
    assert failed(ask(caller, make, listen(on=ON))) == ""


def test_many_connections_are_begun_at_once(make: Maker, caller: Caller) -> None:
    port = make.listening()
    assert ask(caller, make, connects(on=ON, to="loopback", port=port, count=5))["value"] == 5
    peers = {make(accept(on=ON, socket="l", new=f"{n}"))["detail"] for n in range(5)}
    assert len(peers) == 5


def test_call_that_does_not_return_has_hung(make: Maker, caller: Caller) -> None:
    ask(caller, make, connect(on=ON, to="loopback", port=make.listening()))
    assert caller.call(make.step(recv(on=ON)), 0.2) == {"hung": True}


def test_mistake_in_a_step_is_shown(make: Maker, caller: Caller) -> None:
    step = {**make.step(recv(on=ON)), "call": "nothing"}
    assert "KeyError: 'nothing'" in caller.call(step, PATIENCE_S)["lost"]
    # And the caller is still there.
    assert ask(caller, make, socket(on=ON))["value"] >= 0


def test_caller_that_is_ended_takes_its_sockets_along(make: Maker, caller: Caller) -> None:
    ask(caller, make, connect(on=ON, to="loopback", port=make.listening()))
    make(accept(on=ON, socket="l", new="c"))
    caller.close()
    assert make(poll(on=ON, socket="c", events="POLLIN", timeout_s=PATIENCE_S))["value"] == 1
    assert make(recv(on=ON, socket="c"))["value"] == 0


def test_caller_that_was_closed_is_gone(caller: Caller) -> None:
    pipe_fd = caller.pipe.fileno()
    caller.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(pipe_fd)
    with pytest.raises(ProcessLookupError):
        os.kill(caller.pid, 0)


def test_interrupt_ends_the_call_under_way(make: Maker) -> None:
    number = callers.caller_open()
    try:
        port = make.listening()
        callers.caller_call(number, make.step(connect(on=ON, to="loopback", port=port)), 5.0)
        timer = later(0.2, callers.callers_end)
        answer = callers.caller_call(number, make.step(recv(on=ON)), PATIENCE_S)
        timer.join()
        assert "lost" in answer
    finally:
        callers.caller_close(number)
    with suppress(ProcessLookupError):
        os.kill(number, 0)
        pytest.fail("it is still there")


@pytest.mark.parametrize("end", ["close", "interrupt"])
def test_file_outside_the_folder_goes_with_the_callers(make: Maker, end: str) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        ours, before = Path(folder) / "ours", Path(folder) / "before"
        before.touch()
        number = callers.caller_open()
        try:
            for path, length in ((ours, None), (before, None), (Path(folder) / ("x" * 300), 40)):
                step = make.step(bind(on=ON, path=str(path), socket=path.name[:9], length=length))
                callers.caller_call(number, step, 5.0)
            assert ours.is_socket()
            if end == "interrupt":
                callers.callers_end()
                assert not ours.exists()
        finally:
            callers.caller_close(number)
        assert before.exists() and not ours.exists()
