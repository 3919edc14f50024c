/* How the process of a stream comes to be: a program is executed, or a spare of the zygote's (see warm.h) takes its place. */
#ifndef ERA_LAUNCH_H
#define ERA_LAUNCH_H

#include <stdint.h>
#include <sys/types.h>

#include "process.h"

enum { SPARE_MS = 5000 };

struct launch {
    struct spawn_request request;
    struct plumbing plumbing;
    int cgroup;
    int64_t deadline; /* how long it may wait for a spare, and for its answer */
};

/* Make all that the process needs but itself. Takes over the request. NULL and errno when that is not possible. */
struct launch *launch_new(uint32_t stream, struct spawn_request *request);

enum launch_result { LAUNCHED, LAUNCH_OFFERED, LAUNCH_WAITS, LAUNCH_FAILED };
/* Start the process, or offer it to a spare, if there is one. LAUNCH_FAILED: and errno. */
enum launch_result launch_try(struct launch *launch, pid_t *pid);
/* Whether the spare has answered the offer, with whatever. */
bool launch_was_taken(const struct launch *launch);
/* Started or not: let go of what was the process's. Our ends of the plumbing stay. */
void launch_free(struct launch *launch);

#endif
