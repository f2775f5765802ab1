r"""Where one message ends and the next begins: three rules for cutting a byte stream.

TCP carries bytes in order and nothing else: two sends may arrive in one recv, and one
send in several. A rule says where a frame ends, so that both sides cut alike:

    fixed:8                          every frame has 8 bytes
    delimiter:\n                     a frame ends before a delimiter of 1 to 8 bytes
    length:4                         4 bytes, big endian, say how long the frame is
    length:2,little,offset=1,head=4,adjust=-4,max=1000
    length:varint                    7 bits a byte, lowest first, as in protobuf
    length:asn1                      the length of ASN.1 (X.690 8.1.3), definite forms

A rule is fixed and can be shared; `Rule.unpacker()` gives the state of one stream, which
takes bytes in whatever pieces they come. A frame is the message alone, without head and
delimiter. What libhv's `unpack_setting_t` (event/hloop.h) calls these things is named at
each rule. Limits count a whole package, as libhv does: head, message and delimiter.

    FramingError            `wanted` and `got` say what the matter is
      TooLong               a package longer than the limit, or sure to become so
      BadLength             a length below zero, or one that is not written as agreed
      CutShort              the stream ended inside a frame
      CannotCarry           `pack` was given a message that this rule cannot carry
    TextError               the text of a rule is wrong; argparse prints it as it is

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from argparse import ArgumentTypeError
from collections.abc import Iterator
from typing import NoReturn, Union

DEFAULT_MAX = 1 << 21  # bytes; libhv's DEFAULT_PACKAGE_MAX_LENGTH
HIGHEST_MAX = 1 << 30
DELIMITER_MAX = 8  # bytes; libhv's PACKAGE_MAX_DELIMITER_BYTES
LENGTH_MAX = 8  # bytes of a length, without the byte that counts them in ASN.1
VARINT_MAX = 10  # bytes that 64 bits take at 7 bits a byte
# Codings of a length that tell their own size, and how many bytes it has beyond the first.
SELF_SIZED = {"varint": VARINT_MAX - 1, "asn1": LENGTH_MAX}
OFFSET_MAX = 65535  # libhv's fields for offset and head are unsigned short
SHOWN = 32  # bytes of a message that an error shows


class FramingError(Exception):
    """The stream cannot be cut, or the message not carried; the message is complete."""

    def __init__(self, wanted: str, got: str) -> None:
        super().__init__(f"wanted {wanted}, got {got}")
        self.wanted = wanted
        self.got = got


class TooLong(FramingError):
    """A package is longer than the limit, or is sure to become so."""


class BadLength(FramingError):
    """A length is below zero, or is not written as agreed."""


class CutShort(FramingError):
    """The stream ended inside a frame."""


class CannotCarry(FramingError):
    """The rule cannot carry this message: the other side would read something else."""


class TextError(ArgumentTypeError):
    """The text of a rule is wrong; the message says what was wanted and what came."""


Extent = tuple[int, int, int]  # where a message begins and ends, and where its package does
Field = tuple[int, int]  # the number in a field of the head, and how many bytes it takes there
Look = Union[Extent, int]  # noqa: UP007 - Python 3.9 cannot evaluate `Extent | int`


# --- One stream -----------------------------------------------------------------------


class Unpacker:
    """The state of one stream: takes bytes in any pieces and gives whole frames.

    It keeps what belongs to the unfinished frame and looks at no byte again that cannot
    matter any more, so that the work is proportional to the bytes, however they come.
    Where the frames are taken after each `feed`, it never holds more than the rule's
    `max_length` bytes and the piece fed last. Once it failed it holds nothing, and every
    further call raises the same error: after a wrong cut no other one can be trusted.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.buffer = bytearray()
        self.seen = 0  # bytes of the buffer that were looked at in vain
        self.needed = 1  # bytes without which looking again is of no use
        self.failure: FramingError | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take the next bytes of the stream.

        Returns: the frames that are whole now. Reading on past the last good one raises
        TooLong or BadLength if the stream cannot be cut there.
        Raises: the error that ended this stream before.
        """
        self.raise_failure()
        self.buffer += data
        return self.frames()

    def frames(self) -> Iterator[bytes]:
        """Yield the frames that are whole and were not taken yet.

        Raises: TooLong or BadLength.
        """
        self.raise_failure()
        while len(self.buffer) >= self.needed:
            found = self.look()
            if isinstance(found, int):
                self.seen, self.needed = len(self.buffer), found
                continue
            begin, end, whole = found
            frame = bytes(self.buffer[begin:end])
            # Python moves the start of a bytearray here, not its bytes.
            del self.buffer[:whole]
            self.seen, self.needed = 0, 1
            yield frame

    def end(self) -> None:
        """Take the end of the stream.

        Raises: CutShort if that is inside a frame, or the error that ended it before.
        """
        self.raise_failure()
        if self.buffer:
            wanted = self.rule.rest(self.needed)
            self.fail(CutShort(wanted, f"the end of the stream after {count(len(self.buffer))}"))

    def look(self) -> Look:
        """Ask the rule for the first frame.

        Raises: TooLong or BadLength.
        """
        try:
            return self.rule.look(self.buffer, self.seen)
        except FramingError as error:
            self.fail(error)

    def fail(self, error: FramingError) -> NoReturn:
        """Give the stream up for good."""
        self.failure = error
        self.buffer = bytearray()
        raise error

    def raise_failure(self) -> None:
        """Raise the error that ended this stream, if one did."""
        if self.failure is not None:
            raise self.failure.with_traceback(None)


class Rule(ABC):
    """How a stream is cut. `str(rule)` is its text, which `parse` reads.

    `max_length` is the most bytes that a package may have.
    """

    def __init__(self, max_length: int) -> None:
        self.max_length = within("max", max_length, 1, HIGHEST_MAX)

    def unpacker(self) -> Unpacker:
        """Return the state of a new stream."""
        return Unpacker(self)

    @abstractmethod
    def pack(self, message: bytes) -> bytes:
        """Make a package of the message.

        Raises: CannotCarry if the rule cannot carry it.
        """

    @abstractmethod
    def look(self, buffer: bytearray, seen: int) -> Look:
        """Find the first frame in the buffer, whose first `seen` bytes held no end of it.

        Returns: its extent or, if it is not whole, how many bytes must be there before
        looking again is of use: more than there are.
        Raises: TooLong or BadLength as soon as the bytes there show it.
        """

    def rest(self, needed: int) -> str:
        """Say what is missing from a frame that has begun."""
        return f"a package of at least {count(needed)}"

    def limit(self, package: bytes, message: bytes) -> bytes:
        """Return the package.

        Raises: CannotCarry if it is longer than the limit.
        """
        if len(package) > self.max_length:
            raise CannotCarry(f"a package of at most {count(self.max_length)}",
                              f"{count(len(package))} for {show(message)}")  # fmt: skip
        return package


# --- The rules ------------------------------------------------------------------------


class Fixed(Rule):
    """Every frame has `length` bytes; there is no head, and no empty frame.

    libhv: UNPACK_BY_FIXED_LENGTH, fixed_length. Netty: FixedLengthFrameDecoder.
    """

    def __init__(self, length: int) -> None:
        super().__init__(within("fixed", length, 1, HIGHEST_MAX))

    def __str__(self) -> str:
        return f"fixed:{self.max_length}"

    def pack(self, message: bytes) -> bytes:
        """Return the message, which has exactly the length.

        Raises: CannotCarry.
        """
        if len(message) != self.max_length:
            raise CannotCarry(f"a message of exactly {count(self.max_length)}",
                              f"{len(message)}: {show(message)}")  # fmt: skip
        return message

    def look(self, buffer: bytearray, seen: int) -> Look:
        """Find the first frame; any bytes are one."""
        length = self.max_length
        return (0, length, length) if len(buffer) >= length else length


class Delimiter(Rule):
    """A frame ends before the first `delimiter`, 1 to 8 bytes; it may be empty.

    libhv: UNPACK_BY_DELIMITER, delimiter, delimiter_bytes; its package keeps the
    delimiter. Netty: DelimiterBasedFrameDecoder.
    """

    def __init__(self, delimiter: bytes, max_length: int = DEFAULT_MAX) -> None:
        super().__init__(max_length)
        within("bytes of the delimiter", len(delimiter), 1, min(DELIMITER_MAX, max_length))
        self.delimiter = delimiter

    def __str__(self) -> str:
        return f"delimiter:{escape(self.delimiter)},max={self.max_length}"

    def pack(self, message: bytes) -> bytes:
        """Return the message and the delimiter.

        Raises: CannotCarry if the delimiter would be found earlier. That can be so even
        where the message does not hold it: "a" and "aa" make "aaa", which begins with it.
        """
        package = message + self.delimiter
        found = package.find(self.delimiter)
        if found < len(message):
            raise CannotCarry(
                f"a message that {show(self.delimiter)} ends",
                f"one that it ends after {count(found)}: {show(message)}",
            )
        return self.limit(package, message)

    def look(self, buffer: bytearray, seen: int) -> Look:
        """Find the first delimiter, from where its first byte can be.

        Raises: TooLong when it would end beyond the limit.
        """
        size = len(self.delimiter)
        end = buffer.find(self.delimiter, max(0, seen - size + 1), self.max_length)
        if end >= 0:
            return (0, end, end + size)
        if len(buffer) >= self.max_length:
            raise TooLong(self.rest(0), f"{count(self.max_length)} without it")
        return len(buffer) + 1

    def rest(self, needed: int) -> str:
        """Say what is missing from a frame that has begun."""
        return f"the delimiter {show(self.delimiter)} within {count(self.max_length)}"


class Length(Rule):
    """A field in the head says how long the message is; it may be empty.

    The head has `head` bytes (libhv: body_offset), and the field begins `offset` bytes
    into it (length_field_offset). `coding` is "big", "little" with `size` 1 to 8 bytes
    (length_field_bytes), or "varint" or "asn1", which know their own size: `head` then
    counts the field as one byte, and is longer by what it really takes (libhv's formula
    with length_field_bytes 1). The message has field + `adjust` bytes
    (length_adjustment): -head where the field counts the head too. Netty counts
    lengthAdjustment from the end of the field: ours + head - offset - size.

    The other bytes of the head are zero in what `pack` makes, and not looked at.
    """

    def __init__(
        self,
        size: int = 4,
        coding: str = "big",
        offset: int = 0,
        head: int | None = None,
        adjust: int = 0,
        max_length: int = DEFAULT_MAX,
    ) -> None:
        super().__init__(max_length)
        self.coding = coding
        self.size = 1 if coding in SELF_SIZED else within("length", size, 1, LENGTH_MAX)
        self.offset = within("offset", offset, 0, OFFSET_MAX)
        least = offset + self.size
        self.head = least if head is None else within("head", head, least, OFFSET_MAX)
        self.adjust = within("adjust", adjust, -HIGHEST_MAX, HIGHEST_MAX)
        # Otherwise a field that goes on and on would be held beyond the limit.
        longest = self.head + SELF_SIZED.get(coding, 0)
        if longest > max_length:
            raise TextError(f"max: wanted at least the head's {longest} bytes, got {max_length}")

    def __str__(self) -> str:
        field = self.coding if self.coding in SELF_SIZED else f"{self.size},{self.coding}"
        return (f"length:{field},offset={self.offset},head={self.head},adjust={self.adjust},"
                f"max={self.max_length}")  # fmt: skip

    def pack(self, message: bytes) -> bytes:
        """Return the head and the message.

        Raises: CannotCarry if the field cannot hold the length.
        """
        value = len(message) - self.adjust
        bits = 8 * (LENGTH_MAX if self.coding in SELF_SIZED else self.size)
        if not 0 <= value < 1 << bits:
            raise CannotCarry(f"a length of 0 to {(1 << bits) - 1} in the field",
                              f"{value} for {show(message)}")  # fmt: skip
        field = write_length(value, self.size, self.coding)
        after = bytes(self.head - self.offset - self.size)
        return self.limit(bytes(self.offset) + field + after + message, message)

    def look(self, buffer: bytearray, seen: int) -> Look:
        """Read the head, and find the end of the message that it announces.

        Raises: BadLength or TooLong as soon as the field is there.
        """
        read = read_length(buffer, self.offset, self.size, self.coding)
        if isinstance(read, int):
            return read
        value, size = read
        length = value + self.adjust
        head = self.head + size - self.size
        if length < 0:
            raise BadLength("a length of 0 or more", f"{length} ({value} in the field,"
                            f" {self.adjust:+d})")  # fmt: skip
        whole = head + length
        if whole > self.max_length:
            raise TooLong(f"a package of at most {count(self.max_length)}",
                          f"the announcement of {whole}")  # fmt: skip
        return (head, whole, whole) if len(buffer) >= whole else whole


# --- The field that says how long -----------------------------------------------------


def write_length(value: int, size: int, coding: str) -> bytes:
    """Write a length, in as few bytes as the coding allows (`size` for big and little)."""
    if coding == "varint":
        return write_varint(value)
    if coding == "asn1":
        if value < 0x80:
            return bytes([value])
        digits = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return bytes([0x80 + len(digits)]) + digits
    return value.to_bytes(size, "little" if coding == "little" else "big")


def write_varint(value: int) -> bytes:
    """Write a number 7 bits a byte, lowest first; the top bit says that more come."""
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def read_length(buffer: bytearray, offset: int, size: int, coding: str) -> Field | int:
    """Read the length at `offset`.

    Returns: (value, bytes of the field), or how many bytes of the buffer it needs.
    Raises: BadLength.
    """
    if coding == "varint":
        return read_varint(buffer, offset)
    if coding == "asn1":
        return read_asn1(buffer, offset)
    end = offset + size
    if len(buffer) < end:
        return end
    return int.from_bytes(buffer[offset:end], "little" if coding == "little" else "big"), size


def read_varint(buffer: bytearray, offset: int) -> Field | int:
    """Read a number written 7 bits a byte; see `read_length`."""
    value = 0
    for size, byte in enumerate(buffer[offset : offset + VARINT_MAX], start=1):
        value |= (byte & 0x7F) << 7 * (size - 1)
        if byte < 0x80:
            return value, size
    if len(buffer) >= offset + VARINT_MAX:
        raise BadLength(f"a varint of at most {VARINT_MAX} bytes", "one that goes on")
    return max(len(buffer), offset) + 1


def read_asn1(buffer: bytearray, offset: int) -> Field | int:
    """Read a length of ASN.1: below 128 itself, else 128 + the bytes that follow."""
    if len(buffer) <= offset:
        return offset + 1
    first, begin = buffer[offset], offset + 1
    if first < 0x80:
        return first, 1
    digits = first - 0x80
    if not 1 <= digits <= LENGTH_MAX:
        raise BadLength(f"a length in 1 to {LENGTH_MAX} bytes", f"{first:#04x}, which says"
                        f" {digits or 'that the end is marked'}")  # fmt: skip
    if len(buffer) < begin + digits:
        return begin + digits
    return int.from_bytes(buffer[begin : begin + digits], "big"), 1 + digits


# --- The text of a rule ---------------------------------------------------------------

SYNTAX = (
    "fixed:N, delimiter:TEXT[,max=N] or length:SIZE[,little][,offset=N][,head=N][,adjust=N][,max=N]"
)
SIZES = f"1 to {LENGTH_MAX} bytes, varint or asn1"
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}
ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.|$)", re.DOTALL)


def parse(text: str) -> Rule:
    r"""Read the text of a rule.

    A delimiter is written as its bytes, with \n, \r, \t, \0, \\ and \xHH for those that
    are no text; a comma is \x2c. SIZE is 1 to 8, varint or asn1.
    Raises: TextError, which argparse prints as it is.
    """
    kind, colon, rest = text.partition(":")
    if not colon or kind not in ("fixed", "delimiter", "length"):
        raise TextError(f"wanted {SYNTAX}; got {text!r}")
    value, *words = rest.split(",")
    if kind == "fixed":
        read_options(kind, words)
        return Fixed(number(kind, value))
    if kind == "delimiter":
        return Delimiter(unescape(value), read_options(kind, words, "max").get("max", DEFAULT_MAX))
    orders = () if value in SELF_SIZED else ("big", "little")
    order = words.pop(0) if words and words[0] in orders else "big"
    size, coding = (number(kind, value, SIZES), order) if orders else (1, value)
    options = read_options(kind, words, "offset", "head", "adjust", "max")
    return Length(size, coding, max_length=options.pop("max", DEFAULT_MAX), **options)


def read_options(kind: str, words: list[str], *names: str) -> dict[str, int]:
    """Read NAME=N, each at most once.

    Raises: TextError.
    """
    options: dict[str, int] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in names or name in options:
            wanted = ", ".join(f"{name}=N" for name in names if name not in options)
            raise TextError(f"{kind}: wanted {wanted or 'no more'} after the comma, got {word!r}")
        options[name] = number(name, value)
    return options


def number(name: str, text: str, wanted: str = "a whole number") -> int:
    """Read a whole number.

    Raises: TextError.
    """
    if not re.fullmatch(r"-?[0-9]{1,10}", text):
        raise TextError(f"{name}: wanted {wanted}, got {text!r}")
    return int(text)


def within(name: str, value: int, low: int, high: int) -> int:
    """Return the value.

    Raises: TextError if it is not from `low` to `high`.
    """
    if not low <= value <= high:
        raise TextError(f"{name}: wanted {low} to {high}, got {value}")
    return value


def unescape(text: str) -> bytes:
    r"""Read the bytes of a delimiter.

    Raises: TextError for a backslash before anything but n, r, t, 0, x and a second one.
    """

    def read(match: re.Match[bytes]) -> bytes:
        word = match[1]
        if len(word) == 3:
            return bytes.fromhex(word[1:].decode())
        if word not in ESCAPES:
            raise TextError(rf"delimiter: wanted \n, \r, \t, \0, \\ or \xHH, got {text!r}")
        return ESCAPES[word]

    return ESCAPE.sub(read, os.fsencode(text))


def escape(data: bytes) -> str:
    r"""Write the bytes of a delimiter as `unescape` reads them."""
    names = {value[0]: f"\\{name.decode()}" for name, value in ESCAPES.items()}
    plain = {byte: chr(byte) for byte in range(0x20, 0x7F) if byte != ord(",")} | names
    return "".join(plain.get(byte, f"\\x{byte:02x}") for byte in data)


def count(number_of: int) -> str:
    """Write "1 byte" or "2 bytes"."""
    return f"{number_of} byte{'' if number_of == 1 else 's'}"


def show(data: bytes) -> str:
    """Show bytes in an error, the first few of them."""
    return repr(data[:SHOWN]) + ("…" if len(data) > SHOWN else "")
