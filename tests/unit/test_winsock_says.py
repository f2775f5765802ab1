"""What of a message is Windows', as `errnolab explain` finds it."""

# ruff: noqa: RUF001 - Chinese sentences have the punctuation of Chinese.

from __future__ import annotations

import re

import pytest

from lab.errors import NotUnderstood
from lab.explain import find
from lab.winsock import CODES, FIRST, Code
from lab.winsock_says import number_in, spans

REFUSED = "No connection could be made because the target machine actively refused it."
TIMED_OUT = (
    "A connection attempt failed because the connected party did not properly respond after a"
    " period of time, or established connection failed because connected host has failed to"
    " respond."
)
NO_WAY = (
    "The network location cannot be reached. For information about network troubleshooting, see"
    " Windows Help."
)


def understood(message: str) -> list[str]:
    return [found.name for found in find(message)]


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
def test_each_code_is_found_by_name_number_and_sentence(code: Code) -> None:
    assert understood(code.name.lower()) == [code.name]
    assert understood(f"OSError: [WinError {code.number}]") == [code.name]
    assert understood(f"0x{0x80070000 + code.number:08X}") == [code.name]
    assert code.name in understood(f"2026-11-23 app[12]: read: {code.sentence} (attempt)")
    assert understood(f"[WinError {code.number}] {code.sentence}") == [code.name]
    if code.number >= FIRST:
        assert understood(str(code.number)) == [code.name]


