// C13: signal() once, two SIGINT: the handler runs twice. -DSYSV: once, and then it kills.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static void handler(int number) { (void)number; (void)!write(1, "caught\n", 7); }
int main(void)
{
#ifdef SYSV
    sysv_signal(SIGINT, handler);
#else
    signal(SIGINT, handler);
#endif
    raise(SIGINT);
    raise(SIGINT);
    return 0;
}
