/* The words of the kernel's command line. */
#ifndef ERA_CMDLINE_H
#define ERA_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

enum { CMDLINE_SIZE = 8192 };

/* Read /proc/cmdline, once. */
void cmdline_read(void);
/* The value of the first word `key=value`; false when there is none. */
bool cmdline_value(const char *key, char *value, size_t size);
/* All words that begin with `module.`, without that, with a blank between: parameters as a module takes them. */
void cmdline_parameters(const char *module, char *parameters, size_t size);

#endif
