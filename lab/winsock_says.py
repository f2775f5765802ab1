"""What of a message is Windows': numbers of its codes, their names, and its own sentences.

Numbers come as Python, .NET, Go, psql and others write them: "[WinError 10061]",
"(10061)", "error 10061", "WSAGetLastError() = 10061", "(0x0000274D/10061)", and as an
HRESULT, which is 0x80070000 and the code. One that is an errno of Linux too is Windows' only
where that is said: in "[WinError 121]", or in an HRESULT.
"""

# ruff: noqa: RUF001 - Chinese sentences have the punctuation of Chinese.

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from lab import winsock
from lab.winsock import CODES, FIRST

HRESULT = 0x80070000
# What a Windows in Chinese prints for the usual ones, without its stop; seen in reports of users.
IN_CHINESE = {
    "WSAECONNREFUSED": "由于目标计算机积极拒绝，无法连接",
    "WSAETIMEDOUT": "由于连接方在一段时间后没有正确答复或连接的主机没有反应，连接尝试失败",
    "WSAECONNRESET": "远程主机强迫关闭了一个现有的连接",
    "WSAECONNABORTED": "你的主机中的软件中止了一个已建立的连接",
    "WSAENETUNREACH": "向一个无法连接的网络尝试了一个套接字操作",
    "WSAEHOSTUNREACH": "套接字操作尝试一个无法连接的主机",
    "WSAEADDRINUSE": "通常每个套接字地址(协议/网络地址/端口)只允许使用一次",
    "WSAEACCES": "以一种访问权限不允许的方式做了一个访问套接字的尝试",
}
# A sentence is known by its first half too, if that says as much as this.
WORDS_ENOUGH = 5
# A part of a sentence of fewer words than these could be anybody's.
WORDS_OF_A_PART = 2

_NUMBER = r"(?P<number>0x[0-9a-f]+|-?\d+)\b"
_SAYS_WINDOWS = (
    rf"\b(?:winerror|(?:windows|win32|winsock|wsa)[ _]?error|(?:wsa)?getlasterror)\b"
    rf"(?:\(\))?\W{{0,3}}(?:(?:code|number|is|was|returned)\b\W{{0,3}})?{_NUMBER}",
    r"(?<![\w-])(?P<number>0x8007[0-9a-f]{4}|-2147\d{6})\b",
)
_SAYS_ERROR = (
    rf"^#?{_NUMBER}$",
    rf"\b(?:errno|\w*error|code|failed(?: with)?)\b(?: code| number)?[\s:=#(\[]{{0,3}}{_NUMBER}",
    rf"\({_NUMBER}(?=[:)/])",
)


@dataclass(frozen=True)
class Span:
    """A piece of a message, the code that it names ("" if there is none such), and how.

    `number` is the code's, or that which no code has.
    """

    start: int
    end: int
    name: str
    number: int
    why: str


def spans(message: str) -> list[Span]:
    """Return what of a message is Windows', the numbers first."""
    numbers = [*_numbers(message)]
    said = {span.name for span in numbers}
    return [*numbers, *_names(message), *_sentences(message, said)]


def parts(message: str) -> Iterator[tuple[str, str]]:
    """Yield the codes that have a message as a part of their sentence, and that sentence."""
    if len(message.split()) >= WORDS_OF_A_PART:
        pattern = _whole(re.escape(message))
        for code in CODES:
            if pattern.search(code.sentence):
                yield code.name, code.sentence


def number_in(text: str) -> int:
    """Return the code that a number stands for: "10061", "0x274D", "0x8007274D", "-2147014835"."""
    value = _value(text)
    return value & 0xFFFF if _is_hresult(value) else value


def _value(text: str) -> int:
    return int(text, 16 if text.lower().startswith("0x") else 10)


def _is_hresult(value: int) -> bool:
    return (value & 0xFFFF0000) == HRESULT


def _kind(text: str) -> str:
    return "HRESULT" if _is_hresult(_value(text)) else "number"


def _numbers(message: str) -> Iterator[Span]:
    for pattern in (*_SAYS_WINDOWS, *_SAYS_ERROR):
        for match in re.finditer(pattern, message, re.IGNORECASE):
            number = number_in(match["number"])
            nobody_elses = winsock.name_of(number) and number not in errno.errorcode
            if number >= FIRST or pattern in _SAYS_WINDOWS or nobody_elses:
                why = f"the {_kind(match['number'])} {match['number']}"
                yield Span(*match.span(), winsock.name_of(number), number, why)


def _names(message: str) -> Iterator[Span]:
    for match in re.finditer(r"\w+", message):
        code = winsock.code_of(match[0])
        if code.name:
            yield Span(*match.span(), code.name, code.number, f"the name {match[0]}")


def _sentences(message: str, said: set[str]) -> Iterator[Span]:
    """Find sentences, the longest first; of several codes that have it, the one that is `said`."""
    rest = message
    for pattern, names in _patterns():
        match = pattern.search(rest)
        if match:
            for name in [name for name in names if name in said] or names:
                number = winsock.number_of(name)
                yield Span(*match.span(), name, number, "Windows prints it")
            rest = blanked(rest, *match.span())


@cache
def _patterns() -> list[tuple[re.Pattern[str], list[str]]]:
    """Return a pattern for each sentence, and the codes that have it; long ones first."""
    names: dict[str, list[str]] = {}
    for code in CODES:
        names.setdefault(code.sentence, []).append(code.name)
    ordered = sorted(names, key=len, reverse=True)
    chinese = [(re.compile(re.escape(text)), [name]) for name, text in IN_CHINESE.items()]
    return [(_whole(_pattern(sentence)), names[sentence]) for sentence in ordered] + chinese


def _pattern(sentence: str) -> str:
    """Return a pattern for a sentence without its stop, with or without its second half."""
    whole = sentence.rstrip(".")
    half = re.split(r"[,.] ", whole, maxsplit=1)[0]
    if half == whole or len(half.split()) < WORDS_ENOUGH:
        return re.escape(whole)
    return f"{re.escape(half)}(?:{re.escape(whole[len(half) :])})?"


def _whole(pattern: str) -> re.Pattern[str]:
    """Return a pattern that begins and ends with a word."""
    return re.compile(rf"(?<!\w){pattern}(?!\w)", re.IGNORECASE)


def blanked(message: str, start: int, end: int) -> str:
    """Return a message with a piece of it made unreadable, and all else where it was."""
    return message[:start] + "\0" * (end - start) + message[end:]
