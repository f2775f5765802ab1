"""What the tutorial claims, from top to bottom, and what is so on today's Linux.

The tutorial is a text in Chinese on socket programming, which is no part of this
repository: a claim quotes it in its own words. The verdict is what the scenarios that
name the claim must show by running; the texts are translated in `locale/zh/claims.po`.
"""

# ruff: noqa: RUF001 - the quotes have the punctuation of Chinese.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Verdict = Literal["true", "wrong", "imprecise", "not on this system"]
VERDICTS: Sequence[Verdict] = get_args(Verdict)


@dataclass(frozen=True)
class Claim:
    """One proposition of the tutorial that can be true or wrong.

    `id` is "C59"; `quote` the tutorial's own words, one piece of one line; `text` the
    proposition; `verdict` what running it shows: "true" where every case holds, "wrong"
    where none does, "imprecise" where some do and some do not, "not on this system"
    where there is nothing here to run; `truth` what is so on today's Linux.
    """

    id: str
    quote: str
    text: str
    verdict: Verdict
    truth: str


@dataclass(frozen=True)
class Section:
    """A part of the tutorial, with what to try beside it; paragraphs are parted by a blank line.

    `sample` is what a command of it printed.
    """

    key: str
    title: str
    text: str
    claims: Sequence[Claim]
    sample: str = ""


PROCESSES = Section(
    key="processes",
    title="Processes that talk over a network",
    text=(
        "The tutorial begins with names: an IP address names a host, protocol and port name a "
        "process on it, and the three together name a process in the network. That is how one "
        "finds a service. It is not how the kernel tells connections apart, and a port need not "
        "belong to one process.\n\n"
        "Run `errnolab run shared_port` and look at which of the two listeners gets each "
        "connection; run `errnolab run four_tuple` and look at the many connections that `ss` "
        "shows on one server port."
    ),
    claims=(
        Claim(
            "C1",
            "传输层的“**协议+端口**”可以唯一标识主机中的应用程序（进程）",
            "Protocol and port name exactly one process of a host.",
            "imprecise",
            "A second bind() to a port is refused with EADDRINUSE, but several processes may share "
            "a port: with SO_REUSEPORT the kernel splits 40 connections between two listeners, "
            "by a hash, and after fork() parent and child hold the same socket.",
        ),
        Claim(
            "C2",
            "利用三元组（ip地址，协议，端口）就可以标识网络的进程了",
            "The triple of IP address, protocol and port is enough to name one end of a "
            "communication.",
            "imprecise",
            "It names where a service listens. A TCP connection is named by both ends, address and "
            "port of each: every connection of a server has the same local triple.",
        ),
        Claim(
            "C3",
            "UNIX System V的TLI（已经被淘汰）",
            "TLI is obsolete, and programs use sockets.",
            "true",
            "There is no <xti.h> or <tiuser.h> to include and no t_open() in the C library. "
            "Everything that this lab does goes through sockets.",
        ),
    ),
)

SOCKETS = Section(
    key="sockets",
    title="What a socket is",
    text=(
        "A socket is presented as a special file, and as one of two kinds: a stream, which is TCP, "
        "or datagrams, which is UDP. Both pictures help, and both end somewhere.\n\n"
        "Run `errnolab run socket_is_file` for what a socket has of a file and what it has not. "
        "Run `errnolab run linger_zero` and `errnolab run send_not_delivered` for data that TCP "
        "took and nobody got, `errnolab run datagram_overflow` for datagrams that were sent with "
        "success and dropped, and `errnolab run name_lookup` for the datagrams that nearly every "
        "program sends."
    ),
    claims=(
        Claim(
            "C4",
            "一种特殊的文件，一些socket函数就是对其进行的操作（读/写IO、打开、关闭）",
            "A socket is a special file that one can open, read, write and close.",
            "imprecise",
            "It has a descriptor, fstat() says S_ISSOCK, and read(), write() and close() work. "
            "lseek() says ESPIPE, and open() on the path of a UNIX socket says ENXIO: a socket is "
            "made by socket() or accept() alone.",
        ),
        Claim(
            "C5",
            "socket提供了流（stream）和数据报（datagram）两种通信机制",
            "Sockets offer two mechanisms, stream and datagram.",
            "imprecise",
            "There are also SOCK_SEQPACKET, SOCK_RAW and SOCK_RDM. SOCK_SEQPACKET works with "
            "AF_UNIX everywhere: it is connected and reliable like a stream, and keeps the "
            "boundaries of messages.",
        ),
        Claim(
            "C6",
            "传输数据不会丢失、不会重复、顺序也不会错乱",
            "Data on a TCP connection are never lost, duplicated or reordered.",
            "imprecise",
            "TCP repairs loss, duplication and reordering on the path while the connection lives. "
            "send() returns 5000 though no process ever reads them, and whoever resets a "
            "connection throws away what it has not sent and not read.",
        ),
        Claim(
            "C7",
            "不需要建立和维持连接，可能会丢失或错乱",
            "UDP needs no connection, may lose and reorder datagrams, and limits their size.",
            "true",
            "At most 65507 bytes go into a datagram over IPv4 and 65527 over IPv6; one more is "
            "EMSGSIZE. Of 200 datagrams, all sent with success to a small receive buffer, 3 came "
            "out and UdpRcvbufErrors counted 197.",
        ),
        Claim(
            "C8",
            "在实际开发中，数据报socket的应用场景极少",
            "Datagram sockets are hardly used in practice.",
            "wrong",
            "A mere getaddrinfo() sends a UDP datagram to port 53 before the first SYN of nearly "
            "every program. DNS, DHCP, NTP, QUIC with HTTP/3, and WebRTC are built on datagrams.",
        ),
    ),
)

MODEL = Section(
    key="model",
    title="Client and server",
    text=(
        "Seven steps of a server: make a socket, bind it, listen, accept, talk until the client "
        "leaves, close. They are the order of nearly every TCP server. The sample that follows "
        "leaves one of them out: it does not talk until the client leaves, but answers once and "
        "closes.\n\n"
        "Run `errnolab run steps` and compare the lab's own server with the one as written: send "
        "two requests over one connection."
    ),
    claims=(
        Claim(
            "C9",
            "不断的重复第5）步，直到客户端断开连接",
            "A server binds, listens, accepts, and then answers until the client leaves.",
            "imprecise",
            "The lab's server does. The tutorial's sample answers one request and closes, so a "
            "second one on the same connection gets EOF or a reset; and bind() may be left out, "
            "then listen() takes a port of the kernel's choice.",
        ),
    ),
)

