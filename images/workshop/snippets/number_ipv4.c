// C66: the numeric form of an IPv4 address is an integer of 32 bits.
#include <netinet/in.h>
struct in_addr address;
uint32_t number(void) { return address.s_addr; }
