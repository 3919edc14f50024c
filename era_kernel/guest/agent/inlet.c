#include "inlet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "frames.h"
#include "log.h"

/* What the host may send, and the ^D of a terminal. */
enum { BUFFER_SIZE = INITIAL_CREDIT + 1, END_OF_FILE_KEY = 4 };

void inlet_init(struct inlet *inlet, uint8_t number, int fd, bool is_terminal)
{
    *inlet = (struct inlet){.fd = fd, .number = number, .is_terminal = is_terminal, .credit = INITIAL_CREDIT};
}

/* Bytes were passed on: grant the host as many, in steps. */
static void pass(struct inlet *inlet, uint32_t stream, size_t size)
{
    inlet->passed += (uint32_t)size;
    if (inlet->passed < GRANT_STEP || inlet->closing)
        return;
    uint8_t payload[5];
    put_u32(put_u8(payload, inlet->number), inlet->passed);
    send_frame(FRAME_WINDOW, stream, payload, sizeof payload);
    inlet->credit += inlet->passed;
    inlet->passed = 0;
}

static void forget_buffer(struct inlet *inlet)
{
    free(inlet->buffer);
    inlet->buffer = NULL;
    inlet->start = inlet->length = 0;
}

void inlet_close(struct inlet *inlet)
{
    if (inlet->fd >= 0)
        close(inlet->fd);
    inlet->fd = -1;
    inlet->polled = NULL;
    forget_buffer(inlet);
}

/* Write once; gives what went. An input that its process closed takes everything. */
static size_t write_some(struct inlet *inlet, const uint8_t *bytes, size_t size)
{
    if (inlet->fd < 0)
        return size;
    ssize_t written = write(inlet->fd, bytes, size);
    if (written >= 0)
        return (size_t)written;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    if (!inlet->is_terminal) {
        close(inlet->fd);
        inlet->fd = -1;
    }
    return size;
}

static void keep(struct inlet *inlet, const uint8_t *bytes, size_t size)
{
    if (inlet->buffer == NULL)
        inlet->buffer = malloc(BUFFER_SIZE);
    if (inlet->buffer == NULL)
        die("out of memory");
    if (inlet->start + inlet->length + size > BUFFER_SIZE) {
        memmove(inlet->buffer, inlet->buffer + inlet->start, inlet->length);
        inlet->start = 0;
    }
    memcpy(inlet->buffer + inlet->start + inlet->length, bytes, size);
    inlet->length += size;
}

/* Write it, or keep what does not go. */
static void deliver(struct inlet *inlet, uint32_t stream, const uint8_t *bytes, size_t size)
{
    size_t written = inlet->length == 0 ? write_some(inlet, bytes, size) : 0;
    pass(inlet, stream, written);
    if (written < size)
        keep(inlet, bytes + written, size - written);
}

bool inlet_take(struct inlet *inlet, uint32_t stream, const uint8_t *bytes, size_t size)
{
    if (size > inlet->credit)
        return false;
    inlet->credit -= (uint32_t)size;
    if (!inlet->closing)
        deliver(inlet, stream, bytes, size);
    return true;
}

static void close_when_empty(struct inlet *inlet)
{
    if (inlet->closing && inlet->length == 0 && !inlet->is_terminal)
        inlet_close(inlet);
}

void inlet_finish(struct inlet *inlet, uint32_t stream)
{
    static const uint8_t end_of_file = END_OF_FILE_KEY;
    if (inlet->closing || inlet->fd < 0)
        return;
    inlet->closing = true;
    if (inlet->is_terminal)
        deliver(inlet, stream, &end_of_file, 1);
    close_when_empty(inlet);
}

nfds_t inlet_poll(struct inlet *inlet, struct pollfd *set)
{
    inlet->polled = NULL;
    if (inlet->length == 0)
        return 0;
    inlet->polled = set;
    *set = (struct pollfd){.fd = inlet->fd, .events = POLLOUT};
    return 1;
}

void inlet_serve(struct inlet *inlet, uint32_t stream)
{
    if (inlet->polled == NULL || inlet->polled->revents == 0)
        return;
    size_t size = inlet->length < MAX_DATA ? inlet->length : MAX_DATA;
    size_t written = write_some(inlet, inlet->buffer + inlet->start, size);
    if (inlet->fd < 0)
        written = inlet->length;
    inlet->start += written;
    inlet->length -= written;
    if (inlet->length == 0)
        forget_buffer(inlet);
    pass(inlet, stream, written);
    close_when_empty(inlet);
}
