#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "power.h"

/* One write a line, so that lines of the kernel do not fall into ours. */
static void write_line(const char *format, va_list arguments, int error)
{
    char line[512] = "era-agent: ";
    size_t used = strlen(line);
    vsnprintf(line + used, sizeof line - used, format, arguments);
    used = strlen(line);
    if (error != 0)
        snprintf(line + used, sizeof line - used, ": %s", strerror(error));
    used = strnlen(line, sizeof line - 2);
    line[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written; /* there is nowhere to say that it failed */
}

void log_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments, 0);
    va_end(arguments);
}

void log_errno(const char *format, ...)
{
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments, error);
    va_end(arguments);
}

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments, 0);
    va_end(arguments);
    give_up();
}

void die_errno(const char *format, ...)
{
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments, error);
    va_end(arguments);
    give_up();
}
