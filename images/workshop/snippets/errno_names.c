// C68, C86: the names as they are, and their numbers on Linux.
#include <errno.h>
_Static_assert(ETIMEDOUT == 110, "ETIMEDOUT");
_Static_assert(ECONNRESET == 104, "ECONNRESET");
