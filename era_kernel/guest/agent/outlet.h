/* The outputs of a process, its fds 1, 2 and 4: to the host while it gives credit, in an order that it can rely on.
 *
 * What the process wrote to 1 and 2 before it wrote a message to 4 is sent before that message. The pipes tell nothing of
 * the order between them, so: ask how much is in 4, then how much in 1 and 2 (all that came before must be in there by
 * now), send that much of 1 and 2, then no more of 4 than the first answer.
 */
#ifndef ERA_OUTLET_H
#define ERA_OUTLET_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum outlet_index { OUT_STDOUT, OUT_STDERR, OUT_DRIVER, OUTLETS };

struct outlet {
    int fd;             /* -1: not there, at its end, or closed by the host */
    uint8_t number;     /* the fd in the process: 1, 2 or 4 */
    uint32_t credit;
    size_t before_exit; /* bytes to send before EXIT */
    size_t before_gate; /* of 1 and 2: bytes to send before the next of 4; of 4: bytes that may then be sent */
    int64_t since;      /* when the first bytes came, as now_ms(); 0: none have */
    struct pollfd *polled;
};

void outlet_init(struct outlet *outlet, enum outlet_index index, int fd);
void outlet_close(struct outlet *outlet);
/* More credit, cut at the contract's 16 MiB. */
void outlet_grant(struct outlet *outlet, uint32_t credit);

/* Add to a poll set those of the OUTLETS that can be read now, or have come to their end. */
nfds_t outlets_poll(struct outlet *outlets, struct pollfd *set);
/* After poll: send at most MAX_DATA bytes of each, in the order promised. */
void outlets_serve(struct outlet *outlets, uint32_t stream);
/* Send words of our own as if they had come from it. False when they do not fit now. */
bool outlet_say(struct outlet *outlet, uint32_t stream, const char *words);
/* The process has ended: what is in its pipes, or its terminal, now goes before EXIT. */
void outlets_mark_exit(struct outlet *outlets, bool is_terminal);
bool outlets_exit_ready(const struct outlet *outlets);
bool outlets_all_closed(const struct outlet *outlets);

#endif
