#include "dial.h"

#include <stdio.h>

const char *peer_name(const struct peer *peer, char *name, size_t size)
{
    snprintf(name, size, "%s %sport %d", peer->host, peer->type == SOCK_DGRAM ? "UDP " : "",
             peer->port);
    return name;
}

enum status wait_for(const struct peer *peer, const char *call, SOCKET sock, int *readable,
                     int *writable, struct failure *why)
{
    struct timeval limit;
    fd_set to_read, to_write, failing;
    char name[300];
    int ready;

    limit.tv_sec = peer->timeout_ms / 1000;
    limit.tv_usec = peer->timeout_ms % 1000 * 1000;
    FD_ZERO(&to_read);
    FD_ZERO(&to_write);
    FD_ZERO(&failing);
    if (*readable) {
        FD_SET(sock, &to_read);
    }
    if (*writable) {
        FD_SET(sock, &to_write);
        FD_SET(sock, &failing); /* On Windows a failed connect is seen here and only here. */
    }
    /* The first argument is ignored: a set is a list of sockets here, not a map of bits. */
    ready = select(0, &to_read, &to_write, &failing, peer->timeout_ms ? &limit : NULL);
    if (ready <= 0) {
        int code = ready == 0 ? GAVE_UP : WSAGetLastError();
        return failed(why, FAILED, code, "%s %s", call, peer_name(peer, name, sizeof name));
    }
    *readable = FD_ISSET(sock, &to_read) != 0;
    *writable = FD_ISSET(sock, &to_write) || FD_ISSET(sock, &failing);
    return REPLIED;
}

/* Return the code of a connect that blocks, 0 if it succeeded. */
static int connect_code(SOCKET sock, const struct addrinfo *address)
{
    if (connect(sock, address->ai_addr, (int)address->ai_addrlen) == 0) {
        return 0;
    }
    return WSAGetLastError();
}

/* Connect without blocking, and wait as long as the peer's `timeout_ms` allows. */
static enum status connect_in_time(const struct peer *peer, SOCKET sock,
                                   const struct addrinfo *address, struct failure *why)
{
    u_long nonblocking = 1, blocking = 0;
    int readable = 0, writable = 1, code, size = (int)sizeof code;
    char name[300];
    enum status status;

    ioctlsocket(sock, (long)FIONBIO, &nonblocking);
    code = connect_code(sock, address);
    if (code == WSAEWOULDBLOCK) {
        status = wait_for(peer, "connect to", sock, &readable, &writable, why);
        if (status != REPLIED) {
            return status;
        }
        if (getsockopt(sock, SOL_SOCKET, SO_ERROR, (char *)&code, &size) == SOCKET_ERROR) {
            code = WSAGetLastError();
        }
    }
    if (code != 0) {
        return failed(why, FAILED, code, "connect to %s", peer_name(peer, name, sizeof name));
    }
    ioctlsocket(sock, (long)FIONBIO, &blocking);
    return REPLIED;
}

/* Connect to one address. Over UDP nothing is sent, but errors of ICMP are then reported. */
static enum status dial_one(const struct peer *peer, const struct addrinfo *address, SOCKET *sock,
                            struct failure *why)
{
    char name[300];
    enum status status = REPLIED;

    peer_name(peer, name, sizeof name);
    *sock = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (*sock == INVALID_SOCKET) {
        return failed(why, FAILED, WSAGetLastError(), "socket for %s", name);
    }
    if (peer->timeout_ms) {
        status = connect_in_time(peer, *sock, address, why);
    } else {
        /* The code is taken before closesocket, which may set another. */
        int code = connect_code(*sock, address);
        if (code != 0) {
            status = failed(why, FAILED, code, "connect to %s", name);
        }
    }
    if (status != REPLIED) {
        closesocket(*sock); /* A socket whose connect failed is of no more use, and must not leak. */
        *sock = INVALID_SOCKET;
    }
    return status;
}

static void tell_attempt(const struct addrinfo *address, const struct failure *why)
{
    char text[NI_MAXHOST] = "?";

    getnameinfo(address->ai_addr, (socklen_t)address->ai_addrlen, text, sizeof text, NULL, 0,
                NI_NUMERICHOST);
    complain("tried %s: %s", text, why->text);
}

enum status dial(const struct peer *peer, SOCKET *sock, struct failure *why)
{
    struct addrinfo hints = {0}, *found = NULL, *address;
    enum status status = UNRESOLVED;
    char service[8];
    int code;

    hints.ai_socktype = peer->type;
    snprintf(service, sizeof service, "%d", peer->port);
    code = getaddrinfo(peer->host, service, &hints, &found);
    if (code != 0) {
        return failed(why, UNRESOLVED, code, "resolve %s", peer->host);
    }
    for (address = found; address != NULL; address = address->ai_next) {
        status = dial_one(peer, address, sock, why);
        if (status == REPLIED) {
            break;
        }
        if (found->ai_next != NULL) {
            tell_attempt(address, why);
        }
    }
    freeaddrinfo(found);
    return status;
}
