#include "stats.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "files.h"
#include "standby.h"
#include "warm.h"

/* The number after `name` in the text of /proc/meminfo. */
static uint64_t field(const char *text, const char *name)
{
    const char *found = strstr(text, name);
    return found == NULL ? 0 : strtoull(found + strlen(name), NULL, 10);
}

/* "0.42 ..." is 42. */
static uint32_t load(void)
{
    char text[64];
    unsigned whole, hundredths;
    if (!read_file("/proc/loadavg", text, sizeof text) || sscanf(text, "%u.%2u", &whole, &hundredths) != 2)
        return 0;
    return whole * 100 + hundredths;
}

static uint64_t uptime_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* Kernel threads and zombies have no program. One call a process, as there may be thousands. */
static bool has_program(int folder, const char *pid)
{
    char path[NAME_MAX + sizeof "/exe"], program[1];
    snprintf(path, sizeof path, "%s/exe", pid);
    return readlinkat(folder, path, program, sizeof program) >= 0 || errno != ENOENT;
}

static uint32_t processes(void)
{
    uint32_t count = 0;
    DIR *folder = opendir("/proc");
    if (folder == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            count += has_program(dirfd(folder), entry->d_name);
    closedir(folder);
    return count;
}

struct memory read_memory(void)
{
    char text[2048] = "";
    read_file("/proc/meminfo", text, sizeof text);
    return (struct memory){field(text, "MemTotal:"), field(text, "MemAvailable:")};
}

long machine_mib(void)
{
    unsigned long long first, last, bytes = 0;
    char line[128];
    FILE *map = fopen("/proc/iomem", "re");
    while (map != NULL && fgets(line, sizeof line, map) != NULL)
        if (line[0] != ' ' && strstr(line, "System RAM") != NULL && sscanf(line, "%llx-%llx", &first, &last) == 2)
            bytes += last - first + 1;
    if (map != NULL)
        fclose(map);
    return (long)((bytes + (1 << 20) - 1) >> 20);
}

void collect_stats(uint8_t payload[STATS_SIZE])
{
    struct memory memory = read_memory();
    struct statvfs disk = {0};
    statvfs("/", &disk);
    uint8_t *at = put_u64(payload, memory.total);
    at = put_u64(at, memory.available);
    at = put_u32(at, load());
    at = put_u64(at, (uint64_t)disk.f_blocks * disk.f_frsize / 1024);
    at = put_u64(at, (uint64_t)disk.f_bavail * disk.f_frsize / 1024);
    at = put_u64(at, uptime_ms());
    uint32_t found = processes(), ours = warm_processes() + standby_processes();
    put_u32(at, found > ours ? found - ours : 0);
}
