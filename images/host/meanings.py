"""What errnolab-server and errnolab-client share: arguments, and errors put into words.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import argparse
import errno
import os
import socket

TYPE_CHECKING = False  # type checkers take it for true; typing itself costs 2 ms of the start
if TYPE_CHECKING:
    from typing import NoReturn

# One sentence for each error that socket, bind, listen, accept, connect, send
# and recv (EAI: getaddrinfo) can give on Linux. Where ICMP is named, the errno
# is Linux's translation: icmp_err_convert[] in net/ipv4/icmp.c and
# icmpv6_err_convert() in net/ipv6/icmp.c.
MEANING = {
    # The path or the other side said no, or nothing at all.
    "ECONNREFUSED": "nothing listens on that port, or something on the path answered with a reset"
    " or an ICMP port unreachable",
    "ETIMEDOUT": "nothing came back although the kernel sent again and again: the packets, or the"
    " answers to them, are lost on the way",
    "EHOSTUNREACH": "the network is known but the host cannot be reached: no answer to ARP or"
    " neighbour discovery, or an ICMP host unreachable from a router",
    "ENETUNREACH": "there is no route to that network, on this host or (ICMP net unreachable) on a"
    " router",
    "EHOSTDOWN": "a router reported the host as down",
    "ENONET": "a router reported this host as isolated from the network",
    "EACCES": "not permitted: a firewall or a route prohibits it here or (ICMPv6) on a router, or"
    " a broadcast address or a privileged port was used without the right to it",
    "EPERM": "a firewall rule on this host refused to let the packet out, or a capability is"
    " missing",
    "EPROTO": "a router or the other side reported a protocol error",
    "ENOPROTOOPT": "the other side does not speak this protocol (ICMP protocol unreachable), or"
    " there is no such socket option",
    # The connection is over.
    "ECONNRESET": "the other side, or something on the path, sent a reset: the connection is gone,"
    " with whatever was still on its way",
    "EPIPE": "the connection can take no more bytes: a reset ended it earlier, or this side has"
    " shut down sending",
    "ECONNABORTED": "the connection was ended before accept could take it",
    "ENETRESET": "keep-alive found the connection dead",
    "ENOTCONN": "the socket is not connected, or is no longer",
    "ESHUTDOWN": "sending was shut down on this socket",
    "ENETDOWN": "the network interface is down",
    # This host lacks something.
    "EADDRINUSE": "another socket has that address and port; see `ss -ltunp`",
    "EADDRNOTAVAIL": "that address is not one of this host's (see `ip address`), or no local port"
    " is free for the connection",
    "EAFNOSUPPORT": "this kernel has no such address family (is IPv6 turned off?)",
    "EMFILE": "this process has as many files open as it may; see `ulimit -n`",
    "ENFILE": "the whole system has as many files open as it may; see fs.file-max",
    "ENOBUFS": "the kernel has no buffer left, or the interface's queue is full",
    "ENOMEM": "the kernel has no memory left for this",
    "ENODEV": "there is no such network interface",
    "ENXIO": "there is no such device or address",
    # The message does not fit.
    "EMSGSIZE": "the datagram is larger than one can be: 65507 bytes over IPv4, 65527 over IPv6,"
    " or less if it must not be fragmented",
    # The call has not finished.
    "EAGAIN": "the call would have to wait, and the socket does not wait (or its time is up)",
    "EINPROGRESS": "the connection is being made; poll tells when it is",
    "EALREADY": "an earlier connect on this socket has not finished",
    "EINTR": "a signal interrupted the call",
    # The call was made wrongly.
    "EINVAL": "the kernel does not accept this argument, or not in the socket's present state",
    "EISCONN": "the socket is connected already",
    "EDESTADDRREQ": "the socket has no peer and none was named",
    "EOPNOTSUPP": "this kind of socket cannot do that",
    "EPROTONOSUPPORT": "this kernel does not have that protocol in that address family",
    "EPROTOTYPE": "the protocol does not go with this kind of socket, or the other end of a UNIX"
    " path is of another kind",
    "ENOENT": "there is no such path",
    "ESOCKTNOSUPPORT": "this kernel does not have that kind of socket in that address family",
    "EBADF": "that is not an open file descriptor",
    "ENOTSOCK": "that file descriptor is not a socket",
    "EFAULT": "an address lies outside of the process's memory",
    "EIO": "reading or writing the file failed below the kernel's file layer",
    "ENOSPC": "no space is left for what is written",
    # getaddrinfo could not make an address out of the name.
    "EAI_NONAME": "that is neither an IPv4 or IPv6 address nor a name that anyone knows",
    "EAI_NODATA": "the name is known but has no address",
    "EAI_ADDRFAMILY": "the name has no address in the family asked for",
    "EAI_AGAIN": "no name server answered; it may do so later",
    "EAI_FAIL": "the name server answered with an error",
    "EAI_FAMILY": "the resolver does not support that address family",
    "EAI_SERVICE": "the port does not go with this kind of socket",
    "EAI_MEMORY": "the resolver has no memory left",
    "EAI_OVERFLOW": "the name is too long for the resolver",
}

EAI_NAMES = {getattr(socket, name): name for name in dir(socket) if name.startswith("EAI_")}
# A number may have two names, as 95 is ENOTSUP and EOPNOTSUPP; the one explained here wins.
ERRNO_NAMES = dict(errno.errorcode)
ERRNO_NAMES.update((getattr(errno, name), name) for name in MEANING if hasattr(errno, name))


def name_of(error: OSError) -> str:
    """Name an error as the manual pages do: ECONNREFUSED, EAI_NONAME.

    Returns: the name; "unknown error" where the number has none.
    """
    names = EAI_NAMES if isinstance(error, socket.gaierror) else ERRNO_NAMES
    return names.get(error.errno or 0, "unknown error")


def explain(error: OSError) -> str:
    """Put an error into one line: name, number, the system's text and what it means.

    >>> explain(OSError(98, "Address already in use"))
    'EADDRINUSE (98) Address already in use: another socket has that address and port; …'
    """
    name = name_of(error)
    text = f"{name} ({error.errno}) {error.strerror}"
    return f"{text}: {MEANING[name]}" if name in MEANING else text


class ArgumentParser(argparse.ArgumentParser):
    """An argument parser that reports a bad argument in one line, as an errno, with status 2."""

    def error(self, message: str) -> NoReturn:
        """Report `message` and exit."""
        invalid = f"EINVAL ({errno.EINVAL}) {os.strerror(errno.EINVAL)}"
        self.exit(2, f"{self.prog}: {invalid}: {message}; see {self.prog} --help\n")


def port(text: str) -> int:
    """Read a port number, 0 to 65535.

    Raises: ValueError, which argparse turns into a bad argument.
    """
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError(text)
    return number


def seconds(text: str) -> float:
    """Read a time in seconds, more than 0 and a day at most.

    Raises: ValueError, which argparse turns into a bad argument.
    """
    number = float(text)
    if not 0 < number <= 86400:
        raise ValueError(text)
    return number
