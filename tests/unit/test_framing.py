"""The rules that cut a stream into frames: any split gives the same frames, within limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab import unpackers

# The machine may be shared, so that nothing has a deadline; a failure prints what repeats it,
# and nothing is left behind in the folder.
settings.register_profile(
    "framing", deadline=None, suppress_health_check=[HealthCheck.too_slow],
    max_examples=100, database=None, print_blob=True,
)  # fmt: skip
PROPERTY = settings.get_profile("framing")


framing = unpackers.load()
Rule = Any  # of a module that is found at run time

# --- What is tried --------------------------------------------------------------------

fixed_rules = st.builds(framing.Fixed, st.integers(1, 20))


@st.composite
def delimiter_rules(draw: st.DrawFn) -> Rule:
    """Draw delimiters that overlap with themselves and with messages, and tight limits."""
    delimiter = draw(st.lists(st.sampled_from(b"ab"), min_size=1, max_size=8).map(bytes))
    return framing.Delimiter(delimiter, draw(st.integers(len(delimiter), 60)))


@st.composite
def length_rules(draw: st.DrawFn) -> Rule:
    """Draw every coding, with heads that hold more than the length."""
    coding = draw(st.sampled_from(["big", "little", "varint", "asn1"]))
    size = draw(st.integers(1, 8)) if coding in ("big", "little") else 1
    offset = draw(st.integers(0, 3))
    head = offset + size + draw(st.integers(0, 3))
    adjust = draw(st.sampled_from([0, 0, -head, 1, -1, 300, -300]))
    longest = head + {"varint": 9, "asn1": 8}.get(coding, 0)
    limit = draw(st.integers(longest, longest + 5) | st.integers(longest, 600))
    return framing.Length(size, coding, offset, head, adjust, limit)


rules = st.one_of(fixed_rules, delimiter_rules(), length_rules())


def packed(rule: Rule, message: bytes) -> bytes | None:
    """Return the package, or None where the rule cannot carry the message."""
    try:
        package: bytes = rule.pack(message)
    except framing.CannotCarry:
        return None
    return package


@st.composite
def rules_and_messages(draw: st.DrawFn) -> tuple[Rule, list[bytes]]:
    """Draw a rule and messages that it can carry."""
    rule = draw(rules)
    if isinstance(rule, framing.Fixed):
        message = st.binary(min_size=rule.max_length, max_size=rule.max_length)
    elif isinstance(rule, framing.Delimiter):
        message = st.lists(st.sampled_from(b"ab\n"), max_size=70).map(bytes)
    else:
        message = st.one_of(st.binary(max_size=20), st.integers(100, 700).map(bytes))
    messages = draw(st.lists(message, max_size=12))
    return rule, [message for message in messages if packed(rule, message) is not None]


@st.composite
def hostile_streams(draw: st.DrawFn) -> tuple[Rule, bytes]:
    """Draw a rule and bytes that are only in part what it would make."""
    rule, messages = draw(rules_and_messages())
    noise = st.one_of(st.binary(max_size=30), st.lists(st.sampled_from(b"ab")).map(bytes),
                      st.sampled_from([b"\x80" * 12, b"\xff" * 12, b"\0" * 12]))  # fmt: skip
    stream = b"".join(rule.pack(message) for message in messages) + draw(noise)
    return rule, stream[: draw(st.integers(0, len(stream)))] + draw(noise)


@st.composite
def pieces_of(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    """Draw a way to split the stream: any cuts, empty pieces too, or single bytes."""
    if draw(st.booleans()):
        return [stream[at : at + 1] for at in range(len(stream))]
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    return [stream[low:high] for low, high in zip([0, *cuts], [*cuts, len(stream)])]


def unpack(rule: Rule, pieces: list[bytes]) -> tuple[list[bytes], str]:
    """Return the frames in the pieces, and how the stream ended: "" or the error's name.

    What is held meanwhile is checked against the rule's limit.
    """
    unpacker = rule.unpacker()
    frames: list[bytes] = []
    try:
        for piece in pieces:
            found = unpacker.feed(piece)
            assert len(unpacker.buffer) <= rule.max_length + len(piece)
            for frame in found:  # one by one: those before an error count
                frames.append(frame)
            assert len(unpacker.buffer) < rule.max_length
        unpacker.end()
    except framing.FramingError as error:
        assert error.wanted and error.got
        assert not unpacker.buffer
        return frames, type(error).__name__
    return frames, ""


# --- The same, done naively -----------------------------------------------------------


def reference(rule: Rule, stream: bytes) -> tuple[list[bytes], str]:
    """Do what `unpack` does, one byte at a time and without a thought for speed."""
    frames: list[bytes] = []
    package = b""
    for byte in stream:
        package += bytes([byte])
        state = REFERENCES[type(rule).__name__](rule, package)
        if isinstance(state, str):
            return frames, state
        if state is not None:
            frames.append(state)
            package = b""
    return frames, "CutShort" if package else ""


def reference_fixed(rule: Rule, package: bytes) -> bytes | str | None:
    """Return the message if the package is whole, an error's name if it is bad, else None."""
    return package if len(package) == rule.max_length else None


