/* errnolab-client.exe: send one request, print the reply, or say which call failed and why.

   The Windows twin of the hosts' errnolab-client (without --framing and --check): the same
   options, lines and exit statuses, with the codes of Winsock. Here are its arguments;
   dial.c has names and connections, talk.c request and reply, wsa.c the codes.

   connect blocks, so that Windows itself gives up in its own time and with its own code.
   With --timeout this program may give up first, and then there is no code. */
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "talk.h"
#include "wsa.h"

/* Nothing else ends the wait for a datagram that was lost. */
enum { PORT = 16555, UDP_TIMEOUT_MS = 5000, DAY_S = 86400, STDIN = 0, STDOUT = 1 };

static const char USAGE[] =
    "usage: errnolab-client [--udp] [--port PORT] [--timeout S] HOST [LINE]\n"
    "Send one request to an echo server and print the reply.\n"
    "  HOST         a name or an address\n"
    "  LINE         the request (default: stdin)\n"
    "  --udp        not over TCP\n"
    "  --port PORT  default 16555\n"
    "  --timeout S  give up after S seconds without an answer (default: Windows decides;\n"
    "               over UDP 5)\n"
    "Exit status: 0 a reply came, 1 a call failed, 2 bad argument, 3 the name was not\n"
    "resolved, 4 closed without a reply, 6 WSAStartup failed.\n";

struct options {
    struct peer peer;
    const char *line; /* NULL: the request is on standard input */
    int help;
};

static enum status invalid(const char *what, const char *value)
{
    complain("%s%s; see errnolab-client --help", what, value);
    return INVALID;
}

static int whole(const char *text, char **end, long *number)
{
    errno = 0;
    *number = strtol(text, end, 10);
    return errno == 0 && *end != text && **end == '\0';
}

static enum status take_port(struct options *options, const char *text)
{
    char *end;
    long number;

    if (!whole(text, &end, &number) || number < 0 || number > 65535) {
        return invalid("no port from 0 to 65535: ", text);
    }
    options->peer.port = (int)number;
    return REPLIED;
}

static enum status take_timeout(struct options *options, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !(seconds > 0 && seconds <= DAY_S)) {
        return invalid("no time in seconds, more than 0 and a day at most: ", text);
    }
    options->peer.timeout_ms = seconds < 0.001 ? 1 : (int)(seconds * 1000 + 0.5);
    return REPLIED;
}

/* Read "--name value" or "--name=value" at `*at`; return the value, NULL if it is another. */
static const char *value_of(const char *name, int count, char **arguments, int *at)
{
    size_t length = strlen(name);
    const char *argument = arguments[*at];

    if (strncmp(argument, name, length) != 0) {
        return NULL;
    }
    if (argument[length] == '=') {
        return argument + length + 1;
    }
    if (argument[length] != '\0' || *at + 1 == count) {
        return NULL;
    }
    return arguments[++*at];
}

static enum status take_word(struct options *options, const char *word)
{
    if (options->peer.host == NULL) {
        options->peer.host = word;
    } else if (options->line == NULL) {
        options->line = word;
    } else {
        return invalid("more than one LINE; put it in quotes: ", word);
    }
    return REPLIED;
}

/* Read the command line; a mistake is told on stderr, and its status returned. */
static enum status parse(int count, char **arguments, struct options *options)
{
    enum status status = REPLIED;
    int at, words_only = 0;

