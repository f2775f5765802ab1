// C68: no header has ETIMEOUT. It is ETIMEDOUT.
#include <errno.h>
int number = ETIMEOUT;
