/* Warm starts: a zygote is a process that has loaded what sessions need, and forks spares that wait to become one.
 *
 * The zygote is any program that speaks so on its fd 3, one end of a SOCK_SEQPACKET socket pair:
 * - For each spare one packet comes out of it: the byte 1, sent by the spare itself (its pid is what the kernel says), with
 *   one fd (SCM_RIGHTS), an end of a SOCK_SEQPACKET pair whose other end the spare reads. By then the spare leads a session
 *   of its own and is a child of the agent: it was forked twice, and the process between has been waited for.
 * - The byte 2 comes in when somebody waits for a spare: a zygote that gives a new session time to start may end its pause.
 * - A job is one packet to that fd, at most one a spare: the payload of the SPAWN frame as it came, with these fds in this
 *   order: 0, 1 and 2 of the process; 3 and 4 when the flags say DRIVER; and one to which it writes an int, the errno with
 *   which it cannot start, or a 0 when all is done that could fail: by that it takes the job. Then it closes that fd.
 * - The end of fd 3, or of its own socket, ends the zygote, or the spare.
 * Nothing relies on any of them: with who breaks this, dies, or does not answer in 5 s (launch.h), the next spare is tried,
 * or the program is executed.
 */
#ifndef ERA_WARM_H
#define ERA_WARM_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#include "process.h"

/* Start a zygote. False when one lives. Whether it serves is told to the host in a frame WARM, once. */
bool warm_start(const struct spawn_request *request);
/* Add what the zygote says to a poll set. */
nfds_t warm_poll(struct pollfd *set);
/* After poll. */
void warm_serve(void);
/* A process that is no stream's has been reaped. */
void warm_reaped(pid_t pid);
void warm_signal(int number);
/* How many processes there are for this. */
unsigned warm_processes(void);

enum warm_result { WARM_OFFERED, WARM_NOT_YET, WARM_NEVER };
/* Give a job to a spare, which enters the cgroup. WARM_NOT_YET: a zygote lives, so there will be one. */
enum warm_result warm_offer(const struct spawn_request *request, const struct plumbing *plumbing, int cgroup, pid_t *pid);

#endif
