// C26: and with <arpa/inet.h> alone, where POSIX describes them.
#include <arpa/inet.h>
uint32_t all(void) { return htons(1) + htonl(1) + ntohs(1) + ntohl(1); }
