// C3: there is no <xti.h> (nor <tiuser.h>) for TLI.
#include <xti.h>
int transport = t_open("/dev/tcp", 0, 0);
