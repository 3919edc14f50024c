/* What makes a guest itself, after a boot or a restore: clock, entropy, hostname, machine-id, the disk at /persist. */
#ifndef ERA_RESUME_H
#define ERA_RESUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NONCE_SIZE = 16, MACHINE_ID_SIZE = 16, MIN_ENTROPY = 32, MAX_ENTROPY = 512 };

enum resume_error { RESUME_CLOCK = 1, RESUME_ENTROPY = 2, RESUME_HOSTNAME = 4, RESUME_MACHINE_ID = 8, RESUME_PERSIST = 16 };
/* TEMPLATE: this guest will be parked and cloned, so what is each clone's own is left alone: /persist. */
enum resume_flag { RESUME_TEMPLATE = 1 };

struct resume_request {
    uint64_t clock; /* ns since the epoch */
    const uint8_t *nonce, *machine_id, *hostname, *entropy;
    size_t hostname_size, entropy_size;
    uint8_t flags;
};

/* False when the payload is malformed; the request points into it. */
bool parse_resume(uint8_t *payload, size_t size, struct resume_request *request);
/* Set all of it; gives a mask of resume_error. Does nothing, successfully, where the machine is not ours (system.h). */
uint32_t apply_resume(const struct resume_request *request);

#endif
