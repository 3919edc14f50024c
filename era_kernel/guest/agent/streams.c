#include "streams.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "clock.h"
#include "exits.h"
#include "frames.h"
#include "standby.h"
#include "starts.h"
#include "warm.h"
#include "watch.h"

static struct stream streams[MAX_STREAMS];
static uint32_t highest;
static size_t turn; /* whose outputs are first */

struct stream *stream_find(uint32_t id)
{
    for (size_t i = 0; i < MAX_STREAMS; i++)
        if (streams[i].state != STREAM_FREE && streams[i].id == id)
            return &streams[i];
    return NULL;
}

bool stream_was_opened(uint32_t id)
{
    return id != 0 && id <= highest;
}

static bool is_live(uint32_t id)
{
    return stream_find(id) != NULL;
}

static struct stream *find_free(void)
{
    for (size_t i = 0; i < MAX_STREAMS; i++)
        if (streams[i].state == STREAM_FREE)
            return &streams[i];
    return NULL;
}

static enum open_result check_new(uint32_t id)
{
    if (id == 0 || stream_find(id) != NULL)
        return OPEN_IN_USE;
    if (id > highest)
        highest = id;
    return find_free() == NULL ? OPEN_TOO_MANY : OPENED;
}

enum open_result stream_open(uint32_t id, struct spawn_request *request)
{
    enum open_result result = check_new(id);
    if (result != OPENED) {
        free(request->argv);
        return result;
    }
    start_stream(find_free(), id, request);
    watch_begin(id);
    return OPENED;
}

struct inlet *stream_inlet(struct stream *stream, uint8_t fd)
{
    return fd == 0 ? &stream->inlets[IN_STDIN] : fd == 3 ? &stream->inlets[IN_DRIVER] : NULL;
}

struct outlet *stream_outlet(struct stream *stream, uint8_t fd)
{
    for (size_t i = 0; i < OUTLETS; i++)
        if (stream->outlets[i].number == fd)
            return &stream->outlets[i];
    return NULL;
}

void stream_close_fd(struct stream *stream, uint8_t fd)
{
    struct inlet *inlet = stream_inlet(stream, fd);
    struct outlet *outlet = stream_outlet(stream, fd);
    if (inlet != NULL)
        inlet_finish(inlet, stream->id);
    if (outlet == NULL)
        return;
    outlet_close(outlet);
    /* The other end of the same terminal: closing both is hanging up. */
    if (stream->is_terminal && fd == 1)
        inlet_close(&stream->inlets[IN_STDIN]);
}

static struct stream *find_running(pid_t pid)
{
    for (size_t i = 0; i < MAX_STREAMS; i++)
        if ((streams[i].state == STREAM_RUNNING || streams[i].state == STREAM_OFFERED) && streams[i].pid == pid)
            return &streams[i];
    return NULL;
}

static void signal_group(const struct stream *stream, int number)
{
    bool is_running = stream->state == STREAM_RUNNING;
    /* The pid of what was reaped may be given away again, to the leader of another stream at worst. */
    if (!is_running && find_running(stream->pid) != NULL)
        return;
    /* A child that has just been forked has no group of its own yet. */
    if (kill(-stream->pid, number) < 0 && errno == ESRCH && is_running)
        kill(stream->pid, number);
}

void stream_signal(struct stream *stream, int number, enum signal_scope scope)
{
    if (start_cancel(stream, number))
        return;
    if (number == SIGINT && stream->state == STREAM_RUNNING)
        cgroup_end_bomb(stream->id, stream->pid, stream_ready_since(stream));
    if (scope == SCOPE_ALL && cgroup_signal(stream->id, number))
        return;
    if (scope != SCOPE_PROCESS)
        signal_group(stream, number);
    else if (stream->state == STREAM_RUNNING)
        kill(stream->pid, number);
}

bool stream_say(struct stream *stream, const char *words)
{
    return outlet_say(&stream->outlets[OUT_STDERR], stream->id, words);
}

int64_t stream_ready_since(const struct stream *stream)
{
    return stream->outlets[OUT_DRIVER].since;
}

