"""A thread of this process in a host's network: for root, on the engine's own machine.

A thread's network namespace decides where its new sockets are, and nothing else: names
are looked up as before, in this machine's files, and sockets that are there stay where
they are (setns(2), network_namespaces(7)).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from ipaddress import IPv6Address
from pathlib import Path

CLONE_NEWNET = 0x40000000  # linux/sched.h
OWN = Path("/proc/thread-self/ns/net")


class Stranded(BaseException):
    """The calling thread could not come back from a host's network: nothing may go on in it."""


def why_not(pid: int, address: str) -> str:
    """Return why a thread of ours cannot enter a container's network, "" if it can.

    Args: `pid` is what the engine says is the container's first process, `address` an
    IPv6 address that the container has.
    """
    if os.geteuid() != 0:
        return "it takes root to enter a host's network (setns(2))"
    if not OWN.exists():
        return "this is not Linux, or it has no /proc/thread-self"
    try:
        has = Path(f"/proc/{pid}/net/if_inet6").read_text()
    except OSError:
        has = ""
    # The number may be another process's here, or the engine's machine another one.
    if pid <= 0 or f"{int(IPv6Address(address)):032x}" not in has:
        return "the engine's processes are not to be seen from here: it runs on another machine"
    try:
        with entered(pid):
            return ""
    except OSError as refused:
        return f"the kernel lets no thread of ours in: {refused.strerror}"


@contextlib.contextmanager
def entered(pid: int) -> Iterator[None]:
    """Have the calling thread in a process's network for a block.

    Raises: OSError if it cannot enter; Stranded if it cannot come back.
    """
    with contextlib.ExitStack() as stack:
        own = stack.enter_context(_opened(OWN))
        there = stack.enter_context(_opened(Path(f"/proc/{pid}/ns/net")))
        home = OWN.readlink()
        # Registered first: a signal may come right after the thread has moved.
        stack.callback(_return, own, home)
        _setns(there)
        yield


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _return(own: int, home: Path) -> None:
    if OWN.readlink() == home:
        return  # It never left.
    try:
        _setns(own)
    except OSError as failed:
        raise Stranded(f"a thread is left in another network: {failed.strerror}") from failed


def _setns(fd: int) -> None:
    """Move the calling thread; os.setns is there from Python 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
