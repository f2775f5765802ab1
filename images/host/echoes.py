"""What errnolab-server answers on one TCP connection, and where it takes a message to end.

Three ways, which `server.Connection` drives alike:

- `Echo`: the stream is one message; the client's end of it, or silence, ends it;
- `framed.FramedEcho`: a rule cuts the stream into messages, as many as come;
- `NaiveEcho`: one recv is one message, as in many first servers. It is wrong: what one
  recv returns depends on the path and on the moment, not on what the client sent at once.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

GREETING = b"hi"
ANSWER = b"abc"

CHUNK = 64 * 1024  # bytes taken from one connection before the others have their turn
NAIVE_CHUNK = 2047  # bytes of a message for a server whose buffer has 2048, and one for a NUL


def answer(request: bytes) -> bytes:
    """Answer one whole request."""
    return ANSWER if request == GREETING else request


class Echo:
    """Answers one request that comes in pieces, sending back what it can at once.

    While the request may still turn out to be the greeting it is held; as soon as it
    cannot, it passes through, so that a request may be longer than any memory.
    """

    room = CHUNK  # bytes to ask of one recv
    ends_in_silence = True
    trouble: str | None = None  # why the stream cannot be read on

    def __init__(self) -> None:
        self.held = b""
        self.passing = False

    def feed(self, piece: bytes) -> bytes:
        """Take the next bytes of the request and return those that can go back now."""
        self.held += piece
        if not self.passing and GREETING.startswith(self.held):
            return b""
        self.passing = True
        ready, self.held = self.held, b""
        return ready

    def finish(self) -> bytes:
        """Return what is still owed when the request has ended."""
        return answer(self.held)


class NaiveEcho(Echo):
    """Answers whatever one recv returned, of 2047 bytes at most, as if it were a message."""

    room = NAIVE_CHUNK
    ends_in_silence = False

    def feed(self, piece: bytes) -> bytes:
        """Answer the bytes of one recv."""
        return answer(piece)
