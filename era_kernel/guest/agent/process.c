#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "system.h"

enum { OUTPUT_PIPE_SIZE = 1 << 20, NOT_STARTED = 127 };

/* What the child gets, and what stays ours; index: the fd in the child. */
enum { CHILD_FDS = 5 };

struct plumbing {
    int child[CHILD_FDS];
    int ours[CHILD_FDS];
    int error[2];
};

bool parse_spawn(uint8_t *payload, size_t size, struct spawn_request *request)
{
    struct cursor cursor = {payload, size, false};
    request->flags = take_u16(&cursor);
    request->rows = take_u16(&cursor);
    request->cols = take_u16(&cursor);
    size_t argc = take_u16(&cursor), envc = take_u16(&cursor);
    request->cwd = take_string(&cursor);
    /* Every string takes a byte at least: so many cannot be there. */
    if (cursor.bad || argc == 0 || argc + envc > cursor.left)
        return false;
    request->argv = calloc(argc + envc + 2, sizeof *request->argv);
    if (request->argv == NULL)
        return false;
    request->envp = request->argv + argc + 1;
    for (size_t i = 0; i < argc; i++)
        request->argv[i] = take_string(&cursor);
    for (size_t i = 0; i < envc; i++)
        request->envp[i] = take_string(&cursor);
    if (is_complete(&cursor) && request->flags <= (SPAWN_PTY | SPAWN_DRIVER))
        return true;
    free(request->argv);
    return false;
}

bool resize_terminal(int fd, uint16_t rows, uint16_t cols)
{
    struct winsize size = {.ws_row = rows, .ws_col = cols};
    return ioctl(fd, TIOCSWINSZ, &size) == 0;
}

static bool make_pipe(struct plumbing *plumbing, int fd, bool to_child)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    plumbing->child[fd] = to_child ? ends[0] : ends[1];
    plumbing->ours[fd] = to_child ? ends[1] : ends[0];
    /* For speed only, so it may fail: what gathers in a big pipe goes to the host in big frames. */
    if (!to_child)
        fcntl(plumbing->ours[fd], F_SETPIPE_SZ, OUTPUT_PIPE_SIZE);
    /* The two ends of a pipe have flags of their own: the child's stays blocking. */
    return fcntl(plumbing->ours[fd], F_SETFL, O_NONBLOCK) == 0;
}

static bool make_terminal(struct plumbing *plumbing, const struct spawn_request *request)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0)
        return false;
    plumbing->ours[1] = master;
    if (unlockpt(master) < 0 || !resize_terminal(master, request->rows, request->cols))
        return false;
    plumbing->child[0] = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    plumbing->ours[0] = fcntl(master, F_DUPFD_CLOEXEC, CHILD_FDS);
    return plumbing->child[0] >= 0 && plumbing->ours[0] >= 0;
}

static bool make_plumbing(struct plumbing *plumbing, const struct spawn_request *request)
{
    memset(plumbing, -1, sizeof *plumbing);
    if (pipe2(plumbing->error, O_CLOEXEC | O_NONBLOCK) < 0)
        return false;
    if (request->flags & SPAWN_DRIVER && !(make_pipe(plumbing, 3, true) && make_pipe(plumbing, 4, false)))
        return false;
    if (request->flags & SPAWN_PTY)
        return make_terminal(plumbing, request);
    return make_pipe(plumbing, 0, true) && make_pipe(plumbing, 1, false) && make_pipe(plumbing, 2, false);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void close_all(const int *fds, size_t count)
{
    int error = errno;
    for (size_t i = 0; i < count; i++)
        close_fd(fds[i]);
    errno = error;
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

/* Done by the child, so that it is in before it can start others, and by us, so that it is in before it can be signalled. */
static bool enter_cgroup(int cgroup, pid_t pid)
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

bool start_process(const struct spawn_request *request, int cgroup, struct process_ends *ends)
{
    struct plumbing plumbing;
    pid_t pid = make_plumbing(&plumbing, request) ? fork() : -1;
    if (pid == 0)
        run_child(request, cgroup, &plumbing);
    if (pid > 0)
        enter_cgroup(cgroup, pid);
    close_all(plumbing.child, CHILD_FDS);
    close_all(&plumbing.error[1], 1);
    if (pid < 0) {
        close_all(plumbing.ours, CHILD_FDS);
        close_all(&plumbing.error[0], 1);
        return false;
    }
    *ends = (struct process_ends){
        .in = plumbing.ours[0],
        .out = plumbing.ours[1],
        .err = plumbing.ours[2],
        .driver_in = plumbing.ours[3],
        .driver_out = plumbing.ours[4],
        .error = plumbing.error[0],
        .pid = pid,
    };
    return true;
}

int start_error(int error_fd)
{
    int error = 0;
    return read(error_fd, &error, sizeof error) == sizeof error ? error : 0;
}
