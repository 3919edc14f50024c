/* The guest's own figures. */
#ifndef ERA_STATS_H
#define ERA_STATS_H

#include <stddef.h>
#include <stdint.h>

enum { STATS_SIZE = 48 };

struct memory {
    uint64_t total, available; /* KiB; 0 where it cannot be read */
};
struct memory read_memory(void);

/* What the machine was given, in MiB: the kernel's own part, which /proc/meminfo leaves out, included. */
long machine_mib(void);

/* The payload of a STATS frame: memory and disk (of /) in KiB, load of the last minute x 100, uptime in ms, and how many
 * processes there are, not counting kernel threads, and what was started ahead (warm.h, standby.h). What cannot be read is 0. */
void collect_stats(uint8_t payload[STATS_SIZE]);

#endif
