#include "launch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cgroup.h"
#include "clock.h"
#include "warm.h"

static struct launch *fail(struct launch *launch, struct spawn_request *request)
{
    int error = errno;
    free(request->argv);
    free(launch);
    errno = error;
    return NULL;
}

struct launch *launch_new(uint32_t stream, struct spawn_request *request)
{
    struct launch *launch = malloc(sizeof *launch);
    if (launch == NULL || !plumbing_make(&launch->plumbing, request))
        return fail(launch, request);
    launch->request = *request;
    launch->cgroup = cgroup_create(stream);
    launch->deadline = now_ms() + SPARE_MS;
    return launch;
}

/* A terminal is made its process's own by itself, before it is a program: no spare is asked to do that. */
static bool may_wait(const struct launch *launch)
{
    return (launch->request.flags & (SPAWN_WARM | SPAWN_PTY)) == SPAWN_WARM && now_ms() < launch->deadline;
}

enum launch_result launch_try(struct launch *launch, pid_t *pid)
{
    enum warm_result result = WARM_NEVER;
    if (may_wait(launch))
        result = warm_offer(&launch->request, &launch->plumbing, launch->cgroup, pid);
    if (result != WARM_NEVER)
        return result == WARM_OFFERED ? LAUNCH_OFFERED : LAUNCH_WAITS;
    *pid = start_process(&launch->request, launch->cgroup, &launch->plumbing);
    return *pid > 0 ? LAUNCHED : LAUNCH_FAILED;
}

bool launch_was_taken(const struct launch *launch)
{
    int size = 0;
    return ioctl(launch->plumbing.error[0], FIONREAD, &size) == 0 && size > 0;
}

void launch_free(struct launch *launch)
{
    plumbing_close_child(&launch->plumbing);
    if (launch->cgroup >= 0)
        close(launch->cgroup);
    free(launch->request.argv);
    free(launch);
}
