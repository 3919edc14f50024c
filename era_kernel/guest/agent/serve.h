/* The agent's life: frames in, frames out, and the streams between. */
#ifndef ERA_SERVE_H
#define ERA_SERVE_H

/* Serve until POWEROFF, a SIGTERM, the end of the stream to the host, or a malformed frame. */
void serve(void) __attribute__((noreturn));

#endif