SERVER = Section(
    key="server",
    title="The server as written",
    text=(
        "The sample compiles and answers. The lab has it word for word, in the host `workshop`, "
        "and each of these runs shows one thing that it leaves out: `errnolab run as_written_slow` "
        "(one silent client and nobody else is served), `errnolab run as_written_reset` (a reset "
        "client and the server is dead), `errnolab run as_written_long` (more than 2047 bytes and "
        "a RST in place of the end), `errnolab run as_written_restart` (EADDRINUSE for a minute), "
        "`errnolab run as_written_interrupt` (Ctrl+C in accept() and in recv()).\n\n"
        "Beside each stands the same against the lab's own server, which sets SO_REUSEADDR, "
        "waits for all clients at once in one loop, looks at every return value and ignores "
        "SIGPIPE. The sample is AF_INET only, so these runs are IPv4 only."
    ),
    claims=(
        Claim(
            "C10",
            "在linux虚拟机上运行的程序",
            "The server compiles and runs on Linux.",
            "true",
            "g++ 12 compiles it with -Wall -Wextra and warns of one unused parameter. It listens "
            "on port 16555 and answers.",
        ),
        Claim(
            "C11",
            "#define MAXLINK 2048",
            "listen(sockfd, 2048) makes room for 2048 connections.",
            "imprecise",
            "`ss -lt` shows Send-Q 2048 where net.core.somaxconn is 4096 (the default since 5.4), "
            "and 2049 fit. Where somaxconn is smaller, its value counts and listen() returns 0 all "
            "the same. It bounds what waits for accept(), not how many are connected.",
        ),
        Claim(
            "C12",
            "这句用于在输入Ctrl+C的时候关闭服务器",
            "With this handler, Ctrl+C closes the server.",
            "imprecise",
            "In accept() it ends, by an error: accept() is restarted on the closed descriptor, and "
            "the program prints `Accept error(9): Bad file descriptor` and exits with 255. In "
            "recv() it goes on, deaf to new clients, until its present client sends something.",
        ),
        Claim(
            "C13",
            "signal(SIGINT, stopServerRunning);",
            "The handler has to be installed again before each accept().",
            "wrong",
            "signal() of glibc keeps the handler (BSD semantics): two Ctrl+C during one recv() "
            "print `Close Server` twice. Once before the loop is enough; before its first turn "
            "Ctrl+C kills the program without a word.",
        ),
        Claim(
            "C14",
            "将buff置为0只有在linux下可用",
            "bzero() exists on Linux only.",
            "wrong",
            "It comes from 4.2BSD and is in POSIX until 2001, as a legacy function: it compiles "
            "with _POSIX_C_SOURCE=200112L and is gone with 200809L. memset() is everywhere.",
        ),
        Claim(
            "C15",
            "recv(connfd, buff, BUFFSIZE - 1, 0);",
            "One recv() has the client's whole message, so its result need not be looked at.",
            "imprecise",
            "It has what has come by then: a message in one small segment. Of `h` and `i` in two "
            "segments it has `h`. A reset gives -1 and ECONNRESET, and the program prints an empty "
            "`Recv: ` and goes on to send().",
        ),
        Claim(
            "C16",
            'if(!strcmp(buff,"hi"))',
            "A client that sends hi is answered abc.",
            "imprecise",
            "`hi` in one segment is. `hi` with a line end comes back unchanged, `h` and `i` in two "
            "segments give `h`, and a NUL byte ends the text: of `ab\\0cd` only `ab` comes back.",
        ),
        Claim(
            "C17",
            "send(connfd, buff, strlen(buff), 0);",
            "send() gives the client its reply, so its result need not be looked at.",
            "imprecise",
            "It does while the client is there. A client that resets the connection while recv() "
            "waits ends the whole server without a message: recv() takes the ECONNRESET, and "
            "send(), even of 0 bytes, raises SIGPIPE (status 141 in a shell).",
        ),
        Claim(
            "C18",
            "close(connfd);",
            "close() after the reply ends the exchange in good order.",
            "imprecise",
            "A FIN follows the reply if all was read. If the client sent more than the 2047 bytes "
            "that were read, the kernel sends a RST instead: the client gets 2047 bytes and then "
            "ECONNRESET in place of the end, and of a reply that is still on its way nothing.",
        ),
        Claim(
            "C19",
            "if (-1 == bind(sockfd, (struct sockaddr*)&servaddr, sizeof(servaddr)))",
            "The server can be stopped and started again at once.",
            "imprecise",
            "It can if no client was served. It closes first, so each connection stays in "
            "TIME-WAIT on its port for 60 s: `Bind error(98): Address already in use`. "
            "SO_REUSEADDR before bind() is what is missing.",
        ),
        Claim(
            "C20",
            "while (true)",
            "The server serves its clients in a loop.",
            "imprecise",
            "One after another: while one client is silent, the next one connects at once (the "
            "kernel does that) and gets no answer until the first has sent or left.",
        ),
    ),
)

ADDRESS = Section(
    key="address",
    title="The address of the server",
    text=(
        "The tutorial explains how the address is filled in: all zero, AF_INET, the wildcard "
        "address, the port. The cast and the length are right. The wildcard is no choice that the "
        "kernel makes, but all addresses at once.\n\n"
        "Run `errnolab run wildcard` and look at the local address of each accepted socket: it is "
        "the one that the client dialled. Run `errnolab run port_chosen` for port 0."
    ),
    claims=(
        Claim(
            "C21",
            "注意第二个参数使用了类型转换，第三个参数直接取其sizeof即可",
            "bind() takes a sockaddr_in by a cast, with its sizeof as the length.",
            "true",
            "sizeof(struct sockaddr_in) is 16, and bind() returns 0. One byte less is EINVAL.",
        ),
        Claim(
            "C22",
            "此时就交由内核选择IP地址绑定",
            "With INADDR_ANY the kernel chooses one address to bind to.",
            "wrong",
            "It binds to all of them. Clients reach the server at 127.0.0.1 and at each of its "
            "addresses, and the local address of an accepted socket is the one that was dialled.",
        ),
        Claim(
            "C23",
            "可以直接指定端口号为0，此时表示端口号交由内核选择",
            "With port 0 the kernel chooses the port.",
            "true",
            "getsockname() tells which: 50619, for example, out of net.ipv4.ip_local_port_range, "
            "32768 to 60999.",
        ),
        Claim(
            "C24",
            "对于服务器来说，不指定端口号的情况是很罕见的",
            "A server seldom leaves its port open, because its clients must know it.",
            "true",
            "A client that asks at the usual port gets ECONNREFUSED; somebody has to tell it the "
            "number that getsockname() gave.",
        ),
    ),
)

