// client.cpp with the tutorial's correction of connect(): CORRECTED marks its lines,
// with what was changed for this client; PORT marks what client.cpp changes.
#include <cstdio>
#include <cstring>
#include <cstdlib>
#include <iostream>
#include <sys/socket.h>    // PORT: #include <winsock2.h>
#include <sys/unistd.h>
#include <sys/types.h>
#include <string.h>
#include <errno.h>    // CORRECTED: errno needs it
#include <arpa/inet.h>    // PORT: #include <WS2tcpip.h> and #pragma comment(lib, "ws2_32.lib")
using namespace std;

#define BUFFSIZE 2048
// PORT: #define SERVER_IP "192.168.234.128"; here it is the first argument
#define SERVER_PORT 16555            // 指定服务端的port
#define SOCKET int    // PORT: a type of <winsock2.h>
#define INVALID_SOCKET (-1)    // PORT: a constant of <winsock2.h>
#define SOCKET_ERROR (-1)    // PORT: a constant of <winsock2.h>
#define closesocket close    // PORT: a function of <winsock2.h>
int main(int argc, char *argv[])    // PORT: int main()
{
    const char *SERVER_IP = argc > 1 ? argv[1] : "127.0.0.1";    // PORT: the macro above
    // PORT: WSAStartup(MAKEWORD(2, 2), &data1) stood here; a socket needs none
    SOCKET sockClient = socket(AF_INET,SOCK_STREAM,IPPROTO_TCP);
    if(sockClient == INVALID_SOCKET)
    {
        printf("socket failed!\n");
        return -1;
    }
    sockaddr_in addrSrv;
    addrSrv.sin_family = AF_INET;
    addrSrv.sin_port = htons(SERVER_PORT);
    addrSrv.sin_addr.s_addr = inet_addr(SERVER_IP);    // PORT: addrSrv.sin_addr.S_un.S_addr
    if(connect(sockClient,(sockaddr*)&addrSrv,sizeof(addrSrv))==SOCKET_ERROR)
    {
    printf("Connect error(%d): %s\n", errno, strerror(errno));
    close(sockClient);    // CORRECTED: close(sockfd);        // 新增代码，当connect出错时需要关闭套接字
        return -1;
    }
    string data;
    getline(cin,data);
    const char *sendData = data.c_str();
    send(sockClient,sendData,strlen(sendData),0);
    char recData[BUFFSIZE];
    int ret = recv(sockClient,recData,BUFFSIZE,0);
    if(ret == SOCKET_ERROR)
    {
        printf("recv failed!\n");
        return -1;
    }
    recData[ret] = '\0';
    printf("recv data:%s\n",recData);
    closesocket(sockClient);
}
