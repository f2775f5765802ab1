"""HTTP/1.1 requests out of a stream of bytes, as RFC 9112 has them and no looser.

A stream has no message ends, and a piece of it may end anywhere: in the middle of a
word, or in the third of five requests. `Parser` takes the pieces as they come, keeps
its place, and gives back whole requests. Whatever it decides depends on the bytes
alone and not on how they were cut.

Two readers who disagree on where a request ends can be made to take one client's
bytes for another's ("request smuggling"). So what RFC 9112 lets a server forgive is
refused here: a lone LF, a folded line, a space before the colon, two lengths.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False  # type checkers take it for true; typing itself costs 2 ms of the start
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TypeVar

    T = TypeVar("T")
    # What gives None each time it needs more bytes, and in the end T.
    Part = Generator["Request | None", None, T]

# All in bytes, but for the number of fields.
LINE_LIMIT = 8000  # of the request line: what RFC 9112 3 wants a server to take at least
HEAD_LIMIT = 16 * 1024  # of all field lines together
FIELDS_LIMIT = 100
BODY_LIMIT = 64 * 1024
CHUNK_LINE_LIMIT = 256

KNOWN_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    505: "HTTP Version Not Supported",
}

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
BEGINNING = re.compile(TOKEN + rb"|\r")
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])")
FIELD_LINE = re.compile(rb"(" + TOKEN + rb"):(" + TEXT + rb")")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;" + TEXT + rb")?")
HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%-]*(:[0-9]*)?|\[[0-9A-Fa-f:.]+\](:[0-9]*)?")
TARGET = re.compile(r"(?:https?://[^/?#]+)?(/[^?#]*)?(?:\?[^#]*)?", re.IGNORECASE)


class Refused(Exception):
    """The bytes are not a request that this server takes; nothing after them can be read."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"{status} {REASONS[status]}: {why}")
        self.status = status
        self.why = why


class Request:
    """One request: method, target, HTTP minor version, fields by lower-case name, body.

    Until `whole` is true the body is still to come.
    """

    def __init__(self, method: str, target: str, minor: int) -> None:
        self.method = method
        self.target = target
        self.minor = minor
        self.fields: dict[str, list[str]] = {}
        self.body = bytearray()
        self.whole = False

    def add(self, name: str, value: str) -> None:
        """Add one field line."""
        self.fields.setdefault(name.lower(), []).append(value)

    def words(self, name: str) -> list[str]:
        """Return the members of a field that is a list, in lower case."""
        joined = ",".join(self.fields.get(name, []))
        return [word for word in (part.strip(" \t").lower() for part in joined.split(",")) if word]

    def path(self) -> str:
        """Return the path asked for, without query, scheme and authority."""
        found = TARGET.fullmatch(self.target)
        return (found and found[1]) or "/"

    def keeps_open(self) -> bool:
        """Say whether the connection stays open after it (RFC 9112 9.3)."""
        wishes = self.words("connection")
        return "close" not in wishes and (self.minor >= 1 or "keep-alive" in wishes)