BYTES = Section(
    key="bytes",
    title="Byte order, and what bind() returns",
    text=(
        "Numbers of more than one byte go over the network with the highest byte first, and four "
        "functions turn them. All of that is so.\n\n"
        "Run `errnolab run byte_order` and look at the two bytes of the port in the capture: 40 "
        "ab, which is 16555. Then look at the case where htons() was forgotten: the server "
        "listens, on port 43840, and its clients are refused. `errnolab run address_in_use` and "
        "`errnolab run bind_errors` show bind() failing."
    ),
    claims=(
        Claim(
            "C25",
            "不同的机子上对于多字节变量的字节存储顺序是不同的",
            "Hosts differ in byte order, so numbers are sent in network byte order.",
            "true",
            "Port 16555 is 40 ab on the wire. This machine has the lower byte first: without "
            "htons() the same program listens on 43840, and a client of port 16555 gets "
            "ECONNREFUSED.",
        ),
        Claim(
            "C26",
            "`<netinet/in.h>`中有四个用于主机字节序和网络字节序之间相互转换的函数",
            "The four functions are in <netinet/in.h>.",
            "true",
            "htons(), htonl(), ntohs() and ntohl() compile with that header alone, and with "
            "<arpa/inet.h> alone, which is where POSIX describes them.",
        ),
        Claim(
            "C27",
            "若成功则返回0，否则返回-1并置相应的`errno`。",
            "bind() returns 0, or -1 with errno set.",
            "true",
            "It does, and nothing leaves the host either way.",
        ),
        Claim(
            "C28",
            "比较常见的错误是错误码`EADDRINUSE`",
            "The common error of bind() is EADDRINUSE.",
            "true",
            "A port that is taken, or still in TIME-WAIT, gives it. Others are EACCES (a low port; "
            "not in a container, where ip_unprivileged_port_start is 0), EADDRNOTAVAIL (an address "
            "that is not this host's) and EINVAL (bound already, or a short length).",
        ),
    ),
)

CLIENT = Section(
    key="client",
    title="The client as written",
    text=(
        "The client is for Windows. The lab has it twice: as written, compiled by MinGW and run by "
        "Wine on the host `windows`, and for Linux with the fewest changes, each marked in "
        "`images/workshop/client.cpp`. What it does with text, with results and with lengths is "
        "the same on both.\n\n"
        "Run `errnolab run windows_link` for the error of the linker and each cure, and `errnolab "
        "run windows_startup` for what WSAStartup() and WSACleanup() do. Run `errnolab run "
        "windows_client` and look at what it prints when it is refused and when nobody answers: "
        "the same. `errnolab run client_overrun` shows the byte behind the end of its buffer, as "
        "AddressSanitizer reports it, `errnolab run windows_overrun` how nobody sees it under "
        "Wine, and `errnolab run client_pieces` a reply in pieces."
    ),
    claims=(
        Claim(
            "C29",
            "if(WSAStartup(sockVersion,&data1)!=0)",
            "A Windows program calls WSAStartup(2.2) before any socket call.",
            "true",
            "Without it socket() fails with 10093, WSANOTINITIALISED, and nothing is sent; with it "
            "the same program connects. Linux has neither WSAStartup() nor <winsock2.h>: sockets "
            "are part of the kernel's own interface.",
        ),
        Claim(
            "C30",
            "#include <sys/unistd.h>",
            "A Windows client includes <sys/unistd.h> beside <winsock2.h>.",
            "imprecise",
            "It may, with MinGW, which has this header; Microsoft's compiler has none. It need "
            "not: the client calls nothing that is in it, and compiles as well without the line.",
        ),
        Claim(
            "C31",
            "addrSrv.sin_addr.S_un.S_addr = inet_addr(SERVER_IP);",
            "inet_addr() turns the text of an address into its number.",
            "imprecise",
            "It does for four decimal numbers, on Windows too. Its error value is 0xffffffff, "
            "which is 255.255.255.255: unchecked, connect() then says ENETUNREACH. It takes "
            "`127.1` and `0x7f.1` for addresses, and knows no IPv6.",
        ),
        Claim(
            "C32",
            'printf("connect failed!\\n");',
            "After a failed connect() this message tells what is wrong.",
            "wrong",
            "It is the same for ECONNREFUSED, ETIMEDOUT and EHOSTUNREACH, on Windows 10061, 10060 "
            "and 10065: the reason is not printed. The socket is left open, which the end of the "
            "process repairs; a client that tries 20 times has 20 handles.",
        ),
        Claim(
            "C33",
            "recData[ret] = '\\0';",
            "recData[ret] lies inside recData.",
            "imprecise",
            "Up to 2047 bytes it does. recv() may fill all 2048, and then the zero goes one byte "
            "behind the end, into the string that was sent: AddressSanitizer stops it. Without it "
            "the program mostly aborts on Linux, and under Wine nobody sees it, unless it was "
            "compiled with -fsanitize=bounds.",
        ),
        Claim(
            "C34",
            "int ret = recv(sockClient,recData,BUFFSIZE,0);",
            "One recv() gets the reply.",
            "imprecise",
            "It gets the first piece, on Windows too: of a reply in two segments the first alone. "
            "If the server closes without a reply it gets 0, and the client prints `recv data:` as "
            "if an empty reply had come.",
        ),
        Claim(
            "C35",
            "send(sockClient,sendData,strlen(sendData),0);",
            "One send() sends the whole line, so its result need not be looked at.",
            "imprecise",
            "A blocking send() of a short line does. If the server closes meanwhile, a long line "
            "is sent in part or ends in ECONNRESET, and nobody looks.",
        ),
        Claim(
            "C36",
            "在编译时加入-lwsock32",
            "The link error goes away with -lwsock32.",
            "imprecise",
            "It does if it stands behind the source; in front of it the error is the same. It is "
            "the library of Winsock 1.1 and has no inet_pton(), getaddrinfo() or WSAPoll(): with "
            "<winsock2.h> goes -lws2_32. Linux links sockets with the C library; there is no "
            "-lwsock32.",
        ),
        Claim(
            "C37",
            "`WSACleanup(); `",
            "WSACleanup() releases what WSAStartup() took.",
            "true",
            "One WSACleanup() for each WSAStartup(): the last closes the sockets (under Wine the "
            "peer gets a FIN), and a new socket() fails with 10093. Without it the end of the "
            "process closes them. Linux has no WSACleanup().",
        ),
    ),
)

