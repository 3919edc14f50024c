#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "frames.h"
#include "log.h"

enum { AWAY_MS = 10 };

static int in_fd = -1, out_fd = -1;
static bool is_port;
static bool away; /* a port whose host end is closed */
static const struct pollfd *polled; /* in_fd, when it was polled for reading */

static void set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        die_errno("cannot make the stream to the host non-blocking");
}

/* A console as stdin, as some launchers give it, would change the bytes. */
static void set_raw(int fd)
{
    struct termios mode;
    if (tcgetattr(fd, &mode) == 0) {
        cfmakeraw(&mode);
        tcsetattr(fd, TCSANOW, &mode);
    }
}

void link_open_stdio(void)
{
    /* 10: above the fds that a child gets, so that their dup2 never meets ours. */
    in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (in_fd < 0 || out_fd < 0 || null < 0)
        die_errno("cannot take stdin and stdout");
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    close(null);
    set_raw(in_fd);
    set_nonblocking(in_fd);
    set_nonblocking(out_fd);
}

void link_open_port(int fd)
{
    in_fd = out_fd = fd;
    is_port = true;
    set_nonblocking(fd);
}

nfds_t link_poll(struct pollfd *set, bool reading)
{
    nfds_t count = 0;
    polled = NULL;
    if (away)
        return 0;
    if (reading) {
        polled = set;
        set[count++] = (struct pollfd){.fd = in_fd, .events = POLLIN};
    }
    if (queue_length() > 0)
        set[count++] = (struct pollfd){.fd = out_fd, .events = POLLOUT};
    return count;
}

int link_timeout(void)
{
    return away ? AWAY_MS : -1;
}

static bool host_is_away(void)
{
    struct pollfd port = {.fd = in_fd, .events = 0};
    return poll(&port, 1, 0) > 0 && (port.revents & POLLHUP) != 0;
}

/* The port's host went or came back. Halves of frames are of no use to the next host, nor to us. */
static void update_away(void)
{
    bool now = host_is_away();
    if (now && !away) {
        reader_reset();
        queue_drop_partial();
    }
    away = now;
}

bool link_read(void)
{
    if (away)
        update_away();
    if (away || polled == NULL || polled->revents == 0)
        return true;
    size_t room;
    uint8_t *space = reader_space(&room);
    if (room == 0) /* whole frames wait in it to be served */
        return true;
    ssize_t size = read(in_fd, space, room);
    if (size > 0)
        reader_filled((size_t)size);
    else if (size == 0 && is_port)
        update_away();
    else
        return size < 0 && (errno == EAGAIN || errno == EINTR);
    return true;
}

static bool flush_stopped(bool is_full)
{
    if (is_port)
        update_away();
    return is_port || is_full;
}

bool link_flush(void)
{
    while (!away && queue_length() > 0) {
        ssize_t size = write(out_fd, queue_bytes(), queue_length());
        if (size > 0)
            queue_sent((size_t)size);
        else if (size == 0 || errno != EINTR)
            return flush_stopped(size < 0 && errno == EAGAIN);
    }
    return true;
}

void link_drain(int milliseconds)
{
    int64_t end = now_ms() + milliseconds;
    while (queue_length() > 0 && now_ms() < end && link_flush()) {
        struct pollfd port = {.fd = out_fd, .events = POLLOUT};
        poll(&port, 1, 2);
    }
}