class Parser:
    """Takes a stream in pieces (`feed`) and gives its requests (`next`), in order."""

    def __init__(self) -> None:
        self.unread = bytearray()
        self.request: Request | None = None
        self.requests = self._requests()

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the stream."""
        self.unread += piece

    def next(self) -> Request | None:
        """Return the next request, or None if more bytes are needed for it.

        A request whose client waits to be asked for the body (Expect: 100-continue)
        comes twice: first without it, `whole` being false, and then with it.
        Raises: Refused, and from then on the parser is of no more use.
        """
        return next(self.requests)

    def started(self) -> bool:
        """Say whether some of a request is there, but not all of it."""
        return self.request is not None or bool(self.unread)

    def _requests(self) -> Generator[Request | None, None, None]:
        while True:
            self.request = request = yield from self._request_line()
            yield from self._fields(request)
            length = check_head(request)
            if request.words("expect") and request.minor >= 1:
                yield request
            if length is None:
                yield from self._chunks(request)
            else:
                request.body += yield from self._bytes(length)
            request.whole, self.request = True, None
            yield request

    def _bytes(self, count: int) -> Part[bytes]:
        while len(self.unread) < count:
            yield None
        taken = bytes(self.unread[:count])
        del self.unread[:count]
        return taken

    def _line(self, limit: int, status: int, what: str) -> Part[bytes]:
        """Take one line of `limit` bytes at most, and return it without its CR LF."""
        while (end := self.unread.find(b"\n", 0, limit)) < 0:
            if len(self.unread) >= limit:
                raise Refused(status, f"{what} is too long")
            yield None
        line = yield from self._bytes(end + 1)
        if not line.endswith(b"\r\n"):
            raise Refused(400, f"{what} does not end with CR LF")
        return line[:-2]

    def _request_line(self) -> Part[Request]:
        while not self.unread:
            yield None
        if not BEGINNING.match(self.unread):  # TLS, mostly, which would wait for an answer
            raise Refused(400, "no request begins like this")
        line = yield from self._line(LINE_LIMIT, 414, "the request line")
        if not line:  # some clients send an empty line after a body (RFC 9112 2.2)
            line = yield from self._line(LINE_LIMIT, 414, "the request line")
        found = REQUEST_LINE.fullmatch(line)
        if not found:
            raise Refused(400, "the request line is not METHOD TARGET HTTP/1.1")
        method, target, major, minor = (part.decode("ascii") for part in found.groups())
        if major != "1":
            raise Refused(505, "this server speaks HTTP/1.1")
        return Request(method, target, int(minor))

    def _fields(self, request: Request) -> Part[None]:
        """Take the field lines up to the empty line that ends them."""
        room = HEAD_LIMIT
        for _ in range(FIELDS_LIMIT + 1):
            line = yield from self._line(room, 431, "the head")
            room -= len(line) + 2
            if not line:
                return
            request.add(*parse_field(line))
        raise Refused(431, "there are too many fields")

    def _chunks(self, request: Request) -> Part[None]:
        """Take a body in chunks, each behind a line with its size (RFC 9112 7.1)."""
        while size := parse_size((yield from self._line(CHUNK_LINE_LIMIT, 400, "a chunk's size"))):
            if len(request.body) + size > BODY_LIMIT:
                raise Refused(413, "the body is too long")
            request.body += yield from self._bytes(size)
            if (yield from self._bytes(2)) != b"\r\n":
                raise Refused(400, "a chunk is longer than it said")
        # Fields may follow the body; nobody here reads them.
        yield from self._fields(Request("", "", 1))


def parse_field(line: bytes) -> tuple[str, str]:
    """Return name and value of a field line (RFC 9112 5)."""
    if line[:1] in b" \t":
        raise Refused(400, "a field is folded over two lines")
    found = FIELD_LINE.fullmatch(line)
    if not found:
        raise Refused(400, "a field is not NAME: VALUE")
    return found[1].decode("ascii"), found[2].decode("latin-1").strip(" \t")


def parse_size(line: bytes) -> int:
    """Return the size, in bytes, that a chunk's line says."""
    found = CHUNK_LINE.fullmatch(line)
    if not found:
        raise Refused(400, "a chunk's size is not a hexadecimal number")
    return int(found[1], 16)


def check_head(request: Request) -> int | None:
    """Check what the fields say, and return the body's length; None: it comes in chunks.

    Raises: Refused.
    """
    hosts = request.fields.get("host", [])
    if len(hosts) > 1 or (request.minor >= 1 and not hosts):
        raise Refused(400, "there must be one Host")
    if hosts and not HOST.fullmatch(hosts[0]):
        raise Refused(400, "Host is not a host")
    if not target_fits(request):
        raise Refused(400, "the target is neither a path nor a URL")
    length = None if in_chunks(request) else body_length(request)
    if request.words("expect") not in ([], ["100-continue"]):
        raise Refused(417, "only 100-continue can be expected")
    return length


def target_fits(request: Request) -> bool:
    """Say whether the target has one of the four forms of RFC 9112 3.2."""
    if request.method == "CONNECT":
        return bool(HOST.fullmatch(request.target))
    if request.target == "*":
        return request.method == "OPTIONS"
    return bool(TARGET.fullmatch(request.target)) and not request.target.startswith("?")


def in_chunks(request: Request) -> bool:
    """Say whether the body comes in chunks (RFC 9112 6.1)."""
    if "transfer-encoding" not in request.fields:
        return False
    if "content-length" in request.fields or request.minor == 0:
        raise Refused(400, "Transfer-Encoding goes with neither Content-Length nor HTTP/1.0")
    codings = request.words("transfer-encoding")
    if codings[-1:] != ["chunked"] or codings.count("chunked") > 1:
        raise Refused(400, "Transfer-Encoding does not end with one chunked")
    if len(codings) > 1:
        raise Refused(501, "the only transfer coding is chunked")
    return True


def body_length(request: Request) -> int:
    """Return what Content-Length says, 0 if there is none (RFC 9112 6.2, 6.3)."""
    lengths = request.fields.get("content-length", ["0"])
    if len(lengths) > 1 or not re.fullmatch("[0-9]+", lengths[0]):
        raise Refused(400, "Content-Length is not one number")
    # Python refuses to read numbers of thousands of digits.
    if len(lengths[0]) > 18 or int(lengths[0]) > BODY_LIMIT:
        raise Refused(413, "the body is too long")
    return int(lengths[0])