def reference_delimiter(rule: Rule, package: bytes) -> bytes | str | None:
    """As `reference_fixed`."""
    if package.endswith(rule.delimiter):
        return package[: -len(rule.delimiter)]
    return "TooLong" if len(package) == rule.max_length else None


def reference_length(rule: Rule, package: bytes) -> bytes | str | None:
    """As `reference_fixed`."""
    field = FIELDS[rule.coding](rule, package[rule.offset :])
    if field is None or isinstance(field, str):
        return field
    value, size = field
    head, length = rule.head - rule.size + size, value + rule.adjust
    if length < 0:
        return "BadLength"
    if head + length > rule.max_length:
        return "TooLong"
    return package[head:] if len(package) == head + length else None


def field_big(rule: Rule, field: bytes) -> tuple[int, int] | str | None:
    """Return (number, bytes), an error's name, or None while it is not whole."""
    if len(field) < rule.size:
        return None
    return sum(byte * 256**n for n, byte in enumerate(reversed(field[: rule.size]))), rule.size


def field_little(rule: Rule, field: bytes) -> tuple[int, int] | str | None:
    """As `field_big`."""
    if len(field) < rule.size:
        return None
    return sum(byte * 256**n for n, byte in enumerate(field[: rule.size])), rule.size


def field_varint(_rule: Rule, field: bytes) -> tuple[int, int] | str | None:
    """As `field_big`."""
    last = next((n for n, byte in enumerate(field[:10]) if byte < 128), None)
    if last is None:
        return "BadLength" if len(field) >= 10 else None
    return sum(byte % 128 * 128**n for n, byte in enumerate(field[: last + 1])), last + 1


def field_asn1(_rule: Rule, field: bytes) -> tuple[int, int] | str | None:
    """As `field_big`."""
    if not field:
        return None
    if field[0] < 128:
        return field[0], 1
    size = field[0] - 128
    if size == 0 or size > 8:
        return "BadLength"
    if len(field) < 1 + size:
        return None
    return sum(byte * 256**n for n, byte in enumerate(reversed(field[1 : 1 + size]))), 1 + size


REFERENCES: dict[str, Callable[[Rule, bytes], bytes | str | None]] = {
    "Fixed": reference_fixed, "Delimiter": reference_delimiter, "Length": reference_length,
}  # fmt: skip
FIELDS: dict[str, Callable[[Rule, bytes], tuple[int, int] | str | None]] = {
    "big": field_big, "little": field_little, "varint": field_varint, "asn1": field_asn1,
}  # fmt: skip


# --- Any stream, any split ------------------------------------------------------------


@PROPERTY
@given(st.data(), rules_and_messages())
def test_any_split_of_packed_messages_gives_the_same_messages(
    data: st.DataObject, case: tuple[Rule, list[bytes]]
) -> None:
    rule, messages = case
    stream = b"".join(rule.pack(message) for message in messages)
    assert unpack(rule, data.draw(pieces_of(stream))) == (messages, "")


@PROPERTY
@given(st.data(), hostile_streams())
def test_any_split_of_any_bytes_gives_the_frames_and_the_error_of_the_naive_way(
    data: st.DataObject, case: tuple[Rule, bytes]
) -> None:
    rule, stream = case
    assert unpack(rule, data.draw(pieces_of(stream))) == reference(rule, stream)


@PROPERTY
@given(hostile_streams())
def test_what_was_cut_can_be_packed_and_cut_again(case: tuple[Rule, bytes]) -> None:
    """An echo needs no more than this to answer whatever comes."""
    rule, stream = case
    frames, _ = unpack(rule, [stream])
    assert unpack(rule, [b"".join(rule.pack(frame) for frame in frames)]) == (frames, "")


