/* Starting processes. */
#ifndef ERA_PROCESS_H
#define ERA_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "plumbing.h"

/* WARM: by a spare process, if there is one (see warm.h). */
enum spawn_flags { SPAWN_PTY = 1, SPAWN_DRIVER = 2, SPAWN_WARM = 4 };

struct spawn_request {
    uint16_t flags, rows, cols;
    const char *cwd;
    char **argv, **envp; /* one allocation, at `argv`, holds all that this points to */
    const uint8_t *payload; /* as it came */
    size_t size;
};

/* Parse a SPAWN payload into a request of its own. False when it is malformed; free(request->argv) else. */
bool parse_spawn(const uint8_t *payload, size_t size, struct spawn_request *request);
/* Start it with its ends of the plumbing, which stay open here; `cgroup` is where to enter (see cgroup.h) or -1.
 * -1 and errno when not even a child could be made. */
pid_t start_process(const struct spawn_request *request, int cgroup, const struct plumbing *plumbing);
/* Done by a child, so that it is in before it can start others, and by us, so that it is in before it can be signalled. */
bool enter_cgroup(int cgroup, pid_t pid);

#endif
