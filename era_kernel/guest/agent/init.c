#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "cmdline.h"
#include "disks.h"
#include "files.h"
#include "log.h"
#include "modules.h"
#include "net.h"

#define LOWER "/era/lower"
#define DISK "/era/disk"
#define ROOT "/era/root"
#define SHARE "/era/share"
#define PORTS "/sys/class/virtio-ports"

enum { PORT_MS = 10000, PATH_SIZE = 320, MAX_FILES = 524288, USUAL_FILES = 1024 };

static void make_folder(const char *path, mode_t mode)
{
    if (mkdir(path, mode) < 0 && errno != EEXIST)
        die_errno("cannot make %s", path);
}

static void mount_at(const char *source, const char *target, const char *type, unsigned long flags, const char *options)
{
    make_folder(target, 0755);
    if (mount(source, target, type, flags, options) < 0)
        die_errno("cannot mount %s as %s on %s", source, type, target);
}

static void mount_kernel_folders(void)
{
    mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount_at("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount_at("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
}

/* Errors go to the console; nothing is read from it, and nothing else printed on it. */
static void take_console(void)
{
    int null = open("/dev/null", O_RDWR);
    int console = open("/dev/console", O_WRONLY | O_NOCTTY);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(console >= 0 ? console : null, STDERR_FILENO);
    if (null > STDERR_FILENO)
        close(null);
    if (console > STDERR_FILENO)
        close(console);
}

static void wait_for_device(const char *path)
{
    if (!disk_wait(path))
        die("%s did not appear", path);
}

/* The image below, the VM's own disk above: what a user changes is on that. */
static void mount_root(const char *image, const char *disk)
{
    wait_for_device(image);
    mount_at(image, LOWER, "erofs", MS_RDONLY, NULL);
    wait_for_device(disk);
    if (!disk_mount(disk, DISK))
        die_errno("cannot mount %s", disk);
    make_folder(DISK "/upper", 0755);
    make_folder(DISK "/work", 0755);
    mount_at("overlay", ROOT, "overlay", MS_NOATIME, "lowerdir=" LOWER ",upperdir=" DISK "/upper,workdir=" DISK "/work");
}

static void shift_mount(const char *from, const char *to)
{
    make_folder(to, 0755);
    if (mount(from, to, NULL, MS_MOVE, NULL) < 0)
        die_errno("cannot move %s to %s", from, to);
}

/* A bind mount, so that the drivers are in memory once; with the agent itself beside them. */
static void mount_share(const char *target)
{
    make_folder(SHARE, 0755);
    if (link("/init", SHARE "/agent") < 0)
        die_errno("cannot link /init");
    mount_at(SHARE, target, "none", MS_BIND, NULL);
    if (mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
        die_errno("cannot make %s read-only", target);
}

static void switch_root(void)
{
    shift_mount("/proc", ROOT "/proc");
    shift_mount("/sys", ROOT "/sys");
    shift_mount("/dev", ROOT "/dev");
    unlink("/init");
    if (chdir(ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
        die_errno("cannot switch to the root of the image");
}

static void enter_image(const char *image)
{
    char disk[PATH_SIZE];
    if (!cmdline_value("era.disk", disk, sizeof disk))
        die("era.root needs era.disk");
    mount_root(image, disk);
    mount_share(ROOT "/.era");
    switch_root();
}

static void link_dev(const char *target, const char *path)
{
    if (symlink(target, path) < 0 && errno != EEXIST)
        log_errno("cannot make %s", path);
}

static void furnish_dev(void)
{
    mount_at("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=0620,ptmxmode=0666");
    mount_at("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
    link_dev("/proc/self/fd", "/dev/fd");
    link_dev("/proc/self/fd/0", "/dev/stdin");
    link_dev("/proc/self/fd/1", "/dev/stdout");
    link_dev("/proc/self/fd/2", "/dev/stderr");
}

/* Folders that every guest has, whatever its image. */
static void furnish_root(void)
{
    static const char *const folders[] = {"/root", "/in", "/out", "/persist", "/tmp"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        make_folder(folders[i], 0755);
    chmod("/tmp", 01777);
    mount_at("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
    /* Not there in a kernel without cgroups, which serves all the same. */
    if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        log_errno("cannot mount cgroup2");
}

/* As other systems set it; the kernel's own bound of 4096 is too low for builds and servers. */
static void set_limits(void)
{
    struct rlimit files = {.rlim_cur = USUAL_FILES, .rlim_max = MAX_FILES};
    setrlimit(RLIMIT_NOFILE, &files);
}

/* Memory that runs out ends the process that takes it: without swap, the kernel would first throw away and read again the
 * pages of running programs, for minutes (its admin-guide/mm/multigen_lru.rst, "Thrashing prevention"). 100 ms: measured,
 * 0 hangs still; 1000 kills where there was memory enough. */
static void prevent_thrashing(void)
{
    if (!write_file("/sys/kernel/mm/lru_gen/enabled", "y") || !write_file("/sys/kernel/mm/lru_gen/min_ttl_ms", "100"))
        log_errno("cannot set up lru_gen");
}

void init_machine(void)
{
    char image[PATH_SIZE], network[PATH_SIZE];
    umask(0); /* modes of folders are just as written here */
    mount_kernel_folders();
    take_console();
    cmdline_read();
    load_modules(INIT_MODULES_LIST, "/era/modules");
    if (cmdline_value("era.root", image, sizeof image))
        enter_image(image);
    else
        mount_share("/.era");
    furnish_dev();
    furnish_root();
    set_limits();
    prevent_thrashing();
    net_loopback();
    if (cmdline_value("era.net", network, sizeof network) && strcmp(network, "user") == 0)
        net_user();
    umask(022);
}

/* Try to open the port named `era`; -1 while it is not there. */
static int find_port(void)
{
    DIR *folder = opendir(PORTS);
    int fd = -1;
    if (folder == NULL)
        return -1;
    for (struct dirent *entry; fd < 0 && (entry = readdir(folder)) != NULL;) {
        char path[PATH_SIZE], name[16];
        snprintf(path, sizeof path, PORTS "/%s/name", entry->d_name);
        if (entry->d_name[0] == '.' || !read_file(path, name, sizeof name) || strcmp(name, "era\n") != 0)
            continue;
        snprintf(path, sizeof path, "/dev/%s", entry->d_name);
        fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    }
    closedir(folder);
    return fd;
}

int init_port(void)
{
    int64_t end = now_ms() + PORT_MS;
    for (int fd; now_ms() < end; pause_ms(1))
        if ((fd = find_port()) >= 0)
            return fd;
    die("the virtio port `era` did not appear");
}