@PROPERTY
@given(rules_and_messages(), rules_and_messages())
def test_streams_do_not_share_a_state(
    one: tuple[Rule, list[bytes]], other: tuple[Rule, list[bytes]]
) -> None:
    (rule, messages), (_, strangers) = one, other
    mine, theirs = rule.unpacker(), rule.unpacker()
    for message in messages:
        package = rule.pack(message)
        assert list(mine.feed(package[:1])) == ([message] if len(package) == 1 else [])
        for stranger in strangers:
            iter_quietly(theirs, stranger)
        if len(package) > 1:
            assert list(mine.feed(package[1:])) == [message]


def iter_quietly(unpacker: Any, data: bytes) -> None:
    """Feed bytes whose fate is of no interest."""
    try:
        list(unpacker.feed(data))
    except framing.FramingError:
        return


@PROPERTY
@given(st.one_of(rules, st.builds(framing.Delimiter, st.binary(min_size=1, max_size=8))))
def test_the_text_of_a_rule_makes_the_same_rule(rule: Rule) -> None:
    read = framing.parse(str(rule))
    assert (type(read), vars(read)) == (type(rule), vars(rule))


words = [
    "length:",
    "4",
    "1",
    "varint",
    ",",
    "=",
    "offset",
    "head",
    "max",
    "adjust",
    "-",
    "little",
    "\\",
    "x0",
]


@PROPERTY
@given(st.one_of(
    st.text(max_size=20),
    st.builds("{}:{}".format, st.sampled_from(["fixed", "delimiter"]), st.text(max_size=10)),
    st.lists(st.sampled_from(words), max_size=12).map("".join),
))  # fmt: skip
def test_any_text_is_a_rule_or_a_text_error(text: str) -> None:
    try:
        assert isinstance(framing.parse(text), framing.Rule)
    except framing.TextError as error:
        assert "wanted" in str(error) and "got" in str(error)


# --- Limits ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "stream", "error", "said"),
    [
        ("delimiter:;,max=4", b"abcd", "TooLong",
         "wanted the delimiter b';' within 4 bytes, got 4 bytes without it"),
        ("delimiter:;,max=4", b"abcd;", "TooLong", "got 4 bytes without it"),
        ("delimiter:end,max=4", b"abend", "TooLong", "got 4 bytes without it"),
        ("length:4,max=100", b"\0\0\0\x61", "TooLong",
         "wanted a package of at most 100 bytes, got the announcement of 101"),
        ("length:4", b"\xff\xff\xff\xff", "TooLong", "the announcement of 4294967299"),
        ("length:8", b"\xff" * 8, "TooLong", "the announcement of 18446744073709551623"),
        ("length:2,adjust=-2", b"\0\1", "BadLength",
         "wanted a length of 0 or more, got -1 (1 in the field, -2)"),
        ("length:varint", b"\x80" * 10, "BadLength",
         "wanted a varint of at most 10 bytes, got one that goes on"),
        ("length:varint", b"\xff" * 9 + b"\x7f", "TooLong", "the announcement of"),
        ("length:asn1", b"\x80", "BadLength", "got 0x80, which says that the end is marked"),
        ("length:asn1", b"\x89", "BadLength", "got 0x89, which says 9"),
        ("length:asn1", b"\x84\xff\xff\xff\xff", "TooLong", "the announcement of 4294967300"),
    ],
    ids=str,
)  # fmt: skip
def test_hostile_input_is_refused_with_its_last_byte_and_for_good(
    text: str, stream: bytes, error: str, said: str
) -> None:
    """Nothing after the head of a frame that is refused needs to come, let alone be kept."""
    unpacker = framing.parse(text).unpacker()
    at = min(len(stream), 4) - 1 if text.startswith("delimiter") else len(stream) - 1
    for byte in stream[:at]:
        assert list(unpacker.feed(bytes([byte]))) == []
    with pytest.raises(framing.FramingError) as first:
        list(unpacker.feed(stream[at:]))
    assert type(first.value).__name__ == error
    assert said in str(first.value)
    assert str(first.value) == f"wanted {first.value.wanted}, got {first.value.got}"
    assert unpacker.buffer == b""
    for again in (lambda: unpacker.feed(b";"), unpacker.end, lambda: list(unpacker.frames())):
        with pytest.raises(type(first.value)) as later:
            again()
        assert later.value is first.value


