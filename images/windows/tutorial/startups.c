/* C29, C37: WSAStartup() so many times, a connection, WSACleanup() so many times, and what works then.
 *
 * startups ADDRESS STARTUPS CLEANUPS: tells of each call what it returned, and the code behind
 * it if it failed, then waits for a line or the end of stdin: what was released before that was
 * not released by the end of the process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <winsock2.h>

static void tell(const char *call, int result)
{
    int code = WSAGetLastError(); /* Before printf(), which may change it. */
    if (result == SOCKET_ERROR)
        printf("%s: -1, %d\n", call, code);
    else
        printf("%s: %d\n", call, result);
}

static SOCKET made(void)
{
    SOCKET found = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    tell("socket", found == INVALID_SOCKET ? SOCKET_ERROR : 0);
    return found;
}

int main(int argc, char *argv[])
{
    WSADATA data;
    SOCKET first;
    char reply[8];
    struct sockaddr_in to = {0};
    int left;

    if (argc != 4)
        return 2;
    for (left = atoi(argv[2]); left > 0; left--)
        printf("WSAStartup: %d\n", WSAStartup(MAKEWORD(2, 2), &data));
    first = made();
    to.sin_family = AF_INET;
    to.sin_port = htons(16555);
    to.sin_addr.s_addr = inet_addr(argv[1]);
    if (first != INVALID_SOCKET)
        tell("connect", connect(first, (struct sockaddr *)&to, sizeof to));
    for (left = atoi(argv[3]); left > 0; left--)
        tell("WSACleanup", WSACleanup());
    if (first != INVALID_SOCKET)
        tell("send", send(first, "hi", 2, 0));
    made();
    fflush(stdout);
    fgets(reply, sizeof reply, stdin);
    return 0;
}
