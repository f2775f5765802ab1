/* Names become addresses, and addresses connections. */
#ifndef DIAL_H
#define DIAL_H

#include "failure.h"
#include "net.h"

/* Where requests go. `timeout_ms` limits each wait; 0 leaves it to Windows. */
struct peer {
    const char *host;
    int port; /* 0 to 65535 */
    int type; /* SOCK_STREAM or SOCK_DGRAM */
    int timeout_ms;
};

/* Write "HOST port N", or "HOST UDP port N", into `name`; return it. */
const char *peer_name(const struct peer *peer, char *name, size_t size);

/* Connect to the first address of the peer that answers; `*sock` is then the caller's to
   close. With several addresses each failure is told on stderr, and `why` is the last one. */
enum status dial(const struct peer *peer, SOCKET *sock, struct failure *why);

/* Wait until the socket can be read or written. `*readable` and `*writable` say which of the
   two to wait for, and come back as what is so; a socket whose connect failed counts as
   writable. `call` names the wait in `why`: "wait for", "connect to". */
enum status wait_for(const struct peer *peer, const char *call, SOCKET sock, int *readable,
                     int *writable, struct failure *why);

#endif
