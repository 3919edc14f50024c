#include "starts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cgroup.h"
#include "clock.h"
#include "exits.h"
#include "frames.h"
#include "standby.h"

/* The outputs that a SPAWN asks for, where there are not even pipes for them. */
static void fail_to_open(uint32_t id, uint16_t flags, int error)
{
    static const uint8_t fds[] = {1, 2, 4};
    send_no_start(id, NOT_STARTED, error);
    for (size_t i = 0; i < sizeof fds; i++)
        if (!(fds[i] == 2 && flags & SPAWN_PTY) && !(fds[i] == 4 && !(flags & SPAWN_DRIVER)))
            send_frame(FRAME_CLOSE, id, &fds[i], 1);
}

static void fill_stream(struct stream *stream, uint32_t id, const struct plumbing *plumbing, bool is_terminal)
{
    const int *ours = plumbing->ours;
    *stream = (struct stream){.id = id, .error_fd = plumbing->error[0], .is_terminal = is_terminal};
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

void start_move_on(struct stream *stream)
{
    settle(stream);
    if (stream->state == STREAM_OFFERED && now_ms() >= stream->launch->deadline)
        withdraw(stream);
    if (stream->state == STREAM_WAITING)
        try_to_start(stream);
}

/* Have the stream be that of the program that was started ahead, if that is the one that is asked for. */
static bool take_standby(struct stream *stream, uint32_t id, const struct spawn_request *request)
{
    struct plumbing plumbing;
    pid_t pid;
    if (!standby_is_for(request))
        return false;
    int cgroup = cgroup_create(id);
    bool is_in = standby_take(cgroup, &plumbing, &pid);
    if (cgroup >= 0)
        close(cgroup);
    if (!is_in)
        return false;
    fill_stream(stream, id, &plumbing, false);
    stream->pid = pid;
    stream->state = STREAM_RUNNING;
    return true;
}

void start_stream(struct stream *stream, uint32_t id, struct spawn_request *request)
{
    uint16_t flags = request->flags;
    if (take_standby(stream, id, request)) {
        free(request->argv);
        return;
    }
    struct launch *launch = launch_new(id, request);
    if (launch == NULL) {
        fail_to_open(id, flags, errno);
        return;
    }
    fill_stream(stream, id, &launch->plumbing, flags & SPAWN_PTY);
    stream->state = STREAM_WAITING;
    stream->launch = launch;
    try_to_start(stream);
}

bool start_cancel(struct stream *stream, int number)
{
    settle(stream);
    if (stream->launch == NULL)
        return false;
    if (stream->state == STREAM_OFFERED)
        withdraw(stream);
    give_up_waiting(stream, KILLED, number);
    return true;
}

bool start_spare_ended(struct stream *stream)
{
    settle(stream);
    if (stream->launch == NULL)
        return false;
    stream->state = STREAM_WAITING;
    return true;
}
