"""A function is sent to a host as text: all that is in the way is named before it goes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import sending
from lab.errors import NotAnswered, Unsendable
from lab.inside import function as inside
from lab.remote import InHost, _answer

PORT = 16555
scalars = st.none() | st.booleans() | st.integers() | st.text() | st.binary()
keys = st.text() | st.integers() | st.binary()
PLAIN = st.recursive(
    scalars | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner) | st.dictionaries(keys, inner) | st.lists(inner).map(tuple)
        | st.sets(keys) | st.frozensets(keys)
    ),
)  # fmt: skip


@given(PLAIN)
def test_plain_data_arrives_as_it_was(value: object) -> None:
    back = inside.decode(json.loads(json.dumps(inside.encode(value))))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("value", [object(), Path(), [1, {2: bytearray()}], socket.AF_INET])
def test_what_is_no_plain_data_is_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match=r"object|Path|bytearray|AddressFamily"):
        inside.encode(value)


# --- what can be sent -----------------------------------------------------------------


def called_here(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function as a host does: a fresh interpreter reads the task, and answers."""
    task = sending.task(function, args, kwargs)
    with tempfile.TemporaryFile() as given_, tempfile.TemporaryFile() as result:
        given_.write(task)
        given_.flush()
        given_.seek(0)
        fds = (given_.fileno(), result.fileno())
        subprocess.run(
            [sys.executable, "-Iu", "-c", sending.PROGRAM], pass_fds=fds, check=True, timeout=30,
            env={**os.environ, "ERRNOLAB_FDS": ",".join(map(str, fds))},
        )  # fmt: skip
        result.seek(0)
        return _answer("client: it", json.load(result))


def everything(first: tuple[int, ...], *, second: bytes = b"x") -> dict[str, Any]:
    found: dict[str, Any] = {"first": first, "second": second}
    found["nested"] = [one for one in first if one > 1]
    return found


def with_modules(port: int) -> tuple[str, socket.AddressFamily | None]:
    return json.dumps(port), None


async def awaited() -> str:
    import asyncio  # noqa: PLC0415  # it must stand alone

    await asyncio.sleep(0)
    return "awaited"


def calls_itself(number: int) -> int:
    return 1 if number == 0 else number * calls_itself(number - 1)


def test_a_function_is_called_with_what_it_was_given() -> None:
    assert called_here(everything, (1, 2), second=b"\0") == {
        "first": (1, 2), "second": b"\0", "nested": [2],
    }  # fmt: skip


def test_modules_of_the_standard_library_are_there_under_the_names_of_its_file() -> None:
    assert called_here(with_modules, 3) == ("3", None)


def test_a_coroutine_is_awaited() -> None:
    assert called_here(awaited) == "awaited"


def test_a_function_may_call_itself() -> None:
    assert called_here(calls_itself, 5) == 120


def test_one_that_leaves_a_thread_running_still_returns() -> None:
    def leaves_a_thread() -> int:
        import threading  # noqa: PLC0415
        import time  # noqa: PLC0415

        threading.Thread(target=time.sleep, args=(60,)).start()
        return 1

    assert called_here(leaves_a_thread) == 1


# --- what it raises ---------------------------------------------------------------------


def refused() -> None:
    raise ConnectionRefusedError(111, "Connection refused", "a file")


def no_name() -> None:
    raise socket.gaierror(-2, "Name or service not known")


def not_json() -> None:
    json.loads("{")


def no_url() -> None:
    import urllib.error  # noqa: PLC0415

    raise urllib.error.URLError(ConnectionResetError(104, "reset"))


def own_class() -> None:
    class Own(TimeoutError):
        pass

    raise Own("late")


def test_an_exception_is_raised_as_the_same_class_with_its_errno() -> None:
    with pytest.raises(ConnectionRefusedError) as raised:
        called_here(refused)
    assert (raised.value.errno, raised.value.strerror) == (111, "Connection refused")
    assert raised.value.filename == "a file"


def test_its_cause_is_the_traceback_in_the_host_with_lines_of_the_tests_own_file() -> None:
    with pytest.raises(ConnectionRefusedError) as raised:
        called_here(refused)
    line = refused.__code__.co_firstlineno + 1
    assert isinstance(raised.value.__cause__, InHost)
    assert f'File "{__file__}", line {line}, in refused' in str(raised.value.__cause__)
    assert 'raise ConnectionRefusedError(111, "Connection' in str(raised.value.__cause__)