SOCKET = Section(
    key="socket",
    title="socket()",
    text=(
        "socket() is compared with opening a file, and its three parameters are listed. Most "
        "of the list is right, with two names that no header has and one rule that never was: a "
        "UNIX socket need not have an absolute path.\n\n"
        "Run `errnolab run wrong_protocol` for what does not go together and with which errno, "
        "`errnolab run domains`, `errnolab run unix_path`, `errnolab run seqpacket` and `errnolab "
        "run raw` for what does, and `errnolab run misspelt` for the names that do not compile."
    ),
    claims=(
        Claim(
            "C38",
            "socket函数对应于普通文件的打开操作",
            "socket() is like open(): it returns a descriptor that all I/O uses.",
            "true",
            "It returns the lowest free number, like open(), and at the limit of descriptors "
            "EMFILE.",
        ),
        Claim(
            "C39",
            "AF_INET(IPv4协议族)、AF_INET6、AF_LOCAL（或称AF_UNIX，Unix域socket）、AF_ROUTE",
            "AF_INET, AF_INET6, AF_LOCAL and AF_ROUTE are the common domains.",
            "imprecise",
            "The first three are. On Linux AF_ROUTE is another name of AF_NETLINK (16): socket() "
            "succeeds, but speaks netlink, and the routing messages of BSD do not exist.",
        ),
        Claim(
            "C40",
            "AF_UNIX决定了要用一个绝对路径名作为地址",
            "The address of an AF_UNIX socket is an absolute path.",
            "wrong",
            "A relative path binds as well, and so does a name in Linux's abstract namespace, "
            "which is no path at all. What is longer than sun_path, 108 bytes, is EINVAL.",
        ),
        Claim(
            "C41",
            "**字节流套接字**，适用于TCP或SCTP协议",
            "SOCK_STREAM is for TCP or SCTP, SOCK_DGRAM for UDP.",
            "true",
            "SOCK_STREAM with 0 is TCP and SOCK_DGRAM with 0 is UDP. This kernel has no SCTP: "
            "EPROTONOSUPPORT.",
        ),
        Claim(
            "C42",
            "有序分组套接字，适用于SCTP协议",
            "SOCK_SEQPACKET is for SCTP.",
            "imprecise",
            "With AF_INET it needs SCTP, and is ESOCKTNOSUPPORT on a kernel without it. With "
            "AF_UNIX it works everywhere, and has nothing to do with SCTP.",
        ),
        Claim(
            "C43",
            "适用于绕过传输层直接与网络层协议（IPv4/IPv6）通信",
            "SOCK_RAW passes by the transport layer and speaks with IP itself.",
            "true",
            "A raw socket sends an ICMP echo request that it wrote itself, and reads the answer. "
            "It needs CAP_NET_RAW (else EPERM) and a protocol (0 is EPROTONOSUPPORT).",
        ),
        Claim(
            "C44",
            "常用的协议有，IPPROTO_TCP、IPPTOTO_UDP、IPPROTO_SCTP、IPPROTO_TIPC等",
            "IPPTOTO_UDP and IPPROTO_TIPC are names of protocols.",
            "wrong",
            "Neither compiles. The first is a slip for IPPROTO_UDP; TIPC is a domain, AF_TIPC, "
            "which this kernel does not have (EAFNOSUPPORT).",
        ),
        Claim(
            "C45",
            "使用`strerror(errno)`得到一个具体描述其错误的字符串",
            "On failure socket() returns -1, and strerror(errno) says why.",
            "true",
            "`Protocol not supported` for 93 (EPROTONOSUPPORT), for example.",
        ),
        Claim(
            "C46",
            "SOCK_STREAM不可以跟IPPROTO_UDP组合",
            "SOCK_STREAM does not go with IPPROTO_UDP.",
            "true",
            "socket() says EPROTONOSUPPORT (93). A type that does not exist is EINVAL, a domain "
            "that does not exist EAFNOSUPPORT.",
        ),
        Claim(
            "C47",
            "当protocol为0时，会自动选择type类型对应的默认协议",
            "Protocol 0 takes the default protocol of the type.",
            "imprecise",
            "SO_PROTOCOL then says 6 for SOCK_STREAM and 17 for SOCK_DGRAM. SOCK_RAW has no "
            "default: EPROTONOSUPPORT.",
        ),
        Claim(
            "C48",
            "否则就当调用connect()、listen()时系统会自动随机分配一个端口",
            "Without bind(), connect() and listen() give the socket a port.",
            "true",
            "Out of net.ipv4.ip_local_port_range: listen() gave 0.0.0.0:48019, for example. "
            "sendto() on a UDP socket does it as well.",
        ),
    ),
)

BIND = Section(
    key="bind",
    title="bind()",
    text=(
        "Three structures for three kinds of address. They are shortened: the one for IPv4 has "
        "padding that is not shown, and the macro in the one for UNIX sockets is in another "
        "header than the structure.\n\n"
        "Run `errnolab run sockaddr_sizes` and `errnolab run link_local` (a link-local address "
        "needs the scope that only IPv6's structure has). Run `errnolab run client_binds` for "
        "clients that do call bind()."
    ),
    claims=(
        Claim(
            "C49",
            "这个地址结构根据地址创建socket时的地址协议族的不同而不同",
            "The structures of an address have exactly the fields that are listed.",
            "imprecise",
            "That of IPv6 has (28 bytes). That of IPv4 has 8 bytes more, sin_zero, which make its "
            "16; the length that bind() and connect() want is 16, and less is EINVAL.",
        ),
        Claim(
            "C50",
            "#define UNIX_PATH_MAX    108",
            "A program that includes <sys/un.h> has UNIX_PATH_MAX, 108.",
            "imprecise",
            "sun_path has 108 bytes, and sockaddr_un 110. The macro is in <linux/un.h> alone: "
            "with <sys/un.h> it does not compile.",
        ),
        Claim(
            "C51",
            "通常服务器端在listen之前会调用bind()，而客户端就不会调用",
            "Servers call bind() and clients do not.",
            "imprecise",
            "A client may, to choose its port or its address. An address that is not its host's is "
            "EADDRNOTAVAIL, and from 127.0.0.1 connect() to another host is EINVAL.",
        ),
    ),
)

LISTEN = Section(
    key="listen",
    title="listen() and the two queues",
    text=(
        "The kernel keeps two things for a listening socket: handshakes that are not finished and "
        "connections that wait for accept(). The tutorial says that the backlog once bounded the "
        "sum and now bounds the second alone. The manual page says the same. Neither is what "
        "Linux does.\n\n"
        "Run `errnolab run accept_queue_full`, `errnolab run syn_queue_full`, `errnolab run "
        "syncookies` and `errnolab run backlog_capped`, and look at Recv-Q and Send-Q of the "
        "listener in `ss -lt` and at ListenOverflows and ListenDrops. `errnolab run queue_moves` "
        "shows one connection going from SYN-RECV to ESTAB with no accept()."
    ),
    claims=(
        Claim(
            "C52",
            "第二个参数为相应socket可以排队的最大连接个数",
            "The second parameter of listen() is how many connections can wait.",
            "imprecise",
            "N + 1 can, because the kernel asks whether the queue is longer than N. A larger N "
            "than net.core.somaxconn is cut down to that without an error.",
        ),
        Claim(
            "C53",
            "socket()函数创建的socket默认是一个主动类型的，listen函数将socket变为被动类型的",
            "A new socket is active, and listen() makes it passive.",
            "true",
            "After listen() a connect() on it says EISCONN. listen() on a connected socket is "
            "EINVAL, on a UDP socket EOPNOTSUPP.",
        ),
        Claim(
            "C54",
            "的长度和的最大值",
            "The backlog was once the maximum of the sum of both queues.",
            "not on this system",
            "That is history (BSD, and Linux before 2.2). Nothing bounds the sum on this kernel: "
            "with a backlog of N, N + 1 unfinished connections wait beside N finished ones.",
        ),
        Claim(
            "C55",
            "SYN队列的最大长度由系统的另一个变量决定",
            "The backlog bounds the accept queue alone, and another setting the SYN queue.",
            "imprecise",
            "The backlog bounds the SYN queue too, at N + 1. tcp_max_syn_backlog counts only with "
            "tcp_syncookies 0, and then strangers are turned away at three quarters of it. "
            "listen(2) has the same gap.",
        ),
        Claim(
            "C56",
            "服务端返回SYN/ACK，并将该客户端放置SYN队列中",
            "The server answers a SYN with SYN-ACK and puts the client into the SYN queue.",
            "imprecise",
            "`ss` shows it as SYN-RECV. If the accept queue is full the SYN is dropped without an "
            "answer, and with SYN cookies it is answered and nothing is kept.",
        ),
        Claim(
            "C57",
            "服务端将对应的连接从SYN队列中取出，放入Accept队列",
            "With the client's ACK the connection moves to the accept queue.",
            "imprecise",
            "Recv-Q of the listener grows by one, and the state is ESTAB before any accept(). If "
            "the queue is full by then the ACK is ignored (ListenOverflows), and the client "
            "believes that it is connected.",
        ),
        Claim(
            "C58",
            "客户端通过调用connect函数来建立与TCP服务器的连接",
            "A client makes the connection by calling connect().",
            "true",
            "connect() sends the SYN and returns 0 when the SYN-ACK has come.",
        ),
    ),
)

