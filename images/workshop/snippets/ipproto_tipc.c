// C44: no header has IPPROTO_TIPC. TIPC is a domain: see af_tipc.c.
#include <netinet/in.h>
int number = IPPROTO_TIPC;
