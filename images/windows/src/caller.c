/* caller.exe: make the Winsock calls that come in lines, one by one, and answer each.

   A line has words: the call's name, the socket (a number; what Winsock takes it for is part
   of what is shown), and the call's arguments; bytes as octets.h has them. The answer is a
   line of key=value: value, error (WSAGetLastError, taken at once; 0 if the call did not
   fail), elapsed_ns (of the call alone), at_ns (when it began, nanoseconds since 1970), and,
   if there is such, data and detail. The first answer, to no line, is WSAStartup's.
   The calls are those in the table at the end. The other end is lab/inside/winsock.py. */
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "octets.h"

enum { WORDS = 8, STDIN = 0, STDOUT = 1, PIECE = 64 * 1024, TEXT = 128 };

/* From 1601, where FILETIME begins, to 1970, in its units of 100 ns. */
#define UNIX_EPOCH 116444736000000000ULL

/* What a call gave. A function begins it with `now` and ends it with `done`. */
struct answer {
    long long value;
    int error;
    long long begun, ended; /* of the performance counter */
    unsigned long long at_ns;
    struct octets data;
    char detail[TEXT];
};

/* The line that is answered: its socket, and the words behind. */
struct step {
    SOCKET sock;
    char *words[WORDS];
    struct octets data; /* of the last word, for the calls that take bytes */
};

static void now(struct answer *answer)
{
    FILETIME time;
    LARGE_INTEGER counter;

    GetSystemTimePreciseAsFileTime(&time);
    answer->at_ns =
        ((((unsigned long long)time.dwHighDateTime << 32) | time.dwLowDateTime) - UNIX_EPOCH) * 100;
    QueryPerformanceCounter(&counter);
    answer->begun = counter.QuadPart;
}

static void done(struct answer *answer, long long value)
{
    LARGE_INTEGER counter;

    /* First of all: each later call may set it anew. */
    answer->error = value == SOCKET_ERROR ? WSAGetLastError() : 0;
    QueryPerformanceCounter(&counter);
    answer->ended = counter.QuadPart;
    answer->value = value;
}

static int number(const char *word)
{
    return word ? (int)strtol(word, NULL, 10) : 0;
}

/* Read an address and a port, both numeric; return the length, 0 if they are none. */
static int address_of(const char *text, const char *port, struct sockaddr_storage *address)
{
    struct addrinfo hints = {0}, *found;
    int length = 0;

    hints.ai_flags = AI_NUMERICHOST;
    memset(address, 0, sizeof *address);
    if (text != NULL && getaddrinfo(text, NULL, &hints, &found) == 0) {
        length = (int)found->ai_addrlen;
        memcpy(address, found->ai_addr, (size_t)length);
        /* The port is at the same place in both families. */
        ((struct sockaddr_in *)address)->sin_port = htons((u_short)number(port));
        freeaddrinfo(found);
    }
    return length;
}

/* Write an address as "198.18.2.10:16555", "[2001:db8::1]:16555"; "" if there is none. */
static void tell_address(const struct sockaddr_storage *address, char detail[TEXT])
{
    char text[64] = "";
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;

    if (address->ss_family == AF_INET &&
        inet_ntop(AF_INET, (void *)&four->sin_addr, text, sizeof text)) {
        snprintf(detail, TEXT, "%s:%u", text, (unsigned)ntohs(four->sin_port));
    } else if (address->ss_family == AF_INET6 &&
               inet_ntop(AF_INET6, (void *)&six->sin6_addr, text, sizeof text)) {
        snprintf(detail, TEXT, "[%s]:%u", text, (unsigned)ntohs(six->sin6_port));
    }
}

/* --- The calls: NAME SOCKET, and the words of the comment -------------------------------- */

/* family type protocol */
static void make_socket(const struct step *step, struct answer *answer)
{
    SOCKET sock;

    now(answer);
    sock = socket(number(step->words[0]), number(step->words[1]), number(step->words[2]));
    done(answer, sock == INVALID_SOCKET ? SOCKET_ERROR : (long long)sock);
}

/* address port */
static void make_connect(const struct step *step, struct answer *answer)
{
    struct sockaddr_storage to;
    int length = address_of(step->words[0], step->words[1], &to);

    now(answer);
    done(answer, connect(step->sock, (struct sockaddr *)&to, length));
}

