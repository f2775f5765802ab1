/* A request goes to a peer, and its reply to standard output. */
#ifndef TALK_H
#define TALK_H

#include "dial.h"

struct request {
    const char *bytes;
    size_t size;
};

/* Send one request and print its reply as it comes; `why` is filled in if there is none. */
enum status talk(const struct peer *peer, const struct request *request, struct failure *why);

#endif
