/* Frames: `u32 length (of all that follows) . u8 type . u32 stream . payload`, big-endian, length from 5 to 1 MiB.
 *
 * What comes in is cut out of one buffer that holds the longest frame; what goes out waits in one queue of bounded size.
 * Nothing here knows what a frame means, or where its bytes come from (see link.h).
 */
#ifndef ERA_FRAMES_H
#define ERA_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROTOCOL = 1,
    MAX_LENGTH = 1 << 20,
    MAX_DATA = 1 << 16,
    HEADER_SIZE = 9,
    TYPE_AND_STREAM = 5,
    MAX_TEXT = 1024,
    /* Bytes of output that make a DATA frame of 64 KiB with its header and fd: Linux's virtio_console cuts what is written
     * into buffers of 32 KiB, and a rest of ten bytes would be one more notification of the host and one more interrupt. */
    FULL_DATA = MAX_DATA - HEADER_SIZE - 1,
};

enum frame_type {
    FRAME_HELLO = 1,
    FRAME_RESUME = 2,
    FRAME_SPAWN = 3,
    FRAME_DATA = 4,
    FRAME_CLOSE = 5,
    FRAME_WINDOW = 6,
    FRAME_SIGNAL = 7,
    FRAME_RESIZE = 8,
    FRAME_EXIT = 9,
    FRAME_STATS = 10,
    FRAME_ERROR = 11,
    FRAME_POWEROFF = 12,
    FRAME_PARK = 13,
    FRAME_WARM = 14,
};

enum error_code {
    ERROR_MALFORMED = 1,
    ERROR_NOT_RESUMED = 2,
    ERROR_STREAM = 3,
    ERROR_TOO_MANY = 4,
};

struct frame {
    uint8_t type;
    uint32_t stream;
    uint8_t *payload; /* valid until the next reader_space() */
    size_t size;
};

enum reader_result { READER_FRAME, READER_MORE, READER_BROKEN };

/* Where the next bytes of the host go; `*size` is the room, 0 only while a whole frame waits in it. */
uint8_t *reader_space(size_t *size);
void reader_filled(size_t size);
/* The next whole frame, if there is one. READER_BROKEN: a length that no frame has. */
enum reader_result reader_next(struct frame *frame);
/* Forget a frame that was begun: the host that was sending it is gone. */
void reader_reset(void);

/* The queue towards the host. Below `QUEUE_DATA` more output of processes is taken in, below `QUEUE_FRAMES` more frames of
 * the host are served. What a turn adds beyond that (answers, EXIT, CLOSE, WINDOW) is far smaller than the rest. */
enum { QUEUE_DATA = 256 << 10, QUEUE_FRAMES = 512 << 10, QUEUE_SIZE = 1 << 20 };

size_t queue_length(void);
const uint8_t *queue_bytes(void);
void queue_sent(size_t size);
/* Forget the rest of a frame that was sent in part only. */
void queue_drop_partial(void);

void send_frame(enum frame_type type, uint32_t stream, const void *payload, size_t size);
/* An ERROR frame; `text` is cut at 1 KiB. */
void send_error(uint32_t stream, enum error_code code, const char *text);
/* A DATA frame in two steps, so that a pipe is read straight into the queue: room for MAX_DATA bytes, then how many came. */
uint8_t *data_space(void);
void data_filled(uint32_t stream, uint8_t fd, size_t size);

#endif
