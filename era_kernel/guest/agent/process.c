#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "system.h"

enum { NOT_STARTED = 127, ALL_FLAGS = SPAWN_PTY | SPAWN_DRIVER | SPAWN_WARM };

/* Room for two lists of pointers and their ends, then for the payload, to which they point. */
static bool copy_payload(struct spawn_request *request, size_t pointers, const uint8_t *payload, size_t size)
{
    request->argv = calloc(1, pointers * sizeof *request->argv + size);
    if (request->argv == NULL)
        return false;
    put_bytes((uint8_t *)(request->argv + pointers), payload, size);
    request->payload = (const uint8_t *)(request->argv + pointers);
    request->size = size;
    return true;
}

static struct cursor take_head(uint8_t *payload, size_t size, struct spawn_request *request, size_t *argc, size_t *envc)
{
    struct cursor cursor = {payload, size, false};
    request->flags = take_u16(&cursor);
    request->rows = take_u16(&cursor);
    request->cols = take_u16(&cursor);
    *argc = take_u16(&cursor);
    *envc = take_u16(&cursor);
    return cursor;
}

static bool take_strings(struct cursor *cursor, struct spawn_request *request, size_t argc, size_t envc)
{
    request->envp = request->argv + argc + 1;
    request->cwd = take_string(cursor);
    for (size_t i = 0; i < argc; i++)
        request->argv[i] = take_string(cursor);
    for (size_t i = 0; i < envc; i++)
        request->envp[i] = take_string(cursor);
    return is_complete(cursor);
}

bool parse_spawn(const uint8_t *payload, size_t size, struct spawn_request *request)
{
    size_t argc, envc;
    struct cursor cursor = take_head((uint8_t *)payload, size, request, &argc, &envc);
    /* Every string takes a byte at least: so many cannot be there. */
    if (cursor.bad || request->flags > ALL_FLAGS || argc == 0 || argc + envc >= cursor.left)
        return false;
    if (!copy_payload(request, argc + envc + 2, payload, size))
        return false;
    cursor = take_head((uint8_t *)request->payload, size, request, &argc, &envc);
    if (take_strings(&cursor, request, argc, envc))
        return true;
    free(request->argv);
    return false;
}

static void reset_signals(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &standard, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

bool enter_cgroup(int cgroup, pid_t pid)
{
    return cgroup < 0 || dprintf(cgroup, "%d", (int)pid) > 0;
}

static bool connect_fds(const struct plumbing *plumbing, bool is_terminal)
{
    if (is_terminal && ioctl(plumbing->child[0], TIOCSCTTY, 0) < 0)
        return false;
    for (int fd = 0; fd < CHILD_FDS; fd++) {
        int source = is_terminal && fd < 3 ? plumbing->child[0] : plumbing->child[fd];
        if (source >= 0 && dup2(source, fd) < 0)
            return false;
    }
    return true;
}

static void become(const struct spawn_request *request, int cgroup, const struct plumbing *plumbing)
{
    reset_signals();
    umask(022);
    if (setsid() < 0 || !enter_cgroup(cgroup, getpid()) || !system_release() ||
        !connect_fds(plumbing, request->flags & SPAWN_PTY) || chdir(request->cwd) < 0)
        return;
    environ = request->envp;
    execvp(request->argv[0], request->argv);
}

static void run_child(const struct spawn_request *request, int cgroup, const struct plumbing *plumbing)
{
    become(request, cgroup, plumbing);
    int error = errno;
    ssize_t written = write(plumbing->error[1], &error, sizeof error);
    _exit(written == sizeof error ? NOT_STARTED : EXIT_FAILURE);
}

pid_t start_process(const struct spawn_request *request, int cgroup, const struct plumbing *plumbing)
{
    pid_t pid = fork();
    if (pid == 0)
        run_child(request, cgroup, plumbing);
    if (pid > 0)
        enter_cgroup(cgroup, pid);
    return pid;
}
