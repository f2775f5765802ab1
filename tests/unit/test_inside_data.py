"""The agent's calls that move bytes, by every way that there is, on the loopback interface."""

from __future__ import annotations

import os

import pytest

from lab import (
    accept,
    bind,
    close,
    connect,
    fcntl,
    fill,
    getsockname,
    listen,
    pipe,
    poll,
    read,
    readv,
    recv,
    recvfrom,
    recvmsg,
    send,
    send_rest,
    sendmsg,
    sendto,
    socketpair,
    write,
    writev,
)
from lab.calls import Call
from lab.inside.caller import Caller
from lab.inside.octets import as_octets
from tests.unit.maker import ON, PATIENCE_S, Maker, ask, failed

PAIR = socketpair(on=ON, socket="s", other="c")


@pytest.mark.parametrize(
    "word",
    [
        send(on=ON, data=b"abc"), write(on=ON, data=b"abc"), writev(on=ON, data=[b"a", b"", b"bc"]),
        sendmsg(on=ON, data=[b"ab", b"c"]),
    ],
    ids=lambda call: call.name,
)  # fmt: skip
@pytest.mark.parametrize(
    "other",
    [
        recv(on=ON, socket="c"), read(on=ON, socket="c"), readv(on=ON, socket="c", sizes=[2, 9]),
        recvfrom(on=ON, socket="c"), recvmsg(on=ON, socket="c"),
    ],
    ids=lambda call: call.name,
)  # fmt: skip
def test_what_one_call_sends_any_other_receives(make: Maker, word: Call, other: Call) -> None:
    make.connected()
    assert make(word)["value"] == 3
    answer = make(other)
    assert (answer["value"], answer["data"]) == (3, b"abc".hex())


def test_pieces_are_read_into_one_buffer_after_the_other(make: Maker) -> None:
    make.connected()
    make(send(on=ON, data=b"abcde"))
    assert make(readv(on=ON, socket="c", sizes=[3, 4, 5]))["detail"] == "abc|de|"


def test_much_data_of_one_pattern_is_sent_and_received_as_that(make: Maker) -> None:
    make.connected()
    make(send(on=ON, data=b"ab" * 5000))
    make(poll(on=ON, socket="c", events="POLLIN", timeout_s=PATIENCE_S))
    answer = make(recv(on=ON, socket="c", size=10000, flags="MSG_WAITALL"))
    assert answer["data"] == "6162*5000"


def test_write_to_a_peer_that_is_gone_raises_sigpipe(make: Maker) -> None:
    make(PAIR)
    make(close(on=ON, socket="c"))
    answer = make(write(on=ON, data=b"x"))
    assert (failed(answer), answer["signals"]) == ("EPIPE", ["SIGPIPE"])
    assert "signals" not in make(sendmsg(on=ON, data=[b"x"]))


def test_rest_is_what_a_send_did_not_take(make: Maker) -> None:
    make(PAIR)
    make(fcntl(on=ON, blocking=False))
    parts = [make(send(on=ON, data=b"abcdefg" * 200_000))["value"]]
    assert 0 < parts[0] < 1_400_000
    got = b""
    while sum(parts) < 1_400_000 or len(got) < 1_400_000:
        got += as_octets(make(recv(on=ON, socket="c", size=1_400_000))["data"])
        parts.append(make(send_rest(on=ON))["value"])
    assert got == b"abcdefg" * 200_000
    assert make(send_rest(on=ON))["value"] == 0
    make(close(on=ON, socket="c"))
    assert failed(make(write(on=ON, data=b"ab"))) == "EPIPE"
    assert failed(make(send_rest(on=ON))) == "EPIPE"


# --- flags ----------------------------------------------------------------------


def test_what_was_peeked_at_is_still_there(make: Maker) -> None:
    make(PAIR)
    make(send(on=ON, data=b"abc"))
    for _ in range(2):
        assert make(recv(on=ON, socket="c", flags="MSG_PEEK"))["data"] == b"abc".hex()
    assert make(recv(on=ON, socket="c"))["value"] == 3
    assert failed(make(recv(on=ON, socket="c", flags="MSG_DONTWAIT"))) == "EAGAIN"


def test_datagram_that_is_too_long_says_so_and_its_own_length(make: Maker) -> None:
    make(bind(on=ON, to="loopback", proto="udp", socket="u"))
    for _ in range(2):
        make(sendto(on=ON, to="loopback", port=make.port("u"), data=b"abcdef"))
    cut = make(recvmsg(on=ON, socket="u", size=2))
    assert (cut["value"], cut["data"], cut["detail"]) == (2, b"ab".hex(), "MSG_TRUNC")
    whole = make(recv(on=ON, socket="u", size=2, flags="MSG_TRUNC"))
    assert (whole["value"], whole["data"]) == (6, b"ab".hex())


