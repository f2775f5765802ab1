"""A function of a test's, called in a host: how it and its value travel, and the call itself.

The text of this module is what a fresh interpreter in the host runs: it reads a task from
one descriptor, calls the function, and writes what came of it to another. Values travel as
JSON, in which a list [kind, content] stands for whatever JSON has no word for.
"""

from __future__ import annotations
import __future__

import importlib
import inspect
import json
import linecache
import os
import sys
import traceback
from typing import Any

# What travels as it is, and the words for the rest.
BARE = (bool, int, float, str, type(None))
MANY: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


def encode(value: Any) -> Any:
    """Return plain data as JSON can have it.

    Raises: TypeError for what is not None, a bool, number, text, bytes, or a list, tuple,
    set or dict of such.
    """
    kind = type(value).__name__
    if type(value) in BARE:
        return value
    if type(value) is bytes:
        return ["bytes", value.hex()]
    if type(value) is complex:
        return ["complex", [value.real, value.imag]]
    if MANY.get(kind) is type(value):
        return [kind, [encode(item) for item in value]]
    if type(value) is dict:
        return ["dict", [[encode(key), encode(item)] for key, item in value.items()]]
    raise TypeError(f"{value!r:.80} is a {type(value).__module__}.{type(value).__qualname__}")


def decode(found: Any) -> Any:
    """Return the plain data that `encode` was given."""
    if not isinstance(found, list):
        return found
    kind, content = found
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "complex":
        return complex(*content)
    if kind == "dict":
        return {decode(key): decode(item) for key, item in content}
    return MANY[kind](decode(item) for item in content)


def encode_error(error: BaseException) -> dict[str, Any]:
    """Return an exception as JSON can have it: its classes by name, its arguments, its text."""
    return {
        "classes": [[kind.__module__, kind.__qualname__] for kind in type(error).__mro__],
        "args": [_encode_argument(argument) for argument in error.args],
        "text": str(error),
        "filename": _encode_argument(getattr(error, "filename", None)),
        "traceback": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    }


def _encode_argument(value: Any) -> Any:
    if isinstance(value, BaseException):
        return ["error", encode_error(value)]
    try:
        return encode(value)
    except TypeError:
        return repr(value)


def decode_error(found: dict[str, Any]) -> Exception | None:
    """Return an exception of the same class, or of the nearest class that is known here.

    That is one of the standard library. None, for what is no Exception (SystemExit).
    """
    arguments = [_decode_argument(argument) for argument in found["args"]]
    for module, name in found["classes"]:
        kind = _known_class(module, name)
        if kind is None:
            continue
        for given in (arguments, [found["text"]]):
            try:
                error = kind(*given)
            except Exception:  # It wants other arguments than those it keeps.
                continue
            if isinstance(error, OSError) and found["filename"] is not None:
                error.filename = _decode_argument(found["filename"])
            return error
    return None


def _decode_argument(found: Any) -> Any:
    if isinstance(found, list) and found[0] == "error":
        return decode_error(found[1])
    return decode(found)


def _known_class(module: str, name: str) -> type[Exception] | None:
    if module.partition(".")[0] not in sys.stdlib_module_names or "." in name:
        return None
    kind = getattr(importlib.import_module(module), name, None)
    return kind if isinstance(kind, type) and issubclass(kind, Exception) else None


def call(task: dict[str, Any]) -> dict[str, Any]:
    """Call the function of a task; return {"value"}, {"unsendable": why} or {"raised": error}."""
    text, file = task["source"], task["file"]
    # Tracebacks show the lines as they stand in the test's own file.
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names: dict[str, Any] = {"__name__": "errnolab_function", "__builtins__": __builtins__}
    try:
        for name, module in task["modules"].items():
            names[name] = importlib.import_module(module)
        # What annotations name need not be there.
        flags = __future__.annotations.compiler_flag
        exec(compile(text, file, "exec", flags=flags, dont_inherit=True), names)
        value = names[task["name"]](*decode(task["args"]), **decode(task["kwargs"]))
        if inspect.iscoroutine(value):
            import asyncio  # noqa: PLC0415  # slow to import, and seldom needed

            value = asyncio.run(value)
    except BaseException as error:
        return {"raised": encode_error(error)}
    try:
        return {"value": encode(value)}
    except TypeError as why:
        return {"unsendable": str(why)}


def main() -> None:
    """Do the task that is given, and end at once, whatever the function left running."""
    source, result = map(int, os.environ.pop("ERRNOLAB_FDS").split(","))
    with open(source, "rb") as file:  # noqa: PTH123  # a descriptor
        task = json.load(file)
    with open(result, "w") as file:  # noqa: PTH123
        json.dump(call(task), file)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
