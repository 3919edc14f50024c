#include "resume.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "disks.h"
#include "files.h"
#include "system.h"

enum { MAX_HOSTNAME = 64 };

/* linux/random.h */
struct rand_pool_info {
    int entropy_count; /* bits */
    int buf_size;      /* bytes */
    uint32_t buf[];
};
#define RNDADDENTROPY _IOW('R', 0x03, int[2])
#define RNDRESEEDCRNG _IO('R', 0x07)

#define HOSTS_MARK "# written by era\n"

bool parse_resume(uint8_t *payload, size_t size, struct resume_request *request)
{
    struct cursor cursor = {payload, size, false};
    request->clock = take_u64(&cursor);
    request->nonce = take_bytes(&cursor, NONCE_SIZE);
    request->machine_id = take_bytes(&cursor, MACHINE_ID_SIZE);
    request->hostname_size = take_u16(&cursor);
    request->hostname = take_bytes(&cursor, request->hostname_size);
    request->entropy_size = take_u16(&cursor);
    request->entropy = take_bytes(&cursor, request->entropy_size);
    request->flags = take_u8(&cursor);
    return is_complete(&cursor) && request->flags <= RESUME_TEMPLATE && request->entropy_size >= MIN_ENTROPY && request->entropy_size <= MAX_ENTROPY;
}

static bool set_clock(uint64_t nanoseconds)
{
    struct timespec time = {.tv_sec = (time_t)(nanoseconds / 1000000000), .tv_nsec = (long)(nanoseconds % 1000000000)};
    return clock_settime(CLOCK_REALTIME, &time) == 0;
}

/* Added entropy is used at the generator's next reseeding, so that is asked for: two clones must differ at once. */
static bool add_entropy(const uint8_t *bytes, size_t size)
{
    union {
        struct rand_pool_info info;
        uint8_t room[sizeof(struct rand_pool_info) + MAX_ENTROPY];
    } pool;
    pool.info.entropy_count = (int)size * 8;
    pool.info.buf_size = (int)size;
    memcpy(pool.info.buf, bytes, size);
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = ioctl(fd, RNDADDENTROPY, &pool) == 0 && ioctl(fd, RNDRESEEDCRNG) == 0;
    close(fd);
    return done;
}

/* Images come with an empty /etc/hosts, because container engines mount their own. A user's own file is left alone. */
static bool write_hosts(const char *hostname)
{
    char text[256] = "";
    if (read_file("/etc/hosts", text, sizeof text) && text[0] != '\0' && strncmp(text, HOSTS_MARK, strlen(HOSTS_MARK)) != 0)
        return true;
    snprintf(text, sizeof text,
             HOSTS_MARK "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 %s\n", hostname);
    return replace_file("/etc/hosts", text, 0644);
}

static bool set_hostname(const uint8_t *bytes, size_t size)
{
    char name[MAX_HOSTNAME + 2];
    if (size == 0 || size > MAX_HOSTNAME || memchr(bytes, 0, size) != NULL)
        return false;
    memcpy(name, bytes, size);
    name[size] = '\0';
    if (sethostname(name, size) < 0 || !write_hosts(name))
        return false;
    name[size] = '\n';
    name[size + 1] = '\0';
    return replace_file("/etc/hostname", name, 0644);
}

static bool set_machine_id(const uint8_t *bytes)
{
    char text[2 * MACHINE_ID_SIZE + 2], old[sizeof text] = "";
    for (size_t i = 0; i < MACHINE_ID_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    strcpy(text + 2 * MACHINE_ID_SIZE, "\n");
    /* The same at every start of a VM: no need to write to its disk each time. */
    if (read_file("/etc/machine-id", old, sizeof old) && strcmp(old, text) == 0)
        return true;
    return replace_file("/etc/machine-id", text, 0444);
}

uint32_t apply_resume(const struct resume_request *request)
{
    uint32_t errors = 0;
    if (!is_system())
        return 0;
    mkdir("/etc", 0755); /* the bare initramfs has none */
    errors |= set_clock(request->clock) ? 0 : RESUME_CLOCK;
    errors |= add_entropy(request->entropy, request->entropy_size) ? 0 : RESUME_ENTROPY;
    errors |= set_hostname(request->hostname, request->hostname_size) ? 0 : RESUME_HOSTNAME;
    errors |= set_machine_id(request->machine_id) ? 0 : RESUME_MACHINE_ID;
    if (!(request->flags & RESUME_TEMPLATE))
        errors |= disk_mount_persist() ? 0 : RESUME_PERSIST;
    return errors;
}
