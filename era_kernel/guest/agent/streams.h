/* The live streams: a process each, with its inputs, its outputs and its end. */
#ifndef ERA_STREAMS_H
#define ERA_STREAMS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "inlet.h"
#include "launch.h"
#include "outlet.h"

enum { MAX_STREAMS = 64, IN_STDIN = 0, IN_DRIVER = 1, INLETS = 2, POLLS_A_STREAM = INLETS + OUTLETS + 1 };

enum stream_state {
    STREAM_FREE,
    STREAM_WAITING,  /* for a spare; it has its pipes but no process yet */
    STREAM_OFFERED,  /* to a spare, which has not said yet that it takes it */
    STREAM_RUNNING,
    STREAM_ENDED,    /* reaped; EXIT waits for what was in its pipes */
    STREAM_REPORTED, /* EXIT was sent; outputs are left that others hold */
};

enum signal_scope { SCOPE_GROUP = 0, SCOPE_PROCESS = 1, SCOPE_ALL = 2 };

struct stream {
    enum stream_state state;
    uint32_t id;
    struct launch *launch; /* while it waits or is offered */
    pid_t pid;             /* while it does not wait */
    int error_fd;
    bool is_terminal;
    struct inlet inlets[INLETS];
    struct outlet outlets[OUTLETS];
    int status; /* as of wait4() */
    struct rusage usage;
};

/* NULL when there is none that lives. */
struct stream *stream_find(uint32_t id);
/* Whether a stream of that number can have been there before. Numbers grow in practice, so the highest is remembered. */
bool stream_was_opened(uint32_t id);

enum open_result { OPENED, OPEN_IN_USE, OPEN_TOO_MANY };
/* Start a process as a new stream. One that cannot be started is a stream too, which ends at once. Takes over the request. */
enum open_result stream_open(uint32_t id, struct spawn_request *request);

/* A frame CLOSE of the host, for any of the five fds. */
void stream_close_fd(struct stream *stream, uint8_t fd);
/* NULL when the process has no such input or output. */
struct inlet *stream_inlet(struct stream *stream, uint8_t fd);
struct outlet *stream_outlet(struct stream *stream, uint8_t fd);
void stream_signal(struct stream *stream, int number, enum signal_scope scope);
/* Say something on its stderr. False when that cannot be done now; a terminal is left alone. */
bool stream_say(struct stream *stream, const char *words);
/* When its driver said its first word, as now_ms(): what had been started by then is the driver's own. 0: it has no driver. */
int64_t stream_ready_since(const struct stream *stream);
void stream_resize(struct stream *stream, uint16_t rows, uint16_t cols);

/* All of them. */
nfds_t streams_poll(struct pollfd *set);
/* How long poll may wait, in ms: for ever (-1), or until a stream that waits for a spare has waited enough. */
int streams_timeout(void);
void streams_serve(void);
/* Reap what has ended, our own and orphans. */
void streams_reap(void);
void streams_signal(int number);
/* Whether this is the process of a stream that runs. */
bool streams_have_process(pid_t pid);

#endif
