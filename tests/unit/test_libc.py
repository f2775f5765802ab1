"""Calls are the C library's own, and addresses are written as the kernel reads them."""

from __future__ import annotations

import errno
import random
import socket
import struct
from ipaddress import IPv4Address, IPv6Address

import pytest

from lab.inside import libc

CHANCE = random.Random(16555)
ADDRESSES = [
    *("0.0.0.0", "127.0.0.1", "255.255.255.255", "198.18.0.10"),
    *("::", "::1", "2001:db8:0:2::10", "fe80::1", "::ffff:198.18.0.10", "ff02::1"),
    *(str(IPv4Address(CHANCE.getrandbits(32))) for _ in range(20)),
    *(str(IPv6Address(CHANCE.getrandbits(128))) for _ in range(20)),
]
PORTS = [0, 1, 255, 256, 16555, 65535]


@pytest.mark.parametrize("address", ADDRESSES)
def test_address_is_read_as_it_was_written(address: str) -> None:
    for port in PORTS:
        said = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        assert libc.address_of(libc.sockaddr(address, port)) == said


@pytest.mark.parametrize(("address", "size"), [("127.0.0.1", 16), ("::1", 28)])
def test_address_has_the_size_that_the_kernel_wants(address: str, size: int) -> None:
    assert len(libc.sockaddr(address, 1)) == size


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_kernel_takes_the_address_for_the_same(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as ours:
        raw = libc.sockaddr(address, 0)
        assert libc.call("bind", ours.fileno(), raw, len(raw)) == 0
        assert ours.getsockname()[0] == address


def test_scope_of_a_link_local_address_is_its_interfaces_number() -> None:
    raw = libc.sockaddr("fe80::1%lo", 80)
    assert struct.unpack("=I", raw[24:]) == (socket.if_nametoindex("lo"),)
    assert struct.unpack("=I", libc.sockaddr("fe80::1", 80)[24:]) == (0,)


def test_path_is_an_address_of_this_host() -> None:
    """As in unix(7): a path ends with a zero, an abstract name begins with one."""
    unix = struct.pack("=H", socket.AF_UNIX)
    assert libc.sockaddr("/run/x", 0) == unix + b"/run/x\0"
    assert libc.sockaddr("./x", 0) == unix + b"./x\0"
    assert libc.sockaddr("@x", 0) == unix + b"\0x"


@pytest.mark.parametrize("raw", [b"", b"\1", struct.pack("=H14x", 0), struct.pack("=H", 1)])
def test_address_of_no_family_that_we_know_is_nothing(raw: bytes) -> None:
    """A peer without a name has none, and that is no error."""
    assert libc.address_of(raw) == ""


@pytest.mark.parametrize("path", ["/run/x", "./x", "@x"])
def test_path_is_read_as_it_was_written(path: str) -> None:
    assert libc.address_of(libc.sockaddr(path, 0)) == path


def test_call_that_fails_raises_its_own_errno() -> None:
    with pytest.raises(OSError) as failed:
        libc.call("close", -1)
    assert failed.value.errno == errno.EBADF
    assert failed.value.strerror == "Bad file descriptor"


def test_value_of_a_call_is_its_own() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert libc.call("send", ours.fileno(), b"four", 4, 0) == 4
