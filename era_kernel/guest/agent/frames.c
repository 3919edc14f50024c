#include "frames.h"

#include <string.h>

#include "bytes.h"
#include "log.h"

static uint8_t input[4 + MAX_LENGTH];
static size_t input_start, input_end;

uint8_t *reader_space(size_t *size)
{
    if (input_start > 0) {
        memmove(input, input + input_start, input_end - input_start);
        input_end -= input_start;
        input_start = 0;
    }
    *size = sizeof input - input_end;
    return input + input_end;
}

void reader_filled(size_t size)
{
    input_end += size;
}

enum reader_result reader_next(struct frame *frame)
{
    struct cursor cursor = {input + input_start, input_end - input_start, false};
    uint32_t length = take_u32(&cursor);
    if (cursor.bad)
        return READER_MORE;
    if (length < TYPE_AND_STREAM || length > MAX_LENGTH)
        return READER_BROKEN;
    if (cursor.left < length)
        return READER_MORE;
    frame->type = take_u8(&cursor);
    frame->stream = take_u32(&cursor);
    frame->payload = cursor.at;
    frame->size = length - TYPE_AND_STREAM;
    input_start += 4 + (size_t)length;
    return READER_FRAME;
}

void reader_reset(void)
{
    input_start = input_end = 0;
}

static uint8_t queue[QUEUE_SIZE];
static size_t queue_start, queue_end;
static size_t frame_left; /* of the frame at the queue's head, when a part of it was sent */

size_t queue_length(void)
{
    return queue_end - queue_start;
}

const uint8_t *queue_bytes(void)
{
    return queue + queue_start;
}

static void queue_advance(size_t size)
{
    queue_start += size;
    if (queue_start == queue_end)
        queue_start = queue_end = 0;
}

void queue_sent(size_t size)
{
    while (size > 0) {
        if (frame_left == 0) {
            struct cursor head = {queue + queue_start, 4, false};
            frame_left = 4 + (size_t)take_u32(&head);
        }
        size_t part = size < frame_left ? size : frame_left;
        frame_left -= part;
        size -= part;
        queue_advance(part);
    }
}

void queue_drop_partial(void)
{
    queue_advance(frame_left);
    frame_left = 0;
}

static uint8_t *queue_room(size_t size)
{
    if (QUEUE_SIZE - queue_end < size) {
        memmove(queue, queue + queue_start, queue_end - queue_start);
        queue_end -= queue_start;
        queue_start = 0;
    }
    if (QUEUE_SIZE - queue_end < size)
        die("the queue to the host is full"); /* the limits in frames.h are wrong */
    return queue + queue_end;
}

static uint8_t *put_header(uint8_t *at, enum frame_type type, uint32_t stream, size_t size)
{
    at = put_u32(at, (uint32_t)(TYPE_AND_STREAM + size));
    at = put_u8(at, (uint8_t)type);
    return put_u32(at, stream);
}

void send_frame(enum frame_type type, uint32_t stream, const void *payload, size_t size)
{
    uint8_t *at = put_header(queue_room(HEADER_SIZE + size), type, stream, size);
    put_bytes(at, payload, size);
    queue_end += HEADER_SIZE + size;
}

void send_error(uint32_t stream, enum error_code code, const char *text)
{
    uint8_t payload[4 + MAX_TEXT];
    size_t size = strnlen(text, MAX_TEXT);
    put_bytes(put_u32(payload, code), text, size);
    send_frame(FRAME_ERROR, stream, payload, 4 + size);
}

uint8_t *data_space(void)
{
    return queue_room(HEADER_SIZE + 1 + MAX_DATA) + HEADER_SIZE + 1;
}

void data_filled(uint32_t stream, uint8_t fd, size_t size)
{
    put_u8(put_header(queue + queue_end, FRAME_DATA, stream, 1 + size), fd);
    queue_end += HEADER_SIZE + 1 + size;
}