/* address port */
static void make_bind(const struct step *step, struct answer *answer)
{
    struct sockaddr_storage to;
    int length = address_of(step->words[0], step->words[1], &to);

    now(answer);
    done(answer, bind(step->sock, (struct sockaddr *)&to, length));
}

/* backlog */
static void make_listen(const struct step *step, struct answer *answer)
{
    now(answer);
    done(answer, listen(step->sock, number(step->words[0])));
}

static void make_accept(const struct step *step, struct answer *answer)
{
    struct sockaddr_storage from = {0};
    int length = sizeof from;
    SOCKET sock;

    now(answer);
    sock = accept(step->sock, (struct sockaddr *)&from, &length);
    done(answer, sock == INVALID_SOCKET ? SOCKET_ERROR : (long long)sock);
    tell_address(&from, answer->detail);
}

/* flags data */
static void make_send(const struct step *step, struct answer *answer)
{
    now(answer);
    done(answer, send(step->sock, step->data.bytes, (int)step->data.size, number(step->words[0])));
}

/* flags address port data */
static void make_sendto(const struct step *step, struct answer *answer)
{
    struct sockaddr_storage to;
    int length = address_of(step->words[1], step->words[2], &to);

    now(answer);
    done(answer, sendto(step->sock, step->data.bytes, (int)step->data.size,
                        number(step->words[0]), (struct sockaddr *)&to, length));
}

/* Receive, and keep what came: on Windows a datagram that is too large for the buffer is an
   error, and its beginning is in the buffer all the same. */
static void receive(const struct step *step, struct answer *answer, struct sockaddr_storage *from)
{
    int size = number(step->words[1]), flags = number(step->words[0]);
    int length = sizeof *from, value;

    answer->data.bytes = malloc((size_t)size + 1);
    now(answer);
    value = from ? recvfrom(step->sock, answer->data.bytes, size, flags, (struct sockaddr *)from,
                            &length)
                 : recv(step->sock, answer->data.bytes, size, flags);
    done(answer, value);
    if (value != SOCKET_ERROR) {
        answer->data.size = (size_t)value;
    } else if (answer->error == WSAEMSGSIZE) {
        answer->data.size = (size_t)size;
    } else {
        free(answer->data.bytes);
        answer->data.bytes = NULL;
    }
}

/* flags size */
static void make_recv(const struct step *step, struct answer *answer)
{
    receive(step, answer, NULL);
}

/* flags size */
static void make_recvfrom(const struct step *step, struct answer *answer)
{
    struct sockaddr_storage from = {0};

    receive(step, answer, &from);
    tell_address(&from, answer->detail);
}

/* how */
static void make_shutdown(const struct step *step, struct answer *answer)
{
    now(answer);
    done(answer, shutdown(step->sock, number(step->words[0])));
}

static void make_closesocket(const struct step *step, struct answer *answer)
{
    now(answer);
    done(answer, closesocket(step->sock));
}

/* nonblocking (FIONBIO) */
static void make_ioctlsocket(const struct step *step, struct answer *answer)
{
    u_long nonblocking = (u_long)number(step->words[0]);

    now(answer);
    done(answer, ioctlsocket(step->sock, (long)FIONBIO, &nonblocking));
}

/* level name data */
static void make_setsockopt(const struct step *step, struct answer *answer)
{
    now(answer);
    done(answer, setsockopt(step->sock, number(step->words[0]), number(step->words[1]),
                            step->data.bytes, (int)step->data.size));
}

/* level name: the option's bytes are the answer's data */
static void make_getsockopt(const struct step *step, struct answer *answer)
{
    int size = sizeof(int);

    answer->data.bytes = calloc(1, sizeof(int));
    now(answer);
    done(answer, getsockopt(step->sock, number(step->words[0]), number(step->words[1]),
                            answer->data.bytes, &size));
    answer->data.size = (size_t)size;
}

static void make_getsockname(const struct step *step, struct answer *answer)
{
    struct sockaddr_storage address = {0};
    int length = sizeof address;

    now(answer);
    done(answer, getsockname(step->sock, (struct sockaddr *)&address, &length));
    tell_address(&address, answer->detail);
}

static void make_getpeername(const struct step *step, struct answer *answer)
{
    struct sockaddr_storage address = {0};
    int length = sizeof address;

    now(answer);
    done(answer, getpeername(step->sock, (struct sockaddr *)&address, &length));
    tell_address(&address, answer->detail);
}

