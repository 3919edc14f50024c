#include "exits.h"

#include <sys/wait.h>

#include "bytes.h"
#include "frames.h"

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

static void send(uint32_t stream, enum exit_kind kind, int value, const struct rusage *usage, bool oom)
{
    uint8_t payload[30], *at = payload;
    at = put_u8(at, (uint8_t)kind);
    at = put_u32(at, (uint32_t)value);
    at = put_u64(at, microseconds(usage->ru_utime));
    at = put_u64(at, microseconds(usage->ru_stime));
    at = put_u64(at, (uint64_t)usage->ru_maxrss);
    at = put_u8(at, oom);
    send_frame(FRAME_EXIT, stream, payload, (size_t)(at - payload));
}

void send_exit(uint32_t stream, int error, int status, const struct rusage *usage, bool oom)
{
    if (error != 0)
        send(stream, NOT_STARTED, error, usage, oom);
    else if (WIFSIGNALED(status))
        send(stream, KILLED, WTERMSIG(status), usage, oom);
    else
        send(stream, EXITED, WEXITSTATUS(status), usage, oom);
}

void send_no_start(uint32_t stream, enum exit_kind kind, int value)
{
    static const struct rusage nothing;
    send(stream, kind, value, &nothing, false);
}
