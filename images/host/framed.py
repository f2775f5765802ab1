"""errnolab-server --framing: each frame of a TCP stream is answered with a frame.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

from collections.abc import Callable

from echoes import ANSWER, GREETING, Echo, answer
from framing import CannotCarry, FramingError, Rule, TextError, parse


class FramedEcho(Echo):
    """Answers each frame of a stream with a frame, in order.

    A stream that cannot be cut, or that ends inside a frame, is `trouble`; the frames
    before that have their answers.
    """

    ends_in_silence = False

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.rule = rule
        self.unpacker = rule.unpacker()

    def feed(self, piece: bytes) -> bytes:
        """Take the next bytes of the stream and return the answers to whole frames."""
        answers = bytearray()
        try:
            for frame in self.unpacker.feed(piece):
                answers += self.rule.pack(answer(frame))
        except FramingError as error:
            self.trouble = str(error)
        return bytes(answers)

    def finish(self) -> bytes:
        """Find out whether the stream ended where a frame did; nothing is owed."""
        try:
            self.unpacker.end()
        except FramingError as error:
            self.trouble = str(error)
        return b""


def framed(text: str) -> Callable[[], Echo]:
    """Read the text of a rule; the result makes the echo of one connection.

    Raises: TextError, also where "hi" could be asked and "abc" not be answered. Whatever
    else comes can go back: a rule carries every message that it cut.
    """
    rule = parse(text)
    try:
        rule.pack(GREETING)
    except CannotCarry:
        return lambda: FramedEcho(rule)
    try:
        rule.pack(ANSWER)
    except CannotCarry as error:
        raise TextError(f'"hi" could be asked, but "abc" not be answered: {error}') from error
    return lambda: FramedEcho(rule)
