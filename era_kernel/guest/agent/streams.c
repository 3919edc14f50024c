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
#include "warm.h"

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

/* The outputs that a SPAWN asks for, where there are not even pipes for them. */
static void fail_to_open(uint32_t id, uint16_t flags, int error)
{
    static const uint8_t fds[] = {1, 2, 4};
    send_no_start(id, NOT_STARTED, error);
    for (size_t i = 0; i < sizeof fds; i++)
        if (!(fds[i] == 2 && flags & SPAWN_PTY) && !(fds[i] == 4 && !(flags & SPAWN_DRIVER)))
            send_frame(FRAME_CLOSE, id, &fds[i], 1);
}

static void fill_stream(struct stream *stream, uint32_t id, struct launch *launch)
{
    const int *ours = launch->plumbing.ours;
    bool is_terminal = launch->request.flags & SPAWN_PTY;
    *stream = (struct stream){
        .state = STREAM_WAITING,
        .id = id,
        .launch = launch,
        .error_fd = launch->plumbing.error[0],
        .is_terminal = is_terminal,
    };
    inlet_init(&stream->inlets[IN_STDIN], 0, ours[0], is_terminal);
    inlet_init(&stream->inlets[IN_DRIVER], 3, ours[3], false);
    outlet_init(&stream->outlets[OUT_STDOUT], OUT_STDOUT, ours[1]);
    outlet_init(&stream->outlets[OUT_STDERR], OUT_STDERR, ours[2]);
    outlet_init(&stream->outlets[OUT_DRIVER], OUT_DRIVER, ours[4]);
}

static void forget_launch(struct stream *stream, enum stream_state state)
{
    launch_free(stream->launch);
    stream->launch = NULL;
    stream->state = state;
}

/* The end of a stream that had no process yet. */
static void give_up_waiting(struct stream *stream, enum exit_kind kind, int value)
{
    send_no_start(stream->id, kind, value);
    forget_launch(stream, STREAM_REPORTED);
}

static void try_to_start(struct stream *stream)
{
    switch (launch_try(stream->launch, &stream->pid)) {
    case LAUNCHED:
        forget_launch(stream, STREAM_RUNNING);
        break;
    case LAUNCH_FAILED:
        give_up_waiting(stream, NOT_STARTED, errno);
        break;
    case LAUNCH_OFFERED:
        stream->state = STREAM_OFFERED;
        break;
    case LAUNCH_WAITS:
        break;
    }
}

/* Look whether a spare took what it was offered; then the stream is as any other. */
static void settle(struct stream *stream)
{
    if (stream->state == STREAM_OFFERED && launch_was_taken(stream->launch))
        forget_launch(stream, STREAM_RUNNING);
}

/* It did not: wait for another, or execute the program if that has lasted too long. */
static void withdraw(struct stream *stream)
{
    kill(stream->pid, SIGKILL);
    stream->state = STREAM_WAITING;
}

static void move_on_to_start(struct stream *stream)
{
    settle(stream);
    if (stream->state == STREAM_OFFERED && now_ms() >= stream->launch->deadline)
        withdraw(stream);
    if (stream->state == STREAM_WAITING)
        try_to_start(stream);
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
    uint16_t flags = request->flags;
    if (result != OPENED) {
        free(request->argv);
        return result;
    }
    struct launch *launch = launch_new(id, request);
    if (launch == NULL) {
        fail_to_open(id, flags, errno);
        return OPENED;
    }
    struct stream *stream = find_free();
    fill_stream(stream, id, launch);
    try_to_start(stream);
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
    settle(stream);
    if (stream->state == STREAM_OFFERED)
        withdraw(stream);
    if (stream->state == STREAM_WAITING) {
        give_up_waiting(stream, KILLED, number);
        return;
    }
    if (scope == SCOPE_ALL && cgroup_signal(stream->id, number))
        return;
    if (scope != SCOPE_PROCESS)
        signal_group(stream, number);
    else if (stream->state == STREAM_RUNNING)
        kill(stream->pid, number);
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
        move_on_to_start(stream);
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
    settle(stream);
    if (stream->state == STREAM_OFFERED) { /* not the end of what it was offered */
        stream->state = STREAM_WAITING;
        return;
    }
    stream->status = status;
    stream->usage = *usage;
    stream->state = STREAM_ENDED;
    outlets_mark_exit(stream->outlets);
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
            warm_reaped(pid);
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
