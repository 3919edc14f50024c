#include "modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmdline.h"
#include "files.h"
#include "log.h"

enum { LIST_SIZE = 8192, PATH_SIZE = 256 };

static void load(const char *path, const char *parameters)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    /* EEXIST: it is in the kernel already. */
    if (fd < 0 || (syscall(SYS_finit_module, fd, parameters, 0) < 0 && errno != EEXIST))
        log_errno("cannot load %s", path);
    if (fd >= 0)
        close(fd);
    unlink(path);
}

/* The kernel gives a module its words of the command line (as QEMU's virtio_mmio.device=...) only when it is built in. */
static void load_line(const char *folder, char *line)
{
    char path[PATH_SIZE], name[PATH_SIZE], parameters[CMDLINE_SIZE];
    char *file = strsep(&line, " ");
    snprintf(path, sizeof path, "%s/%s", folder, file);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(file, "."), file);
    cmdline_parameters(name, parameters, sizeof parameters);
    if (line != NULL)
        strncat(parameters, line, sizeof parameters - strlen(parameters) - 1);
    load(path, parameters);
}

void load_modules(const char *list, const char *folder)
{
    char text[LIST_SIZE], *rest = text;
    if (!read_file(list, text, sizeof text))
        die_errno("cannot read %s", list);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (line[0] != '\0')
            load_line(folder, line);
}