def test_datagram_tells_who_sent_it_and_a_connection_nobody(make: Maker) -> None:
    make(bind(on=ON, to="loopback", proto="udp", socket="u"))
    make(bind(on=ON, to="loopback", proto="udp", socket="w"))
    make(sendto(on=ON, to="loopback", port=make.port("u"), data=b"abc", socket="w"))
    sender = make(getsockname(on=ON, socket="w"))["detail"]
    assert make(recvfrom(on=ON, socket="u"))["detail"] == sender
    make.connected()
    make(send(on=ON, data=b"abc"))
    assert make(recvfrom(on=ON, socket="c"))["detail"] == ""


def test_urgent_byte_is_apart_from_the_others(make: Maker) -> None:
    make.connected()
    make(send(on=ON, data=b"ab!", flags="MSG_OOB"))
    assert make(poll(on=ON, socket="c", events="POLLPRI", timeout_s=5.0))["detail"] == "POLLPRI"
    assert make(recv(on=ON, socket="c", flags="MSG_OOB"))["data"] == b"!".hex()
    assert make(recv(on=ON, socket="c"))["data"] == b"ab".hex()


# --- beside the data ------------------------------------------------------------


def test_packet_information_comes_beside_the_data(make: Maker) -> None:
    options = {
        "ipv4": {"IP_PKTINFO": 1, "IP_RECVTTL": 1, "SO_TIMESTAMP": 1},
        "ipv6": {"IPV6_RECVPKTINFO": 1, "IPV6_RECVHOPLIMIT": 1, "SO_TIMESTAMP": 1},
    }
    told = {
        "ipv4": {"SO_TIMESTAMP", "IP_TTL 64", "IP_PKTINFO 127.0.0.1"},
        "ipv6": {"SO_TIMESTAMP", "IPV6_HOPLIMIT 64", "IPV6_PKTINFO ::1"},
    }
    make(bind(on=ON, to="any", proto="udp", socket="u", options=options[make.family]))
    make(sendto(on=ON, to="loopback", port=make.port("u"), data=b"abc"))
    make(sendto(on=ON, to="loopback", port=make.port("u"), data=b"abc"))
    assert set(make(recvmsg(on=ON, socket="u"))["detail"].split(", ")) == told[make.family]
    assert make(recvmsg(on=ON, socket="u", control=16))["detail"].startswith("MSG_CTRUNC")


def test_descriptor_that_was_passed_is_the_same_socket(make: Maker) -> None:
    make.connected()
    make(socketpair(on=ON, socket="way", other="there"))
    make(sendmsg(on=ON, socket="way", data=[b"x"], rights="c"))
    answer = make(recvmsg(on=ON, socket="there", new="received"))
    assert (answer["detail"], answer["data"]) == ("SCM_RIGHTS 1", b"x".hex())
    make(send(on=ON, data=b"abc"))
    assert make(recv(on=ON, socket="received"))["data"] == b"abc".hex()


def test_records_are_kept_apart_and_marked(make: Maker) -> None:
    make(socketpair(on=ON, type="SOCK_SEQPACKET", socket="s", other="c"))
    make(send(on=ON, data=b"ab"))
    make(send(on=ON, data=b"cde"))
    assert make(recvmsg(on=ON, socket="c"))["data"] == b"ab".hex()
    assert make(recvmsg(on=ON, socket="c", size=1))["detail"] == "MSG_TRUNC"


# --- addresses of this host -----------------------------------------------------


