// C26: the four functions come with <netinet/in.h> alone.
#include <netinet/in.h>
uint32_t all(void) { return htons(1) + htonl(1) + ntohs(1) + ntohl(1); }
