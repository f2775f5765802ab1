"""Descriptors are copied, shared and looked at; addresses and bytes are the C library's."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket as sockets
import sys
from pathlib import Path

import pytest

from lab import (
    close,
    drop_capabilities,
    dup,
    end_child,
    fork,
    fstat,
    getaddrinfo,
    htonl,
    htons,
    inet_addr,
    inet_aton,
    inet_ntop,
    inet_pton,
    keep_number,
    lseek,
    ntohl,
    ntohs,
    open_path,
    pipe,
    poll,
    read,
    readlink_fd,
    recv,
    send,
    setsockopt,
    sizeof,
    socket,
    socketpair,
    write,
)
from lab.calls import Call
from lab.inside.caller import Caller
from tests.unit.maker import ON, Maker, alive, ask, failed, until


def test_connection_ends_with_the_last_of_its_descriptors(make: Maker) -> None:
    make.connected()
    assert make(dup(on=ON, new="copy"))["value"] >= 0
    make(close(on=ON))
    assert make(send(on=ON, socket="copy", data=b"abc"))["value"] == 3
    assert make(recv(on=ON, socket="c"))["value"] == 3
    make(close(on=ON, socket="copy"))
    assert make(recv(on=ON, socket="c"))["value"] == 0


def test_number_is_nobodys_after_close_and_then_the_next_sockets(make: Maker) -> None:
    make.connected()
    number = make(keep_number(on=ON, socket="s", new="old"))["value"]
    make(close(on=ON))
    assert make(send(on=ON, socket="old", data=b"abc"))["errno"] == errno.EBADF
    assert make(socketpair(on=ON, socket="next", other="end"))["value"] == 0
    assert make.sockets.number("next") == number
    assert make(send(on=ON, socket="old", data=b"abc"))["value"] == 3
    assert make(recv(on=ON, socket="end"))["value"] == 3
    del make.sockets.numbers["old"]  # it is closed as "next"


def test_child_keeps_a_connection_open_until_it_ends(caller: Caller, make: Maker) -> None:
    ask(caller, make, socketpair(on=ON, socket="s", other="c"))
    child = ask(caller, make, fork(on=ON))["value"]
    ask(caller, make, close(on=ON, socket="s"))
    wait = poll(on=ON, socket="c", events="POLLIN", timeout_s=0.2)
    assert ask(caller, make, wait)["value"] == 0
    assert ask(caller, make, end_child(on=ON))["value"] == 0
    assert ask(caller, make, recv(on=ON, socket="c"))["value"] == 0
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_child_ends_when_its_caller_alone_is_killed(caller: Caller, make: Maker) -> None:
    child = ask(caller, make, fork(on=ON))["value"]
    assert alive(child)
    os.kill(caller.pid, signal.SIGKILL)
    assert until(lambda: not alive(child))


def test_child_does_not_hold_what_its_caller_is_told_by(caller: Caller, make: Maker) -> None:
    """Or the end of the caller would not be seen."""
    ask(caller, make, socket(on=ON))
    child = ask(caller, make, fork(on=ON))["value"]
    assert until(lambda: open_sockets(caller.pid) - open_sockets(child) != set())
    assert len(open_sockets(caller.pid) & open_sockets(child)) == 1


def open_sockets(pid: int) -> set[str]:
    """Return the sockets that a process holds besides the first three descriptors."""
    links: dict[str, str] = {}
    for path in Path(f"/proc/{pid}/fd").iterdir():
        # It may close one while we look.
        with contextlib.suppress(FileNotFoundError):
            links[path.name] = path.readlink().name
    return {link for fd, link in links.items() if int(fd) > 2 and link.startswith("socket:")}


def test_descriptor_tells_what_it_is(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(socket(on=ON))
    make(pipe(on=ON, socket="p"))
    make(open_path(on=ON, path="x"))
    kinds = [make(fstat(on=ON, socket=name))["detail"] for name in ("s", "p", "file")]
    assert kinds == ["socket", "fifo", "regular file"]
    links = [make(readlink_fd(on=ON, socket=name))["detail"] for name in ("s", "p", "file")]
    assert links == ["socket:[…]", "pipe:[…]", f"{tmp_path}/x"]
    assert failed(make(fstat(on=ON, socket="none"))) == "EBADF"
    assert failed(make(readlink_fd(on=ON, socket="none"))) == "ENOENT"


def test_file_has_a_place_and_a_socket_has_none(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(open_path(on=ON, path="x"))
    make(write(on=ON, socket="file", data=b"abc"))
    assert make(lseek(on=ON, socket="file"))["value"] == 3
    assert make(lseek(on=ON, socket="file", offset=1, whence="SEEK_SET"))["value"] == 1
    assert make(read(on=ON, socket="file"))["data"] == b"bc".hex()
    make(socket(on=ON))
    assert failed(make(lseek(on=ON))) == "ESPIPE"
    assert failed(make(open_path(on=ON, path="none", flags="O_RDONLY", new="n"))) == "ENOENT"


def test_caller_without_capabilities_may_not_open_raw_sockets(caller: Caller, make: Maker) -> None:
    raw = socket(on=ON, type="SOCK_RAW", protocol=1, domain="AF_INET")
    if failed(ask(caller, make, raw)):
        pytest.skip("this user may not from the start")
    assert ask(caller, make, drop_capabilities(on=ON))["value"] == 0
    assert failed(ask(caller, make, raw)) == "EPERM"
    ask(caller, make, socket(on=ON, socket="u"))
    mark = setsockopt(on=ON, socket="u", option="SO_MARK", value=1)
    assert failed(ask(caller, make, mark)) == "EPERM"


# --- addresses and bytes --------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "value", "told"),
    [
        (inet_pton(on=ON, text="127.0.0.1"), 1, "7f 00 00 01"),
        (inet_pton(on=ON, text="127.1"), 0, ""),
        (inet_pton(on=ON, text="127.0.0.01"), 0, ""),
        (inet_pton(on=ON, text="::1", domain="AF_INET6"), 1, "00 " * 15 + "01"),
        (inet_pton(on=ON, text="fe80::1%lo", domain="AF_INET6"), 0, ""),
        (inet_ntop(on=ON, octets="7f000001"), 1, "127.0.0.1"),
        (inet_ntop(on=ON, octets="00" * 15 + "01", domain="AF_INET6"), 1, "::1"),
        (inet_ntop(on=ON, octets="7f000001", size=10), 1, "127.0.0.1"),
        (inet_addr(on=ON, text="127.0.0.1"), 0x0100007F, "7f 00 00 01"),
        (inet_addr(on=ON, text="127.1"), 0x0100007F, "7f 00 00 01"),
        (inet_addr(on=ON, text="255.255.255.255"), 0xFFFFFFFF, "ff ff ff ff"),
        (inet_addr(on=ON, text="nobody"), 0xFFFFFFFF, "ff ff ff ff"),
        (inet_aton(on=ON, text="0x7f.1"), 1, "7f 00 00 01"),
        (inet_aton(on=ON, text="256.1.1.1"), 0, ""),
        (htons(on=ON, number=16555), 43840, "40 ab"),
        (ntohs(on=ON, number=43840), 16555, "ab 40"),
        (htons(on=ON, number=65536 + 1), 256, "00 01"),
        (htonl(on=ON, number=0x7F000001), 0x0100007F, "7f 00 00 01"),
        (ntohl(on=ON, number=0x0100007F), 0x7F000001, "01 00 00 7f"),
        (sizeof(on=ON, struct="sockaddr"), 16, None),
        (sizeof(on=ON, struct="sockaddr_in"), 16, None),
        (sizeof(on=ON, struct="sockaddr_in6"), 28, None),
        (sizeof(on=ON, struct="sockaddr_un"), 110, None),
        (sizeof(on=ON, struct="sockaddr_storage"), 128, None),
        (sizeof(on=ON, struct="in_addr"), 4, None),
        (sizeof(on=ON, struct="in6_addr"), 16, None),
        (getaddrinfo(on=ON, node="127.0.0.1", service="80"), 0, "127.0.0.1:80"),
        (getaddrinfo(on=ON, service="80", flags="AI_PASSIVE"), 0, "0.0.0.0:80, [::]:80"),
    ],
)  # fmt: skip
def test_text_and_bytes_are_turned_over(
    make: Maker, word: Call, value: int, told: str | None
) -> None:
    assert sys.byteorder == "little"
    answer = make(word)
    assert (answer["value"], answer["errno"], answer.get("detail")) == (value, 0, told)


@pytest.mark.parametrize(("in_order", "told"), [(True, "b:80, a:80"), (False, "a:80, b:80")])
def test_addresses_are_told_sorted_or_as_a_caller_gets_them(
    make: Maker, monkeypatch: pytest.MonkeyPatch, in_order: bool, told: str
) -> None:
    found = [(2, 1, 6, "", (address, 80)) for address in ("b", "a", "b")]
    monkeypatch.setattr("lab.inside.calls.names.socket.getaddrinfo", lambda *_: found)
    assert make(getaddrinfo(on=ON, node="x", in_order=in_order))["detail"] == told


def test_domain_or_room_that_does_not_do_is_an_errno(make: Maker) -> None:
    assert failed(make(inet_pton(on=ON, text="x", domain="AF_UNIX"))) == "EAFNOSUPPORT"
    assert failed(make(inet_pton(on=ON, text="127.0.0.1", domain=99))) == "EAFNOSUPPORT"
    assert failed(make(inet_ntop(on=ON, octets="7f000001", domain=99))) == "EAFNOSUPPORT"
    assert failed(make(inet_ntop(on=ON, octets="7f000001", size=9))) == "ENOSPC"


def test_name_that_is_none_fails_with_a_number_of_its_own(make: Maker) -> None:
    answer = make(getaddrinfo(on=ON, node="nobody", flags="AI_NUMERICHOST"))
    assert (answer["value"], answer["errno"]) == (-1, sockets.EAI_NONAME)
    assert "not known" in answer["detail"]
