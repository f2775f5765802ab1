// The tutorial's client for Windows as it is written, but for the address of the server:
// LAB marks what was changed, with what stood there.
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
    addrSrv.sin_addr.S_un.S_addr = inet_addr(SERVER_IP);
    if(connect(sockClient,(sockaddr*)&addrSrv,sizeof(addrSrv))==SOCKET_ERROR)
    {
        printf("connect failed!\n");
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
