"""Words: waiting until something can be done."""

from __future__ import annotations

from typing import Any

from lab.calls.call import Call


def _waiting(name: str, on: str, socket: str, timeout_s: Any, **arguments: Any) -> Call:
    more = {} if timeout_s is None else {"timeout_s": timeout_s}
    return Call(on, name, {**arguments, **more}, socket=socket)


def poll(*, on: str, events: str = "POLLOUT", timeout_s: Any = None, socket: str = "s") -> Call:
    """poll(2); the value is 1, or 0 at the time-out; it tells the events that are there."""
    return _waiting("poll", on, socket, timeout_s, events=events)


def epoll(*, on: str, events: str = "EPOLLOUT", timeout_s: Any = None, socket: str = "s") -> Call:
    """epoll_wait(2); the value is 1, or 0 at the time-out; it tells the events that are there."""
    return _waiting("epoll", on, socket, timeout_s, events=events)


def select(*, on: str, timeout_s: Any = None, socket: str = "s") -> Call:
    """select(2); the value is in how many sets the socket is; it tells "readable|writable"."""
    return _waiting("select", on, socket, timeout_s)