/* events timeout_ms: the events that came are the detail, as a number */
static void make_wsapoll(const struct step *step, struct answer *answer)
{
    WSAPOLLFD poll = {0};

    poll.fd = step->sock;
    poll.events = (SHORT)number(step->words[0]);
    now(answer);
    done(answer, WSAPoll(&poll, 1, number(step->words[1])));
    snprintf(answer->detail, TEXT, "%d", (int)poll.revents);
}

/* timeout_ms (-1: without end): the sets that it is in are the detail */
static void make_select(const struct step *step, struct answer *answer)
{
    int limit_ms = number(step->words[0]);
    struct timeval limit;
    fd_set sets[3];
    int at;

    limit.tv_sec = limit_ms / 1000;
    limit.tv_usec = limit_ms % 1000 * 1000;
    for (at = 0; at < 3; at++) {
        FD_ZERO(&sets[at]);
        FD_SET(step->sock, &sets[at]);
    }
    now(answer);
    done(answer, select(0, &sets[0], &sets[1], &sets[2], limit_ms < 0 ? NULL : &limit));
    if (answer->value > 0) {
        snprintf(answer->detail, TEXT, "%s%s%s", FD_ISSET(step->sock, &sets[0]) ? "|readable" : "",
                 FD_ISSET(step->sock, &sets[1]) ? "|writable" : "",
                 FD_ISSET(step->sock, &sets[2]) ? "|exceptional" : "");
        memmove(answer->detail, answer->detail + 1, strlen(answer->detail));
    }
}

/* Send until the socket takes no more, without blocking; the word says whether it blocks
   otherwise. The value is how many bytes it took. */
static void make_fill(const struct step *step, struct answer *answer)
{
    static char piece[PIECE];
    u_long nonblocking = 1, before = (u_long)number(step->words[0]);
    long long taken = 0;
    int value, code;

    memset(piece, 'x', sizeof piece);
    now(answer);
    value = ioctlsocket(step->sock, (long)FIONBIO, &nonblocking);
    while (value != SOCKET_ERROR) {
        value = send(step->sock, piece, sizeof piece, 0);
        taken += value > 0 ? value : 0;
    }
    code = WSAGetLastError();
    ioctlsocket(step->sock, (long)FIONBIO, &before);
    done(answer, taken);
    if (code != WSAEWOULDBLOCK) {
        answer->value = SOCKET_ERROR;
        answer->error = code;
    }
}

/* Add what came to the answer; return what recv gave. */
static int take_more(SOCKET sock, struct octets *data)
{
    static char piece[PIECE];
    int size = recv(sock, piece, sizeof piece, 0);
    char *larger;

    if (size > 0) {
        larger = realloc(data->bytes, data->size + (size_t)size);
        if (larger == NULL) {
            WSASetLastError(WSA_NOT_ENOUGH_MEMORY);
            return SOCKET_ERROR;
        }
        memcpy(larger + data->size, piece, (size_t)size);
        data->bytes = larger;
        data->size += (size_t)size;
    }
    return size;
}

/* Send all, end the sending, and receive until the end, both at once; as Linux's does. */
static int exchange(const struct step *step, struct octets *data)
{
    const char *left = step->data.bytes;
    size_t size = step->data.size;
    u_long nonblocking = 1;
    int value = ioctlsocket(step->sock, (long)FIONBIO, &nonblocking);

    if (value == 0 && size == 0) {
        value = shutdown(step->sock, SD_SEND);
    }
    while (value != SOCKET_ERROR) {
        fd_set to_read, to_write;
        FD_ZERO(&to_read);
        FD_ZERO(&to_write);
        FD_SET(step->sock, &to_read);
        if (size > 0) {
            FD_SET(step->sock, &to_write);
        }
        value = select(0, &to_read, &to_write, NULL, NULL);
        if (value > 0 && FD_ISSET(step->sock, &to_write)) {
            value = send(step->sock, left, (int)size, 0);
            if (value > 0) {
                left += value;
                size -= (size_t)value;
                value = size > 0 ? value : shutdown(step->sock, SD_SEND);
            }
        }
        if (value != SOCKET_ERROR && FD_ISSET(step->sock, &to_read)) {
            value = take_more(step->sock, data);
            if (value == 0) {
                return (int)data->size;
            }
        }
    }
    return SOCKET_ERROR;
}

