#include "system.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "files.h"
#include "log.h"

enum { RESERVED_FDS = 5 };

static int signals = -1;

static bool found_system; /* found out once: a child of pid 1 is not pid 1 */

static bool find_system(void)
{
    const char *told = getenv("ERA_AGENT_SYSTEM");
    return getpid() == 1 || (told != NULL && strcmp(told, "1") == 0);
}

bool is_system(void)
{
    return found_system;
}

int signal_fd(void)
{
    return signals;
}

/* The fds that children get are never ours, so that dup2 in a child cannot hit one of its own sources. */
static void reserve_low_fds(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd < RESERVED_FDS);
    if (fd < 0)
        die_errno("cannot open /dev/null");
    close(fd);
}

static void take_signals(void)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signal(SIGPIPE, SIG_IGN);
    signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        die_errno("cannot take signals");
}

/* By system call: musl's sched_setscheduler() only says that it does not exist. */
static bool set_scheduler(int policy)
{
    struct sched_param ordinary = {.sched_priority = 0};
    return syscall(SYS_sched_setscheduler, 0, policy, &ordinary) == 0;
}

bool system_release(void)
{
    return !found_system || (write_file("/proc/self/oom_score_adj", "0") && set_scheduler(SCHED_OTHER));
}

void system_setup(void)
{
    reserve_low_fds();
    take_signals();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    found_system = find_system();
    if (!is_system())
        return;
    write_file("/proc/self/oom_score_adj", "-1000");
    /* A busy process is not interrupted for each line that it prints: on one vCPU the agent takes what gathered instead. */
    set_scheduler(SCHED_BATCH);
    cgroup_setup();
}
