/* The end: of the agent as a plain process, or of the machine when it is pid 1, which must never exit. */
#ifndef ERA_POWER_H
#define ERA_POWER_H

/* Remember the folder (an fd) of a file system to be made read-only before the machine is powered off. Two at most. */
void power_guard(int mount_fd);
/* SIGTERM and SIGHUP to all, 2 s at most, SIGKILL, disks made clean; then power off, or exit 0. */
void shut_down(void) __attribute__((noreturn));
/* At once: after an error that cannot be served on. Exit 70 as a plain process. */
void give_up(void) __attribute__((noreturn));

#endif