ACCEPT = Section(
    key="accept",
    title="accept()",
    text=(
        "The tutorial lets accept() take part in the handshake. It does not: the kernel finishes "
        "it, and accept() fetches a connection that exists.\n\n"
        "Run `errnolab run kernel_completes` and look at the client, which connects and sends in "
        "well under a millisecond while the server's process sleeps. Run `errnolab run "
        "address_length` for the length that accept() reads and writes, `errnolab run "
        "new_descriptor` for what it returns, and `errnolab run connect_any` for a client that "
        "gives no address."
    ),
    claims=(
        Claim(
            "C59",
            "就会调用accept()函数取接收请求，这样连接就建立好了",
            "The connection is established by the server's accept().",
            "wrong",
            "The kernel establishes it: connect() returns 0 at once to a server that never calls "
            "accept(), and `ss` shows ESTAB on both sides.",
        ),
        Claim(
            "C60",
            "之后就可以开始网络I/O操作了",
            "Once the connection is made, data can be exchanged.",
            "imprecise",
            "The client may send even before accept(), and the kernel acknowledges it. But if the "
            "server's last step failed (accept queue full, listener closed), the client is "
            "connected to nobody: its data are sent again and again, or answered with a RST.",
        ),
        Claim(
            "C61",
            "第三个参数为协议地址的长度",
            "The third parameter of accept() is the length of the address.",
            "imprecise",
            "It is read and written: the room that there is goes in, the length of the address "
            "comes out. With 4 in, 4 bytes are written and 16 comes out; with -1 it is EINVAL.",
        ),
        Claim(
            "C62",
            "内核为每个由服务器进程接受的客户连接创建了一个已连接socket描述字",
            "Each client gets a connected descriptor of its own, and the listener stays.",
            "true",
            "Two accept() give two new descriptors, and the listener takes a third client; when "
            "it is closed, the two connections live on.",
        ),
        Claim(
            "C63",
            "服务端调用bind函数的时候无需指定ip，但客户端调用connect函数的时候则需要指定服务端的ip",
            "A server need not give an address to bind(), a client must give one to connect().",
            "imprecise",
            "The wildcard serves bind(). connect() takes it as well: to 0.0.0.0 or :: it reaches "
            "the caller's own host over loopback.",
        ),
    ),
)

TEXT_ADDRESS = Section(
    key="text_address",
    title="Addresses as text and as numbers",
    text=(
        "inet_pton() and inet_ntop() are described as they are. The one thing to add is that an "
        "IPv6 address is no integer.\n\n"
        "Run `errnolab run text_to_address`, `errnolab run address_to_text` and `errnolab run "
        "inet_addr`, and look at which texts each of them takes: the old function takes more "
        "than one would like."
    ),
    claims=(
        Claim(
            "C64",
            "`inet_pton()`函数用于将IP地址从表达格式转换为数值格式",
            "inet_pton() turns text into a number: 1, 0 for bad text, -1 for an error.",
            "true",
            "`198.18.1` and `0x7f.1` give 0; a family of 99 gives -1 with EAFNOSUPPORT.",
        ),
        Claim(
            "C65",
            "`inet_ntop()`函数用于将IP地址从数值格式转换为表达格式",
            "inet_ntop() turns a number into text, for which 16 and 46 bytes are enough.",
            "true",
            "INET_ADDRSTRLEN is 16 and INET6_ADDRSTRLEN 46, with the final zero. Less room than "
            "the text needs gives NULL with ENOSPC.",
        ),
        Claim(
            "C66",
            "可以存入套接字地址结构体的格式，数据类型为整型",
            "The numeric form of an address is an integer.",
            "imprecise",
            "Over IPv4 it is, of 32 bits, in network byte order. Over IPv6 it is an array of 16 "
            "bytes.",
        ),
    ),
)