/* data */
static void make_exchange(const struct step *step, struct answer *answer)
{
    now(answer);
    done(answer, exchange(step, &answer->data));
    if (answer->value == SOCKET_ERROR) {
        free(answer->data.bytes);
        answer->data.bytes = NULL;
    }
}

static const struct {
    const char *name;
    void (*make)(const struct step *step, struct answer *answer);
    int takes_data; /* the last word is bytes */
} CALLS[] = {
    {"socket", make_socket, 0},
    {"connect", make_connect, 0},
    {"bind", make_bind, 0},
    {"listen", make_listen, 0},
    {"accept", make_accept, 0},
    {"send", make_send, 1},
    {"sendto", make_sendto, 1},
    {"recv", make_recv, 0},
    {"recvfrom", make_recvfrom, 0},
    {"shutdown", make_shutdown, 0},
    {"closesocket", make_closesocket, 0},
    {"ioctlsocket", make_ioctlsocket, 0},
    {"setsockopt", make_setsockopt, 1},
    {"getsockopt", make_getsockopt, 0},
    {"getsockname", make_getsockname, 0},
    {"getpeername", make_getpeername, 0},
    {"WSAPoll", make_wsapoll, 0},
    {"select", make_select, 0},
    {"fill", make_fill, 0},
    {"exchange", make_exchange, 1},
};

/* --- Lines ------------------------------------------------------------------------------- */

static void print_answer(const struct answer *answer)
{
    LARGE_INTEGER frequency;

    QueryPerformanceFrequency(&frequency);
    printf("value=%lld error=%d elapsed_ns=%lld at_ns=%llu", answer->value, answer->error,
           (answer->ended - answer->begun) * (1000000000LL / frequency.QuadPart), answer->at_ns);
    if (answer->data.bytes != NULL) {
        printf(" data=");
        print_octets(answer->data.bytes, answer->data.size);
    }
    printf(" detail=%s\n", answer->detail);
    fflush(stdout);
}

/* Read a line, without its end, into memory that grows; NULL at the end of the input. */
static char *read_line(void)
{
    static char *line;
    static size_t room;
    size_t size = 0;

    do {
        if (room - size < PIECE) {
            char *larger = realloc(line, room = room * 2 + PIECE);
            if (larger == NULL) {
                return NULL;
            }
            line = larger;
        }
        if (fgets(line + size, PIECE, stdin) == NULL) {
            return NULL;
        }
        size += strlen(line + size);
    } while (line[size - 1] != '\n');
    line[size - 1] = '\0';
    return line;
}

/* Cut a line into words; return how many there are. */
static int cut(char *line, char *words[WORDS])
{
    int count = 0;
    char *word = strtok(line, " ");

    for (; word != NULL && count < WORDS; word = strtok(NULL, " ")) {
        words[count++] = word;
    }
    return count;
}

/* Make the call of a line and answer it; return 0 if the line is none. */
static int answer_line(char *line)
{
    struct answer answer = {0};
    struct step step = {0};
    char *words[WORDS] = {0};
    int count = cut(line, words);
    size_t at;

    if (count < 2) {
        return 0;
    }
    step.sock = (SOCKET)strtoull(words[1], NULL, 10);
    memcpy(step.words, words + 2, (WORDS - 2) * sizeof words[0]);
    for (at = 0; at < sizeof CALLS / sizeof CALLS[0]; at++) {
        if (strcmp(CALLS[at].name, words[0]) == 0) {
            if (CALLS[at].takes_data) {
                /* Behind a ":", so that no bytes are a word too. */
                step.data = octets_of(words[count - 1] + 1);
            }
            CALLS[at].make(&step, &answer);
            print_answer(&answer);
            free(step.data.bytes);
            free(answer.data.bytes);
            return 1;
        }
    }
    return 0;
}

int main(void)
{
    struct answer answer = {0};
    WSADATA data;
    char *line;

    _setmode(STDIN, _O_BINARY);
    _setmode(STDOUT, _O_BINARY);
    now(&answer);
    answer.error = WSAStartup(MAKEWORD(2, 2), &data);
    answer.ended = answer.begun;
    print_answer(&answer);
    while (answer.error == 0 && (line = read_line()) != NULL) {
        if (!answer_line(line)) {
            return 2;
        }
    }
    WSACleanup();
    return answer.error ? 1 : 0;
}
