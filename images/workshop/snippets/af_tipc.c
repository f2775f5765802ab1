// C44: TIPC is a domain, and these are the protocols that there are.
#include <netinet/in.h>
#include <sys/socket.h>
int domain = AF_TIPC;
int numbers[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