CONNECT = Section(
    key="connect",
    title="What connect() fails with",
    text=(
        "Three reasons for connect() to fail: nobody answers, a RST comes, an ICMP error comes. "
        "This is what the lab's atlas is about. The three groups are right; two names, two "
        "stories and the advice on the socket's state are not.\n\n"
        "Run `errnolab run timeout`, `errnolab run refused` and `errnolab run icmp_connect`, then "
        "`errnolab run host_absent` for the address that does not exist, `errnolab run "
        "bad_checksum` for the corrupted packet, and `errnolab run after_refused` for a socket "
        "that is used again. `errnolab explain EHOSTUNREACH` lists every cause of one errno."
    ),
    claims=(
        Claim(
            "C67",
            "若成功则返回0，否则返回-1并置相应的`errno`。",
            "connect() returns 0 when it worked and -1 when it failed.",
            "imprecise",
            "-1 does not always mean that there will be no connection: with EINPROGRESS and after "
            "EINTR the kernel goes on, and the socket is connected soon after.",
        ),
        Claim(
            "C68",
            "则返回`ETIMEOUT`错误",
            "The errno of an unanswered SYN is called ETIMEOUT.",
            "wrong",
            "It is ETIMEDOUT (110); ETIMEOUT does not compile. What it stands for is described "
            "rightly.",
        ),
        Claim(
            "C69",
            "客户端会重发SYN包，若超过一定次数重发仍没响应的话则会返回该错误",
            "The SYN is sent again, and after a number of times the error is returned.",
            "true",
            "tcp_syn_retries is 6: with Linux 6.5 and later 11 SYNs in about 133 s, before that 7 "
            "in 127 s.",
        ),
        Claim(
            "C70",
            "可能的原因是目标服务端的IP地址不存在",
            "A possible cause of the time-out is that the server's address does not exist.",
            "imprecise",
            "Only where packets vanish without a word. For an address that nobody has, ARP or "
            "neighbour discovery fails, and connect() says EHOSTUNREACH after about 3 s.",
        ),
        Claim(
            "C71",
            "则会立刻返回`ECONNREFUSED`错误",
            "A RST in answer to the SYN gives ECONNREFUSED at once.",
            "imprecise",
            "0.2 to 0.5 ms later, if it acknowledges the SYN. A RST without ACK, or with a wrong "
            "number, is ignored, and the attempt goes on.",
        ),
        Claim(
            "C72",
            "那么目标机会发一个RST包给客户端",
            "A host answers a SYN to a port where nothing listens with a RST.",
            "imprecise",
            "The kernel does, also for a port that is bound and does not listen. A firewall on the "
            "way may drop the SYN, or answer with ICMP port unreachable, which is ECONNREFUSED as "
            "well.",
        ),
        Claim(
            "C73",
            "可能的原因是目标服务端没有运行，或者没运行在客户端知道的端口上",
            "ECONNREFUSED means that the server does not run, or on another port.",
            "imprecise",
            "Mostly. The service may run all the while, behind a firewall that refuses with a RST "
            "or an ICMP error.",
        ),
        Claim(
            "C74",
            "则会发生`EHOSTUNREACH`或`ENETUNREACH`错误",
            "An ICMP error from a router gives EHOSTUNREACH or ENETUNREACH.",
            "imprecise",
            "Those and more: ECONNREFUSED, ENOPROTOOPT, EOPNOTSUPP, EPROTO, EHOSTDOWN, "
            "ENONET and, over IPv6, EACCES, by type and code. The destination itself may send it, "
            "and the caller's own kernel says the same errnos without any ICMP.",
        ),
        Claim(
            "C75",
            "在多次发送失败之后才会报错",
            "The client keeps an ICMP error, sends the SYN again, and reports it after many tries.",
            "wrong",
            "connect() reports it at once. Where the error comes back while connect() still "
            "holds the socket, as on the virtual links of one kernel, it is reported with the "
            "first retransmission, after 1.0 s and two SYNs (LockDroppedIcmps counts it).",
        ),
        Claim(
            "C76",
            "路由器上根据目标IP查找转发表但查不到针对目标IP应该如何转发",
            "A router's ICMP error comes from a route that it does not find.",
            "imprecise",
            "That is code 0. A neighbour that does not answer is code 1, a firewall or a "
            "`prohibit` route 9, 10 or 13, a used-up hop limit type 11.",
        ),
        Claim(
            "C77",
            "也有可能是因为电波干扰等随机因素导致数据包错误，进而导致路由无法转发",
            "A packet damaged on the way can cause an ICMP error.",
            "wrong",
            "Who finds a wrong checksum drops the packet without a word (InCsumErrors, "
            "InHdrErrors). The SYN is sent again after 1 s, and connect() succeeds.",
        ),
        Claim(
            "C78",
            "将自身的套接字从`CLOSED`状态置为`SYN_SENT`状态",
            "connect() takes the socket from CLOSED to SYN_SENT.",
            "true",
            "`ss` shows SYN-SENT while no answer has come, and TCP_INFO says state 2.",
        ),
        Claim(
            "C79",
            "故当connect报错之后需要主动将套接字状态置回`CLOSED`",
            "After a failed connect() the socket must be put back to CLOSED by close().",
            "wrong",
            "On Linux it is CLOSED already (TCP_INFO says 7), and the next connect() on the same "
            "descriptor succeeds. POSIX leaves the state open, so portable code closes; and the "
            "descriptor has to be given back in any case.",
        ),
        Claim(
            "C80",
            "新增代码，当connect出错时需要关闭套接字",
            "The corrected sample prints errno, closes and returns.",
            "true",
            "In the right order: errno is printed before close() can change it.",
        ),
    ),
)

READ_WRITE = Section(
    key="read_write",
    title="read(), write() and the others",
    text=(
        "Five pairs of functions for one job. They are one system call family on Linux, and all "
        "of them work on one connection. What their results mean is told shortly, and the name "
        "of one errno is misspelt.\n\n"
        "Run `errnolab run io_functions` for all of them on one connection, `errnolab run "
        "read_interrupted` and `errnolab run write_interrupted` for EINTR, `errnolab run "
        "write_partial` for counts that are less than asked, `errnolab run write_after_close` for "
        "what must happen before EPIPE, and `errnolab run reset` for ECONNRESET, which comes once."
    ),
    claims=(
        Claim(
            "C81",
            "recv()/send()(windows下)",
            "read() and write() are for Linux, recv() and send() for Windows.",
            "wrong",
            "recv() and send() come from BSD and are in POSIX; the tutorial's own server for Linux "
            "uses them. Here each of them reads what the other wrote.",
        ),
        Claim(
            "C82",
            "实际上可以把上面的其它函数都替换成这两个函数",
            "recvmsg() and sendmsg() can replace all the other functions.",
            "imprecise",
            "On sockets they can, and only they carry ancillary data. On a pipe or a file they are "
            "ENOTSOCK, where read() and write() work.",
        ),
        Claim(
            "C83",
            "ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags);",
            "The prototypes are as listed.",
            "true",
            "They compile beside the headers of the C library. readv() and writev() are named and "
            "not listed.",
        ),
        Claim(
            "C84",
            "如果返回的值是0表示已经读到文件的结束了",
            "A read of 0 bytes means the end.",
            "imprecise",
            "On a stream, if more than 0 bytes were asked for. An empty datagram is read as 0 too, "
            "and so is a read() of 0 bytes, at once; a recv() of 0 bytes waits for data first.",
        ),
        Claim(
            "C85",
            "如果错误为EINTR说明读是由中断引起的",
            "EINTR from read() means that a signal interrupted it.",
            "true",
            "And no data had come. With SA_RESTART, which signal() of glibc sets, read() goes on "
            "and there is no EINTR, unless the socket has SO_RCVTIMEO: then it comes all the same.",
        ),
        Claim(
            "C86",
            "如果是ECONNREST表示网络连接出了问题",
            "The errno of a connection in trouble is called ECONNREST.",
            "wrong",
            "It is ECONNRESET (104), and means that a RST came; ECONNREST does not compile. Other "
            "trouble has other names: ETIMEDOUT, EHOSTUNREACH.",
        ),
        Claim(
            "C87",
            "成功时返回写的字节数",
            "write() returns the number of bytes written, or -1 with errno set.",
            "true",
            "It does, on every kind of socket.",
        ),
        Claim(
            "C88",
            "write的返回值大于0，表示写了部分或者是全部的数据",
            "A result above 0 means that a part or all was written.",
            "true",
            "A blocking write() takes all, unless a signal or SO_SNDTIMEO ends it. Without "
            "blocking, and with small buffers, of 1400000 bytes 13032 were taken, and the next "
            "call said EAGAIN.",
        ),
        Claim(
            "C89",
            "如果错误为EINTR表示在写的时候出现了中断错误",
            "EINTR from write() means that a signal interrupted it.",
            "true",
            "And nothing had been written. If something had, write() returns how much.",
        ),
        Claim(
            "C90",
            "如果为EPIPE表示网络连接出现了问题(对方已经关闭了连接)",
            "EPIPE means that the peer has closed the connection.",
            "imprecise",
            "Not at the first write(): that succeeds, the peer answers it with a RST, and the next "
            "one says EPIPE and raises SIGPIPE. One's own shutdown(SHUT_WR), or a socket that was "
            "never connected, gives EPIPE as well.",
        ),
        Claim(
            "C91",
            "小于0表示出现了错误",
            "After trouble with the peer every read says so by a result below 0.",
            "imprecise",
            "The first one does, with ECONNRESET. The error is told once: the next read returns 0, "
            "as at an orderly end.",
        ),
    ),
)

