/* C32: a client that tries again, and leaves the socket of each connect() that failed open.
 *
 * left_open ADDRESS TIMES [close]: tells the code of the last connect() and how many handles there
 * were, then waits for a line or the end of stdin. With "close" it closes each socket, and the
 * next one gets the same handle. GetProcessHandleCount() would count, but is 0 in Wine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <winsock2.h>

int main(int argc, char *argv[])
{
    WSADATA data;
    char line[8];
    struct sockaddr_in to = {0};
    SOCKET last = INVALID_SOCKET;
    int left, code = 0, handles = 0;

    if (argc < 3 || WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 2;
    to.sin_family = AF_INET;
    to.sin_port = htons(16555);
    to.sin_addr.s_addr = inet_addr(argv[1]);
    for (left = atoi(argv[2]); left > 0; left--) {
        SOCKET tried = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
        if (connect(tried, (struct sockaddr *)&to, sizeof to) == SOCKET_ERROR)
            code = WSAGetLastError();
        handles += tried != last;
        last = tried;
        if (argc > 3)
            closesocket(tried);
    }
    printf("%d, %d handles\n", code, handles);
    fflush(stdout);
    fgets(line, sizeof line, stdin);
    return 0;
}
