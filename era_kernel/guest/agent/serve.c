#include "serve.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "bytes.h"
#include "frames.h"
#include "link.h"
#include "log.h"
#include "power.h"
#include "resume.h"
#include "standby.h"
#include "stats.h"
#include "streams.h"
#include "system.h"
#include "version.h"
#include "warm.h"
#include "watch.h"

#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif

enum { LAST_WORDS_MS = 1000, MAX_SIGNAL = 64, LINK_POLLS = 2, WARM_POLLS = 2 };

enum verdict { SERVED, MALFORMED };

static uint8_t nonce[NONCE_SIZE];
static bool resumed;  /* and not parked since: else all is silent */
static bool turn_due; /* something may have to be done that no fd tells of */

static void send_hello(uint32_t stream)
{
    uint8_t payload[4 + NONCE_SIZE + sizeof AGENT_VERSION];
    uint8_t *at = put_bytes(put_u32(payload, PROTOCOL), nonce, NONCE_SIZE);
    at = put_bytes(at, AGENT_VERSION, strlen(AGENT_VERSION));
    send_frame(FRAME_HELLO, stream, payload, (size_t)(at - payload));
}

static enum verdict on_hello(const struct frame *frame)
{
    if (frame->size != 4)
        return MALFORMED;
    send_hello(frame->stream);
    return SERVED;
}

static enum verdict on_resume(const struct frame *frame)
{
    struct resume_request request;
    if (!parse_resume(frame->payload, frame->size, &request))
        return MALFORMED;
    uint8_t payload[NONCE_SIZE + 4];
    put_u32(put_bytes(payload, request.nonce, NONCE_SIZE), apply_resume(&request));
    send_frame(FRAME_RESUME, frame->stream, payload, sizeof payload);
    memcpy(nonce, request.nonce, NONCE_SIZE); /* clones of one template come with the same one */
    resumed = turn_due = true;
    return SERVED;
}

/* From this answer on nothing is said unasked: the machine is stopped at some time after it, and a frame cut in two would
 * confuse the host of its clones, to which the stream is new. */
static enum verdict on_park(const struct frame *frame)
{
    if (frame->size != 0)
        return MALFORMED;
    if (is_system())
        sync();
    send_frame(FRAME_PARK, frame->stream, NULL, 0);
    resumed = false;
    return SERVED;
}

static enum verdict on_warm(const struct frame *frame)
{
    struct spawn_request request;
    if (frame->stream != 0 || !parse_spawn(frame->payload, frame->size, &request))
        return MALFORMED;
    bool is_standby = request.flags == (SPAWN_DRIVER | SPAWN_WARM);
    bool is_zygote = request.flags == 0;
    bool was_warm = is_standby ? !standby_start(&request) : is_zygote && !warm_start(&request);
    if (!is_standby) /* which keeps it */
        free(request.argv);
    if (was_warm)
        send_error(0, ERROR_STREAM, "the guest is warm already");
    return is_standby || is_zygote ? SERVED : MALFORMED;
}

static enum verdict on_spawn(const struct frame *frame)
{
    struct spawn_request request;
    if (!parse_spawn(frame->payload, frame->size, &request))
        return MALFORMED;
    enum open_result result = stream_open(frame->stream, &request);
    if (result == OPEN_IN_USE)
        send_error(frame->stream, ERROR_STREAM, "this stream is in use");
    else if (result == OPEN_TOO_MANY)
        send_error(frame->stream, ERROR_TOO_MANY, "64 processes are connected already");
    return SERVED;
}

/* The stream that a frame is for; NULL when the frame is to be ignored. */
static struct stream *find_stream(const struct frame *frame)
{
    struct stream *stream = stream_find(frame->stream);
    if (stream == NULL && !stream_was_opened(frame->stream))
        send_error(frame->stream, ERROR_STREAM, "this stream was never opened");
    return stream;
}

static enum verdict on_data(const struct frame *frame)
{
    struct cursor cursor = {frame->payload, frame->size, false};
    uint8_t fd = take_u8(&cursor);
    if (cursor.bad || cursor.left > MAX_DATA || (fd != 0 && fd != 3))
        return MALFORMED;
    struct stream *stream = find_stream(frame);
    if (stream == NULL)
        return SERVED;
    return inlet_take(stream_inlet(stream, fd), stream->id, cursor.at, cursor.left) ? SERVED : MALFORMED;
}

static enum verdict on_close(const struct frame *frame)
{
    if (frame->size != 1 || frame->payload[0] > 4)
        return MALFORMED;
    struct stream *stream = find_stream(frame);
    if (stream != NULL)
        stream_close_fd(stream, frame->payload[0]);
    return SERVED;
}

static enum verdict on_window(const struct frame *frame)
{
    struct cursor cursor = {frame->payload, frame->size, false};
    uint8_t fd = take_u8(&cursor);
    uint32_t credit = take_u32(&cursor);
    if (!is_complete(&cursor) || (fd != 1 && fd != 2 && fd != 4))
        return MALFORMED;
    struct stream *stream = find_stream(frame);
    if (stream != NULL)
        outlet_grant(stream_outlet(stream, fd), credit);
    return SERVED;
}