ACCEPT_AGAIN = Section(
    key="accept_again",
    title="accept() again",
    text=(
        "The second look at accept() is right where the first was not: it takes a finished "
        "connection out of the queue.\n\n"
        "Run `errnolab run accept_order`, `errnolab run accept_waits` and `errnolab run "
        "accept_errors`; in the last, look at the client that reset its connection before "
        "accept(): Linux hands it out all the same."
    ),
    claims=(
        Claim(
            "C92",
            "用于从**Accept队列**中pop出一个已完成的连接",
            "accept() takes a finished connection out of the accept queue.",
            "true",
            "In the order in which the handshakes were finished.",
        ),
        Claim(
            "C93",
            "若Accept队列为空，则accept函数所在的进程阻塞",
            "If the queue is empty, accept() blocks.",
            "imprecise",
            "By default. With O_NONBLOCK it says EAGAIN at once, and with SO_RCVTIMEO after that "
            "time.",
        ),
        Claim(
            "C94",
            "其会返回该连接对应的**客户端套接字描述符**",
            "accept() returns the client's socket.",
            "imprecise",
            "What is written to it reaches the client, but it is a new socket of the server: "
            "getsockname() gives the server's address, getpeername() the client's.",
        ),
        Claim(
            "C95",
            "若发生错误则返回-1并置相应的`errno`。",
            "On an error accept() returns -1 with errno set.",
            "true",
            "EINVAL on a socket that does not listen, EMFILE without a free descriptor (the "
            "connection stays in the queue), EBADF, EAGAIN. A client that reset its connection "
            "before accept() is no error on Linux: accept() returns it, and recv() says "
            "ECONNRESET.",
        ),
    ),
)

RECV_SEND = Section(
    key="recv_send",
    title="recv() and send()",
    text=(
        "The parameters are right. Of the results one is missing, 0, and one is taken for an "
        "error that is none: a count that is less than asked for.\n\n"
        "Run `errnolab run closed_without_reply` for the 0, `errnolab run send_not_delivered` for "
        "a success that reached nobody, and `errnolab run write_partial` for a part."
    ),
    claims=(
        Claim(
            "C96",
            "第三个参数指定最大读取的字节数（recv）或发送的数据的大小（send）",
            "recv() and send() take a descriptor, a buffer, a size and flags.",
            "true",
            "They do. The size is the most that recv() gives, and what send() is asked to take.",
        ),
        Claim(
            "C97",
            "recv跟read函数类似，send跟write函数类似",
            "Without flags recv() is like read() and send() like write().",
            "true",
            "On one connection they do the same, with the same results.",
        ),
        Claim(
            "C98",
            "若成功，则返回所读取到的字节数",
            "recv() returns the number of bytes read, and else -1.",
            "imprecise",
            "And 0 when the peer has closed in good order. Who takes only -1 for the end reads for "
            "ever.",
        ),
        Claim(
            "C99",
            "若成功，则返回成功写入的字节数",
            "What send() says was written has reached the peer.",
            "imprecise",
            "It says how much the kernel has taken into its own buffer. Usually that arrives; but "
            "it is the same when the path is cut or nobody ever reads, and the error comes with a "
            "later call.",
        ),
        Claim(
            "C100",
            "当返回值与`nbytes`不等时，也可以认为其出错",
            "A send() that returns less than it was given can be taken for an error.",
            "wrong",
            "It took a part, the connection is well, and the rest is to be sent. Who sends all "
            "again sends the part twice.",
        ),
    ),
)

CLOSE = Section(
    key="close",
    title="close()",
    text=(
        "close() gives a descriptor back. What goes over the wire depends on whether it was the "
        "last one, on what lies unread, and on SO_LINGER.\n\n"
        "Run `errnolab run close_counted` (dup() and fork(): no FIN until the last one closes, "
        "and shutdown() does not wait for that), `errnolab run linger` (a close() that blocks), "
        "`errnolab run peer_closed_unread` (a RST in place of the FIN) and `errnolab run "
        "closed_descriptor` (a number that is soon another's)."
    ),
    claims=(
        Claim(
            "C101",
            "close一个TCP socket的缺省行为时把该socket标记为以关闭，然后立即返回到调用进程",
            "close() marks the socket as closed and returns at once.",
            "imprecise",
            "By default. With SO_LINGER and unsent data it waits, for the linger time at most; "
            "with unread data a RST goes out in place of the FIN.",
        ),
        Claim(
            "C102",
            "该描述字不能再由调用进程使用，也就是说不能再作为read或write的第一个参数",
            "After close() the number can no longer be used in read() or write().",
            "imprecise",
            "They say EBADF, until the next socket() or open() gets the same number: then they "
            "read and write something else. A dup() of it works on.",
        ),
        Claim(
            "C103",
            "只有当引用计数为0的时候，才会触发TCP客户端向服务器发送终止连接请求",
            "close() counts down, and at 0 the client asks the server to end the connection.",
            "imprecise",
            "Whichever side closes sends the FIN, and no FIN leaves while a dup() or a child "
            "holds the socket. shutdown() sends it whatever the count is.",
        ),
    ),
)

HANDSHAKE = Section(
    key="handshake",
    title="The three-way handshake",
    text=(
        "The three segments are right, and so is the moment when connect() returns. What accept() "
        "is said to do is done by the kernel.\n\n"
        "Run `errnolab run handshake` and read the proofs: the ACK of J + 1 and of K + 1, and of "
        "each call whether it returned before or after a segment. Then run `errnolab run "
        "kernel_completes`: the same three segments, and accept() comes a second later."
    ),
    claims=(
        Claim(
            "C104",
            "服务器向客户端响应一个SYN K，并对SYN J进行确认ACK J+1",
            "The handshake is SYN J; SYN K with ACK J+1; ACK K+1.",
            "true",
            "The capture shows the three segments with these numbers.",
        ),
        Claim(
            "C105",
            "向服务器发送了SYN J包，这时connect进入阻塞状态",
            "A blocking connect() sends the SYN and waits.",
            "true",
            "It sleeps until an answer comes or the kernel gives up.",
        ),
        Claim(
            "C106",
            "调用accept函数接收请求向客户端发送SYN K ，ACK J+1，这时accept进入阻塞状态",
            "The server's accept() answers the SYN with SYN K and ACK J+1, and then blocks.",
            "wrong",
            "The kernel sends it, whether or not anybody ever calls accept(). An accept() that "
            "waits was called before the SYN came.",
        ),
        Claim(
            "C107",
            "客户端收到服务器的SYN K ，ACK J+1之后，这时connect返回，并对SYN K进行确认",
            "connect() returns when the SYN-ACK has come, and the client acknowledges it.",
            "true",
            "128 microseconds after the SYN left, for example, and the ACK leaves at the same "
            "moment.",
        ),
        Claim(
            "C108",
            "服务器收到ACK K+1时，accept返回",
            "accept() returns when the last ACK has come.",
            "imprecise",
            "If it was waiting. If it is called later, it returns at once with a connection that "
            "was finished long before.",
        ),
        Claim(
            "C109",
            "客户端的connect在三次握手的第二个次返回，而服务器端的accept在三次握手的第三次返回",
            "connect() returns with the second step of the handshake, accept() with the third.",
            "imprecise",
            "The first half is so. accept() returns with the third step at the earliest.",
        ),
    ),
)

