#include "octets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From how many bytes on it is worth looking for a pattern, and the longest looked for. */
enum { LONG_FROM = 1024, PIECE = 16 };

static int digit(char text)
{
    static const char DIGITS[] = "0123456789abcdef";
    const char *found = text ? strchr(DIGITS, text) : NULL;

    return found ? (int)(found - DIGITS) : -1;
}

struct octets octets_of(const char *text)
{
    struct octets octets = {NULL, 0};
    const char *star = strchr(text, '*');
    size_t piece = (star ? (size_t)(star - text) : strlen(text)) / 2;
    size_t times = star ? (size_t)strtoull(star + 1, NULL, 10) : 1, at;

    octets.bytes = malloc(piece * times + 1);
    if (octets.bytes == NULL) {
        return octets;
    }
    octets.size = piece * times;
    for (at = 0; at < octets.size; at++) {
        if (at < piece) {
            octets.bytes[at] = (char)(digit(text[2 * at]) * 16 + digit(text[2 * at + 1]));
        } else {
            octets.bytes[at] = octets.bytes[at - piece];
        }
    }
    return octets;
}

/* Return the size of the piece that these bytes repeat, or the whole size. */
static size_t piece_of(const char *bytes, size_t size)
{
    size_t piece;

    for (piece = 1; size > LONG_FROM && piece <= PIECE; piece++) {
        if (size % piece == 0 && memcmp(bytes, bytes + piece, size - piece) == 0) {
            return piece;
        }
    }
    return size;
}

void print_octets(const char *bytes, size_t size)
{
    size_t piece = piece_of(bytes, size), at;

    for (at = 0; at < piece; at++) {
        printf("%02x", (unsigned)(unsigned char)bytes[at]);
    }
    if (piece < size) {
        printf("*%lu", (unsigned long)(size / piece));
    }
}
