/* A cgroup for each stream, so that all that a process ever started can be ended and blamed for lack of memory, and gets no
 * more than its share of the CPU and of pids.
 *
 * Only where the machine is ours and /sys/fs/cgroup is a cgroup2 that we can write; elsewhere all of this does nothing.
 */
#ifndef ERA_CGROUP_H
#define ERA_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The number, which no stream has, of the cgroup of a program that was started ahead. */
enum { CGROUP_STANDBY = 0 };

/* Once, at start. */
void cgroup_setup(void);
/* Make the cgroup of a stream. Gives an fd to which a child writes "0" to enter it, -1 when there are no cgroups. */
int cgroup_create(uint32_t stream);
/* Have all that is in it be in another, into which an fd of cgroup_create() leads. False when something could not be moved. */
bool cgroup_move(uint32_t stream, int to);
/* Signal all in it. False when there is no such cgroup. */
bool cgroup_signal(uint32_t stream, int number);
/* End all in it but one process and what was started before a time (now_ms()), if it has come near its share of pids: a fork
 * bomb is faster than any signal, and goes on in what it forks meanwhile. Whether it had. */
bool cgroup_end_bomb(uint32_t stream, pid_t keep, int64_t since);
/* How many processes and threads one may have. */
long cgroup_max_pids(void);
/* One of its files of events, for poll and pread; -1 when there is none. */
int cgroup_events(uint32_t stream, const char *file);
/* Whether the OOM killer ever struck in it. */
bool cgroup_had_oom(uint32_t stream);
/* Remove the cgroup of a stream that is over, or leave it to a later sweep while processes are left in it. */
void cgroup_remove(uint32_t stream);
/* Remove those whose last process has gone. */
void cgroup_sweep(bool (*is_live)(uint32_t stream));

#endif
