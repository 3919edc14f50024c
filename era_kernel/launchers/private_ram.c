/* Loaded into QEMU (LD_PRELOAD) when it takes up a template: the memory's file is opened for reading only.
 *
 * QEMU 7.2 opens the file of a memory backend for writing, also where it maps it privately (share=off); its `readonly=on`
 * maps it without the right to write, at which the guest's first store kills it. A private mapping needs no right to write
 * the file, and nobody but the template's maker should have one: a guest that broke out of its VMM would be in every VM
 * that is started from the template afterwards. So the jail shows the file read-only, and this opens it so.
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#define RAM "/era/ram"

static int flags_for(const char *path, int flags)
{
    return strcmp(path, RAM) == 0 ? (flags & ~O_ACCMODE) | O_RDONLY : flags;
}

/* open() and open64(): the mode is there only with O_CREAT, and reading one that is not there does no harm. */
#define INTERPOSE_OPEN(name)                                                  \
    int name(const char *path, int flags, ...)                                \
    {                                                                         \
        int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        va_list arguments;                                                    \
        va_start(arguments, flags);                                           \
        mode_t mode = va_arg(arguments, mode_t);                              \
        va_end(arguments);                                                    \
        return next(path, flags_for(path, flags), mode);                      \
    }

/* What the compiler makes of open() without a mode when QEMU is built with _FORTIFY_SOURCE (glibc's bits/fcntl2.h). */
#define INTERPOSE_FORTIFIED(name)                                             \
    int name(const char *path, int flags);                                    \
    int name(const char *path, int flags)                                     \
    {                                                                         \
        int (*next)(const char *, int) = (int (*)(const char *, int))dlsym(RTLD_NEXT, #name); \
        return next(path, flags_for(path, flags));                            \
    }

INTERPOSE_OPEN(open)
INTERPOSE_OPEN(open64)
INTERPOSE_FORTIFIED(__open_2)
INTERPOSE_FORTIFIED(__open64_2)