@pytest.mark.parametrize(
    "message",
    [
        "10061",
        "#10061",
        "WSAECONNREFUSED",
        "wsaeconnrefused",
        "connect failed: WSAECONNREFUSED",
        "WSAGetLastError() = 10061",
        "WSAGetLastError returned 10061",
        "connect failed: 10061",
        "connect failed with 10061",
        "connect failed with error: 10061",
        "connect() failed, error code 10061",
        "Socket Error # 10061\nConnection refused.",
        "[WinError 10061]",
        "winerror 10061",
        "[Errno 10061]",
        "0x8007274D",
        "0x8007274d",
        "-2147014835",
        "(Exception from HRESULT: 0x8007274D)",
        "No  connection could be made because\nthe target machine actively refused it",
        "actively refused it",
        # Microsoft's documentation of Winsock says "computer".
        "No connection could be made because the target computer actively refused it.",
        # As programs print it: Python, .NET, .NET Framework, Go, Rust, psql, MySQL's client.
        f"ConnectionRefusedError: [WinError 10061] {REFUSED[:-1]}",
        f"System.Net.Sockets.SocketException (10061): {REFUSED}",
        f"System.Net.Sockets.SocketException (0x80004005): {REFUSED[:-1]} 127.0.0.1:80",
        f"dial tcp 127.0.0.1:5080: connectex: {REFUSED}",
        f'Os {{ code: 10061, kind: ConnectionRefused, message: "{REFUSED}" }}',
        f"{REFUSED} (os error 10061)",
        "could not connect to server: Connection refused (0x0000274D/10061)",
        "ERROR 2003 (HY000): Can't connect to MySQL server on 'localhost' (10061)",
        f"Max retries exceeded with url: / (Caused by NewConnectionError('<x>: Failed to establish"
        f" a new connection: [WinError 10061] {REFUSED[:-1]}'))",
    ],
)
def test_refusal_is_found_as_windows_and_its_programs_write_it(message: str) -> None:
    assert understood(message) == ["WSAECONNREFUSED"]


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("winerror 1225", ["ERROR_CONNECTION_REFUSED"]),
        ("1225", ["ERROR_CONNECTION_REFUSED"]),
        ("由于目标计算机积极拒绝，无法连接。", ["WSAECONNREFUSED"]),
        ("[WinError 10051] 向一个无法连接的网络尝试了一个套接字操作。", ["WSAENETUNREACH"]),
        ("GetLastError() = 64", ["ERROR_NETNAME_DELETED"]),
        ("ERROR_IO_PENDING", ["WSA_IO_PENDING"]),
        (TIMED_OUT, ["WSAETIMEDOUT"]),
        (f"lookup: {TIMED_OUT.partition(',')[0]}, …", ["WSAETIMEDOUT"]),
        ("Connection timed out (10060)", ["WSAETIMEDOUT"]),
        ("(os error 10054)", ["WSAECONNRESET"]),
        ("socket.gaierror: [Errno 11001] getaddrinfo failed", ["WSAHOST_NOT_FOUND"]),
        ("[WinError 121] The semaphore timeout period has expired", ["ERROR_SEM_TIMEOUT"]),
        # A sentence of three codes, and the number that tells which.
        (NO_WAY, ["ERROR_NETWORK_UNREACHABLE", "ERROR_HOST_UNREACHABLE",
                  "ERROR_PROTOCOL_UNREACHABLE"]),
        (f"[WinError 1232] {NO_WAY}", ["ERROR_HOST_UNREACHABLE"]),
        # In the order of the message; an errno is left out only where the code says the same.
        ("ETIMEDOUT, then WSAECONNREFUSED (ECONNREFUSED)", ["ETIMEDOUT", "WSAECONNREFUSED"]),
    ],
)  # fmt: skip
def test_other_codes_are_found(message: str, names: list[str]) -> None:
    assert understood(message) == names


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("111", "ECONNREFUSED"),
        ("121", "EREMOTEIO"),
        ("error 64", "ENONET"),
        ("SocketException (111): Connection refused", "ECONNREFUSED"),
        ("Error: connect ECONNREFUSED 127.0.0.1:10060", "ECONNREFUSED"),
        ("dial tcp 10.0.0.1:10054: connect: connection refused", "ECONNREFUSED"),
        ("connect to db port 10061: Connection timed out", "ETIMEDOUT"),
    ],
)
def test_what_is_linux_or_a_port_stays_so(message: str, name: str) -> None:
    assert understood(message) == [name]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("10061", "the number 10061"),
        ("0x8007274D", "the HRESULT 0x8007274D"),
        ("wsaeconnrefused", "the name wsaeconnrefused"),
        (REFUSED, "Windows prints it"),
        ("actively refused it", f"a part of '{REFUSED}', which Windows prints"),
    ],
)
def test_it_says_how_it_was_found(message: str, why: str) -> None:
    assert [found.why for found in find(message)] == [why]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("10999", "has the number 10999; did you mean WSAHOST_NOT_FOUND (11001)?"),
        ("[WinError 10080] odd", "has the number 10080; did you mean WSAEREMOTE (10071)?"),
        ("55555", "no code of Windows' sockets has the number 55555"),
        # Not Linux's EIO.
        ("windows error 5", "no code of Windows' sockets has the number 5"),
        ("0x80070005", "no code of Windows' sockets has the HRESULT 0x80070005"),
        ("WSAECONREFUSED", "did you mean WSAECONNREFUSED or "),
        ("refused it not", "names no errno"),
    ],
)
def test_what_is_no_code_suggests_the_nearest(message: str, said: str) -> None:
    with pytest.raises(NotUnderstood, match=re.escape(said)):
        find(message)


def test_nothing_is_suggested_for_a_number_far_from_all() -> None:
    for message in ("55555", "windows error 5", "0x80070005"):
        with pytest.raises(NotUnderstood) as error:
            find(message)
        assert "did you mean" not in str(error.value)


@pytest.mark.parametrize("text", ["10061", "0x274D", "0x0000274d", "0x8007274D", "-2147014835"])
def test_number_is_read_in_each_of_its_forms(text: str) -> None:
    assert number_in(text) == 10061


def test_span_is_where_the_message_has_it() -> None:
    message = f"x: [WinError 10061] {REFUSED}"
    assert {message[span.start : span.end] for span in spans(message)} == {
        "WinError 10061",
        REFUSED[:-1],
    }
