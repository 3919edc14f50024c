/* Whether the machine that the agent runs in is a VM of ours, so that it may change it as a whole. */
#ifndef ERA_SYSTEM_H
#define ERA_SYSTEM_H

#include <stdbool.h>

/* As pid 1, or when ERA_AGENT_SYSTEM=1 says so (a launcher whose VM has another init). Anywhere else clock, hostname,
 * machine-id, entropy and cgroups are left alone: the agent may be a process of someone's own computer, as in tests. */
bool is_system(void);
/* Once, at start: signals, fds, and what protects the agent from its children. */
void system_setup(void);
/* Undo, in a child, what system_setup() did for the agent alone. False and errno on failure. */
bool system_release(void);
/* The fd on which signals come in as struct signalfd_siginfo: SIGCHLD, SIGTERM, SIGINT, SIGHUP. */
int signal_fd(void);

#endif
