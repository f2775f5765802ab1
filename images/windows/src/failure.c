#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wsa.h"

enum status failed(struct failure *why, enum status status, int code, const char *call, ...)
{
    struct wsa_error error = wsa_error_of(code);
    va_list arguments;
    size_t used;

    va_start(arguments, call);
    vsnprintf(why->text, sizeof why->text, call, arguments);
    va_end(arguments);
    used = strlen(why->text);
    if (code == GAVE_UP) {
        snprintf(why->text + used, sizeof why->text - used,
                 ": nothing came in the time allowed (--timeout); Winsock reported no error");
    } else {
        snprintf(why->text + used, sizeof why->text - used, ": %s (%d)%s%s", error.name, code,
                 *error.meaning ? ": " : "", error.meaning);
    }
    why->status = status;
    return status;
}

void complain(const char *format, ...)
{
    va_list arguments;

    fputs("errnolab-client: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("\n", stderr);
}
