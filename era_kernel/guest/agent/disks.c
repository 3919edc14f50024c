#include "disks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "cmdline.h"
#include "log.h"
#include "power.h"

#define PERSIST "/persist"

enum { DEVICE_MS = 5000, PATH_SIZE = 320 };

bool disk_wait(const char *device)
{
    for (int64_t end = now_ms() + DEVICE_MS; access(device, F_OK) < 0; pause_ms(1))
        if (now_ms() >= end)
            return false;
    return true;
}

bool disk_mount(const char *device, const char *target)
{
    if (!disk_wait(device) || (mkdir(target, 0755) < 0 && errno != EEXIST))
        return false;
    if (mount(device, target, "ext4", MS_NOATIME, NULL) < 0)
        return false;
    int fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    power_guard(fd);
    return true;
}

static bool forget_pages(const char *device)
{
    int fd = open(device, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = ioctl(fd, BLKFLSBUF, 0) == 0;
    close(fd);
    return done;
}

bool disk_mount_persist(void)
{
    static bool is_mounted;
    char device[PATH_SIZE];
    if (is_mounted || !cmdline_value("era.persist", device, sizeof device))
        return true;
    is_mounted = disk_wait(device) && forget_pages(device) && disk_mount(device, PERSIST);
    if (!is_mounted)
        log_errno("cannot mount %s on " PERSIST, device);
    return is_mounted;
}
