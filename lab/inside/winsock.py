"""TMP until image branch."""

CALLS = frozenset(
    [
        "socket",
        "connect",
        "bind",
        "listen",
        "accept",
        "send",
        "recv",
        "sendto",
        "recvfrom",
        "exchange",
        "shutdown",
        "close",
        "getsockopt",
        "setsockopt",
        "fcntl",
        "poll",
        "select",
        "getsockname",
        "getpeername",
        "send_rest",
        "fill",
        "connects",
    ]
)
OPTIONS = frozenset(
    [
        "SO_RCVTIMEO",
        "SO_SNDTIMEO",
        "SO_LINGER",
        "SO_REUSEADDR",
        "SO_KEEPALIVE",
        "SO_SNDBUF",
        "SO_RCVBUF",
        "TCP_NODELAY",
        "IPV6_V6ONLY",
        "SO_BROADCAST",
        "IP_TTL",
        "IPV6_UNICAST_HOPS",
        "SO_ERROR",
        "SO_TYPE",
        "SO_ACCEPTCONN",
    ]
)
