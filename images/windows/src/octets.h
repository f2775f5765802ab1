/* Bytes as text, for a line: hexadecimal, "78*5000000" for 5,000,000 times the byte 0x78.
   The other end is lab/inside/octets.py. */
#ifndef OCTETS_H
#define OCTETS_H

#include <stddef.h>

struct octets {
    char *bytes; /* from malloc */
    size_t size;
};

/* Return the bytes that a text stands for; `bytes` is NULL if it stands for none. */
struct octets octets_of(const char *text);

/* Print bytes on standard output. */
void print_octets(const char *bytes, size_t size);

#endif