    for (at = 1; at < count && status == REPLIED; at++) {
        const char *argument = arguments[at], *value;
        if (words_only || argument[0] != '-' || argument[1] == '\0') {
            status = take_word(options, argument);
        } else if (strcmp(argument, "--") == 0) {
            words_only = 1;
        } else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            options->help = 1;
            return REPLIED;
        } else if (strcmp(argument, "--udp") == 0) {
            options->peer.type = SOCK_DGRAM;
        } else if ((value = value_of("--port", count, arguments, &at)) != NULL) {
            status = take_port(options, value);
        } else if ((value = value_of("--timeout", count, arguments, &at)) != NULL) {
            status = take_timeout(options, value);
        } else {
            status = invalid("unknown option, or one without its value: ", argument);
        }
    }
    if (status == REPLIED && options->peer.host == NULL) {
        status = invalid("no HOST", "");
    }
    if (options->peer.type == SOCK_DGRAM && options->peer.timeout_ms == 0) {
        options->peer.timeout_ms = UDP_TIMEOUT_MS;
    }
    return status;
}

/* Return an argument as UTF-8, which is never freed; NULL without memory. */
static char *utf8(const wchar_t *text)
{
    int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *octets = malloc((size_t)size + 1);

    if (octets != NULL) {
        WideCharToMultiByte(CP_UTF8, 0, text, -1, octets, size, NULL, NULL);
        octets[size] = '\0';
    }
    return octets;
}

/* Read one line, without its end, from a terminal, or all that another stdin holds. */
static enum status read_request(struct request *request, struct failure *why)
{
    size_t room = 0, size = 0;
    char *bytes = NULL;
    int next = 0, lines = _isatty(STDIN);

    while ((next = getchar()) != EOF && !(lines && next == '\n')) {
        if (size == room) {
            char *larger = realloc(bytes, room = room * 2 + 4096);
            if (larger == NULL) {
                break;
            }
            bytes = larger;
        }
        bytes[size++] = (char)next;
    }
    if (lines && size > 0 && bytes[size - 1] == '\r') {
        size--;
    }
    request->bytes = bytes;
    request->size = size;
    if (ferror(stdin) || (next != EOF && next != '\n')) {
        snprintf(why->text, sizeof why->text, "read from stdin: %s", strerror(errno));
        return why->status = FAILED;
    }
    return REPLIED;
}

static enum status run(const struct options *options, struct failure *why)
{
    struct request request = {"", 0};
    enum status status = REPLIED;

    if (options->line == NULL) {
        status = read_request(&request, why);
    } else {
        request.bytes = options->line;
        request.size = strlen(options->line);
    }
    return status == REPLIED ? talk(&options->peer, &request, why) : status;
}

/* Start Winsock 2.2. WSAStartup returns its error: before it, WSAGetLastError has none. */
static enum status start_winsock(struct failure *why)
{
    WSADATA data;
    int code = WSAStartup(MAKEWORD(2, 2), &data);

    if (code == 0 && data.wVersion != MAKEWORD(2, 2)) {
        WSACleanup();
        code = WSAVERNOTSUPPORTED;
    }
    return code ? failed(why, NO_WINSOCK, code, "WSAStartup(2.2)") : REPLIED;
}

int wmain(int count, wchar_t **wide)
{
    struct options options = {{NULL, PORT, SOCK_STREAM, 0}, NULL, 0};
    struct failure why = {REPLIED, ""};
    char **arguments = calloc((size_t)count + 1, sizeof *arguments);
    enum status status;
    int at;

    /* Bytes are bytes: without this each \n would be written as \r\n. */
    _setmode(STDIN, _O_BINARY);
    _setmode(STDOUT, _O_BINARY);
    for (at = 0; arguments != NULL && at < count; at++) {
        arguments[at] = utf8(wide[at]);
        if (arguments[at] == NULL) {
            arguments = NULL;
        }
    }
    if (arguments == NULL) {
        complain("no memory for the arguments");
        return FAILED;
    }
    status = parse(count, arguments, &options);
    if (status != REPLIED) {
        return status;
    }
    if (options.help) {
        fputs(USAGE, stdout);
        return REPLIED;
    }
    status = start_winsock(&why);
    if (status == REPLIED) {
        status = run(&options, &why);
        WSACleanup();
    }
    if (status != REPLIED) {
        complain("%s", why.text);
    }
    return status;
}
