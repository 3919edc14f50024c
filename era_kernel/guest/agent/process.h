/* Starting processes. */
#ifndef ERA_PROCESS_H
#define ERA_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum spawn_flags { SPAWN_PTY = 1, SPAWN_DRIVER = 2 };

struct spawn_request {
    uint16_t flags, rows, cols;
    const char *cwd;
    char **argv, **envp; /* one allocation, at `argv` */
};

/* Our ends of what a process was given: -1 where it has none. Its stdin and stdout are two fds of one terminal with a pty. */
struct process_ends {
    int in, out, err, driver_in, driver_out;
    int error; /* readable: an errno (int) when the process could not be started */
    pid_t pid;
};

/* Parse a SPAWN payload, whose strings stay where they are. False when it is malformed; free(request->argv) else. */
bool parse_spawn(uint8_t *payload, size_t size, struct spawn_request *request);
/* Start it; `cgroup` is where to enter (see cgroup.h) or -1. False and errno when not even a child could be made. */
bool start_process(const struct spawn_request *request, int cgroup, struct process_ends *ends);
/* The errno with which a process that has ended could not be started, 0 when it was. */
int start_error(int error_fd);
bool resize_terminal(int fd, uint16_t rows, uint16_t cols);

#endif
