/* What a stream's processes run into: their share of pids, the end of the machine's memory. Its stderr is told, as all that
 * the process learns itself is that it may not fork, or that a child was killed. And a fork bomb is ended: it outlives what
 * has set it off, and leaves neither memory nor time to others.
 *
 * By the events of its cgroup (cgroup.h), without which all of this does nothing.
 */
#ifndef ERA_WATCH_H
#define ERA_WATCH_H

#include <poll.h>
#include <stdint.h>

enum { MAX_WATCHES = 128, POLLS_A_WATCH = 2 };

/* From now on, until the cgroup of the stream is removed. */
void watch_begin(uint32_t stream);
nfds_t watch_poll(struct pollfd *set);
/* How long poll may wait, in ms; -1: for ever. */
int watch_timeout(void);
/* After poll. */
void watch_serve(void);

#endif
