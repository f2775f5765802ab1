// C50: <linux/un.h> has it, and it is 108.
#include <linux/un.h>
_Static_assert(UNIX_PATH_MAX == 108, "UNIX_PATH_MAX");