static enum verdict on_signal(const struct frame *frame)
{
    struct cursor cursor = {frame->payload, frame->size, false};
    uint32_t number = take_u32(&cursor);
    uint8_t scope = take_u8(&cursor);
    if (!is_complete(&cursor) || number == 0 || number > MAX_SIGNAL || scope > SCOPE_ALL)
        return MALFORMED;
    struct stream *stream = find_stream(frame);
    if (stream != NULL)
        stream_signal(stream, (int)number, (enum signal_scope)scope);
    return SERVED;
}

static enum verdict on_resize(const struct frame *frame)
{
    struct cursor cursor = {frame->payload, frame->size, false};
    uint16_t rows = take_u16(&cursor), cols = take_u16(&cursor);
    if (!is_complete(&cursor))
        return MALFORMED;
    struct stream *stream = find_stream(frame);
    if (stream != NULL)
        stream_resize(stream, rows, cols);
    return SERVED;
}

static enum verdict on_stats(const struct frame *frame)
{
    uint8_t payload[STATS_SIZE];
    if (frame->size != 0)
        return MALFORMED;
    collect_stats(payload);
    send_frame(FRAME_STATS, frame->stream, payload, sizeof payload);
    return SERVED;
}

static enum verdict on_poweroff(const struct frame *frame)
{
    if (frame->size != 0)
        return MALFORMED;
    shut_down();
}

static const struct {
    enum verdict (*serve)(const struct frame *frame);
    bool before_resume;
} handlers[] = {
    [FRAME_HELLO] = {on_hello, true},     [FRAME_RESUME] = {on_resume, true},     [FRAME_SPAWN] = {on_spawn, false},
    [FRAME_DATA] = {on_data, false},      [FRAME_CLOSE] = {on_close, false},      [FRAME_WINDOW] = {on_window, false},
    [FRAME_SIGNAL] = {on_signal, false},  [FRAME_RESIZE] = {on_resize, false},    [FRAME_STATS] = {on_stats, false},
    [FRAME_POWEROFF] = {on_poweroff, true}, [FRAME_PARK] = {on_park, false},      [FRAME_WARM] = {on_warm, false},
};

static void refuse(uint32_t stream, const char *text)
{
    send_error(stream, ERROR_MALFORMED, text);
    link_drain(LAST_WORDS_MS);
    die("%s", text);
}

static void serve_frame(const struct frame *frame)
{
    if (frame->type >= sizeof handlers / sizeof *handlers || handlers[frame->type].serve == NULL)
        refuse(frame->stream, "a frame of an unknown type came");
    else if (!resumed && !handlers[frame->type].before_resume)
        send_error(frame->stream, ERROR_NOT_RESUMED, "nothing is served before RESUME");
    else if (handlers[frame->type].serve(frame) == MALFORMED)
        refuse(frame->stream, "a malformed frame came");
}

/* Not while the answers to earlier frames wait: a host that asks and never reads must not make us keep them all. */
static bool may_serve_frames(void)
{
    return queue_length() < QUEUE_FRAMES;
}

static void serve_frames(void)
{
    struct frame frame;
    while (may_serve_frames()) {
        enum reader_result result = reader_next(&frame);
        if (result == READER_MORE)
            return;
        if (result == READER_BROKEN)
            refuse(0, "a frame of an impossible length came");
        serve_frame(&frame);
    }
}

static void take_signals(void)
{
    struct signalfd_siginfo info;
    while (read(signal_fd(), &info, sizeof info) == sizeof info)
        if (info.ssi_signo != SIGCHLD)
            shut_down();
    streams_reap();
}

/* Of two times in ms; -1: never. */
static int sooner(int one, int other)
{
    return one < 0 ? other : other < 0 || one < other ? one : other;
}

/* How long poll may wait, in ms; -1: for ever. */
static int longest_wait(void)
{
    int longest = link_timeout();
    if (turn_due)
        return 0;
    if (!resumed)
        return longest;
    return sooner(sooner(longest, watch_timeout()), sooner(streams_timeout(), standby_timeout()));
}

/* Wait for anything to do. Whether a signal came; the rest is noted where it was asked for. */
static bool wait_for_work(void)
{
    static struct pollfd
        set[1 + LINK_POLLS + WARM_POLLS + MAX_STREAMS * POLLS_A_STREAM + MAX_WATCHES * POLLS_A_WATCH];
    set[0] = (struct pollfd){.fd = signal_fd(), .events = POLLIN};
    nfds_t count = 1;
    count += link_poll(set + count, may_serve_frames());
    if (resumed) {
        count += warm_poll(set + count);
        count += standby_poll(set + count);
        count += streams_poll(set + count);
        count += watch_poll(set + count);
    }
    if (poll(set, count, longest_wait()) < 0)
        for (nfds_t i = 0; i < count; i++)
            set[i].revents = 0;
    return set[0].revents != 0;
}

void serve(void)
{
    /* Never waits, unlike the default: early in a boot there may be no entropy yet, and this only tells boots apart. */
    if (getrandom(nonce, sizeof nonce, GRND_INSECURE) != sizeof nonce)
        die_errno("cannot make a nonce");
    send_hello(0);
    while (link_flush()) {
        bool was_polled = resumed;
        if (wait_for_work())
            take_signals();
        turn_due = false;
        if (!link_read())
            break;
        serve_frames();
        if (was_polled && resumed) {
            warm_serve();
            standby_serve();
            streams_serve();
            watch_serve();
        }
    }
    shut_down();
}
