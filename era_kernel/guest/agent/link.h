/* The byte stream to the host: stdin and stdout, or the virtio port named `era`. Never blocks. */
#ifndef ERA_LINK_H
#define ERA_LINK_H

#include <poll.h>
#include <stdbool.h>

/* Take over stdin and stdout, which are replaced by /dev/null. */
void link_open_stdio(void);
/* Serve on an open virtio port. Unlike stdin, it comes back when the host's end was closed. */
void link_open_port(int fd);

/* Add what the link waits for (2 entries at most) and give their number. `reading`: whether frames are wanted now. */
nfds_t link_poll(struct pollfd *set, bool reading);
/* How long poll may wait, in ms, as far as the link is concerned: a port whose host is away cannot be waited for. */
int link_timeout(void);
/* After poll: read once into the frame reader. False when the host is gone for good. */
bool link_read(void);
/* Write as much of the queue as goes. False when the host is gone for good. */
bool link_flush(void);
/* Write all of the queue, for `milliseconds` at most: for last words. */
void link_drain(int milliseconds);

#endif
