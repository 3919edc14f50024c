/* An input of a process: bytes of the host that go to its fd 0 or 3 as fast as it reads them, and credit back. */
#ifndef ERA_INLET_H
#define ERA_INLET_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INITIAL_CREDIT = 256 << 10, GRANT_STEP = 64 << 10 };

/* `fd` is -1 when the process, or we, closed it: what comes then is thrown away, and credited all the same. That of a
 * terminal stays until inlet_close(): closing the last fd of its master would hang up on a process that is just ending. */
struct inlet {
    int fd;
    uint8_t number;   /* the fd in the process: 0 or 3 */
    bool is_terminal;
    bool closing;     /* the host closed it: close when the buffer is empty */
    uint8_t *buffer;  /* allocated while there is something in it */
    size_t start, length;
    uint32_t credit;  /* what the host may still send */
    uint32_t passed;  /* since the last grant */
    struct pollfd *polled;
};

void inlet_init(struct inlet *inlet, uint8_t number, int fd, bool is_terminal);
/* Bytes of the host. False when they are more than its credit. */
bool inlet_take(struct inlet *inlet, uint32_t stream, const uint8_t *bytes, size_t size);
/* The host sends no more. On a terminal: end of file is typed (^D), since half of a terminal cannot be closed. */
void inlet_finish(struct inlet *inlet, uint32_t stream);
/* Add it to a poll set when it waits for its process. */
nfds_t inlet_poll(struct inlet *inlet, struct pollfd *set);
/* After poll: write what goes. */
void inlet_serve(struct inlet *inlet, uint32_t stream);
void inlet_close(struct inlet *inlet);

#endif
