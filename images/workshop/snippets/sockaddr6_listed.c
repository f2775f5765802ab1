// C49: sockaddr_in6 as the tutorial lists it is whole.
#include <netinet/in.h>
struct listed {
    sa_family_t sin6_family;
    in_port_t sin6_port;
    uint32_t sin6_flowinfo;
    struct in6_addr sin6_addr;
    uint32_t sin6_scope_id;
};
_Static_assert(sizeof(struct listed) == sizeof(struct sockaddr_in6), "sockaddr_in6 has more");