@pytest.mark.parametrize(
    ("text", "begun", "said"),
    [
        ("fixed:8", b"1234567",
         "wanted a package of at least 8 bytes, got the end of the stream after 7 bytes"),
        ("delimiter:\\r\\n,max=9", b"a\r",
         r"wanted the delimiter b'\r\n' within 9 bytes, got the end of the stream after 2 bytes"),
        ("length:2", b"\0",
         "wanted a package of at least 2 bytes, got the end of the stream after 1 byte"),
        ("length:2", b"\0\5hell",
         "wanted a package of at least 7 bytes, got the end of the stream after 6 bytes"),
        ("length:varint", b"\x80",
         "wanted a package of at least 2 bytes, got the end of the stream after 1 byte"),
    ],
)  # fmt: skip
def test_the_end_inside_a_frame_is_told_with_what_is_missing(
    text: str, begun: bytes, said: str
) -> None:
    unpacker = framing.parse(text).unpacker()
    unpacker.end()
    assert list(unpacker.feed(begun)) == []
    with pytest.raises(framing.CutShort) as cut:
        unpacker.end()
    assert str(cut.value) == said


@pytest.mark.parametrize(
    ("text", "frames"),
    [("delimiter:;", [b"", b"", b"a", b""]), ("length:1", [b"", b"a", b"", b""])],
)
def test_a_frame_may_be_empty(text: str, frames: list[bytes]) -> None:
    rule = framing.parse(text)
    assert list(rule.unpacker().feed(b"".join(map(rule.pack, frames)))) == frames


@pytest.mark.parametrize(
    ("text", "message", "said"),
    [
        ("fixed:3", b"hi", "wanted a message of exactly 3 bytes, got 2: b'hi'"),
        ("delimiter:;", b"a;b", "wanted a message that b';' ends, got one that it ends after 1"),
        ("delimiter:aa", b"ba", "got one that it ends after 1 byte: b'ba'"),
        ("delimiter:;,max=3", b"abc", "a package of at most 3 bytes, got 4 bytes for b'abc'"),
        ("length:1", bytes(256), "wanted a length of 0 to 255 in the field, got 256 for b'\\x00"),
        ("length:1,adjust=5", b"hi", "wanted a length of 0 to 255 in the field, got -3 for b'hi'"),
        ("length:1,max=2", b"hi", "wanted a package of at most 2 bytes, got 3 bytes for b'hi'"),
    ],
)  # fmt: skip
def test_a_message_that_would_arrive_otherwise_is_not_packed(
    text: str, message: bytes, said: str
) -> None:
    with pytest.raises(framing.CannotCarry) as refused:
        framing.parse(text).pack(message)
    assert said in str(refused.value)


def test_frames_that_were_not_taken_come_with_the_next_ones() -> None:
    unpacker = framing.parse("delimiter:;").unpacker()
    assert next(unpacker.feed(b"a;b;c")) == b"a"
    assert list(unpacker.feed(b"d;")) == [b"b", b"cd"]


# --- What others call it --------------------------------------------------------------

HELLO = b"HELLO, WORLD"


@pytest.mark.parametrize(
    ("text", "stream", "netty_adjustment"),
    [
        ("length:2", "000c", 0),
        ("length:2,adjust=-2", "000e", -2),
        ("length:3,offset=2", "cafe00000c", 0),
        ("length:3,head=5", "00000ccafe", 2),
        ("length:2,offset=1,head=4", "ca000cfe", 1),
        ("length:2,offset=1,head=4,adjust=-4", "ca0010fe", -3),
    ],
)
def test_the_examples_of_netty_are_cut_as_it_cuts_them(
    text: str, stream: str, netty_adjustment: int
) -> None:
    """The table is that of the javadoc of io.netty's LengthFieldBasedFrameDecoder."""
    rule = framing.parse(text)
    assert list(rule.unpacker().feed(bytes.fromhex(stream) + HELLO)) == [HELLO]
    assert rule.adjust + rule.head - rule.offset - rule.size == netty_adjustment


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("length:4,offset=1", b"\0\0\0\0\2hi"),  # libhv's recommended head: flags, 4 bytes
        ("length:4,little", b"\2\0\0\0hi"),
        ("length:varint,offset=1", b"\0\2hi"),  # MQTT 3.1.1, 2.2.3: type and flags, varint
        ("length:asn1,offset=1", b"\0\2hi"),  # a tag and a length of ASN.1, X.690 8.1
        ("fixed:2", b"hi"),
        ("delimiter:\\r\\n", b"hi\r\n"),
        ("delimiter:\\x2c\\\\", b"hi,\\"),
    ],
)
def test_a_package_on_the_wire(text: str, package: bytes) -> None:
    rule = framing.parse(text)
    assert rule.pack(b"hi") == package
    assert list(rule.unpacker().feed(package)) == [b"hi"]


