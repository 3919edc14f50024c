/* A standby: a program that was started, with pipes of its own, before anybody asked for it.
 *
 * For languages whose interpreters take long to start and cannot fork (see warm.h for those that can). The host's WARM has
 * the payload of the SPAWN to come, byte for byte: that SPAWN's stream gets the process. It is ready when it has said
 * something on fd 4, which stays in its pipe; so it needs not know that it was started ahead, but whatever has to differ in
 * clones of a machine, such as seeds, it must make when it is first asked for something.
 */
#ifndef ERA_STANDBY_H
#define ERA_STANDBY_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#include "process.h"

/* Start one now, and another a while after each that is taken. False when there is one already. Takes over the request. */
bool standby_start(struct spawn_request *request);
/* Add what it says to a poll set. */
nfds_t standby_poll(struct pollfd *set);
/* How long poll may wait, in ms, until the next is due; -1: for ever. */
int standby_timeout(void);
/* After poll. */
void standby_serve(void);
/* Whether it is what a SPAWN asks for. */
bool standby_is_for(const struct spawn_request *request);
/* Take its process, which enters the cgroup, and its plumbing. */
bool standby_take(int cgroup, struct plumbing *plumbing, pid_t *pid);
/* A process that is no stream's has been reaped. */
void standby_reaped(pid_t pid);
void standby_signal(int number);
unsigned standby_processes(void);

#endif
