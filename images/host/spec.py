"""How the programs on the router read what they are asked for: JSON with known keys.

Standard library only. Like all that those programs import it is small, and without
dataclasses (13 ms), so that they are ready soon after they are started.
"""

from __future__ import annotations

import socket

TYPE_CHECKING = False  # type checkers take it for true; typing itself costs 6 ms of the start
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    # What a specification holds once it is read: every key is there, and addresses are packed.
    Values = dict[str, Any]


class ProgramError(Exception):
    """What was asked for cannot be done; the message is complete."""

    status = 1


class BadArgument(ProgramError):
    """What was asked for is not understood; the message names what is wrong."""

    status = 2


class Key:
    """A key of a specification: how its value is read, and what stands for it if absent.

    `read` returns the value as we use it, or raises ValueError with what it must be.
    """

    def __init__(self, read: Callable[[Any], Any], *default: Any) -> None:
        self.read = read
        self.required = not default
        self.default = default[0] if default else None


def whole(least: int, most: int) -> Callable[[Any], int]:
    """Return a reader of whole numbers."""

    def read(value: Any) -> int:
        # JSON's true is an int for Python.
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"must be a whole number, {least} to {most}")
        return value

    return read


def one_of(*words: str) -> Callable[[Any], str]:
    """Return a reader of words out of a list."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(map(repr, words))}")
        return str(value)

    return read


def or_null(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a reader that takes null too."""
    return lambda value: None if value is None else read(value)


def address(value: Any) -> bytes:
    """Read an IPv4 or IPv6 address; return its 4 or 16 bytes."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return socket.inet_pton(family, value)
        except (OSError, TypeError, ValueError):
            continue
    raise ValueError("must be an IPv4 or IPv6 address")


def seconds(value: Any) -> float:
    """Read a time, an hour at most."""
    if type(value) not in (int, float) or not 0 <= value <= 3600:
        raise ValueError("must be seconds, 0 to 3600")
    return float(value)


def boolean(value: Any) -> bool:
    """Read true or false."""
    if type(value) is not bool:
        raise ValueError("must be true or false")
    return value


def text(value: Any) -> bytes:
    """Read a payload that fits into one packet anywhere."""
    if not isinstance(value, str) or len(data := value.encode(errors="replace")) > 1200:
        raise ValueError("must be text of 1200 bytes at most")
    return data


def objects(value: Any) -> list[Any]:
    """Read a list that is not empty."""
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of at least one")
    return value


def anything(value: Any) -> Any:
    """Leave the reading to a later step."""
    return value


def read_json(source: str) -> Any:
    """Return what a JSON text says.

    Raises: BadArgument.
    """
    import json  # noqa: PLC0415 - as slow as the rest together, and `stop` needs none

    try:
        return json.loads(source)
    except ValueError as error:
        raise BadArgument(f"that is not JSON: {error}") from error


def read_keys(where: str, raw: Any, keys: Mapping[str, Key]) -> Values:
    """Read an object that has these keys and no others.

    Raises: BadArgument.
    """
    if not isinstance(raw, dict):
        raise BadArgument(f"{where or 'that'}: must be an object")
    prefix = f"{where}." if where else ""
    for name in raw:
        if name not in keys:
            raise BadArgument(f"{prefix}{name}: no such key; there are {', '.join(keys)}")
    return {name: read_key(prefix, raw, name, key) for name, key in keys.items()}


def read_key(prefix: str, raw: Mapping[str, Any], name: str, key: Key) -> Any:
    """Read the value of one key.

    Raises: BadArgument.
    """
    if name not in raw:
        require(not key.required, f"{prefix}{name}: is missing")
        return key.default
    try:
        return key.read(raw[name])
    except ValueError as error:
        raise BadArgument(f"{prefix}{name}: {error}, not {raw[name]!r}") from error


def read_kind(
    where: str, raw: Any, name: str, kinds: Mapping[str, Mapping[str, Key]]
) -> tuple[str, Values]:
    """Read an object whose key `name` says which keys it has; return that kind and the values.

    Raises: BadArgument.
    """
    require(isinstance(raw, dict), f"{where}: must be an object")
    key = Key(one_of(*kinds))
    kind: str = read_key(f"{where}.", raw, name, key)
    return kind, read_keys(where, raw, {name: key, **kinds[kind]})


def require(holds: bool, message: str) -> None:
    """Refuse the specification unless something holds.

    Raises: BadArgument.
    """
    if not holds:
        raise BadArgument(message)
