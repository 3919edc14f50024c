/* Small files, as those of /proc and /sys: read and written at once. */
#ifndef ERA_FILES_H
#define ERA_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Read at most size - 1 bytes and end them with a NUL. False, and errno, when it cannot be read. */
bool read_file(const char *path, char *text, size_t size);
/* Write into a file that is there. False, and errno, when it does not take it. */
bool write_file(const char *path, const char *text);
/* Make or replace a file. */
bool replace_file(const char *path, const char *text, mode_t mode);

#endif