def test_classes_of_the_standard_library_are_raised_too() -> None:
    with pytest.raises(socket.gaierror) as raised:
        called_here(no_name)
    assert raised.value.errno == -2


def test_what_an_exception_holds_comes_too() -> None:
    from urllib.error import URLError  # noqa: PLC0415

    with pytest.raises(URLError) as raised:
        called_here(no_url)
    assert isinstance(raised.value.reason, ConnectionResetError)
    assert raised.value.reason.errno == 104


@pytest.mark.parametrize(("function", "kind"), [(not_json, ValueError), (own_class, TimeoutError)])
def test_others_are_raised_as_the_nearest_class(
    function: Callable[[], None], kind: type[Exception]
) -> None:
    with pytest.raises(kind) as raised:
        called_here(function)
    assert type(raised.value) is kind


def exits() -> None:
    raise SystemExit(3)


def returns_a_socket() -> object:
    return socket.socket()


def test_one_that_ends_its_process_has_given_no_answer() -> None:
    with pytest.raises(NotAnswered, match="ended with SystemExit: 3"):
        called_here(exits)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_value_that_cannot_come_back_is_named() -> None:
    with pytest.raises(NotAnswered, match=r"returned what cannot be sent back: <socket.socket"):
        called_here(returns_a_socket)


# --- what cannot be sent ------------------------------------------------------------------


def uses_its_file() -> int:
    return PORT


def uses_another_function() -> int:
    return calls_itself(3)


def default_of_its_file(port: int = PORT) -> int:
    return port


def uses_nothing_known() -> object:
    return nowhere  # type: ignore[name-defined]  # noqa: F821


def uses_pytest() -> object:
    return pytest.fail


def deep() -> list[int]:
    return [number + PORT for number in range(3)]


def same(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def around(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def inner(*args: Any) -> Any:
        return function(*args)

    return inner


@same
def decorated() -> None:
    """Return nothing."""


@around
def wrapped() -> None:
    """Return nothing."""


class Some:
    def method(self) -> None:
        """Return nothing."""


def closure() -> Callable[[], int]:
    outer = 3

    def inner() -> int:
        return outer

    return inner


MADE: dict[str, Any] = {}
exec("def made(): return 1", MADE)

UNSENDABLE: dict[str, tuple[Callable[..., Any], str]] = {
    "its file": (uses_its_file, "it uses PORT of its file: import or define it inside"),
    "a function": (uses_another_function, "it uses calls_itself of its file"),
    "a default": (default_of_its_file, "it uses PORT of its file"),
    "a comprehension": (deep, "it uses PORT of its file"),
    "nowhere": (uses_nothing_known, "it uses nowhere, which is nowhere"),
    "a package": (uses_pytest, "it uses pytest, a module that the host does not have"),
    "a decorator": (decorated, "it has the decorator @same"),
    "a wrapper": (wrapped, "it is what a decorator made of another function"),
    "a closure": (closure(), "it uses outer of the function around it: pass it"),
    "a lambda": (lambda: 1, "a lambda has no source of its own: write a `def`"),
    "a method": (Some().method, "it is a method, and its object cannot be sent"),
    "a partial": (partial(calls_itself, 3), "it is a partial: write a `def` that calls it"),
    "a builtin": (len, "it is a builtin_function_or_method"),
    "a class": (Some, "it is a type"),
    "no source": (MADE["made"], "its source is nowhere to be read"),
}


@pytest.mark.parametrize("name", UNSENDABLE)
def test_what_does_not_stand_alone_is_refused_with_the_reason(name: str) -> None:
    function, why = UNSENDABLE[name]
    with pytest.raises(Unsendable) as refusal:
        sending.task(function, [], {})
    assert why in str(refusal.value)


def test_all_that_is_in_the_way_is_named_at_once() -> None:
    def two() -> object:
        return pytest, PORT

    with pytest.raises(Unsendable) as refusal:
        sending.task(two, [], {})
    assert len(refusal.value.mistakes) == 2


def test_an_argument_that_cannot_be_sent_is_named() -> None:
    with pytest.raises(Unsendable, match=r"among its arguments, .* is a builtins.object"):
        sending.task(calls_itself, [object()], {})
