"""Which errno, or code of Windows, a name, a number or a message means, and what it is.

What an errno means is said in `images/host/meanings.py`, which the hosts' own programs
print; what programs print is in `lab.says`; which scenarios show it is `lab.atlas`'s.
Windows' codes are in `lab.winsock`, and what of a message is Windows' finds `lab.winsock_says`.
"""

from __future__ import annotations

import ctypes
import difflib
import errno
import importlib.util
import os
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from lab import places, winsock, winsock_says
from lab.errors import NotUnderstood
from lab.says import MUSL, SAYS, Said
from lab.winsock_says import Span, blanked

MEANINGS = places.SHIPPED / "images" / "host" / "meanings.py"
# Fewer letters than these say too little to look for them inside longer texts.
WORTH_LOOKING_FOR = 4
# A message as much like what a known program prints is one of another version.
ALIKE = 0.75
NEAR = 0.6
# Every name of a code of Windows.
WINDOWS = [*(code.name for code in winsock.CODES), *winsock.ALIASES]


@dataclass(frozen=True)
class Found:
    """An errno, or a code of Windows, and what of the message named it."""

    name: str
    why: str


# --- what an errno is ---------------------------------------------------------------


@cache
def _meanings() -> Any:
    """Return the module that the hosts explain errors with."""
    spec = importlib.util.spec_from_file_location("errnolab_meanings", MEANINGS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def names() -> dict[str, str]:
    """Return every name of an errno, or of what getaddrinfo(3) says, and the one used here.

    A number may have two names: {"EWOULDBLOCK": "EAGAIN", "EAGAIN": "EAGAIN", …}.
    """
    table = _meanings()
    found = {
        name: table.ERRNO_NAMES[value]
        for name, value in vars(errno).items()
        if name.startswith("E") and isinstance(value, int)
    }
    return found | {name: name for name in table.EAI_NAMES.values()}


def number(name: str) -> int:
    """Return the number of an errno or a code of Windows; those of getaddrinfo(3) are negative."""
    code = winsock.number_of(name)
    if code:
        return code
    value: int = getattr(errno, name, None) or getattr(socket, name)
    return value


def text(name: str) -> str:
    """Return the C library's words for it, "Connection refused", or Windows' for a code of its."""
    sentence = winsock.code_of(name).sentence
    if sentence:
        return sentence
    value = number(name)
    if value > 0:
        return os.strerror(value)
    gai_strerror = ctypes.CDLL(None).gai_strerror
    gai_strerror.restype = ctypes.c_char_p
    return str(gai_strerror(value).decode())


def meaning(name: str) -> str:
    """Return a sentence on what it means, "" where none is written."""
    code = winsock.code_of(name)
    found = code.meaning or _meanings().MEANING.get(code.errno or name, "")
    return f"{found[0].upper()}{found[1:]}." if found else ""


def heading(name: str) -> str:
    """Return name, number and the system's words: "ECONNREFUSED (111) Connection refused"."""
    return f"{name} ({number(name)}) {text(name)}"


def linux_name(name: str) -> str:
    """Return Linux's errno of the same meaning as a code of Windows, "" if there is none.

    An errno is its own.
    """
    code = winsock.code_of(name)
    return code.errno if code.name else name


def on_windows(name: str) -> tuple[tuple[str, str], ...]:
    """Return the codes that Windows gives for an errno, and when each ("" always)."""
    code = winsock.code_of(name)
    return ((code.name, ""),) if code.name else winsock.all_of_errno(name)


def said(name: str) -> Sequence[Said]:
    """Return what programs were seen to print for it."""
    return SAYS.get(name, ())


# --- what a message means -----------------------------------------------------------


def find(message: str) -> list[Found]:
    """Return what a message names, in its own order; several if it can mean several.

    Looked for, until something is found: what is Windows' (its names, numbers and
    sentences) and lines that programs are known to print, together with names and the C
    library's words; musl's words; numbers; what Python calls an error; texts that the
    message is a part of; lines that are much like it.
    Raises: NotUnderstood with the nearest names.
    """
    asked = " ".join(message.split())
    windows = winsock_says.spans(asked)
    rest = asked
    for span in windows:
        rest = blanked(rest, span.start, span.end)
    found = _once(_known(rest, windows))
    for way in (_musl, _numbers, _classes, _parts, _parts_of_windows, _alike):
        found = found or _once(way(rest))
    if not found:
        raise NotUnderstood(f"{_wanted(asked)}{_near(asked)}")
    return found


def _once(found: Iterable[Found]) -> list[Found]:
    """Return what was found, each errno once, for the first of its reasons."""
    first: dict[str, Found] = {}
    for one in found:
        first.setdefault(one.name, one)
    return list(first.values())


def _known(rest: str, windows: Iterable[Span]) -> Iterator[Found]:
    """Find lines of programs, names and the C library's words; what is found is not read again.

    `windows` is what was found as Windows'; an errno that only says the same is left out.
    """
    spans = [(span.start, Found(span.name, span.why)) for span in windows if span.name]
    same = {winsock.code_of(found.name).errno for _, found in spans}
    for template, programs in _templates():
        match = re.search(template, rest, re.IGNORECASE)
        if match:
            spans += [(match.start(), Found(name, _printed(one))) for name, one in programs]
            rest = blanked(rest, *match.span())
    for match in re.finditer(r"\w+", rest):
        name = names().get(match[0].upper())
        if name:
            spans.append((match.start(), Found(name, f"the name {match[0]}")))
    for match in _any_text().finditer(rest):
        name = _texts()[match[0].lower()]
        spans.append((match.start(), Found(name, f"the text '{text(name)}'")))
    ordered = sorted(spans, key=lambda span: span[0])
    return (found for _, found in ordered if found.name not in same)


@cache
def _templates() -> list[tuple[str, list[tuple[str, Said]]]]:
    """Return a pattern for each line that programs print, and what it can mean; long ones first."""
    by_line: dict[str, list[tuple[str, Said]]] = {}
    for name, lines in SAYS.items():
        for one in lines:
            by_line.setdefault(one.text, []).append((name, one))
    return [(_pattern(line), by_line[line]) for line in sorted(by_line, key=len, reverse=True)]


STANDS_FOR = {"HOST": r"\S+?", "PORT": r"\d+", "FILE": r".+?", "N": r"\d+", "…": r".*?"}


def _pattern(line: str) -> str:
    pieces = re.split(r"(\b(?:HOST|PORT|FILE)\b|(?<![A-Za-z])N\b|…)", line)
    inner = "".join(STANDS_FOR.get(piece) or re.escape(piece) for piece in pieces)
    return rf"(?<!\w){inner}(?!\w)"


def _printed(one: Said) -> str:
    when = f" ({one.when})" if one.when else ""
    return f"{one.program} {one.version} prints it{when}"


@cache
def _texts() -> dict[str, str]:
    """Return the C library's words in small letters, and the name of each."""
    return {text(name).lower(): name for name in set(names().values())}


@cache
def _any_text() -> re.Pattern[str]:
    """Return a pattern for the C library's words, the longest first where one begins another."""
    ordered = sorted(_texts(), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, ordered))})(?!\w)", re.IGNORECASE)


