#include "watch.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "clock.h"
#include "stats.h"
#include "streams.h"

/* A program that was refused a fork may give up by itself: what still forks after BOMB_MS does not. The kernel's OOM killer is
 * told of after OOM_MS: by then the process of the stream itself has ended, if it was meant, which EXIT tells. */
enum { BOMB_MS = 3000, OOM_MS = 300, QUIET_MS = 30000, MAX_WORDS = 160 };

enum { PIDS, MEMORY, EVENTS };

struct event {
    int fd;        /* -1: not there */
    long count;    /* when last looked at */
    long before;   /* when it began */
    int64_t due;   /* when to do something about it; 0: nothing is the matter */
    int64_t quiet; /* no words until then */
    const struct pollfd *polled;
};

static struct watch {
    uint32_t stream; /* 0: free */
    struct event events[EVENTS];
} watches[MAX_WATCHES];

static void forget(struct watch *watch)
{
    for (int i = 0; i < EVENTS; i++)
        if (watch->events[i].fd >= 0)
            close(watch->events[i].fd);
    watch->stream = 0;
}

/* -1 when the cgroup is no more. Reading is also what makes poll wait for the next event. */
static long count_of(int fd, int event)
{
    static const char *const names[EVENTS] = {"max ", "oom_kill "};
    char text[256];
    ssize_t size = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (size < 0)
        return -1;
    text[size] = '\0';
    const char *found = strstr(text, names[event]);
    return found == NULL ? 0 : strtol(found + strlen(names[event]), NULL, 10);
}

void watch_begin(uint32_t stream)
{
    struct watch *watch = watches;
    while (watch < watches + MAX_WATCHES && watch->stream != 0)
        watch++;
    if (watch == watches + MAX_WATCHES)
        return;
    *watch = (struct watch){.stream = stream};
    for (int i = 0; i < EVENTS; i++) {
        struct event *event = &watch->events[i];
        event->fd = cgroup_events(stream, i == PIDS ? "pids.events" : "memory.events");
        event->count = count_of(event->fd, i);
    }
    if (watch->events[PIDS].fd < 0 && watch->events[MEMORY].fd < 0)
        forget(watch);
}

nfds_t watch_poll(struct pollfd *set)
{
    nfds_t count = 0;
    for (struct watch *watch = watches; watch < watches + MAX_WATCHES; watch++)
        for (int i = 0; i < EVENTS; i++) {
            struct event *event = &watch->events[i];
            event->polled = NULL;
            if (watch->stream == 0 || event->fd < 0)
                continue;
            event->polled = set + count;
            set[count++] = (struct pollfd){.fd = event->fd, .events = POLLPRI};
        }
    return count;
}

int watch_timeout(void)
{
    int64_t soonest = INT64_MAX, now = now_ms();
    for (struct watch *watch = watches; watch < watches + MAX_WATCHES; watch++)
        for (int i = 0; i < EVENTS; i++)
            if (watch->stream != 0 && watch->events[i].due != 0 && watch->events[i].due < soonest)
                soonest = watch->events[i].due;
    return soonest == INT64_MAX ? -1 : soonest < now ? 0 : soonest - now > INT_MAX ? INT_MAX : (int)(soonest - now);
}

static void tell(struct event *event, struct stream *stream, const char *format, long figure)
{
    char words[MAX_WORDS];
    if (stream == NULL || now_ms() < event->quiet)
        return;
    snprintf(words, sizeof words, format, figure);
    if (stream_say(stream, words))
        event->quiet = now_ms() + QUIET_MS;
}

/* The stream's process, to which it may tell something. */
static struct stream *running(uint32_t id)
{
    struct stream *stream = stream_find(id);
    return stream != NULL && stream->state == STREAM_RUNNING ? stream : NULL;
}

static void has_begun(const struct watch *watch, struct event *event)
{
    bool is_pids = event == &watch->events[PIDS];
    struct stream *stream = running(watch->stream);
    if (stream == NULL) { /* what it has left behind is of no use to anybody */
        cgroup_signal(watch->stream, SIGKILL);
        return;
    }
    if (is_pids)
        tell(event, stream, "era: this session's share of %ld processes and threads is used up\n", cgroup_max_pids());
    event->due = now_ms() + (is_pids ? BOMB_MS : OOM_MS);
}

static void has_lasted(const struct watch *watch, struct event *event)
{
    struct stream *stream = running(watch->stream);
    event->due = 0;
    if (stream == NULL)
        cgroup_signal(watch->stream, SIGKILL);
    else if (event == &watch->events[MEMORY])
        tell(event, stream, "era: the VM ran out of its %ld MiB, and a process was ended\n", machine_mib());
    else if (event->count > event->before && cgroup_end_bomb(watch->stream, stream->pid, stream_ready_since(stream))) {
        event->quiet = 0;
        tell(event, stream, "era: a fork bomb had all of the session's %ld processes, and was ended\n", cgroup_max_pids());
    }
}

static bool serve_event(struct watch *watch, int index)
{
    struct event *event = &watch->events[index];
    if (event->polled != NULL && event->polled->revents != 0) {
        long count = count_of(event->fd, index);
        if (count < 0)
            return false;
        bool is_new = count > event->count;
        event->count = count;
        if (is_new && event->due == 0) {
            event->before = count;
            has_begun(watch, event);
        }
    }
    if (event->due != 0 && now_ms() >= event->due)
        has_lasted(watch, event);
    return true;
}

void watch_serve(void)
{
    for (struct watch *watch = watches; watch < watches + MAX_WATCHES; watch++)
        for (int i = 0; i < EVENTS && watch->stream != 0; i++)
            if (!serve_event(watch, i))
                forget(watch);
}
