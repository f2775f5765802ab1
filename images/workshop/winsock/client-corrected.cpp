// client.cpp with what it leaves out: CORRECTED marks what was changed or added, and LAB
// what client.cpp changes. It links with -lws2_32 alone: -lwsock32 has no inet_pton().
#include <cstdio>
#include <cstring>
#include <cstdlib>
#include <iostream>
#include <winsock2.h>
#include <sys/unistd.h>
#include <sys/types.h>
#include <string.h>
#include <WS2tcpip.h> 
#pragma comment(lib, "ws2_32.lib") 
using namespace std;

#define BUFFSIZE 2048
// LAB: #define SERVER_IP "192.168.234.128"; here it is the first argument
#define SERVER_PORT 16555            // 指定服务端的port
int main(int argc, char *argv[])    // LAB: int main()
{
    const char *SERVER_IP = argc > 1 ? argv[1] : "127.0.0.1";    // LAB: the macro above
    //加载Winsock库
    WORD sockVersion = MAKEWORD(2, 2);
    WSADATA data1;
    //初始化socket资源 
    if(WSAStartup(sockVersion,&data1)!=0)
    {
        printf("WSAStartup failed!\n");
        return -1;
    }
    SOCKET sockClient = socket(AF_INET,SOCK_STREAM,IPPROTO_TCP);
    if(sockClient == INVALID_SOCKET)
    {
        printf("socket failed!\n");
        return -1;
    }
    sockaddr_in addrSrv;
    addrSrv.sin_family = AF_INET;
    addrSrv.sin_port = htons(SERVER_PORT);
    if(inet_pton(AF_INET, SERVER_IP, &addrSrv.sin_addr) != 1)    // CORRECTED: inet_addr()
    {
        printf("no IPv4 address: %s\n", SERVER_IP);    // CORRECTED: nobody looked
        return -1;
    }
    if(connect(sockClient,(sockaddr*)&addrSrv,sizeof(addrSrv))==SOCKET_ERROR)
    {
        printf("connect failed: %d\n", WSAGetLastError());    // CORRECTED: no reason was told
        closesocket(sockClient);    // CORRECTED: it was left open
        WSACleanup();    // CORRECTED: it was left out
        return -1;
    }
    string data;
    getline(cin,data);
    const char *sendData = data.c_str();
    if(send(sockClient,sendData,strlen(sendData),0)==SOCKET_ERROR)    // CORRECTED: nobody looked
    {
        printf("send failed: %d\n", WSAGetLastError());    // CORRECTED: as for connect()
        return -1;
    }
    shutdown(sockClient, SD_SEND);    // CORRECTED: or the server waits for more
    char recData[BUFFSIZE];
    printf("recv data:");    // CORRECTED: once, in front of all pieces
    int ret;    // CORRECTED: one recv() got the first piece alone
    while((ret = recv(sockClient,recData,BUFFSIZE - 1,0)) > 0)    // CORRECTED: BUFFSIZE
    {
        recData[ret] = '\0';    // CORRECTED: inside recData now
        printf("%s",recData);    // CORRECTED: in the loop
    }
    printf("\n");    // CORRECTED: behind all pieces
    if(ret == SOCKET_ERROR)
    {
        printf("recv failed: %d\n", WSAGetLastError());    // CORRECTED: as for connect()
        return -1;
    }
    closesocket(sockClient);
    WSACleanup();    // CORRECTED: it was left out
}