def _musl(asked: str) -> Iterator[Found]:
    for name, words in MUSL.items():
        if _holds(asked, words):
            yield Found(name, f"the text '{words}' of musl's C library")


def _holds(longer: str, shorter: str) -> bool:
    pattern = rf"(?<!\w){re.escape(shorter)}(?!\w)"
    return re.search(pattern, longer, re.IGNORECASE) is not None


# 111; [Errno 111], errno: -111, os error 111; (111), (110: …), but not curl's own (7).
NUMBERS = (r"^#?(-?\d+)$", r"\b(?:errno|error)\b[\s:=]*(-?\d+)\b", r"(?<!curl: )\((-?\d+)(?=[:)])")


def _numbers(asked: str) -> Iterator[Found]:
    """Find numbers; a negative one is getaddrinfo's, or an errno as the kernel returns it."""
    table = _meanings()
    for pattern in NUMBERS:
        for match in re.finditer(pattern, asked, re.IGNORECASE):
            value = int(match[1])
            for name in (table.EAI_NAMES.get(value), table.ERRNO_NAMES.get(abs(value))):
                if name:
                    yield Found(name, f"the number {value}")


def _classes(asked: str) -> Iterator[Found]:
    """Find the classes that Python has for errnos: ConnectionRefusedError."""
    for value, name in sorted(_meanings().ERRNO_NAMES.items()):
        kind = type(OSError(value, "")).__name__
        if kind != "OSError" and _holds(asked, kind):
            yield Found(name, f"Python's {kind}")


def _parts(asked: str) -> Iterator[Found]:
    """Find the texts that a message is a part of: "reset by peer", "i/o timeout"."""
    if len(asked) < WORTH_LOOKING_FOR:
        return
    for words, name in _texts().items():
        if meaning(name) and _holds(words, asked):
            yield Found(name, f"a part of '{text(name)}'")
    for name, lines in SAYS.items():
        for one in lines:
            if _holds(re.sub(r"\b(HOST|PORT|FILE)\b", "", one.text), asked):
                yield Found(name, _printed(one))


def _parts_of_windows(asked: str) -> Iterator[Found]:
    """Find the sentences of Windows that a message is a part of: "actively refused it"."""
    for name, sentence in winsock_says.parts(asked):
        yield Found(name, f"a part of '{sentence}', which Windows prints")


def _alike(asked: str) -> Iterator[Found]:
    """Find lines that are nearly it, as another version of the program may print them."""
    known = [
        (one.text, name, f"a line of {one.program} {one.version}")
        for name, lines in SAYS.items()
        for one in lines
    ]
    known += [(code.sentence, code.name, "what Windows prints") for code in winsock.CODES]
    near = [
        (difflib.SequenceMatcher(None, line, asked).ratio(), line, name, whose)
        for line, name, whose in known
    ]
    best = max(ratio for ratio, *_ in near)
    for ratio, line, name, whose in near:
        if ratio == best >= ALIKE:
            yield Found(name, f"it is like {whose}: {line}")


def _wanted(asked: str) -> str:
    for span in winsock_says.spans(asked):
        return f"no code of Windows' sockets has {span.why}"
    if re.fullmatch(NUMBERS[0], asked):
        return f"no errno has the number {asked}"
    return f"'{asked}' names no errno, and no known program prints it"


def _near(asked: str) -> str:
    """Return the nearest names as a question, "" if none is near."""
    near = dict.fromkeys(_near_names(asked))
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _near_names(asked: str) -> list[str]:
    numbers = [span.number for span in winsock_says.spans(asked)]
    if numbers:
        codes = map(winsock.nearest, numbers)
        return [f"{code.name} ({code.number})" for code in codes if code.name]
    if asked.upper().startswith(("WSA", "ERROR_")):
        return difflib.get_close_matches(asked.upper(), WINDOWS, n=3, cutoff=NEAR)
    by_name = difflib.get_close_matches(asked.upper(), names(), n=3, cutoff=NEAR)
    by_text = difflib.get_close_matches(asked.lower(), _texts(), n=3, cutoff=NEAR)
    return [names()[name] for name in by_name] + [_texts()[words] for words in by_text]
