#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "files.h"
#include "log.h"
#include "stats.h"

#define TOP "/sys/fs/cgroup"
#define OURS TOP "/era"

/* The kernel's numbers are given here and in resume.c, because musl's compiler comes without the kernel's headers. */
enum { CGROUP2_MAGIC = 0x63677270 };

/* proc(5): the 22nd of /proc/PID/stat, after pid, name and state. */
#define START_TIME_IS_19TH " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"

enum { MIN_PIDS = 100, MAX_PIDS = 4096, PATH_SIZE = 64, PURGES = 20, PURGE_PAUSE_US = 2000 };

static bool enabled;
static unsigned leftovers; /* cgroups of streams that are over, with processes in them */
static long max_pids;

/* One for each MiB there is: so many forks of an interpreter still fit, and a fork bomb is slow rather than the machine. */
static long pids_limit(void)
{
    long mib = (long)(read_memory().total / 1024);
    return mib < MIN_PIDS ? MIN_PIDS : mib < MAX_PIDS ? mib : MAX_PIDS;
}

void cgroup_setup(void)
{
    struct statfs top;
    if (statfs(TOP, &top) < 0 || top.f_type != CGROUP2_MAGIC)
        return;
    if (mkdir(OURS, 0755) < 0 && errno != EEXIST)
        return;
    /* One by one: a kernel that lacks one controller would refuse all. With `cpu` all streams together weigh as much as the
     * agent, and each as much as another, however many processes it has. */
    static const char *const controllers[] = {"+cpu", "+memory", "+pids"};
    for (size_t i = 0; i < sizeof controllers / sizeof *controllers; i++) {
        write_file(TOP "/cgroup.subtree_control", controllers[i]);
        write_file(OURS "/cgroup.subtree_control", controllers[i]);
    }
    max_pids = pids_limit();
    enabled = true;
}

static void path_of(char *path, uint32_t stream, const char *file)
{
    snprintf(path, PATH_SIZE, OURS "/%u/%s", stream, file);
}

int cgroup_create(uint32_t stream)
{
    char path[PATH_SIZE], limit[32];
    if (!enabled)
        return -1;
    path_of(path, stream, "");
    if (mkdir(path, 0755) < 0 && errno != EEXIST) {
        log_errno("cannot make %s", path);
        return -1;
    }
    snprintf(limit, sizeof limit, "%ld", max_pids);
    path_of(path, stream, "pids.max");
    write_file(path, limit);
    path_of(path, stream, "cgroup.procs");
    return open(path, O_WRONLY | O_CLOEXEC);
}

/* When a process was started, as now_ms(); 0 when it is no more. Its name, in parentheses, may hold anything. */
static int64_t start_of(pid_t pid)
{
    char path[PATH_SIZE], text[512];
    unsigned long long ticks = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    const char *after = read_file(path, text, sizeof text) ? strrchr(text, ')') : NULL;
    if (after == NULL || sscanf(after, ") %*c" START_TIME_IS_19TH " %llu", &ticks) != 1)
        return 0;
    return (int64_t)(ticks * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK));
}

/* All but `spared` and what is older than `since`. How many there were, -1 when there is no such cgroup. */
static int signal_each(uint32_t stream, int number, pid_t spared, int64_t since)
{
    char path[PATH_SIZE];
    path_of(path, stream, "cgroup.procs");
    FILE *list = fopen(path, "re");
    if (list == NULL)
        return -1;
    int pid, count = 0;
    while (fscanf(list, "%d", &pid) == 1)
        if (pid > 1 && pid != spared && (since == 0 || start_of(pid) >= since))
            count += kill(pid, number) == 0;
    fclose(list);
    return count;
}

/* One by one, as the kernel wants it. What a moved one forks is in the other already. */
bool cgroup_move(uint32_t stream, int to)
{
    char path[PATH_SIZE];
    path_of(path, stream, "cgroup.procs");
    FILE *list = enabled ? fopen(path, "re") : NULL;
    if (list == NULL)
        return !enabled;
    bool is_moved = true;
    for (int pid; fscanf(list, "%d", &pid) == 1;)
        is_moved = (dprintf(to, "%d", pid) > 0 || errno == ESRCH) && is_moved;
    fclose(list);
    return is_moved;
}

bool cgroup_signal(uint32_t stream, int number)
{
    char path[PATH_SIZE];
    if (!enabled)
        return false;
    path_of(path, stream, "cgroup.kill");
    if (number == SIGKILL && write_file(path, "1"))
        return true;
    return signal_each(stream, number, 0, 0) >= 0;
}

static bool is_crowded(uint32_t stream)
{
    char path[PATH_SIZE], text[32];
    path_of(path, stream, "pids.current");
    return enabled && read_file(path, text, sizeof text) && strtol(text, NULL, 10) > max_pids / 2;
}

bool cgroup_end_bomb(uint32_t stream, pid_t keep, int64_t since)
{
    char path[PATH_SIZE];
    if (!is_crowded(stream))
        return false;
    path_of(path, stream, "cgroup.freeze");
    write_file(path, "1"); /* what is forked before all have stopped is frozen too */
    for (int i = 0; i < PURGES && signal_each(stream, SIGKILL, keep, since) > 0; i++)
        usleep(PURGE_PAUSE_US);
    write_file(path, "0");
    log_line("a fork bomb was ended");
    return true;
}

long cgroup_max_pids(void)
{
    return max_pids;
}

int cgroup_events(uint32_t stream, const char *file)
{
    char path[PATH_SIZE];
    path_of(path, stream, file);
    return enabled ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

bool cgroup_had_oom(uint32_t stream)
{
    char path[PATH_SIZE], text[256];
    if (!enabled)
        return false;
    path_of(path, stream, "memory.events");
    if (!read_file(path, text, sizeof text))
        return false;
    const char *count = strstr(text, "oom_kill ");
    return count != NULL && strtol(count + strlen("oom_kill "), NULL, 10) > 0;
}

/* A process may have made cgroups of its own in it: those go first. */
static bool remove_tree(int parent, const char *name)
{
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
        return true;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        if (fd >= 0)
            close(fd);
        return errno == ENOENT;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            unlinkat(fd, entry->d_name, AT_REMOVEDIR);
    closedir(folder);
    return unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

void cgroup_remove(uint32_t stream)
{
    char path[PATH_SIZE];
    if (!enabled)
        return;
    path_of(path, stream, "");
    if (!remove_tree(AT_FDCWD, path))
        leftovers++;
}

void cgroup_sweep(bool (*is_live)(uint32_t stream))
{
    DIR *folder = leftovers == 0 ? NULL : opendir(OURS);
    if (folder == NULL)
        return;
    leftovers = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        uint32_t stream = (uint32_t)strtoul(entry->d_name, NULL, 10);
        if (stream != CGROUP_STANDBY && !is_live(stream) && !remove_tree(dirfd(folder), entry->d_name))
            leftovers++;
    }
    closedir(folder);
}