void stream_resize(struct stream *stream, uint16_t rows, uint16_t cols)
{
    if (stream->is_terminal && stream->outlets[OUT_STDOUT].fd >= 0)
        resize_terminal(stream->outlets[OUT_STDOUT].fd, rows, cols);
}

nfds_t streams_poll(struct pollfd *set)
{
    nfds_t count = 0;
    for (size_t i = 0; i < MAX_STREAMS; i++) {
        struct stream *stream = &streams[i];
        if (stream->state == STREAM_FREE)
            continue;
        for (size_t j = 0; j < INLETS; j++)
            count += inlet_poll(&stream->inlets[j], set + count);
        count += outlets_poll(stream->outlets, set + count);
        if (stream->state == STREAM_OFFERED)
            set[count++] = (struct pollfd){.fd = stream->error_fd, .events = POLLIN};
    }
    return count;
}

int streams_timeout(void)
{
    int64_t soonest = INT_MAX, now = now_ms();
    for (size_t i = 0; i < MAX_STREAMS; i++)
        if (streams[i].launch != NULL && streams[i].launch->deadline - now < soonest)
            soonest = streams[i].launch->deadline - now;
    return soonest == INT_MAX ? -1 : soonest < 0 ? 0 : (int)soonest;
}

static void report(struct stream *stream)
{
    int error = start_error(stream->error_fd);
    send_exit(stream->id, error, stream->status, &stream->usage, cgroup_had_oom(stream->id));
    stream->state = STREAM_REPORTED;
}

static void release(struct stream *stream)
{
    for (size_t i = 0; i < INLETS; i++)
        inlet_close(&stream->inlets[i]);
    close(stream->error_fd);
    stream->state = STREAM_FREE;
    cgroup_remove(stream->id);
}

static void move_on(struct stream *stream)
{
    if (stream->state == STREAM_ENDED && outlets_exit_ready(stream->outlets))
        report(stream);
    if (stream->state == STREAM_REPORTED && outlets_all_closed(stream->outlets))
        release(stream);
}

static void serve_stream(struct stream *stream)
{
    if (stream->launch != NULL)
        start_move_on(stream);
    for (size_t i = 0; i < INLETS; i++)
        inlet_serve(&stream->inlets[i], stream->id);
    outlets_serve(stream->outlets, stream->id);
    move_on(stream);
}

void streams_serve(void)
{
    size_t first = turn;
    for (size_t i = 0; i < MAX_STREAMS; i++) {
        size_t slot = (first + i) % MAX_STREAMS;
        bool had_room = queue_length() < QUEUE_DATA;
        if (streams[slot].state != STREAM_FREE)
            serve_stream(&streams[slot]);
        /* Who comes after the one that filled the queue is first when there is room again. */
        if (had_room && queue_length() >= QUEUE_DATA)
            turn = slot + 1;
    }
}

static void note_end(struct stream *stream, int status, const struct rusage *usage)
{
    if (start_spare_ended(stream))
        return;
    /* What it has left behind is likely what took the memory, and would take it again. */
    if (WIFSIGNALED(status) && cgroup_had_oom(stream->id))
        cgroup_signal(stream->id, SIGKILL);
    stream->status = status;
    stream->usage = *usage;
    stream->state = STREAM_ENDED;
    outlets_mark_exit(stream->outlets, stream->is_terminal);
}

static void reaped_idle(pid_t pid)
{
    warm_reaped(pid);
    standby_reaped(pid);
}

void streams_reap(void)
{
    int status;
    struct rusage usage;
    for (pid_t pid; (pid = wait4(-1, &status, WNOHANG, &usage)) > 0;) {
        struct stream *stream = find_running(pid);
        if (stream != NULL)
            note_end(stream, status, &usage);
        else
            reaped_idle(pid);
    }
    cgroup_sweep(is_live);
}

void streams_signal(int number)
{
    for (size_t i = 0; i < MAX_STREAMS; i++)
        if (streams[i].state != STREAM_FREE)
            stream_signal(&streams[i], number, SCOPE_ALL);
}

bool streams_have_process(pid_t pid)
{
    return find_running(pid) != NULL;
}
