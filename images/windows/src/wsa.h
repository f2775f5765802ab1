/* The errors of Winsock by number, name and meaning. */
#ifndef WSA_H
#define WSA_H

struct wsa_error {
    int code;
    const char *name;
    const char *meaning; /* one sentence, without its full stop */
};

/* Return what is known of a code, as WSAGetLastError, WSAStartup and getaddrinfo give it;
   of one that is not known the name is "unknown error" and the meaning "". */
struct wsa_error wsa_error_of(int code);

#endif
