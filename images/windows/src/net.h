/* Winsock 2, as every program here includes it: winsock2.h before windows.h, and once.

   mingw-w64 is told of the library on the command line, behind the sources (-lws2_32);
   MSVC by the pragma. */
#ifndef NET_H
#define NET_H

#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0602 /* Windows 8: GetSystemTimePreciseAsFileTime, WSAPoll */
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN /* without it windows.h brings the old winsock.h */
#endif

#include <winsock2.h>
#include <ws2tcpip.h>

#ifdef _MSC_VER
#pragma comment(lib, "ws2_32")
#endif

#endif
