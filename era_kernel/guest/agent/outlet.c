#include "outlet.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "frames.h"
#include "inlet.h"

/* A terminal holds 8192 bytes (Linux's pty.c) beside the 4096 that FIONREAD tells of; and who it leaves behind may write on. */
enum { MAX_CREDIT = 16 << 20, MOST_IN_TERMINAL = 64 << 10 };

void outlet_init(struct outlet *outlet, enum outlet_index index, int fd)
{
    static const uint8_t numbers[OUTLETS] = {1, 2, 4};
    *outlet = (struct outlet){.fd = fd, .number = numbers[index], .credit = INITIAL_CREDIT};
}

void outlet_close(struct outlet *outlet)
{
    if (outlet->fd >= 0)
        close(outlet->fd);
    outlet->fd = -1;
    outlet->polled = NULL;
    outlet->before_exit = outlet->before_gate = 0;
}

void outlet_grant(struct outlet *outlet, uint32_t credit)
{
    outlet->credit = credit > MAX_CREDIT - outlet->credit ? MAX_CREDIT : outlet->credit + credit;
}

/* Bytes that can be read now. A terminal passes on what was written to it only when somebody polls. */
static size_t pending(const struct outlet *outlet)
{
    struct pollfd look = {.fd = outlet->fd, .events = POLLIN};
    int size = 0;
    if (outlet->fd < 0 || poll(&look, 1, 0) < 0 || ioctl(outlet->fd, FIONREAD, &size) < 0 || size < 0)
        return 0;
    return (size_t)size;
}

static bool gate_is_shut(const struct outlet *outlets)
{
    return outlets[OUT_STDOUT].before_gate > 0 || outlets[OUT_STDERR].before_gate > 0;
}

/* Without credit an empty output is watched too, for its end alone (POLLHUP); one with bytes in it would wake us for ever. */
static nfds_t outlet_poll(struct outlet *outlet, struct pollfd *set, bool may_read)
{
    outlet->polled = NULL;
    if (outlet->fd < 0 || !may_read || (outlet->credit == 0 && pending(outlet) > 0))
        return 0;
    outlet->polled = set;
    *set = (struct pollfd){.fd = outlet->fd, .events = outlet->credit > 0 ? POLLIN : 0};
    return 1;
}

nfds_t outlets_poll(struct outlet *outlets, struct pollfd *set)
{
    bool has_room = queue_length() < QUEUE_DATA;
    nfds_t count = outlet_poll(&outlets[OUT_STDOUT], set, has_room);
    count += outlet_poll(&outlets[OUT_STDERR], set + count, has_room);
    return count + outlet_poll(&outlets[OUT_DRIVER], set + count, has_room && !gate_is_shut(outlets));
}

static void outlet_end(struct outlet *outlet, uint32_t stream)
{
    send_frame(FRAME_CLOSE, stream, &outlet->number, 1);
    outlet_close(outlet);
}

static void count_down(size_t *left, size_t size)
{
    *left -= size < *left ? size : *left;
}

/* Read once, at most `limit` bytes. When that, or the credit, is none, its end is noticed all the same. */
static void outlet_read(struct outlet *outlet, uint32_t stream, size_t limit)
{
    if (limit > outlet->credit)
        limit = outlet->credit;
    if (limit == 0) {
        if (outlet->polled->revents & (POLLHUP | POLLERR) && pending(outlet) == 0)
            outlet_end(outlet, stream);
        return;
    }
    ssize_t size = read(outlet->fd, data_space(), limit);
    if (size > 0) {
        outlet->since = outlet->since == 0 ? now_ms() : outlet->since;
        data_filled(stream, outlet->number, (size_t)size);
        outlet->credit -= (uint32_t)size;
        count_down(&outlet->before_exit, (size_t)size);
        count_down(&outlet->before_gate, (size_t)size);
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        outlet_end(outlet, stream);
    }
}

static bool is_ready(const struct outlet *outlet)
{
    return outlet->fd >= 0 && outlet->polled != NULL && outlet->polled->revents != 0 && queue_length() < QUEUE_DATA;
}

/* See the head of outlet.h; the order of these questions is the point. */
static void set_gate(struct outlet *outlets)
{
    outlets[OUT_DRIVER].before_gate = pending(&outlets[OUT_DRIVER]);
    if (outlets[OUT_DRIVER].before_gate == 0)
        return;
    outlets[OUT_STDOUT].before_gate = pending(&outlets[OUT_STDOUT]);
    outlets[OUT_STDERR].before_gate = pending(&outlets[OUT_STDERR]);
}

void outlets_serve(struct outlet *outlets, uint32_t stream)
{
    struct outlet *driver = &outlets[OUT_DRIVER];
    if (is_ready(driver) && driver->before_gate == 0)
        set_gate(outlets);
    for (int i = OUT_STDOUT; i <= OUT_STDERR; i++)
        if (is_ready(&outlets[i]))
            outlet_read(&outlets[i], stream, FULL_DATA);
    if (is_ready(driver) && !gate_is_shut(outlets))
        outlet_read(driver, stream, driver->before_gate < FULL_DATA ? driver->before_gate : FULL_DATA);
}

bool outlet_say(struct outlet *outlet, uint32_t stream, const char *words)
{
    size_t size = strlen(words);
    if (outlet->fd < 0 || outlet->credit < size || queue_length() >= QUEUE_DATA)
        return false;
    memcpy(data_space(), words, size);
    data_filled(stream, outlet->number, size);
    outlet->credit -= (uint32_t)size;
    return true;
}

void outlets_mark_exit(struct outlet *outlets, bool is_terminal)
{
    for (int i = OUT_DRIVER; i >= OUT_STDOUT; i--)
        outlets[i].before_exit = is_terminal ? MOST_IN_TERMINAL : pending(&outlets[i]);
}

bool outlets_exit_ready(const struct outlet *outlets)
{
    for (int i = 0; i < OUTLETS; i++)
        if (outlets[i].before_exit > 0 && pending(&outlets[i]) > 0)
            return false;
    return true;
}

bool outlets_all_closed(const struct outlet *outlets)
{
    for (int i = 0; i < OUTLETS; i++)
        if (outlets[i].fd >= 0)
            return false;
    return true;
}
