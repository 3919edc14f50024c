/* The pipes, or the terminal, between us and a process. */
#ifndef ERA_PLUMBING_H
#define ERA_PLUMBING_H

#include <stdbool.h>
#include <stdint.h>

struct spawn_request;

enum { CHILD_FDS = 5 };

/* -1 where there is none. Of a terminal both [0] and [1] of `ours` are its master, and [0] of `child` is all three fds. */
struct plumbing {
    int child[CHILD_FDS]; /* what the process gets; index: the fd in it */
    int ours[CHILD_FDS];
    int error[2]; /* [0], ours: gives an errno (int) when the process could not be started; [1]: the process's */
};

/* False and errno, with nothing left open, when it cannot be made. */
bool plumbing_make(struct plumbing *plumbing, const struct spawn_request *request);
/* For a process that talks on one fd only, a socket. */
bool plumbing_make_socket(struct plumbing *plumbing, int fd);
/* Leave errno as it is. */
void plumbing_close_child(struct plumbing *plumbing);
void plumbing_close(struct plumbing *plumbing);

/* The errno with which a process that has ended could not be started, 0 when it was. */
int start_error(int error_fd);
bool resize_terminal(int fd, uint16_t rows, uint16_t cols);

#endif
