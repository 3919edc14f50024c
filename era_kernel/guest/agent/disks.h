/* Disks of the VM that are written to. */
#ifndef ERA_DISKS_H
#define ERA_DISKS_H

#include <stdbool.h>

/* Wait until a block device is there. False when it does not come. */
bool disk_wait(const char *device);
/* Mount one (ext4), and have it made clean at the end. False and errno when that is not possible. */
bool disk_mount(const char *device, const char *target);
/* Mount the disk of era.persist at /persist, unless it is mounted, or there is none. False, and a line in the log, when
 * that is not possible.
 *
 * Not done at boot: a template is made with an empty disk there, and each of its clones finds its own in its place, of
 * which nothing may be known yet; hence what the kernel has read of the device is thrown away first. */
bool disk_mount_persist(void);

#endif
