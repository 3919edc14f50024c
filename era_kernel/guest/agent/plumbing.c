#include "plumbing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process.h"

enum { OUTPUT_PIPE_SIZE = 1 << 20 };

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

static bool make_error(struct plumbing *plumbing)
{
    memset(plumbing, -1, sizeof *plumbing);
    return pipe2(plumbing->error, O_CLOEXEC | O_NONBLOCK) == 0;
}

static bool make_all(struct plumbing *plumbing, const struct spawn_request *request)
{
    if (!make_error(plumbing))
        return false;
    if (request->flags & SPAWN_DRIVER && !(make_pipe(plumbing, 3, true) && make_pipe(plumbing, 4, false)))
        return false;
    if (request->flags & SPAWN_PTY)
        return make_terminal(plumbing, request);
    return make_pipe(plumbing, 0, true) && make_pipe(plumbing, 1, false) && make_pipe(plumbing, 2, false);
}

bool plumbing_make(struct plumbing *plumbing, const struct spawn_request *request)
{
    if (make_all(plumbing, request))
        return true;
    plumbing_close(plumbing);
    return false;
}

bool plumbing_make_socket(struct plumbing *plumbing, int fd)
{
    int ends[2];
    if (!make_error(plumbing))
        return false;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        plumbing_close(plumbing);
        return false;
    }
    plumbing->ours[fd] = ends[0];
    plumbing->child[fd] = ends[1];
    return true;
}

static void close_all(int *fds, size_t count)
{
    int error = errno;
    for (size_t i = 0; i < count; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
    errno = error;
}

void plumbing_close_child(struct plumbing *plumbing)
{
    close_all(plumbing->child, CHILD_FDS);
    close_all(&plumbing->error[1], 1);
}

void plumbing_close(struct plumbing *plumbing)
{
    plumbing_close_child(plumbing);
    close_all(plumbing->ours, CHILD_FDS);
    close_all(&plumbing->error[0], 1);
}

int start_error(int error_fd)
{
    int error = 0;
    /* A spare's 0 comes first. */
    while (error == 0 && read(error_fd, &error, sizeof error) == sizeof error)
        continue;
    return error;
}
