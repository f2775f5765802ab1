"""What programs print when a socket call fails: measured, not remembered.

Each program ran in the client's network namespace while a scenario's fault was in force
(`errnolab break NAME`); recorded is the line that names the failure. The programs are
those of Debian 12, but for the texts of musl, the C library of Alpine. In a text HOST,
PORT, FILE and N (a number) stand for what differs from run to run, … for more of it.
"""

from __future__ import annotations

from dataclasses import dataclass

# When a program prints it, if that is not simply when the call fails.
OWN_CLOCK = "its own time limit ran out first, and there is no errno"
OWN_HOST = "the caller's own host refuses"


@dataclass(frozen=True)
class Said:
    """A line that a program printed; `when` tells it from another of the same errno."""

    program: str
    text: str
    when: str = ""

    @property
    def version(self) -> str:
        """Return the version that printed it."""
        return VERSIONS[self.program]


VERSIONS = {
    "Go": "1.19.8",
    "Java": "17.0.21",
    "Node.js": "18.20.4",
    "PHP": "8.2.36",
    "Perl": "5.36.0",
    "Python": "3.11.2",
    "Python requests": "2.28.1",
    "Ruby": "3.1.7",
    "Rust": "1.63.0",
    "bash": "5.2.15",
    "curl": "7.88.1",
    "git": "2.39.5",
    "mariadb": "10.11.19",
    "nc": "1.219 (OpenBSD)",
    "ncat": "7.93",
    "psql": "15.20",
    "redis-cli": "7.0.15",
    "socat": "1.7.4.4",
    "ssh": "9.2p1 (OpenSSH)",
    "wget": "1.21.3",
}

