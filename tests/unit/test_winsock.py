"""The table of Winsock's error codes, and those who read it."""

from __future__ import annotations

import pytest

from lab import connect, explain, winsock
from lab.calls import number_of
from lab.proofs import errno_name
from lab.winsock import CODES, ELSE, FIRST, NO_CODE


def test_names_and_numbers_are_each_of_one_code() -> None:
    assert len({code.name for code in CODES}) == len(CODES)
    assert len({code.number for code in CODES}) == len(CODES)
    assert [code.number for code in CODES] == sorted(code.number for code in CODES)


def test_every_code_of_winsock_2_is_there() -> None:
    ranges = [(10035, 10071), (10091, 10093), (10101, 10112), (11001, 11004)]
    wanted = {10004, 10009, 10013, 10014, 10022, 10024}
    wanted |= {number for first, last in ranges for number in range(first, last + 1)}
    assert {code.number for code in CODES if code.number >= FIRST} == wanted


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
def test_each_code_has_a_sentence_and_a_meaning_and_an_errno_that_exists(
    code: winsock.Code,
) -> None:
    assert code.sentence.endswith(".")
    assert explain.meaning(code.name), "neither it nor its errno has a meaning"
    assert code.errno == explain.names().get(code.errno, "")


def test_errnos_lead_to_codes_that_exist() -> None:
    for errno in ELSE:
        assert errno in explain.names()
    for errno in explain.names().values():
        names = [name for name, _ in winsock.all_of_errno(errno)]
        assert all(map(winsock.number_of, names))
        assert len({when for _, when in winsock.all_of_errno(errno)}) == len(names)


@pytest.mark.parametrize(
    ("errno", "code"),
    [
        ("ECONNREFUSED", "WSAECONNREFUSED"),
        ("ETIMEDOUT", "WSAETIMEDOUT"),
        ("EAGAIN", "WSAEWOULDBLOCK"),
        # What a connection that is being made is called.
        ("EINPROGRESS", "WSAEWOULDBLOCK"),
        ("EPIPE", "WSAECONNRESET"),
        ("EAI_NONAME", "WSAHOST_NOT_FOUND"),
        ("ENOENT", ""),
        ("", ""),
    ],
)
def test_errno_has_a_code_on_windows(errno: str, code: str) -> None:
    assert winsock.of_errno(errno) == code


def test_errno_that_is_several_codes_says_when_each() -> None:
    assert [name for name, _ in winsock.all_of_errno("EPIPE")] == ["WSAECONNRESET", "WSAESHUTDOWN"]


def test_code_is_found_by_name_and_by_number() -> None:
    assert winsock.number_of("WSAECONNREFUSED") == 10061
    assert winsock.number_of("wsaeconnrefused") == 10061
    assert winsock.number_of("ERROR_IO_PENDING") == winsock.number_of("WSA_IO_PENDING") == 997
    assert winsock.name_of(10061) == "WSAECONNREFUSED"
    assert (winsock.number_of("ECONNREFUSED"), winsock.name_of(111)) == (0, "")
    assert winsock.code_of("") == winsock.numbered(0) == NO_CODE


def test_a_call_may_be_expected_to_fail_with_a_code() -> None:
    call = connect(on="client", to="server")
    assert call.fails("WSAECONNREFUSED").mistakes() == []
    assert call.fails("WSAECONREFUSED").mistakes() == ["connect: errno has no 'WSAECONREFUSED'"]
    assert number_of("WSAECONNREFUSED") == 10061


def test_number_is_shown_by_its_name_and_linux_has_its_own_numbers() -> None:
    assert errno_name(10061) == "WSAECONNREFUSED"
    assert errno_name(1225) == "ERROR_CONNECTION_REFUSED"
    assert errno_name(6) == "ENXIO"
    assert errno_name(10999) == "10999"


def test_what_a_code_is() -> None:
    assert explain.heading("WSAECONNREFUSED") == (
        "WSAECONNREFUSED (10061) No connection could be made because the target machine actively"
        " refused it."
    )
    assert explain.meaning("WSAECONNREFUSED") == explain.meaning("ECONNREFUSED")
    assert "WSAStartup" in explain.meaning("WSANOTINITIALISED")
