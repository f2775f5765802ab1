"""Where Microsoft's Windows is known to do other than what the lab's Windows host shows.

The host has Wine on this Linux kernel. Nothing here was measured: each line says who says so.
"""

from __future__ import annotations

from dataclasses import dataclass

LEARN = "https://learn.microsoft.com/en-us/windows/win32"
WINSOCK = f"{LEARN}/api/winsock2/nf-winsock2"


@dataclass(frozen=True)
class Source:
    """Who says it, and where."""

    title: str
    url: str


@dataclass(frozen=True)
class Difference:
    """One thing that Windows does otherwise; `calls` is what a program sees it in."""

    calls: str
    text: str
    sources: tuple[Source, ...]


DIFFERENCES = (
    Difference(
        "connect, refused",
        "A RST that answers a SYN does not end the attempt: the SYN is sent again, and only when"
        " it was refused each time does connect() fail. WSAECONNREFUSED takes a second or more"
        " there, where it takes less than a millisecond here.",
        (
            Source("Microsoft, KB 175523", "https://support.microsoft.com/en-us/kb/175523"),
            Source(
                "Daniel Stenberg, slow TCP connect on Windows, 2024-08-14",
                "https://daniel.haxx.se/blog/2024/08/14/slow-tcp-connect-on-windows",
            ),
        ),
    ),
    Difference(
        "connect, unanswered",
        "The SYN is sent again by Windows' own settings, MaxSynRetransmissions and InitialRto"
        " (once TcpMaxConnectRetransmissions and TcpInitialRtt): on Windows 7 WSAETIMEDOUT comes"
        " after 3 + 6 + 12 = 21 s. A program can set both for a socket, with SIO_TCP_INITIAL_RTO.",
        (
            Source(
                "Server Fault 193160, which quotes KB 2786464",
                "https://serverfault.com/questions/193160/which-is-the-default-tcp-connect-timeout-in-windows",
            ),
            Source(
                "Microsoft, TCP_INITIAL_RTO_PARAMETERS",
                f"{LEARN}/api/mstcpip/ns-mstcpip-tcp_initial_rto_parameters",
            ),
        ),
    ),
    Difference(
        "recvfrom behind ICMP",
        "A datagram that was answered by ICMP port unreachable makes a later recvfrom() fail with"
        " WSAECONNRESET, on a socket that is not connected too, unless SIO_UDP_CONNRESET is"
        " turned off. One whose time to live ran out gives WSAENETRESET.",
        (
            Source("Microsoft, recvfrom", f"{LEARN}/api/winsock/nf-winsock-recvfrom"),
            Source("Go, issue 68614", "https://github.com/golang/go/issues/68614"),
        ),
    ),
    Difference(
        "bind",
        "SO_REUSEADDR lets a socket take an address that another one is listening on, by force;"
        " what Linux's SO_REUSEADDR is wanted for needs no option there, and"
        " SO_EXCLUSIVEADDRUSE keeps others out, who then get WSAEACCES.",
        (
            Source("Microsoft, SO_EXCLUSIVEADDRUSE", f"{LEARN}/WinSock/so-exclusiveaddruse"),
            Source(
                "Microsoft, Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE",
                f"{LEARN}/winsock/using-so-reuseaddr-and-so-exclusiveaddruse",
            ),
        ),
    ),
    Difference(
        "connect, its own port",
        "A port that nobody asked for is one of 49152 to 65535, in Linux one of 32768 to 60999.",
        (
            Source(
                "Microsoft, KB 929851",
                "https://learn.microsoft.com/en-us/troubleshoot/windows-server/networking/default-dynamic-port-range-tcpip-chang",
            ),
        ),
    ),
    Difference(
        "select",
        "A connect() that failed is told in exceptfds alone; Linux tells it by both of the other"
        " sets. What it failed with is in SO_ERROR on both.",
        (Source("Microsoft, select", f"{WINSOCK}-select"),),
    ),
    Difference(
        "WSAPoll",
        "A connect() that failed is told since Windows 10 version 2004; older ones leave the"
        " caller waiting until its own limit.",
        (
            Source("Microsoft, WSAPoll", f"{WINSOCK}-wsapoll"),
            Source(
                "curl, commit 8bad5f2a",
                "https://github.com/curl/curl/commit/8bad5f2a6169e2e816aed7a5147becba489d59e1",
            ),
        ),
    ),
    Difference(
        "connect, again",
        "connect() on a socket whose attempt is under way may fail with WSAEALREADY, WSAEINVAL or"
        " WSAEWOULDBLOCK: a program must take all three for the same.",
        (Source("Microsoft, connect", f"{WINSOCK}-connect"),),
    ),
)
