/* C14: memset() is in plain C (-std=c90 -pedantic-errors). */
#include <string.h>
void clear(char *buff) { memset(buff, 0, 8); }
