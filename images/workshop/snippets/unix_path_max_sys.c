// C50: <sys/un.h>, which has sockaddr_un, has no UNIX_PATH_MAX.
#include <sys/un.h>
int length = UNIX_PATH_MAX;
