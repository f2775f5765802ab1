"""Descriptors: copied, shared with another process, and looked at; and a process's rights."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import stat
import struct
from pathlib import Path

from lab.inside import libc
from lab.inside.calls.table import Sockets, Told, made

KINDS = {stat.S_IFSOCK: "socket", stat.S_IFIFO: "fifo", stat.S_IFREG: "regular file",
         stat.S_IFDIR: "directory", stat.S_IFCHR: "character device"}  # fmt: skip
OPEN_FLAGS = ("O_RDONLY", "O_WRONLY", "O_RDWR", "O_CREAT", "O_EXCL", "O_TRUNC", "O_APPEND",
              "O_NONBLOCK", "O_DIRECTORY")  # fmt: skip
WHENCE = {"SEEK_SET": 0, "SEEK_CUR": 1, "SEEK_END": 2}
# linux/prctl.h, linux/capability.h
PR_SET_PDEATHSIG, CAPABILITY_VERSION_3 = 1, 0x20080522


@made(new=True)
def _dup(fd: int, new: str) -> int:  # `new` is for `make`
    return libc.call("dup", fd)


@made(held=True)
def _keep_number(held: Sockets, socket: str, new: str) -> int:
    """Let a name stand for the number that a descriptor has now, whatever becomes of it."""
    held.add(new, held.number(socket))
    return held.number(socket)


@made(new=True)
def _open_path(_fd: int, path: str, flags: str, new: str) -> int:
    bits = sum(getattr(os, name) for name in flags.split("|"))
    return libc.call("open", path.encode(), bits, 0o600)


@made()
def _fstat(fd: int) -> Told:
    mode = os.fstat(fd).st_mode
    return 0, {"detail": KINDS.get(stat.S_IFMT(mode), oct(mode))}


@made()
def _lseek(fd: int, offset: int, whence: str) -> int:
    return libc.call("lseek", fd, ctypes.c_long(offset), WHENCE[whence])


@made()
def _readlink_fd(fd: int) -> Told:
    """Tell what /proc/self/fd has of a descriptor; an inode's number is left out."""
    text = str(Path(f"/proc/self/fd/{fd}").readlink())
    return len(text), {"detail": re.sub(r"\[\d+\]", "[…]", text)}


# --- another process ------------------------------------------------------------


def end_with_parent(parent: int) -> None:
    """Let the kernel end this process when its parent ends (prctl(2) PR_SET_PDEATHSIG).

    A parent that has ended by now is told by nobody: it is not ours any more.
    """
    libc.call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


@made(held=True)
def _fork(held: Sockets, _socket: str, child: str) -> int:
    """Fork a child that holds every descriptor as we do, and waits."""
    parent = os.getpid()
    number = os.fork()
    if number == 0:
        try:
            end_with_parent(parent)
            if held.control >= 0:
                os.close(held.control)
            while True:
                signal.pause()
        finally:
            os._exit(1)
    held.children[child] = number
    return number


@made(held=True)
def _end_child(held: Sockets, _socket: str, child: str) -> int:
    """End a child, and with it its copies of the descriptors."""
    number = held.children.pop(child)
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)
    return 0


@made()
def _drop_capabilities(_fd: int) -> int:
    """Give up every capability, for good (capset(2))."""
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    return libc.call("capset", header, bytes(24))
