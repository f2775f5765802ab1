// C21, C49, C50, C65: the sizes of addresses, and of the text of one.
#include <netinet/in.h>
#include <sys/un.h>
_Static_assert(sizeof(struct sockaddr_in) == 16, "sockaddr_in");
_Static_assert(sizeof(struct sockaddr_in6) == 28, "sockaddr_in6");
_Static_assert(sizeof(struct sockaddr_un) == 110, "sockaddr_un");
_Static_assert(INET_ADDRSTRLEN == 16 && INET6_ADDRSTRLEN == 46, "text");
