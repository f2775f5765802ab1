// C44: no header has IPPTOTO_UDP. It is IPPROTO_UDP.
#include <netinet/in.h>
int number = IPPTOTO_UDP;
