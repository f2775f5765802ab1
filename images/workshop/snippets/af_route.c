// C39: on Linux AF_ROUTE is another name of AF_NETLINK, and AF_LOCAL of AF_UNIX.
#include <sys/socket.h>
_Static_assert(AF_ROUTE == AF_NETLINK && AF_ROUTE == 16, "AF_ROUTE");
_Static_assert(AF_LOCAL == AF_UNIX, "AF_LOCAL");