FOUR_WAY = Section(
    key="four_way",
    title="How a connection ends",
    text=(
        "Four segments: FIN, ACK, FIN, ACK. That is what one sees when the other side takes its "
        "time. If it closes at once its ACK and its FIN are one segment, and if both close "
        "together the FINs cross. The tutorial does not speak of TIME-WAIT, which whoever closes "
        "first has for 60 s, and which is why its server cannot be started again.\n\n"
        "Run `errnolab run close_active`, `errnolab run close_three`, `errnolab run "
        "close_simultaneous` and `errnolab run half_close`, and look at the states of both ends "
        "beside the segments. Run `errnolab run address_in_use_time_wait` for what TIME-WAIT does."
    ),
    claims=(
        Claim(
            "C110",
            "某个应用进程首先调用close主动关闭连接，这时TCP发送一个FIN M",
            "The process that calls close() first sends the first FIN.",
            "imprecise",
            "shutdown(SHUT_WR) sends it as well, and the socket stays open. close() with unread "
            "data, or with SO_LINGER of 0 s, sends a RST and no FIN.",
        ),
        Claim(
            "C111",
            "FIN的接收意味着应用进程在相应的连接上再也接收不到额外数据",
            "The FIN is acknowledged and read as the end: nothing more will come.",
            "true",
            "What came before it is read first, then 0. The other direction is still open: the "
            "reader of the end can go on sending.",
        ),
        Claim(
            "C112",
            "接收到文件结束符的应用进程调用close关闭它的socket。这导致它的TCP也发送一个FIN N",
            "Later the other process closes too, and sends FIN N.",
            "true",
            "It is in CLOSE-WAIT until then, however long that takes.",
        ),
        Claim(
            "C113",
            "接收到这个FIN的源发送端TCP对它进行确认",
            "Whoever closed first acknowledges that FIN.",
            "true",
            "And is in TIME-WAIT from then on, for 60 s.",
        ),
        Claim(
            "C114",
            "这样每个方向上都有一个FIN和ACK",
            "Closing takes four segments, a FIN and an ACK in each direction.",
            "imprecise",
            "Four if the other side closes late. If it closes at once there are mostly three, for "
            "its FIN carries its ACK. Whoever closed first has TIME-WAIT for 60 s, which is not "
            "said.",
        ),
    ),
)

HTTP = Section(
    key="http",
    title="A server for HTTP",
    text=(
        "The last program answers a browser. The layout of a response is shown without its line "
        "ends and without the blank line before the body, which is what tells the body from the "
        "headers.\n\n"
        "Run `errnolab run http_layout` for what a client makes of a response without it, "
        "`errnolab run http_status` for 200, 404 and the others, `errnolab run gateway_502` for "
        "what nginx says when its upstream is refused or reset. `errnolab run http_as_written` "
        "sends the tutorial's server a request with 3000 bytes of headers, as a browser with "
        "cookies does."
    ),
    claims=(
        Claim(
            "C115",
            "响应正文           //可选",
            "A response is a status line, header lines and the body, one after another.",
            "imprecise",
            "Each line ends with CR LF, and a blank line stands before the body. Without the "
            "blank line the client takes the body for headers: curl shows nothing of it and ends "
            "with status 8, `Header without colon`.",
        ),
        Claim(
            "C116",
            "2xx：成功，表示请求已被成功接收、理解、接受",
            "The first digit of a status says its class, from 1xx to 5xx.",
            "true",
            "100, 200, 301, 404, 501 and 502 are seen in the lab; curl follows a 301 when told to.",
        ),
        Claim(
            "C117",
            "比较常见的就有200（OK），404（Not Found），502（Bad Gateway）",
            "200 is OK, 404 Not Found, 502 Bad Gateway.",
            "true",
            "nginx says 502 when its upstream refuses or resets, and 504 when it is silent.",
        ),
        Claim(
            "C118",
            "bzero(buff, sizeof(buff));",
            "bzero(buff, sizeof(buff)) clears the buffer.",
            "wrong",
            "buff is a pointer here, and its size 8: the ninth byte stays. g++ warns with "
            "-Wsizeof-pointer-memaccess. The response is right only because strcat() needs no "
            "more than one zero.",
        ),
        Claim(
            "C118b",
            "加入成功返回",
            "With this response the server works with a browser.",
            "imprecise",
            "A short request is answered. Of a request above 2047 bytes the rest lies unread when "
            "the server closes, so a RST follows the page: curl ends with status 56, "
            "`Connection reset by peer`.",
        ),
    ),
)

FRAMING = Section(
    key="framing",
    title="Messages in a stream",
    text=(
        "What the tutorial calls sticky and split packets is what a stream is: send() does not "
        "make messages. Its remedy is right, a parser that keeps its state or a buffer until a "
        "frame is whole.\n\n"
        "Run `errnolab run coalesced` and `errnolab run split` for a path that is good, `errnolab "
        "run segments_joined` and `errnolab run segments_cut` for one that joins and cuts, and "
        "compare the calls with the segments. Run `errnolab run framed`, in which the path cuts "
        "the stream at chosen places: the naive server fails and the framed ones do not. "
        "`--framing` gives the lab's server and client each of the three unpackers. Run `errnolab "
        "run framing_limits` for what a framed server does with a stream that is meant to hurt it."
    ),
    claims=(
        Claim(
            "C119",
            "tcp是流式协议，创建tcp套接字的类型为SOCK_STREAM",
            "TCP is a stream: it keeps no boundaries of messages.",
            "true",
            "Three send() of 4 bytes were one recv() of 12; one send() of 300000 bytes took five "
            "recv() or more.",
        ),
        Claim(
            "C120",
            "使用缓存push接受到数据，判断接受到完整的一帧数据在pop取出进行处理",
            "The remedy is a streaming parser, or a buffer until a whole frame is there.",
            "true",
            "With either, any split of the stream gives the same frames. Both need a limit for "
            "frames that never end.",
        ),
        Claim(
            "C121",
            "支持固定包长，分隔符，头部长度字段三种常见的拆包方式",
            "libhv unpacks by fixed length, by delimiter and by length field.",
            "true",
            "hio_set_unpack() of libhv has these three modes, and the lab's framing module has "
            "them with the same settings.",
        ),
    ),
)

SECTIONS: Sequence[Section] = (
    PROCESSES,
    SOCKETS,
    MODEL,
    SERVER,
    ADDRESS,
    BYTES,
    CLIENT,
    SOCKET,
    BIND,
    LISTEN,
    ACCEPT,
    TEXT_ADDRESS,
    CONNECT,
    READ_WRITE,
    ACCEPT_AGAIN,
    RECV_SEND,
    CLOSE,
    HANDSHAKE,
    FOUR_WAY,
    HTTP,
    FRAMING,
)
# Every claim by its id, in the tutorial's order.
CLAIMS: Mapping[str, Claim] = {claim.id: claim for section in SECTIONS for claim in section.claims}
