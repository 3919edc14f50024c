#include "standby.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cgroup.h"
#include "clock.h"
#include "frames.h"
#include "log.h"
#include "stats.h"

/* The next one starts when the session that has just begun has had time for its first cell, at the lowest priority. */
enum { PAUSE_MS = 3000, LOWEST_PRIORITY = 19, DRIVER_OUT = 4 };

static struct {
    struct spawn_request request; /* argv NULL: none was ever asked for */
    struct plumbing plumbing;
    pid_t pid; /* 0: there is none now */
    bool owes_answer; /* to the host's WARM */
    int64_t due; /* when to start the next; 0: never */
    const struct pollfd *polled;
} standby;

static void answer(bool serves)
{
    uint8_t payload = serves;
    if (standby.owes_answer)
        send_frame(FRAME_WARM, 0, &payload, sizeof payload);
    standby.owes_answer = false;
}

static void begin(void)
{
    standby.due = 0;
    standby.polled = NULL;
    if (!plumbing_make(&standby.plumbing, &standby.request))
        return;
    /* A cgroup from the start: what it starts before it is taken, such as a shell, has to be taken with it. */
    int cgroup = cgroup_create(CGROUP_STANDBY);
    pid_t pid = start_process(&standby.request, cgroup, &standby.plumbing);
    if (cgroup >= 0)
        close(cgroup);
    if (pid > 0) {
        standby.pid = pid;
        plumbing_close_child(&standby.plumbing);
    } else {
        plumbing_close(&standby.plumbing);
    }
}

bool standby_start(struct spawn_request *request)
{
    if (standby.request.argv != NULL) {
        free(request->argv);
        return false;
    }
    standby.request = *request;
    standby.owes_answer = true;
    begin();
    if (standby.pid == 0)
        answer(false);
    return true;
}

nfds_t standby_poll(struct pollfd *set)
{
    standby.polled = NULL;
    if (standby.pid == 0 || !standby.owes_answer)
        return 0;
    standby.polled = set;
    *set = (struct pollfd){.fd = standby.plumbing.ours[DRIVER_OUT], .events = POLLIN};
    return 1;
}

int standby_timeout(void)
{
    int64_t left = standby.due - now_ms();
    return standby.due == 0 ? -1 : left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* It is a convenience: what it takes is not missing elsewhere. */
static bool has_room(void)
{
    struct memory memory = read_memory();
    return memory.available > memory.total / 2;
}

void standby_serve(void)
{
    if (standby.polled != NULL && standby.polled->revents != 0)
        answer(standby.polled->revents & POLLIN);
    standby.polled = NULL;
    if (standby.due == 0 || now_ms() < standby.due)
        return;
    standby.due = now_ms() + PAUSE_MS;
    if (!has_room())
        return;
    begin();
    if (standby.pid != 0)
        setpriority(PRIO_PROCESS, (id_t)standby.pid, LOWEST_PRIORITY);
}

bool standby_is_for(const struct spawn_request *request)
{
    return standby.pid != 0 && request->size == standby.request.size &&
           memcmp(request->payload, standby.request.payload, request->size) == 0;
}

bool standby_take(int cgroup, struct plumbing *plumbing, pid_t *pid)
{
    if (!cgroup_move(CGROUP_STANDBY, cgroup))
        return false;
    setpriority(PRIO_PGRP, (id_t)standby.pid, 0); /* all its threads: it leads a group of its own */
    *plumbing = standby.plumbing;
    *pid = standby.pid;
    standby.pid = 0;
    standby.due = now_ms() + PAUSE_MS;
    return true;
}

void standby_reaped(pid_t pid)
{
    if (standby.pid == 0 || pid != standby.pid)
        return;
    log_line("the program that was started ahead has ended");
    plumbing_close(&standby.plumbing);
    standby.pid = 0;
    answer(false);
}

void standby_signal(int number)
{
    if (standby.pid != 0)
        kill(standby.pid, number);
}

unsigned standby_processes(void)
{
    return standby.pid != 0;
}
