"""Winsock's error codes: name, number, Windows' own sentence, and the errno of the same meaning.

Names, numbers and sentences are those of winerror.h, which FormatMessage prints in English
(Microsoft's documentation, "System Error Codes", 0 to 499, 500 to 999, 1000 to 1299, 9000 to
11999); which codes Winsock has is in "Windows Sockets Error Codes" there. The codes below
10000 are the system's own: overlapped calls such as ConnectEx report them, and so do the
programs made upon those. What Wine prints for a code is not always this sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Code:
    """A code of WSAGetLastError or GetLastError.

    `errno` is Linux's errno, or what getaddrinfo(3) says there, of the same meaning, "" if
    there is none; `sentence` what Windows prints; `meaning` what it means, in our words,
    "" where what is said of `errno` holds on Windows too.
    """

    name: str
    number: int
    errno: str
    sentence: str
    meaning: str = ""


NO_CODE = Code("", 0, "", "")
# The first code that is Winsock's; Linux's errnos, and Windows' own codes, are below it.
FIRST = 10000
# How far a number may be from a code's to be taken for a slip of it.
NEAR = 20

CODES = (
    # What overlapped calls report, and programs upon them.
    Code("WSA_INVALID_HANDLE", 6, "EBADF", "The handle is invalid.", "that handle is not open"),
    Code(
        "WSA_NOT_ENOUGH_MEMORY",
        8,
        "ENOMEM",
        "Not enough memory resources are available to process this command.",
        "Windows has no memory left for this",
    ),
    Code(
        "ERROR_NETNAME_DELETED",
        64,
        "ECONNRESET",
        "The specified network name is no longer available.",
    ),
    Code("WSA_INVALID_PARAMETER", 87, "EINVAL", "The parameter is incorrect."),
    Code("ERROR_SEM_TIMEOUT", 121, "ETIMEDOUT", "The semaphore timeout period has expired."),
    Code(
        "WSA_OPERATION_ABORTED",
        995,
        "ECANCELED",
        "The I/O operation has been aborted because of either a thread exit or an application"
        " request.",
        "an overlapped operation was given up: its socket was closed, or its program or thread"
        " ended it",
    ),
    Code(
        "WSA_IO_INCOMPLETE",
        996,
        "EINPROGRESS",
        "Overlapped I/O event is not in a signaled state.",
        "an overlapped operation, such as a connection that is being made, is not done yet",
    ),
    Code(
        "WSA_IO_PENDING",
        997,
        "EINPROGRESS",
        "Overlapped I/O operation is in progress.",
        "an overlapped operation, such as a connection that is being made, was begun; its end is"
        " told later",
    ),
    Code(
        "ERROR_CONNECTION_REFUSED",
        1225,
        "ECONNREFUSED",
        "The remote computer refused the network connection.",
    ),
    Code(
        "ERROR_GRACEFUL_DISCONNECT",
        1226,
        "",
        "The network connection was gracefully closed.",
        "the other side has closed the connection in order; on Linux recv returns 0",
    ),
    Code(
        "ERROR_NETWORK_UNREACHABLE",
        1231,
        "ENETUNREACH",
        "The network location cannot be reached. For information about network troubleshooting,"
        " see Windows Help.",
    ),
    Code(
        "ERROR_HOST_UNREACHABLE",
        1232,
        "EHOSTUNREACH",
        "The network location cannot be reached. For information about network troubleshooting,"
        " see Windows Help.",
    ),
    Code(
        "ERROR_PROTOCOL_UNREACHABLE",
        1233,
        "ENOPROTOOPT",
        "The network location cannot be reached. For information about network troubleshooting,"
        " see Windows Help.",
        "the other side does not speak this protocol (ICMP protocol unreachable)",
    ),
    Code(
        "ERROR_PORT_UNREACHABLE",
        1234,
        "ECONNREFUSED",
        "No service is operating at the destination network endpoint on the remote system.",
    ),
    Code(
        "ERROR_CONNECTION_ABORTED",
        1236,
        "ECONNABORTED",
        "The network connection was aborted by the local system.",
        "this side has ended the connection: the program did, or what was sent was never"
        " acknowledged",
    ),
    # Winsock's own.
    Code(
        "WSAEINTR",
        10004,
        "EINTR",
        "A blocking operation was interrupted by a call to WSACancelBlockingCall.",
        "the call was ended from elsewhere, as by another thread that closed the socket; Windows"
        " has no signals that would interrupt it",
    ),
    Code(
        "WSAEBADF",
        10009,
        "EBADF",
        "The file handle supplied is not valid.",
        "that is not an open handle",
    ),
    Code(
        "WSAEACCES",
        10013,
        "EACCES",
        "An attempt was made to access a socket in a way forbidden by its access permissions.",
        "not permitted: a firewall prohibits it, another program has the port for itself"
        " (SO_EXCLUSIVEADDRUSE) or Windows has reserved it, or a broadcast address was used"
        " without SO_BROADCAST",
    ),
    Code(
        "WSAEFAULT",
        10014,
        "EFAULT",
        "The system detected an invalid pointer address in attempting to use a pointer argument"
        " in a call.",
        "a pointer is wrong, or the length given with an address is too small",
    ),
    Code(
        "WSAEINVAL",
        10022,
        "EINVAL",
        "An invalid argument was supplied.",
        "Winsock does not accept this argument, or not in the socket's present state",
    ),
    Code(
        "WSAEMFILE",
        10024,
        "EMFILE",
        "Too many open sockets.",
        "this process has as many sockets open as it may",
    ),
    Code(
        "WSAEWOULDBLOCK",
        10035,
        "EAGAIN",
        "A non-blocking socket operation could not be completed immediately.",
        "the call would have to wait, and the socket does not wait; from connect: the connection"
        " is being made, for which Linux says EINPROGRESS",
    ),
    Code(
        "WSAEINPROGRESS",
        10036,
        "",
        "A blocking operation is currently executing.",
        "a blocking call of the same thread has not finished (Winsock 1.1); what Linux's connect"
        " calls EINPROGRESS is WSAEWOULDBLOCK",
    ),
    Code(
        "WSAEALREADY",
        10037,
        "EALREADY",
        "An operation was attempted on a non-blocking socket that already had an operation in"
        " progress.",
    ),
    Code(
        "WSAENOTSOCK",
        10038,
        "ENOTSOCK",
        "An operation was attempted on something that is not a socket.",
        "that handle is not a socket, or is one no longer",
    ),
    Code(
        "WSAEDESTADDRREQ",
        10039,
        "EDESTADDRREQ",
        "A required address was omitted from an operation on a socket.",
    ),
    Code(
        "WSAEMSGSIZE",
        10040,
        "EMSGSIZE",
        "A message sent on a datagram socket was larger than the internal message buffer or some"
        " other network limit, or the buffer used to receive a datagram into was smaller than the"
        " datagram itself.",
        "the datagram is larger than one can be, or larger than the buffer it is received into"
        " (Linux cuts it off and says nothing)",
    ),
    Code(
        "WSAEPROTOTYPE",
        10041,
        "EPROTOTYPE",
        "A protocol was specified in the socket function call that does not support the semantics"
        " of the socket type requested.",
        "the protocol does not go with this kind of socket",
    ),
    Code(
        "WSAENOPROTOOPT",
        10042,
        "ENOPROTOOPT",
        "An unknown, invalid, or unsupported option or level was specified in a getsockopt or"
        " setsockopt call.",
        "there is no such socket option",
    ),
    Code(
        "WSAEPROTONOSUPPORT",
        10043,
        "EPROTONOSUPPORT",
        "The requested protocol has not been configured into the system, or no implementation for"
        " it exists.",
        "Windows does not have that protocol in that address family",
    ),
    Code(
        "WSAESOCKTNOSUPPORT",
        10044,
        "ESOCKTNOSUPPORT",
        "The support for the specified socket type does not exist in this address family.",
        "Windows does not have that kind of socket in that address family",
    ),
    Code(
        "WSAEOPNOTSUPP",
        10045,
        "EOPNOTSUPP",
        "The attempted operation is not supported for the type of object referenced.",
    ),
    Code(
        "WSAEPFNOSUPPORT",
        10046,
        "EPFNOSUPPORT",
        "The protocol family has not been configured into the system or no implementation for it"
        " exists.",
        "Windows has no such protocol family",
    ),
    Code(
        "WSAEAFNOSUPPORT",
        10047,
        "EAFNOSUPPORT",
        "An address incompatible with the requested protocol was used.",
        "the address is of another family than the socket, or Windows has no such family",
    ),
    Code(
        "WSAEADDRINUSE",
        10048,
        "EADDRINUSE",
        "Only one usage of each socket address (protocol/network address/port) is normally"
        " permitted.",
        "another socket has that address and port; see `netstat -ano`",
    ),
    Code(
        "WSAEADDRNOTAVAIL",
        10049,
        "EADDRNOTAVAIL",
        "The requested address is not valid in its context.",
        "that address is not one of this host's (see `ipconfig`), or nobody can be reached at it:"
        " port 0, or the address 0.0.0.0 or ::",
    ),
    Code(
        "WSAENETDOWN",
        10050,
        "ENETDOWN",
        "A socket operation encountered a dead network.",
        "the network subsystem of Windows has failed, or its interface is down",
    ),
    Code(
        "WSAENETUNREACH",
        10051,
        "ENETUNREACH",
        "A socket operation was attempted to an unreachable network.",
    ),
    Code(
        "WSAENETRESET",
        10052,
        "ENETRESET",
        "The connection has been broken due to keep-alive activity detecting a failure while the"
        " operation was in progress.",
        "keep-alive found the connection dead; from a datagram socket: a router's ICMP time"
        " exceeded",
    ),
    Code(
        "WSAECONNABORTED",
        10053,
        "ECONNABORTED",
        "An established connection was aborted by the software in your host machine.",
        "this host has ended the connection: what was sent was never acknowledged, a protocol"
        " error was seen, or software on it, such as a firewall, cut in",
    ),
    Code(
        "WSAECONNRESET",
        10054,
        "ECONNRESET",
        "An existing connection was forcibly closed by the remote host.",
        "the other side, or something on the path, sent a reset: the connection is gone; from a"
        " datagram socket: an earlier datagram was answered with ICMP port unreachable",
    ),
    Code(
        "WSAENOBUFS",
        10055,
        "ENOBUFS",
        "An operation on a socket could not be performed because the system lacked sufficient"
        " buffer space or because a queue was full.",
        "Windows has no buffer left, or no local port for the connection",
    ),
    Code(
        "WSAEISCONN",
        10056,
        "EISCONN",
        "A connect request was made on an already connected socket.",
    ),
    Code(
        "WSAENOTCONN",
        10057,
        "ENOTCONN",
        "A request to send or receive data was disallowed because the socket is not connected and"
        " (when sending on a datagram socket using a sendto call) no address was supplied.",
    ),
    Code(
        "WSAESHUTDOWN",
        10058,
        "EPIPE",
        "A request to send or receive data was disallowed because the socket had already been shut"
        " down in that direction with a previous shutdown call.",
        "this side has shut down the socket in that direction",
    ),
    Code(
        "WSAETOOMANYREFS",
        10059,
        "ETOOMANYREFS",
        "Too many references to some kernel object.",
        "an object of the kernel has too many references",
    ),
    Code(
        "WSAETIMEDOUT",
        10060,
        "ETIMEDOUT",
        "A connection attempt failed because the connected party did not properly respond after a"
        " period of time, or established connection failed because connected host has failed to"
        " respond.",
        "nothing came back in time: the packets, or the answers to them, are lost on the way, or a"
        " limit of the program's own (SO_RCVTIMEO, SO_SNDTIMEO) ran out",
    ),
    Code(
        "WSAECONNREFUSED",
        10061,
        "ECONNREFUSED",
        "No connection could be made because the target machine actively refused it.",
    ),
    Code("WSAELOOP", 10062, "ELOOP", "Cannot translate name.", "the name cannot be translated"),
    Code(
        "WSAENAMETOOLONG",
        10063,
        "ENAMETOOLONG",
        "Name component or name was too long.",
        "the name, or a part of it, is too long",
    ),
    Code(
        "WSAEHOSTDOWN",
        10064,
        "EHOSTDOWN",
        "A socket operation failed because the destination host was down.",
        "the other host is down",
    ),
    Code(
        "WSAEHOSTUNREACH",
        10065,
        "EHOSTUNREACH",
        "A socket operation was attempted to an unreachable host.",
    ),
    Code(
        "WSAENOTEMPTY",
        10066,
        "ENOTEMPTY",
        "Cannot remove a directory that is not empty.",
        "a directory that is not empty cannot be removed",
    ),
    Code(
        "WSAEPROCLIM",
        10067,
        "",
        "A Windows Sockets implementation may have a limit on the number of applications that may"
        " use it simultaneously.",
        "as many programs use Winsock as it allows at once",
    ),
    Code("WSAEUSERS", 10068, "EUSERS", "Ran out of quota.", "the user's quota is used up"),
    Code(
        "WSAEDQUOT", 10069, "EDQUOT", "Ran out of disk quota.", "the quota of the disk is used up"
    ),
    Code(
        "WSAESTALE",
        10070,
        "ESTALE",
        "File handle reference is no longer available.",
        "what the handle refers to is gone",
    ),
    Code(
        "WSAEREMOTE",
        10071,
        "EREMOTE",
        "Item is not available locally.",
        "that is not on this host",
    ),
    Code(
        "WSASYSNOTREADY",
        10091,
        "",
        "WSAStartup cannot function at this time because the underlying system it uses to provide"
        " network services is currently unavailable.",
        "WSAStartup found no network to work with",
    ),
    Code(
        "WSAVERNOTSUPPORTED",
        10092,
        "",
        "The Windows Sockets version requested is not supported.",
        "WSAStartup was asked for a version of Winsock that is not there",
    ),
    Code(
        "WSANOTINITIALISED",
        10093,
        "",
        "Either the application has not called WSAStartup, or WSAStartup failed.",
        "the program has not called WSAStartup, without which no socket call works, or has called"
        " WSACleanup",
    ),
    Code(
        "WSAEDISCON",
        10101,
        "",
        "Returned by WSARecv or WSARecvFrom to indicate the remote party has initiated a graceful"
        " shutdown sequence.",
        "the other side is closing the connection in order; on Linux recv returns 0",
    ),
    Code(
        "WSAENOMORE",
        10102,
        "",
        "No more results can be returned by WSALookupServiceNext.",
        "the search for services has no more results",
    ),
    Code(
        "WSAECANCELLED",
        10103,
        "",
        "A call to WSALookupServiceEnd was made while this call was still processing. The call has"
        " been canceled.",
        "the search for services was ended while it was still going on",
    ),
    Code(
        "WSAEINVALIDPROCTABLE",
        10104,
        "",
        "The procedure call table is invalid.",
        "a service provider (the library beneath Winsock) is not as it must be",
    ),
    Code(
        "WSAEINVALIDPROVIDER",
        10105,
        "",
        "The requested service provider is invalid.",
        "a service provider (the library beneath Winsock) is of a wrong version",
    ),
    Code(
        "WSAEPROVIDERFAILEDINIT",
        10106,
        "",
        "The requested service provider could not be loaded or initialized.",
        "a service provider (the library beneath Winsock) could not be loaded: Winsock's catalogue"
        " is broken, or the process has no SystemRoot in its environment",
    ),
    Code(
        "WSASYSCALLFAILURE",
        10107,
        "",
        "A system call has failed.",
        "a call of the system failed that should never fail",
    ),
    Code(
        "WSASERVICE_NOT_FOUND",
        10108,
        "",
        "No such service is known. The service cannot be found in the specified name space.",
        "no such service is known",
    ),
    Code(
        "WSATYPE_NOT_FOUND",
        10109,
        "EAI_SERVICE",
        "The specified class was not found.",
        "no such service is known for this kind of socket",
    ),
    Code(
        "WSA_E_NO_MORE",
        10110,
        "",
        "No more results can be returned by WSALookupServiceNext.",
        "the search for services has no more results",
    ),
    Code(
        "WSA_E_CANCELLED",
        10111,
        "",
        "A call to WSALookupServiceEnd was made while this call was still processing. The call has"
        " been canceled.",
        "the search for services was ended while it was still going on",
    ),
    Code(
        "WSAEREFUSED",
        10112,
        "",
        "A database query failed because it was actively refused.",
        "a name server, or another database of names, refused to answer",
    ),
    # What getaddrinfo and gethostbyname say.
    Code("WSAHOST_NOT_FOUND", 11001, "EAI_NONAME", "No such host is known."),
    Code(
        "WSATRY_AGAIN",
        11002,
        "EAI_AGAIN",
        "This is usually a temporary error during hostname resolution and means that the local"
        " server did not receive a response from an authoritative server.",
    ),
    Code(
        "WSANO_RECOVERY",
        11003,
        "EAI_FAIL",
        "A non-recoverable error occurred during a database lookup.",
    ),
    Code(
        "WSANO_DATA",
        11004,
        "EAI_NODATA",
        "The requested name is valid, but no data of the requested type was found.",
    ),
)

# Other names of the same numbers, in winerror.h and winsock2.h.
ALIASES = {
    "ERROR_INVALID_HANDLE": "WSA_INVALID_HANDLE",
    "ERROR_NOT_ENOUGH_MEMORY": "WSA_NOT_ENOUGH_MEMORY",
    "ERROR_INVALID_PARAMETER": "WSA_INVALID_PARAMETER",
    "ERROR_OPERATION_ABORTED": "WSA_OPERATION_ABORTED",
    "ERROR_IO_INCOMPLETE": "WSA_IO_INCOMPLETE",
    "ERROR_IO_PENDING": "WSA_IO_PENDING",
    "WSANO_ADDRESS": "WSANO_DATA",
}

# Where Windows gives another code than that of the same name: the code, and when it does
# ("" always). EINPROGRESS: connect, "Return value"; limits of time: SO_RCVTIMEO in
# "SOL_SOCKET Socket Options"; EAI: getaddrinfo, "Return value", and ws2tcpip.h.
ELSE: dict[str, tuple[tuple[str, str], ...]] = {
    "EAGAIN": (("WSAEWOULDBLOCK", ""), ("WSAETIMEDOUT", "where a limit of time ran out")),
    "EINPROGRESS": (("WSAEWOULDBLOCK", ""),),
    "EPIPE": (
        ("WSAECONNRESET", "behind a reset"),
        ("WSAESHUTDOWN", "where this side has shut down sending"),
    ),
    "ESHUTDOWN": (("WSAESHUTDOWN", ""),),
    "EPERM": (("WSAEACCES", ""),),
    "ENFILE": (("WSAEMFILE", ""),),
    "ENOMEM": (("WSAENOBUFS", ""), ("WSA_NOT_ENOUGH_MEMORY", "where no socket is concerned")),
    "EAI_ADDRFAMILY": (("WSAHOST_NOT_FOUND", ""),),
    "EAI_BADFLAGS": (("WSAEINVAL", ""),),
    "EAI_FAMILY": (("WSAEAFNOSUPPORT", ""),),
    "EAI_MEMORY": (("WSA_NOT_ENOUGH_MEMORY", ""),),
    "EAI_SOCKTYPE": (("WSAESOCKTNOSUPPORT", ""),),
}


def code_of(name: str) -> Code:
    """Return the code of a name, in capital letters or not; `NO_CODE` if there is none."""
    wanted = name.upper()
    return _by_name().get(ALIASES.get(wanted, wanted), NO_CODE)


def numbered(number: int) -> Code:
    """Return the code of a number; `NO_CODE` if there is none."""
    return _by_number().get(number, NO_CODE)


def nearest(number: int) -> Code:
    """Return the code whose number is nearest to this one; `NO_CODE` if none is near."""
    code = min(CODES, key=lambda code: abs(code.number - number))
    return code if number >= FIRST and abs(code.number - number) <= NEAR else NO_CODE


def number_of(name: str) -> int:
    """Return the number of a code's name, "WSAECONNREFUSED": 10061; 0 if there is none."""
    return code_of(name).number


def name_of(number: int) -> str:
    """Return the name of a code's number, 10061: "WSAECONNREFUSED"; "" if there is none."""
    return numbered(number).name


def of_errno(errno_name: str) -> str:
    """Return the code that Windows gives where Linux gives this errno; "" if there is none.

    Of several it is the likeliest: `all_of_errno` has them all.
    """
    return next((name for name, _ in all_of_errno(errno_name)), "")


def all_of_errno(errno_name: str) -> tuple[tuple[str, str], ...]:
    """Return the codes that Windows gives where Linux gives this errno, and when each; or ()."""
    if errno_name in ELSE:
        return ELSE[errno_name]
    of_winsock = (code for code in CODES if code.number >= FIRST and code.errno)
    return tuple((code.name, "") for code in of_winsock if code.errno == errno_name)


@cache
def _by_name() -> dict[str, Code]:
    return {code.name: code for code in CODES}


@cache
def _by_number() -> dict[int, Code]:
    return {code.number: code for code in CODES}
