/* What a client program fails with: a line for stderr, and its exit status. */
#ifndef FAILURE_H
#define FAILURE_H

enum status {
    REPLIED = 0,    /* a reply came */
    FAILED = 1,     /* a call failed */
    INVALID = 2,    /* bad argument */
    UNRESOLVED = 3, /* the name was not resolved */
    NO_REPLY = 4,   /* the connection was closed without a reply */
    NO_WINSOCK = 6  /* WSAStartup failed (5 is the Linux client's, for frames) */
};

/* The code of a wait that this program gave up: Winsock has reported nothing. */
enum { GAVE_UP = 0 };

struct failure {
    enum status status;
    char text[1024];
};

/* Fill in "CALL: NAME (CODE): meaning" and the status; return the status.
   `call` is a printf format for which the arguments follow. */
enum status failed(struct failure *why, enum status status, int code, const char *call, ...);

/* Print one line on stderr, beginning with the program's name. */
void complain(const char *format, ...);

#endif
