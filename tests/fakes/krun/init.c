/* /init of the fake krunvm's guests: does what libkrun's own init does, in a Debian kernel under QEMU.
 *
 * The root is the virtio-fs device `krun-root`. The command's stdin, stdout and stderr are the virtio ports of these names.
 * On the port krun-control the host sends u32 length (little-endian), then NUL-terminated strings: hostname, working
 * directory, the number of arguments, the arguments, the environment. Its answer is one byte, the exit status; the host
 * ends the machine.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "cmdline.h"
#include "files.h"
#include "log.h"
#include "modules.h"
#include "net.h"
#include "power.h"

#define PORTS "/sys/class/virtio-ports"
#define ROOT "/root-of-image"

enum { PORT_MS = 10000, PATH_SIZE = 320, MAX_STRINGS = 1024, MAX_CONFIG = 1 << 20 };

/* For log.c. The kernel panics when pid 1 ends, which ends the machine. */
void give_up(void)
{
    _exit(1);
}

static void mount_at(const char *source, const char *target, const char *type, unsigned long flags, const char *options)
{
    if (mkdir(target, 0755) < 0 && errno != EEXIST)
        die_errno("cannot make %s", target);
    if (mount(source, target, type, flags, options) < 0)
        die_errno("cannot mount %s on %s", type, target);
}

static int find_port(const char *wanted)
{
    DIR *folder = opendir(PORTS);
    int fd = -1;
    if (folder == NULL)
        return -1;
    for (struct dirent *entry; fd < 0 && (entry = readdir(folder)) != NULL;) {
        char path[PATH_SIZE], name[32];
        snprintf(path, sizeof path, PORTS "/%s/name", entry->d_name);
        if (entry->d_name[0] == '.' || !read_file(path, name, sizeof name))
            continue;
        name[strcspn(name, "\n")] = '\0';
        if (strcmp(name, wanted) != 0)
            continue;
        snprintf(path, sizeof path, "/dev/%s", entry->d_name);
        fd = open(path, O_RDWR | O_CLOEXEC);
    }
    closedir(folder);
    return fd;
}

static int open_port(const char *name)
{
    int64_t end = now_ms() + PORT_MS;
    for (int fd; now_ms() < end; pause_ms(1))
        if ((fd = find_port(name)) >= 0)
            return fd;
    die("the port %s did not appear", name);
}

static void read_whole(int fd, void *bytes, size_t size)
{
    for (char *next = bytes; size > 0;) {
        ssize_t got = read(fd, next, size);
        if (got <= 0)
            die_errno("the host did not say what to run");
        next += got;
        size -= (size_t)got;
    }
}

static void enter_root(void)
{
    static const char *const moved[] = {"/proc", "/sys", "/dev"};
    mount_at("krun-root", ROOT, "virtiofs", 0, NULL);
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
        char target[PATH_SIZE];
        snprintf(target, sizeof target, ROOT "%s", moved[i]);
        if ((mkdir(target, 0755) < 0 && errno != EEXIST) || mount(moved[i], target, NULL, MS_MOVE, NULL) < 0)
            die_errno("cannot move %s", moved[i]);
    }
    if (chdir(ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
        die_errno("cannot enter the root");
    mount_at("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount_at("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "ptmxmode=0666");
    mount_at("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, NULL);
    if (symlink("/proc/self/fd", "/dev/fd") < 0 && errno != EEXIST)
        die_errno("cannot make /dev/fd");
}

static int run(char **strings, size_t count)
{
    size_t arguments = (size_t)strtoul(strings[2], NULL, 10);
    char *argv[MAX_STRINGS + 1] = {NULL};
    static const char *const names[] = {"krun-stdin", "krun-stdout", "krun-stderr"};
    if (arguments == 0 || 3 + arguments > count)
        die("the host named no command");
    memcpy(argv, strings + 3, arguments * sizeof *argv);
    clearenv();
    for (size_t i = 3 + arguments; i < count; i++)
        putenv(strings[i]);
    if (sethostname(strings[0], strlen(strings[0])) < 0 || chdir(strings[1]) < 0)
        log_errno("cannot enter %s", strings[1]);
    int ports[3];
    for (int i = 0; i < 3; i++)
        ports[i] = open_port(names[i]);
    pid_t child = fork();
    if (child == 0) {
        setsid();
        for (int i = 0; i < 3; i++)
            dup2(ports[i], i);
        execvp(argv[0], argv);
        int error = errno;
        dprintf(STDERR_FILENO, "Couldn't execute '%s' inside the vm: %s\n", argv[0], strerror(error));
        _exit(error == ENOENT ? 127 : 126);
    }
    for (int i = 0; i < 3; i++)
        close(ports[i]);
    int status = 0;
    for (pid_t ended; (ended = wait(&status)) != child;)
        if (ended < 0 && errno != EINTR)
            die_errno("cannot wait for the command");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void)
{
    static char config[MAX_CONFIG];
    char *strings[MAX_STRINGS];
    size_t count = 0;
    uint32_t size;
    mount_at("proc", "/proc", "proc", 0, NULL);
    mount_at("sysfs", "/sys", "sysfs", 0, NULL);
    mount_at("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    for (int i = open("/dev/console", O_RDWR); i >= 0 && i < 2;)
        i = dup(i);
    cmdline_read();
    load_modules("/krun/modules.list", "/krun/modules");
    net_loopback();
    net_user(); /* writes its resolv.conf here, not into the root that is entered next */
    int control = open_port("krun-control");
    read_whole(control, &size, sizeof size);
    if (size == 0 || size > sizeof config)
        die("the host's configuration has %u bytes", size);
    read_whole(control, config, size);
    config[size - 1] = '\0';
    for (char *next = config; next < config + size && count < MAX_STRINGS; next += strlen(next) + 1)
        strings[count++] = next;
    if (count < 4)
        die("the host's configuration has %zu strings", count);
    enter_root();
    unsigned char status = (unsigned char)run(strings, count);
    sync();
    if (write(control, &status, 1) != 1)
        die_errno("cannot tell the exit status");
    for (;;)
        pause();
}
