#include "cmdline.h"

#include <stdio.h>
#include <string.h>

#include "files.h"
#include "log.h"

static char line[CMDLINE_SIZE];

void cmdline_read(void)
{
    if (!read_file("/proc/cmdline", line, sizeof line))
        die_errno("cannot read the kernel's command line");
}

/* Step from word to word; `*at` moves behind it. Its length, 0 at the end. */
static size_t next_word(const char **at)
{
    *at += strspn(*at, " \n");
    return strcspn(*at, " \n");
}

bool cmdline_value(const char *key, char *value, size_t size)
{
    size_t key_size = strlen(key);
    const char *at = line;
    for (size_t length; (length = next_word(&at)) > 0; at += length)
        if (length > key_size && strncmp(at, key, key_size) == 0 && at[key_size] == '=') {
            snprintf(value, size, "%.*s", (int)(length - key_size - 1), at + key_size + 1);
            return true;
        }
    return false;
}

void cmdline_parameters(const char *module, char *parameters, size_t size)
{
    size_t module_size = strlen(module), used = 0;
    const char *at = line;
    parameters[0] = '\0';
    for (size_t length; (length = next_word(&at)) > 0; at += length)
        if (length > module_size && strncmp(at, module, module_size) == 0 && at[module_size] == '.' && used < size)
            used += (size_t)snprintf(parameters + used, size - used, "%.*s ", (int)(length - module_size - 1),
                                     at + module_size + 1);
}
