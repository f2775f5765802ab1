/* Over TCP the request is sent while the reply is received, and its end is marked by
   shutting down the sending side. Sending all first and receiving then would come to a halt
   on a large request: the server cannot go on sending a reply that nobody reads, stops
   reading in its turn, and each waits for the other. */
#include "talk.h"

#include <errno.h>
#include <io.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 64 * 1024, STDOUT = 1 }; /* a chunk takes the largest datagram, 65535 bytes */

/* What of a reply has been printed. */
struct reply {
    int pieces;
    char last;
};

static enum status print(struct reply *reply, const char *piece, size_t size, struct failure *why)
{
    if (fwrite(piece, 1, size, stdout) != size || fflush(stdout) != 0) {
        snprintf(why->text, sizeof why->text, "write to stdout: %s", strerror(errno));
        return why->status = FAILED;
    }
    reply->pieces++;
    reply->last = size ? piece[size - 1] : '\0';
    return REPLIED;
}

static int sendable(size_t size)
{
    return size > INT_MAX ? INT_MAX : (int)size;
}

/* Receive one piece and print it; `*size` is 0 at the end of a stream. */
static enum status receive(const struct peer *peer, SOCKET sock, struct reply *reply, int *size,
                           struct failure *why)
{
    static char piece[CHUNK];
    char name[300];

    *size = recv(sock, piece, sizeof piece, 0);
    if (*size == SOCKET_ERROR) {
        int code = WSAGetLastError();
        return failed(why, FAILED, code, "receive from %s", peer_name(peer, name, sizeof name));
    }
    if (*size == 0 && peer->type == SOCK_STREAM) {
        return REPLIED;
    }
    return print(reply, piece, (size_t)*size, why);
}

/* Send as much of the request as the socket takes, and end it behind its last byte. */
static enum status send_some(const struct peer *peer, SOCKET sock, struct request *unsent,
                             struct failure *why)
{
    int taken = send(sock, unsent->bytes, sendable(unsent->size), 0);
    char name[300];

    if (taken == SOCKET_ERROR) {
        int code = WSAGetLastError();
        return failed(why, FAILED, code, "send to %s", peer_name(peer, name, sizeof name));
    }
    unsent->bytes += taken;
    unsent->size -= (size_t)taken;
    if (unsent->size == 0) {
        /* If the connection is gone already, the next recv tells what became of it. */
        shutdown(sock, SD_SEND);
    }
    return REPLIED;
}

static enum status talk_stream(const struct peer *peer, SOCKET sock, struct request unsent,
                               struct reply *reply, struct failure *why)
{
    int sending = 1, size = 1;
    u_long nonblocking = 1;
    enum status status;

    ioctlsocket(sock, (long)FIONBIO, &nonblocking);
    for (;;) {
        int readable = 1, writable = sending;
        status = wait_for(peer, "wait for", sock, &readable, &writable, why);
        if (status == REPLIED && readable) {
            status = receive(peer, sock, reply, &size, why);
        }
        if (status != REPLIED || size == 0) {
            return status;
        }
        if (writable) {
            status = send_some(peer, sock, &unsent, why);
            sending = unsent.size > 0;
        }
        if (status != REPLIED) {
            return status;
        }
    }
}

/* The wait is recv's own (SO_RCVTIMEO): behind a select an error of ICMP may be lost. */
static enum status talk_datagram(const struct peer *peer, SOCKET sock, struct request request,
                                 struct reply *reply, struct failure *why)
{
    DWORD limit = (DWORD)peer->timeout_ms;
    char name[300];
    int size;

    peer_name(peer, name, sizeof name);
    if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, (const char *)&limit, sizeof limit) != 0) {
        return failed(why, FAILED, WSAGetLastError(), "set SO_RCVTIMEO for %s", name);
    }
    if (send(sock, request.bytes, sendable(request.size), 0) == SOCKET_ERROR) {
        return failed(why, FAILED, WSAGetLastError(), "send to %s", name);
    }
    return receive(peer, sock, reply, &size, why);
}

enum status talk(const struct peer *peer, const struct request *request, struct failure *why)
{
    struct reply reply = {0, '\0'};
    SOCKET sock = INVALID_SOCKET;
    enum status status = dial(peer, &sock, why);
    char name[300];

    if (status != REPLIED) {
        return status;
    }
    status = (peer->type == SOCK_DGRAM ? talk_datagram : talk_stream)(peer, sock, *request, &reply,
                                                                      why);
    closesocket(sock);
    if (status == REPLIED && reply.pieces == 0) {
        snprintf(why->text, sizeof why->text, "%s closed the connection without a reply",
                 peer_name(peer, name, sizeof name));
        return why->status = NO_REPLY;
    }
    if (status == REPLIED && _isatty(STDOUT) && reply.last != '\n') {
        fputs("\n", stdout);
    }
    return status;
}
