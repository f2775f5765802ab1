// C14: bzero() is in POSIX of 2001 (-D_POSIX_C_SOURCE=200112L) and not of 2008 (200809L).
#include <strings.h>
void clear(char *buff) { bzero(buff, 8); }
