// C49: sockaddr_in as the tutorial lists it, without sin_zero, is 8 bytes and not 16.
#include <netinet/in.h>
struct listed {
    sa_family_t sin_family;
    in_port_t sin_port;
    struct in_addr sin_addr;
};
_Static_assert(sizeof(struct listed) == sizeof(struct sockaddr_in), "sockaddr_in has more");
