// C118: the size of a pointer is cleared, 8 bytes, and the ninth stays.
#include <cstdio>
#include <cstring>
#include <strings.h>
void setResponse(char *buff) { bzero(buff, sizeof(buff)); }
int main()
{
    char buff[16];
    memset(buff, 'x', sizeof(buff));
    setResponse(buff);
    printf("%d %d\n", buff[7], buff[8]);
}
