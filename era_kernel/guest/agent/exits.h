/* Frames EXIT: how the end of a process is told. */
#ifndef ERA_EXITS_H
#define ERA_EXITS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

enum exit_kind { EXITED = 0, KILLED = 1, NOT_STARTED = 2 };

/* Of a process that was reaped: `error` is its errno when it could not be started, else 0; `status` as of wait4(). */
void send_exit(uint32_t stream, int error, int status, const struct rusage *usage, bool oom);
/* Of one that never was: by a signal, or with an errno. */
void send_no_start(uint32_t stream, enum exit_kind kind, int value);

#endif