# refused, timeout (with a tcp_syn_retries of 1, or a limit of the program's own),
# host_unreachable, net_unreachable, net_unreachable_local, a local `prohibit` route,
# reset, a peer that has closed, and a port that another socket listens on.
# nc and socat say nothing of a reset or a broken pipe, and PHP nothing of a reset.
SAYS: dict[str, tuple[Said, ...]] = {
    "ECONNREFUSED": (
        Said(
            "curl",
            "curl: (7) Failed to connect to HOST port PORT after N ms: Couldn't connect to server",
        ),
        Said("wget", "Connecting to HOST:PORT... failed: Connection refused."),
        Said("nc", "nc: connect to HOST port PORT (tcp) failed: Connection refused"),
        Said("ncat", "Ncat: Connection refused."),
        Said("socat", "socat[N] E connect(5, AF=2 HOST:PORT, 16): Connection refused"),
        Said("ssh", "ssh: connect to host HOST port PORT: Connection refused"),
        Said("git", "HOST[0: HOST]: errno=Connection refused"),
        Said(
            "psql",
            'psql: error: connection to server at "HOST", port PORT failed: Connection refused',
        ),
        Said("redis-cli", "Could not connect to Redis at HOST:PORT: Connection refused"),
        Said("mariadb", "ERROR 2002 (HY000): Can't connect to server on 'HOST' (115)"),
        Said("bash", "bash: connect: Connection refused"),
        Said("Python", "ConnectionRefusedError: [Errno 111] Connection refused"),
        Said(
            "Python requests",
            "requests.exceptions.ConnectionError: HTTPConnectionPool(host='HOST', "
            "port=PORT): Max retries exceeded with url: / (Caused by "
            "NewConnectionError('…: Failed to establish a new connection: [Errno 111] "
            "Connection refused'))",
        ),
        Said("Perl", "IO::Socket::INET: connect: Connection refused"),
        Said(
            "PHP",
            "Warning: fsockopen(): Unable to connect to HOST:PORT (Connection refused) in "
            "FILE on line N",
        ),
        Said(
            "Ruby",
            'in `initialize\': Connection refused - connect(2) for "HOST" port PORT '
            "(Errno::ECONNREFUSED)",
        ),
        Said("Node.js", "Error: connect ECONNREFUSED HOST:PORT"),
        Said("Java", "java.net.ConnectException: Connection refused"),
        Said("Go", "dial tcp HOST:PORT: connect: connection refused"),
        Said("Rust", "Connection refused (os error 111)"),
    ),
    "ETIMEDOUT": (
        Said(
            "curl",
            "curl: (28) Failed to connect to HOST port PORT after N ms: Couldn't connect to server",
        ),
        Said("wget", "Connecting to HOST:PORT... failed: Connection timed out."),
        Said("nc", "nc: connect to HOST port PORT (tcp) failed: Connection timed out"),
        Said("ncat", "Ncat: Connection timed out."),
        Said("socat", "socat[N] E connect(5, AF=2 HOST:PORT, 16): Connection timed out"),
        Said("ssh", "ssh: connect to host HOST port PORT: Connection timed out"),
        Said("git", "HOST[0: HOST]: errno=Connection timed out"),
        Said(
            "psql",
            'psql: error: connection to server at "HOST", port PORT failed: Connection timed out',
        ),
        Said("redis-cli", "Could not connect to Redis at HOST:PORT: Connection timed out"),
        Said("mariadb", "ERROR 2002 (HY000): Can't connect to server on 'HOST' (115)"),
        Said("bash", "bash: connect: Connection timed out"),
        Said("Python", "TimeoutError: [Errno 110] Connection timed out"),
        Said(
            "Python requests",
            "requests.exceptions.ConnectTimeout: HTTPConnectionPool(host='HOST', "
            "port=PORT): Max retries exceeded with url: / (Caused by "
            "ConnectTimeoutError(…, 'Connection to HOST timed out. (connect "
            "timeout=None)'))",
        ),
        Said("Perl", "IO::Socket::INET: connect: Connection timed out"),
        Said(
            "PHP",
            "Warning: fsockopen(): Unable to connect to HOST:PORT (Connection timed out) "
            "in FILE on line N",
        ),
        Said(
            "Ruby",
            'in `initialize\': Connection timed out - connect(2) for "HOST" port PORT '
            "(Errno::ETIMEDOUT)",
        ),
        Said("Node.js", "Error: connect ETIMEDOUT HOST:PORT"),
        Said("Java", "java.net.ConnectException: Connection timed out"),
        Said("Go", "dial tcp HOST:PORT: connect: connection timed out"),
        Said("Rust", "Connection timed out (os error 110)"),
        Said(
            "curl",
            "curl: (28) Failed to connect to HOST port PORT after N ms: Timeout was reached",
            OWN_CLOCK,
        ),
        Said("curl", "curl: (28) Connection timed out after N milliseconds", OWN_CLOCK),
        Said(
            "nc",
            "nc: connect to HOST port PORT (tcp) timed out: Operation now in progress",
            OWN_CLOCK,
        ),
        Said("ncat", "Ncat: TIMEOUT.", OWN_CLOCK),
        Said("socat", "socat[N] E connecting to AF=2 HOST:PORT: Connection timed out", OWN_CLOCK),
        Said(
            "psql",
            'psql: error: connection to server at "HOST", port PORT failed: timeout expired',
            OWN_CLOCK,
        ),
        Said("mariadb", "ERROR 2002 (HY000): Can't connect to server on 'HOST' (110)", OWN_CLOCK),
        Said("Python", "TimeoutError: timed out", OWN_CLOCK),
        Said(
            "Python requests",
            "requests.exceptions.ConnectTimeout: HTTPConnectionPool(host='HOST', "
            "port=PORT): Max retries exceeded with url: / (Caused by "
            "ConnectTimeoutError(…, 'Connection to HOST timed out. (connect timeout=N)'))",
            OWN_CLOCK,
        ),
        Said("Perl", "IO::Socket::INET: connect: timeout", OWN_CLOCK),
        Said(
            "Ruby",
            "in `connect_internal': Connection timed out - user specified timeout "
            "(Errno::ETIMEDOUT)",
            OWN_CLOCK,
        ),
        Said("Node.js", "ConnectTimeoutError: Connect Timeout Error", OWN_CLOCK),
        Said("Java", "java.net.SocketTimeoutException: Connect timed out", OWN_CLOCK),
        Said("Go", "dial tcp HOST:PORT: i/o timeout", OWN_CLOCK),
    ),
    "EHOSTUNREACH": (
        Said(
            "curl",
            "curl: (7) Failed to connect to HOST port PORT after N ms: Couldn't connect to server",
        ),
        Said("wget", "Connecting to HOST:PORT... failed: No route to host."),
        Said("nc", "nc: connect to HOST port PORT (tcp) failed: No route to host"),
        Said("ncat", "Ncat: No route to host."),
        Said("socat", "socat[N] E connect(5, AF=2 HOST:PORT, 16): No route to host"),
        Said("ssh", "ssh: connect to host HOST port PORT: No route to host"),
        Said("git", "HOST[0: HOST]: errno=No route to host"),
        Said(
            "psql",
            'psql: error: connection to server at "HOST", port PORT failed: No route to host',
        ),
        Said("redis-cli", "Could not connect to Redis at HOST:PORT: No route to host"),
        Said("mariadb", "ERROR 2002 (HY000): Can't connect to server on 'HOST' (115)"),
        Said("bash", "bash: connect: No route to host"),
        Said("Python", "OSError: [Errno 113] No route to host"),
        Said(
            "Python requests",
            "requests.exceptions.ConnectionError: HTTPConnectionPool(host='HOST', "
            "port=PORT): Max retries exceeded with url: / (Caused by "
            "NewConnectionError('…: Failed to establish a new connection: [Errno 113] No "
            "route to host'))",
        ),
        Said("Perl", "IO::Socket::INET: connect: No route to host"),
        Said(
            "PHP",
            "Warning: fsockopen(): Unable to connect to HOST:PORT (No route to host) in "
            "FILE on line N",
        ),
        Said(
            "Ruby",
            'in `initialize\': No route to host - connect(2) for "HOST" port PORT '
            "(Errno::EHOSTUNREACH)",
        ),
        Said("Node.js", "Error: connect EHOSTUNREACH HOST:PORT"),
        Said("Java", "java.net.NoRouteToHostException: No route to host"),
        Said("Go", "dial tcp HOST:PORT: connect: no route to host"),
        Said("Rust", "No route to host (os error 113)"),
    ),
    "ENETUNREACH": (
        Said(
            "curl",
            "curl: (7) Failed to connect to HOST port PORT after N ms: Couldn't connect to server",
        ),
        Said("wget", "Connecting to HOST:PORT... failed: Network is unreachable."),
        Said(
            "nc",
            "nc: connect to HOST port PORT (tcp) failed: Network is unreachable",
        ),
        Said("ncat", "Ncat: Network is unreachable."),
        Said("socat", "socat[N] E connect(5, AF=2 HOST:PORT, 16): Network is unreachable"),
        Said("ssh", "ssh: connect to host HOST port PORT: Network is unreachable"),
        Said("git", "HOST[0: HOST]: errno=Network is unreachable"),
        Said(
            "psql",
            'psql: error: connection to server at "HOST", port PORT failed: Network is unreachable',
        ),
        Said("redis-cli", "Could not connect to Redis at HOST:PORT: Network is unreachable"),
        Said("mariadb", "ERROR 2002 (HY000): Can't connect to server on 'HOST' (115)"),
        Said("bash", "bash: connect: Network is unreachable"),
        Said("Python", "OSError: [Errno 101] Network is unreachable"),
        Said(
            "Python requests",
            "requests.exceptions.ConnectionError: HTTPConnectionPool(host='HOST', "
            "port=PORT): Max retries exceeded with url: / (Caused by "
            "NewConnectionError('…: Failed to establish a new connection: [Errno 101] "
            "Network is unreachable'))",
        ),
        Said("Perl", "IO::Socket::INET: connect: Network is unreachable"),
        Said(
            "PHP",
            "Warning: fsockopen(): Unable to connect to HOST:PORT (Network is unreachable) "
            "in FILE on line N",
        ),
        Said(
            "Ruby",
            'in `initialize\': Network is unreachable - connect(2) for "HOST" port PORT '
            "(Errno::ENETUNREACH)",
        ),
        Said("Node.js", "Error: connect ENETUNREACH HOST:PORT"),
        Said("Java", "java.net.SocketException: Network is unreachable"),
        Said("Go", "dial tcp HOST:PORT: connect: network is unreachable"),
        Said("Rust", "Network is unreachable (os error 101)"),
        Said("mariadb", "ERROR 2002 (HY000): Can't connect to server on 'HOST' (101)", OWN_HOST),
        Said("Node.js", "Error: connect ENETUNREACH HOST:PORT - Local (0.0.0.0:0)", OWN_HOST),
    ),
    "EACCES": (
        Said(
            "curl",
            "curl: (7) Failed to connect to HOST port PORT after N ms: Couldn't connect to server",
            OWN_HOST,
        ),
        Said("wget", "Connecting to HOST:PORT... failed: Permission denied.", OWN_HOST),
        Said("nc", "nc: connect to HOST port PORT (tcp) failed: Permission denied", OWN_HOST),
        Said("ncat", "Ncat: Permission denied.", OWN_HOST),
        Said("socat", "socat[N] E connect(5, AF=2 HOST:PORT, 16): Permission denied", OWN_HOST),
        Said("ssh", "ssh: connect to host HOST port PORT: Permission denied", OWN_HOST),
        Said("git", "HOST[0: HOST]: errno=Permission denied", OWN_HOST),
        Said(
            "psql",
            'psql: error: connection to server at "HOST", port PORT failed: Permission denied',
            OWN_HOST,
        ),
        Said("redis-cli", "Could not connect to Redis at HOST:PORT: Permission denied", OWN_HOST),
        Said("mariadb", "ERROR 2002 (HY000): Can't connect to server on 'HOST' (13)", OWN_HOST),
        Said("bash", "bash: connect: Permission denied", OWN_HOST),
        Said("Python", "PermissionError: [Errno 13] Permission denied", OWN_HOST),
        Said(
            "Python requests",
            "requests.exceptions.ConnectionError: HTTPConnectionPool(host='HOST', "
            "port=PORT): Max retries exceeded with url: / (Caused by "
            "NewConnectionError('…: Failed to establish a new connection: [Errno 13] "
            "Permission denied'))",
            OWN_HOST,
        ),
        Said("Perl", "IO::Socket::INET: connect: Permission denied", OWN_HOST),
        Said(
            "PHP",
            "Warning: fsockopen(): Unable to connect to HOST:PORT (Permission denied) in "
            "FILE on line N",
            OWN_HOST,
        ),
        Said(
            "Ruby",
            'in `initialize\': Permission denied - connect(2) for "HOST" port PORT (Errno::EACCES)',
            OWN_HOST,
        ),
        Said("Node.js", "Error: connect EACCES HOST:PORT - Local (0.0.0.0:0)", OWN_HOST),
        Said("Java", "java.net.BindException: Permission denied", OWN_HOST),
        Said("Go", "dial tcp HOST:PORT: connect: permission denied", OWN_HOST),
        Said("Rust", "Permission denied (os error 13)", OWN_HOST),
    ),
    "ECONNRESET": (
        Said("curl", "curl: (56) Recv failure: Connection reset by peer"),
        Said(
            "wget",
            "HTTP request sent, awaiting response... Read error (Connection reset by peer) "
            "in headers.",
        ),
        Said("ncat", "Ncat: Connection reset by peer."),
        Said("ssh", "kex_exchange_identification: read: Connection reset by peer"),
        Said("git", "fatal: packet write failed: Connection reset by peer"),
        Said(
            "psql",
            'psql: error: connection to server at "HOST", port PORT failed: server closed '
            "the connection unexpectedly",
        ),
        Said("redis-cli", "Error: Connection reset by peer"),
        Said("bash", "bash: line N: printf: write error: Connection reset by peer"),
        Said("Python", "ConnectionResetError: [Errno 104] Connection reset by peer"),
        Said(
            "Python requests",
            "requests.exceptions.ConnectionError: ('Connection aborted.', "
            "ConnectionResetError(104, 'Connection reset by peer'))",
        ),
        Said("Perl", "Connection reset by peer"),
        Said("Ruby", "in `read': Connection reset by peer (Errno::ECONNRESET)"),
        Said("Node.js", "Error: read ECONNRESET"),
        Said("Java", "java.net.SocketException: Connection reset"),
        Said("Go", "read tcp HOST:N->HOST:PORT: read: connection reset by peer"),
        Said("Rust", "Connection reset by peer (os error 104)"),
    ),
    "EPIPE": (
        Said("ncat", "Ncat: Broken pipe."),
        Said("bash", "bash: line N: echo: write error: Broken pipe"),
        Said("Python", "BrokenPipeError: [Errno 32] Broken pipe"),
        Said("Perl", "Broken pipe"),
        Said(
            "PHP",
            "Notice: fwrite(): Send of 1 bytes failed with errno=32 Broken pipe in FILE on line N",
        ),
        Said("Ruby", "in `write': Broken pipe (Errno::EPIPE)"),
        Said("Node.js", "Error: write EPIPE"),
        Said("Java", "java.net.SocketException: Broken pipe"),
        Said("Go", "write tcp HOST:N->HOST:PORT: write: broken pipe"),
        Said("Rust", "Broken pipe (os error 32)"),
    ),
    "EADDRINUSE": (
        Said("nc", "nc: Address already in use"),
        Said("ncat", "Ncat: bind to HOST:PORT: Address already in use. QUITTING."),
        Said("socat", "socat[N] E bind(5, {AF=2 HOST:PORT}, 16): Address already in use"),
        Said(
            "Python",
            "OSError: [Errno 98] Address already in use (while attempting to bind on "
            "address ('', PORT))",
        ),
        Said("Perl", "IO::Socket::INET: Address already in use"),
        Said("PHP", "Failed to listen on HOST:PORT (reason: Address already in use)"),
        Said(
            "Ruby",
            "in `initialize': Address already in use - bind(2) for nil port PORT "
            "(Errno::EADDRINUSE)",
        ),
        Said("Node.js", "Error: listen EADDRINUSE: address already in use :::PORT"),
        Said("Java", "java.net.BindException: Address already in use"),
        Said("Go", "listen tcp :PORT: bind: address already in use"),
        Said("Rust", "Address already in use (os error 98)"),
    ),
}

# What musl 1.2.3 calls an errno, where that is not what the GNU C library calls it.
MUSL = {
    "EIO": "I/O error",
    "ENOMEM": "Out of memory",
    "EMFILE": "No file descriptors available",
    "ENOTSOCK": "Not a socket",
    "EMSGSIZE": "Message too large",
    "EOPNOTSUPP": "Not supported",
    "EADDRINUSE": "Address in use",
    "EADDRNOTAVAIL": "Address not available",
    "ENETUNREACH": "Network unreachable",
    "ENETRESET": "Connection reset by network",
    "ECONNABORTED": "Connection aborted",
    "EISCONN": "Socket is connected",
    "ENOTCONN": "Socket not connected",
    "ESHUTDOWN": "Cannot send after socket shutdown",
    "ETIMEDOUT": "Operation timed out",
    "EHOSTUNREACH": "Host is unreachable",
    "EINPROGRESS": "Operation in progress",
}
