// C86: no header has ECONNREST. It is ECONNRESET.
#include <errno.h>
int number = ECONNREST;
