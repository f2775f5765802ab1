// C36: functions that -lwsock32, the library of Winsock 1.1, does not have.
#define _WIN32_WINNT 0x0600
#include <winsock2.h>
#include <ws2tcpip.h>
int main(void)
{
    struct in_addr number;
    struct addrinfo *found;
    WSAPOLLFD ready = {INVALID_SOCKET, POLLIN, 0};
    inet_pton(AF_INET, "127.0.0.1", &number);
    getaddrinfo("localhost", "16555", NULL, &found);
    return WSAPoll(&ready, 1, 0);
}
