/* Windows has these texts in FormatMessage; Wine's are other ones, or none.
   Source of names and numbers: "Windows Sockets Error Codes", winsock2.h. */
#include "wsa.h"

#include <stddef.h>

static const struct wsa_error ERRORS[] = {
    /* The path or the other side said no, or nothing at all. */
    {10061, "WSAECONNREFUSED",
     "nothing listens on that port, or something on the path answered with a reset or an ICMP"
     " port unreachable"},
    {10060, "WSAETIMEDOUT",
     "nothing came back in time: the packets, or the answers to them, are lost on the way"},
    {10065, "WSAEHOSTUNREACH",
     "the network is known but the host cannot be reached: no answer to ARP or neighbour"
     " discovery, or an ICMP host unreachable from a router"},
    {10051, "WSAENETUNREACH",
     "there is no route to that network, on this host or (ICMP net unreachable) on a router"},
    {10064, "WSAEHOSTDOWN", "a router reported the host as down"},
    {10013, "WSAEACCES",
     "not permitted: a firewall or a route prohibits it, or another socket has the address for"
     " itself alone, or a broadcast address was used without SO_BROADCAST"},
    /* The connection is over. */
    {10054, "WSAECONNRESET",
     "the other side, or something on the path, sent a reset: the connection is gone, with"
     " whatever was still on its way; on a UDP socket, an earlier datagram found nobody"},
    {10053, "WSAECONNABORTED",
     "this host gave the connection up: what was sent was not acknowledged, or a reset ended it"
     " earlier"},
    {10052, "WSAENETRESET", "keep-alive found the connection dead, or the datagram's time to live ran out"},
    {10057, "WSAENOTCONN", "the socket is not connected, or is no longer"},
    {10058, "WSAESHUTDOWN", "sending, or receiving, was shut down on this socket"},
    {10101, "WSAEDISCON", "the other side has shut the connection down in order"},
    {10050, "WSAENETDOWN", "the network interface is down"},
    /* This host lacks something. */
    {10048, "WSAEADDRINUSE", "another socket has that address and port; see `netstat -ano`"},
    {10049, "WSAEADDRNOTAVAIL",
     "that address is not one of this host's, or it cannot be connected to (port 0, or 0.0.0.0)"},
    {10047, "WSAEAFNOSUPPORT", "the address is of a family that this socket, or this host, does not have"},
    {10024, "WSAEMFILE", "this process has as many sockets open as it may"},
    {10055, "WSAENOBUFS", "the system has no buffer left, or its queue is full"},
    {10067, "WSAEPROCLIM", "as many programs use Winsock as may at one time"},
    {10091, "WSASYSNOTREADY", "the network is not ready to be used"},
    {10092, "WSAVERNOTSUPPORTED", "this Winsock does not have the version that was asked for"},
    {10093, "WSANOTINITIALISED", "WSAStartup was not called first, or did not succeed"},
    {8, "WSA_NOT_ENOUGH_MEMORY", "there is no memory left for this"},
    /* The message does not fit. */
    {10040, "WSAEMSGSIZE", "the datagram is larger than one can be, or than the buffer it came into"},
    /* The call has not finished. */
    {10035, "WSAEWOULDBLOCK",
     "the call would have to wait, and the socket does not wait; of connect: it is being made,"
     " and select tells when it is"},
    {10036, "WSAEINPROGRESS", "another blocking call of Winsock is under way"},
    {10037, "WSAEALREADY", "an earlier connect on this socket has not finished"},
    {10004, "WSAEINTR", "the call was cancelled"},
    /* The call was made wrongly. */
    {10022, "WSAEINVAL", "this argument is not accepted, or not in the socket's present state"},
    {10056, "WSAEISCONN", "the socket is connected already"},
    {10038, "WSAENOTSOCK", "that is not a socket, or no longer"},
    {10009, "WSAEBADF", "that is not an open handle"},
    {10014, "WSAEFAULT", "an address lies outside of the process's memory, or a buffer is too small"},
    {10039, "WSAEDESTADDRREQ", "the socket has no peer and none was named"},
    {10041, "WSAEPROTOTYPE", "the protocol does not go with this kind of socket"},
    {10042, "WSAENOPROTOOPT", "there is no such socket option at this level"},
    {10043, "WSAEPROTONOSUPPORT", "this host does not have that protocol"},
    {10044, "WSAESOCKTNOSUPPORT", "this family of addresses does not have that kind of socket"},
    {10045, "WSAEOPNOTSUPP", "this kind of socket cannot do that"},
    {10046, "WSAEPFNOSUPPORT", "this host does not have that family of protocols"},
    /* getaddrinfo could not make an address out of the name. */
    {11001, "WSAHOST_NOT_FOUND", "that is neither an IPv4 or IPv6 address nor a name that anyone knows"},
    {11002, "WSATRY_AGAIN", "no name server answered; it may do so later"},
    {11003, "WSANO_RECOVERY", "the name server answered with an error"},
    {11004, "WSANO_DATA", "the name is known but has no address"},
    {10109, "WSATYPE_NOT_FOUND", "the port does not go with this kind of socket"},
};

struct wsa_error wsa_error_of(int code)
{
    struct wsa_error unknown = {0, "unknown error", ""};
    size_t at;
    for (at = 0; at < sizeof ERRORS / sizeof ERRORS[0]; at++) {
        if (ERRORS[at].code == code) {
            return ERRORS[at];
        }
    }
    unknown.code = code;
    return unknown;
}