@pytest.fixture
def folder(tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder as callers have it, where paths begin."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("path", ["echo.sock", "@errnolab-test", "\0errnolab-test"])
def test_unix_socket_is_found_by_its_path_or_name(make: Maker, path: str) -> None:
    assert failed(make(connect(on=ON, path=path, socket="early"))) in ("ENOENT", "ECONNREFUSED")
    make(bind(on=ON, path=path, socket="l"))
    make(listen(on=ON, socket="l"))
    assert make(connect(on=ON, path=path))["value"] == 0
    name = make(getsockname(on=ON, socket="l"))["detail"]
    assert name == (path.replace("\0", "@") if path[0] in "@\0" else f"./{path}")
    assert make(accept(on=ON, socket="l"))["detail"] == ""


@pytest.mark.usefixtures("folder")
def test_path_that_is_too_long_is_invalid(make: Maker) -> None:
    assert failed(make(bind(on=ON, path="x" * 108))) == "EINVAL"
    assert failed(make(bind(on=ON, path="x" * 105))) == ""


@pytest.mark.usefixtures("folder")
def test_datagrams_fill_the_queue_of_a_unix_socket(make: Maker) -> None:
    make(bind(on=ON, path="@errnolab-queue", type="SOCK_DGRAM", socket="u"))
    make(connect(on=ON, path="@errnolab-queue", type="SOCK_DGRAM"))
    assert make(fill(on=ON))["value"] > 0
    assert failed(make(send(on=ON, data=b"x", flags="MSG_DONTWAIT"))) == "EAGAIN"


def test_mapped_address_is_ipv4_on_an_ipv6_socket(make: Maker) -> None:
    if make.family == "ipv6":
        pytest.skip("the listener is of IPv4")
    port = make.listening()
    assert make(connect(on=ON, address="::ffff:127.0.0.1", port=port))["value"] == 0
    assert make(accept(on=ON, socket="l"))["detail"].startswith("127.0.0.1:")
    assert make(getsockname(on=ON))["detail"].startswith("[::ffff:127.0.0.1]:")


def test_forgotten_htons_binds_another_port(make: Maker) -> None:
    make(bind(on=ON, to="loopback", port=16555, port_in_host_order=True))
    assert make.port("s") == 0xAB40


def test_link_local_address_without_a_scope_is_invalid(make: Maker) -> None:
    assert failed(make(connect(on=ON, address="fe80::99", port=1))) == "EINVAL"


@pytest.mark.parametrize(
    ("length", "told"), [(0, "length {}"), (4, "length {}"), (128, "length {}"), (-1, "EINVAL")]
)
def test_length_of_an_address_is_value_and_result(make: Maker, length: int, told: str) -> None:
    """It comes back as the address's own, however little room there was."""
    port = make.listening()
    make(connect(on=ON, to="loopback", port=port))
    size = 16 if make.family == "ipv4" else 28
    answer = make(getsockname(on=ON, length=length))
    assert (failed(answer) or answer["detail"]) == told.format(size)
    answer = make(accept(on=ON, socket="l", new="c", length=length))
    whole = told if told == "EINVAL" else f"{told}, {min(length, size)} written"
    assert (failed(answer) or answer["detail"]) == whole.format(size)


def test_flags_of_accept_are_those_of_the_new_socket(make: Maker) -> None:
    port = make.listening()
    for new, flags in (("a", "SOCK_NONBLOCK"), ("b", "")):
        make(connect(on=ON, to="loopback", port=port, socket=f"to-{new}"))
        make(accept(on=ON, socket="l", new=new, flags=flags))
        assert os.get_blocking(make.sockets.number(new)) is not bool(flags)


# --- interrupted ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "restarted"),
    [
        (recv(on=ON, socket="p"), True), (read(on=ON, socket="p"), True),
        (recvmsg(on=ON, socket="p"), True), (accept(on=ON, socket="l"), True),
        (poll(on=ON, socket="p", events="POLLIN"), False),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)  # fmt: skip
def test_signal_ends_a_wait_unless_it_is_restarted(
    caller: Caller, make: Maker, word: Call, restarted: bool
) -> None:
    """poll(2) is never restarted (signal(7))."""
    ask(caller, make, socketpair(on=ON, socket="p", other="q"))
    ask(caller, make, bind(on=ON, to="loopback", socket="l"))
    ask(caller, make, listen(on=ON, socket="l"))
    answer = ask(caller, make, word.interrupted(after_s=0.05))
    assert (failed(answer), answer["signals"]) == ("EINTR", ["SIGALRM"])
    again = word.interrupted(after_s=0.05, restart=True)
    answer = caller.call(make.step(again), 0.4)
    assert answer == {"hung": True} if restarted else failed(answer) == "EINTR"


def test_send_that_took_a_part_returns_it_when_a_signal_comes(caller: Caller, make: Maker) -> None:
    ask(caller, make, PAIR)
    word = send(on=ON, data=bytes(50_000_000)).interrupted(after_s=0.1)
    answer = ask(caller, make, word)
    assert (0 < answer["value"] < 50_000_000, answer["signals"]) == (True, ["SIGALRM"])
    assert failed(ask(caller, make, word)) == "EINTR"


def test_writing_end_of_a_pipe_has_a_name_of_its_own(make: Maker) -> None:
    make(pipe(on=ON, other="w"))
    make(write(on=ON, socket="w", data=b"abc"))
    assert make(read(on=ON))["data"] == b"abc".hex()
    make(fcntl(on=ON, blocking=False))
    assert failed(make(read(on=ON))) == "EAGAIN"
