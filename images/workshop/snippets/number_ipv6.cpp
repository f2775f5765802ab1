// C66: that of an IPv6 address is an array, and no integer.
#include <netinet/in.h>
struct in6_addr address;
uint32_t number(void) { return address.s6_addr; }
