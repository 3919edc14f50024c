#include "power.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "standby.h"
#include "streams.h"
#include "system.h"
#include "warm.h"

enum { GRACE_MS = 2000, KILLED_MS = 500, GIVEN_UP = 70, MAX_GUARDED = 2 };

static int guarded[MAX_GUARDED];
static unsigned guarded_count;

void power_guard(int mount_fd)
{
    if (guarded_count < MAX_GUARDED)
        guarded[guarded_count++] = mount_fd;
}

static void signal_own(int number)
{
    streams_signal(number);
    warm_signal(number);
    standby_signal(number);
}

static void signal_everyone(int number)
{
    if (is_system())
        kill(-1, number);
    else
        signal_own(number);
}

static bool has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

static void wait_for_children(int milliseconds)
{
    int64_t end = now_ms() + milliseconds;
    for (streams_reap(); has_children() && now_ms() < end; streams_reap())
        pause_ms(1);
}

static void make_disks_clean(void)
{
    sync();
    for (unsigned i = 0; i < guarded_count; i++) {
        char path[32];
        snprintf(path, sizeof path, "/proc/self/fd/%d", guarded[i]);
        if (mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
            log_errno("cannot make a disk read-only");
    }
}

static void power_off(void)
{
    reboot(RB_POWER_OFF);
    /* A machine that cannot: its VMM takes a reset as the end (QEMU's -no-reboot). */
    reboot(RB_AUTOBOOT);
    for (;;)
        pause();
}

void shut_down(void)
{
    signal_everyone(SIGTERM);
    signal_everyone(SIGHUP); /* shells for people ignore SIGTERM */
    signal_everyone(SIGCONT);
    wait_for_children(GRACE_MS);
    signal_everyone(SIGKILL);
    wait_for_children(KILLED_MS);
    if (is_system())
        make_disks_clean();
    if (getpid() == 1)
        power_off();
    _exit(0);
}

void give_up(void)
{
    signal_own(SIGKILL);
    if (getpid() == 1) {
        sync();
        power_off();
    }
    _exit(GIVEN_UP);
}
