// C29, C30, C37: there is no <winsock2.h>.
#include <winsock2.h>
int start(void) { WSADATA data; return WSAStartup(MAKEWORD(2, 2), &data); }