@pytest.mark.parametrize(("length", "varint", "asn1"), [
    (127, "7f", "7f"), (128, "8001", "8180"), (300, "ac02", "82012c"),
    (65536, "808004", "83010000"),
])  # fmt: skip
def test_a_length_that_knows_its_size_is_written_short(length: int, varint: str, asn1: str) -> None:
    message = bytes(length)
    assert framing.parse("length:varint").pack(message) == bytes.fromhex(varint) + message
    assert framing.parse("length:asn1").pack(message) == bytes.fromhex(asn1) + message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lines", "wanted fixed:N, delimiter:TEXT[,max=N] or length:SIZE["),
        ("fixed", "got 'fixed'"),
        ("fixed:x", "fixed: wanted a whole number, got 'x'"),
        ("fixed:0", "fixed: wanted 1 to 1073741824, got 0"),
        ("fixed:8,max=9", "fixed: wanted no more after the comma, got 'max=9'"),
        ("delimiter:", "bytes of the delimiter: wanted 1 to 8, got 0"),
        ("delimiter:123456789", "bytes of the delimiter: wanted 1 to 8, got 9"),
        ("delimiter:abc,max=2", "bytes of the delimiter: wanted 1 to 2, got 3"),
        ("delimiter:\\q", r"delimiter: wanted \n, \r, \t, \0, \\ or \xHH, got '\\q'"),
        ("length:x", "length: wanted 1 to 8 bytes, varint or asn1, got 'x'"),
        ("length:9", "length: wanted 1 to 8, got 9"),
        ("length:4,head=3", "head: wanted 4 to 65535, got 3"),
        ("length:4,max=3", "max: wanted at least the head's 4 bytes, got 3"),
        ("length:varint,max=9", "max: wanted at least the head's 10 bytes, got 9"),
        ("length:asn1,offset=1,max=9", "max: wanted at least the head's 10 bytes, got 9"),
        ("length:4,max=9,max=9", "length: wanted offset=N, head=N, adjust=N after the comma, got"),
        ("length:varint,little", "adjust=N, max=N after the comma, got 'little'"),
    ],
)
def test_a_wrong_text_is_told_with_what_was_wanted(text: str, said: str) -> None:
    with pytest.raises(framing.TextError) as wrong:
        framing.parse(text)
    assert said in str(wrong.value)


# --- Work -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["fixed:{}", "delimiter:\\r\\n,max={}", "length:4,max={}"])
def test_bytes_that_come_one_by_one_cost_the_same_however_many_came_before(text: str) -> None:
    """Looking at all that came with each byte would make four times the bytes cost 16 times."""

    def processor_s(size: int) -> float:
        rule = framing.parse(text.format(size))
        stream = (size - 4).to_bytes(4, "big") + b"\r" * (size - 4)
        unpacker = rule.unpacker()
        begun = time.process_time()
        for at in range(size - 1):
            for _ in unpacker.feed(stream[at : at + 1]):
                pytest.fail("a frame came too early")
        return time.process_time() - begun

    short_s = min(processor_s(1 << 16) for _ in range(3))
    assert processor_s(1 << 18) < 8 * short_s


@pytest.mark.parametrize("text", ["fixed:2", "delimiter:;", "length:1"])
def test_frames_that_come_in_one_piece_cost_the_same_however_many_come_after(text: str) -> None:
    """Moving all that is left with each frame would make four times the frames cost 16 times."""

    def processor_s(frames: int) -> float:
        rule = framing.parse(text)
        size = rule.max_length if text.startswith("fixed") else 1
        stream = rule.pack(b"x" * size) * frames
        begun = time.process_time()
        assert sum(1 for _ in rule.unpacker().feed(stream)) == frames
        return time.process_time() - begun

    short_s = min(processor_s(1 << 16) for _ in range(3))
    assert processor_s(1 << 18) < 8 * short_s


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_the_benchmark_cuts_what_it_says(piece: int) -> None:
    for text in unpackers.RULES:
        rule = framing.parse(text.format(16))
        frames, took_s = unpackers.cut(rule, unpackers.stream_of(rule, 16, 320), piece)
        assert frames == 20
        assert took_s > 0
