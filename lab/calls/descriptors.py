"""Words: descriptors are copied, shared with another process, and looked at."""

from __future__ import annotations

from lab.calls.call import Call


def dup(*, on: str, new: str = "copy", socket: str = "s") -> Call:
    """dup(2): another descriptor, named `new`, of the same socket."""
    return Call(on, "dup", {"new": new}, socket=socket, new=(new,))


def keep_number(*, on: str, new: str = "old", socket: str = "s") -> Call:
    """Note a descriptor's number under another name, as a program copies a variable.

    No descriptor is made: after close(2) the number is nobody's, or soon another's. The
    value is the number.
    """
    return Call(on, "keep_number", {"new": new}, socket=socket, new=(new,))


def open_path(*, on: str, path: str, flags: str = "O_RDWR|O_CREAT", new: str = "file") -> Call:
    """open(2) a file in the folder that the host's callers share, which goes with them."""
    arguments = {"path": path, "flags": flags, "new": new}
    return Call(on, "open_path", arguments, socket="", new=(new,), does="open")


def fstat(*, on: str, socket: str = "s") -> Call:
    """fstat(2); it tells what the descriptor is: "socket", "fifo", "regular file"."""
    return Call(on, "fstat", socket=socket)


def lseek(*, on: str, offset: int = 0, whence: str = "SEEK_CUR", socket: str = "s") -> Call:
    """lseek(2); the value is the place in the file, and ESPIPE where there is none."""
    return Call(on, "lseek", {"offset": offset, "whence": whence}, socket=socket)


def readlink_fd(*, on: str, socket: str = "s") -> Call:
    """readlink(2) of /proc/self/fd/N; it tells "socket:[…]", without the inode's number."""
    return Call(on, "readlink_fd", socket=socket, does="readlink")


def fork(*, on: str, child: str = "child") -> Call:
    """fork(2) a child that holds every descriptor of the caller as it is, and waits."""
    return Call(on, "fork", {"child": child}, socket="")


def end_child(*, on: str, child: str = "child") -> Call:
    """End a child of `fork`: its descriptors are closed, and nothing else is done with them."""
    return Call(on, "end_child", {"child": child}, socket="", does="kill")


def drop_capabilities(*, on: str) -> Call:
    """capset(2): the caller gives up CAP_NET_RAW, CAP_NET_ADMIN and all others, for good."""
    return Call(on, "drop_capabilities", socket="", does="capset")
